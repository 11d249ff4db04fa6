"""For what is started by hand: a folder and a database of its own, where DATABASE_URL leads or SQLite, and Django."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import django

from tests.legs import engines


@contextmanager
def of_its_own() -> Iterator[Path]:
    """The folder. Whatever needs Django is imported inside."""
    with tempfile.TemporaryDirectory() as folder, engines("faults") as engine:
        home = Path(folder) / "tests"
        os.environ.update({**engine, "TAGSYNC_HOME": str(home), "DJANGO_SETTINGS_MODULE": "tests.settings"})
        django.setup()
        # Django knows itself only now
        from django.core.management import call_command
        from django.db import connections

        call_command("migrate", verbosity=0)
        yield Path(folder)
        connections.close_all()


def tell(figures: Mapping[str, float]) -> None:
    for name, value in figures.items():
        print(f"{name}: {value:,.1f}" if isinstance(value, float) else f"{name}: {value:,}")
