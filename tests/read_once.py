"""The same sheet is read once in a run of tests: the process that reads it takes longer than most tests."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from tagsync.sheets import reader
from tagsync.sheets.cells import Row
from tagsync.sheets.reading import AS_FOUND, Reading

SHEETS_REMEMBERED = 256

_read_rows, _first_answer = reader.rows, reader.first_answer


@lru_cache(SHEETS_REMEMBERED)
def _answer_to(content: bytes, sheet: str | None, reading: Reading, max_rows: int, whole_cells: bool) -> Any:
    with tempfile.NamedTemporaryFile(suffix=".upload") as file:
        Path(file.name).write_bytes(content)
        return _first_answer(Path(file.name), sheet, reading, max_rows=max_rows, whole_cells=whole_cells)


@lru_cache(SHEETS_REMEMBERED)
def _rows_in(content: bytes, sheet: str, reading: Reading) -> list[Row]:
    with tempfile.NamedTemporaryFile(suffix=".upload") as file:
        Path(file.name).write_bytes(content)
        return list(_read_rows(Path(file.name), sheet, reading))


def read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """For the imports of a test; whoever tries the reading itself does without."""

    def first_answer(
        path: Path, sheet: str | None, reading: Reading, *, max_rows: int, whole_cells: bool, **limits: Any
    ) -> Any:
        if limits:
            return _first_answer(path, sheet, reading, max_rows=max_rows, whole_cells=whole_cells, **limits)
        return _answer_to(path.read_bytes(), sheet, reading, max_rows, whole_cells)

    def rows(path: Path, sheet: str, reading: Reading = AS_FOUND) -> Iterator[Row]:
        yield from _rows_in(path.read_bytes(), sheet, reading)

    monkeypatch.setattr(reader, "first_answer", first_answer)
    for room in ("tagsync.imports.check.staging", "tagsync.exports.workbook", "tests.invariants"):
        monkeypatch.setattr(f"{room}.read_rows", rows)
