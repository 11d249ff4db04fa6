"""The key in an exported workbook by which it is known when it comes back, corrected. Knows no file and no page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from django.core import signing

from tagsync.accounts.models import Person
from tagsync.imports.drafts.saved_mappings import fields_of
from tagsync.imports.models import ImportJob, SavedMapping
from tagsync.mapping.matching import column_name, header_kept
from tagsync.sheets.cells import Row

KEY_SHEET = "tagsync"
_SALT = "tagsync.export"


class Key(NamedTuple):
    """Which import the rows are of, and the header of the column with their row numbers."""

    import_id: int
    number_header: str


def written(key: Key) -> str:
    return signing.dumps(list(key), salt=_SALT)


def read(text: str) -> Key | None:
    """None for what this installation has not signed."""
    try:
        import_id, number_header = signing.loads(text, salt=_SALT)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    return Key(int(import_id), str(number_header))


def import_of(key: Key, person: Person) -> ImportJob | None:
    """The import that the workbook was made from, if this person may see it."""
    return ImportJob.objects.visible_to(person).filter(pk=key.import_id).select_related("connection").first()


def header_row(key: Key, rows: Iterable[Row]) -> int | None:
    """The number of the row that holds the header of the row numbers."""
    named = (row for row in rows if any(header_kept(cell.text) == key.number_header for cell in row.cells.values()))
    return next((row.number for row in named), None)


def fields(key: Key, original: ImportJob, headers: Mapping[int, str]) -> dict[int, dict[str, Any]]:
    """Column → {"field": …} as the import had it, by header; the column of row numbers says so.

    Where the sheet had no names for its columns, the export has named them by their letters.
    """
    named = [{**column, "header": column_name(column["header"], column["column"])} for column in original.columns]
    found = fields_of(SavedMapping(columns=named), headers)
    decided: dict[int, dict[str, Any]] = {column: {"field": field} for column, field in found.items()}
    number = next((column for column, header in reversed([*headers.items()]) if header == key.number_header), None)
    if number is not None:
        decided[number] = {"field": None, "row_numbers": True}
    return decided
