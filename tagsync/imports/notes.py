"""What is wrong with a row, as its record keeps it: the one way in and out of `ImportRow.notes`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tagsync.mapping.rows import Note
from tagsync.sheets.cells import column_index, column_letter


def stored(*notes: Note) -> list[dict[str, Any]]:
    """As JSON: with the letter of the column, "" for a note that is about no column."""
    return [
        {"code": one.code, "field": one.field, "column": letter(one), "value": one.value, "params": one.params}
        for one in notes
    ]


def restored(kept: Iterable[Mapping[str, Any]]) -> tuple[Note, ...]:
    return tuple(
        Note(one["code"], one.get("field"), _index(one.get("column")), one.get("value") or "", one.get("params") or {})
        for one in kept
    )


def letter(note: Note) -> str:
    return "" if note.column is None else column_letter(note.column)


def _index(column: str | None) -> int | None:
    return column_index(column) if column else None
