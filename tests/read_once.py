"""The same sheet is read once in a run of tests: the process that reads it takes longer than most tests."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tagsync.sheets import reader
from tagsync.sheets.cells import Row
from tagsync.sheets.reading import AS_FOUND, Reading

SHEETS_REMEMBERED = 500
# When it was made: two workbooks with the same rows differ in nothing else.
DATED = "docProps/"

_read_rows, _first_answer = reader.rows, reader.first_answer
_remembered: dict[tuple[Any, ...], Any] = {}


def read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """For the imports of a test; whoever tries the reading itself does without."""

    def first_answer(path: Path, sheet: str | None, reading: Reading, **how: Any) -> Any:
        asked = ("preview", sheet, reading, *sorted(how.items()))
        return _once(path, asked, lambda: _first_answer(path, sheet, reading, **how))

    def rows(path: Path, sheet: str, reading: Reading = AS_FOUND, **_limits: Any) -> Iterator[Row]:
        yield from _once(path, ("rows", sheet, reading), lambda: list(_read_rows(path, sheet, reading)))

    monkeypatch.setattr(reader, "first_answer", first_answer)
    for room in ("tagsync.imports.check.staging", "tagsync.exports.workbook", "tests.invariants"):
        monkeypatch.setattr(f"{room}.read_rows", rows)


def _once(path: Path, asked: tuple[Any, ...], read: Callable[[], Any]) -> Any:
    key = (_content(path.read_bytes()), *asked)
    if key not in _remembered:
        if len(_remembered) >= SHEETS_REMEMBERED:
            _remembered.clear()
        _remembered[key] = read()
    return _remembered[key]


def _content(data: bytes) -> object:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [member for member in archive.infolist() if not member.filename.startswith(DATED)]
            return tuple((one.filename, one.CRC, one.file_size, one.flag_bits, one.compress_type) for one in members)
    except (zipfile.BadZipFile, ValueError):
        return data
