from collections.abc import Callable
from pathlib import Path

import pytest

from tagsync.sheets import reader
from tagsync.sheets.cells import Row
from tagsync.sheets.errors import Unreadable
from tagsync.sheets.guard import Limits


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "book.xlsx"


@pytest.fixture
def read() -> Callable[..., list[Row]]:
    """All rows of the sheet "Sheet1", through the child process."""

    def read(path: Path, **limits: int) -> list[Row]:
        return list(reader.rows(path, "Sheet1", limits=Limits(**limits)))

    return read


@pytest.fixture
def refusal(read: Callable[..., list[Row]]) -> Callable[..., Unreadable]:
    """What `rows` says about a file that cannot be read."""

    def refusal(path: Path, **limits: int) -> Unreadable:
        with pytest.raises(Unreadable) as caught:
            read(path, **limits)
        assert str(caught.value) == caught.value.code
        return caught.value

    return refusal
