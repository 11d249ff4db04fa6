"""Templates are written with indentation and served without it."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings
from django.template.loader import get_template

FOLDER = Path(settings.BASE_DIR) / "templates"
NAMES = sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.html"))


def test_every_template_is_loaded_so() -> None:
    loaded = [get_template(name).template.source for name in NAMES]
    assert len(loaded) > 100
    assert not [name for name, source in zip(NAMES, loaded, strict=True) if "\n " in source or "\n\t" in source]


@pytest.mark.parametrize("name", ["base.html", "history/_line.html"])
def test_each_line_keeps_its_number(name: str) -> None:
    """Else an error in a template would name a wrong one."""
    written = (FOLDER / name).read_text()
    assert [line.strip() for line in get_template(name).template.source.splitlines()] == [
        line.strip() for line in written.splitlines()
    ]
