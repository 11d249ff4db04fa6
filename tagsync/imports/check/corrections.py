"""A failed import and the one that corrects it: which rows belong together, and what still stands as it was.

A workbook that comes back is text throughout, so a cell that was wrong for what it *was* (a number without its last
digits, a date) would look right now. That is why an untouched cell keeps its problem here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from tagsync.imports.models import ImportJob, ImportRow
from tagsync.imports.states import FAILURES, RowStatus
from tagsync.mapping.characters import storable
from tagsync.mapping.cleaning import PLACEHOLDER_IN_IDENTIFIER
from tagsync.mapping.fields import FIELDS, IDENTIFIERS
from tagsync.mapping.masking import mask
from tagsync.mapping.rows import LONGER_THAN_HEADER, Checked, Note, check_row, join_tags
from tagsync.sheets.cells import Cell, Kind, Row

ROWS_AT_ONCE = 2000
FAILED = (*FAILURES, RowStatus.WAITING)
# Problems of the row and not of one of its cells: they are found anew.
OF_THE_ROW = frozenset(
    (
        *("no_identifier", "no_tags", "duplicate_of", "superseded_by"),
        *("accepted_before", "did_not_fail", "fixed_before", "left_out_before"),
    )
)


class Original(NamedTuple):
    """The row of the corrected import. `fixed`: the values that another correction of it brought to the platform."""

    import_id: int
    row_number: int
    status: str
    values: dict[str, str]
    notes: tuple[Note, ...]
    fixed: dict[str, str] | None


def with_originals(
    job: ImportJob, source: Iterable[Row], *, same_file: bool = False
) -> Iterator[tuple[Row, Original | None]]:
    """Each row with the row that it corrects: by the number in the column that the export wrote, or, where it is the
    very same file, by its own."""
    column = -1 if same_file else next((one["column"] for one in job.columns if one.get("row_numbers")), None)
    if column is None or job.corrects_id is None:
        yield from ((row, None) for row in source)
        return
    rows, taken = iter(source), set[int]()
    while chunk := list(islice(rows, ROWS_AT_ONCE)):
        numbers = [row.number if same_file else _number(row.cells.get(column)) for row in chunk]
        originals = _originals(job, [number for number in numbers if number is not None])
        for row, number in zip(chunk, numbers, strict=True):
            # A number that stands there twice says nothing the second time.
            known = number is not None and number not in taken
            if known:
                taken.add(number or 0)
            yield row, originals.get(number or 0) if known else None


def _number(cell: Cell | None) -> int | None:
    text = cell.text.strip() if cell else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 7 else None


def _originals(job: ImportJob, numbers: Sequence[int]) -> dict[int, Original]:
    fixed = ImportRow.objects.filter(job__corrects=job.corrects_id, corrects_row__in=numbers, status=RowStatus.ACCEPTED)
    values = {row.corrects_row: row.values_by_field() for row in fixed.exclude(job=job)}
    rows = ImportRow.objects.filter(job=job.corrects_id, row_number__in=numbers)
    return {
        row.row_number: Original(
            row.job_id, row.row_number, row.status, row.values_by_field(), row.noted, values.get(row.row_number)
        )
        for row in rows
    }


def unmasked(row: Row, original: Original, columns: Mapping[int, str]) -> Row:
    """The row with the values that its masks hide; the very same when there is no mask in it."""
    cells = {column: _unmasked(cell, columns.get(column, ""), original) for column, cell in row.cells.items()}
    return row if cells == row.cells else row._replace(cells=cells)


def check(row: Row, original: Original, columns: Mapping[int, str], fixed_tags: str) -> Checked:
    """`mapping.rows.check_row` for a row that comes back, `unmasked`: a cell that still says what was wrong keeps its
    problem."""
    checked = _with_unchanged(check_row(row, columns, fixed_tags), row, original, columns, fixed_tags)
    kept = list(_still_wrong(row, original, columns))
    if _is_still_longer(row, checked, original):
        kept.append(next(note for note in original.notes if note.code == LONGER_THAN_HEADER))
    if not kept:
        return checked
    fields = {note.field for note in kept if note.field}
    found = [note for note in checked.notes if note.field not in fields and not _answered(note, fields)]
    values = checked.values | {note.field: note.value for note in kept if note.field and note.field != "tags"}
    order = (None, *FIELDS)
    notes = sorted([*found, *kept], key=lambda note: order.index(note.field))
    return Checked(checked.row_number, values, tuple(notes), checked.changes)


def _with_unchanged(
    checked: Checked, row: Row, original: Original, columns: Mapping[int, str], fixed_tags: str
) -> Checked:
    """A value that was clean and comes back as it went out is that value: a tag `5.0` that was meant is no `5`."""
    noted = {note.field for note in original.notes}
    texts: dict[str, str] = {}
    for column, field in columns.items():
        if column in row.cells:
            text = row.cells[column].text
            texts[field] = join_tags(texts[field], text) if field in texts else text
    same = {field for field, text in texts.items() if field not in noted and text == original.values[field]}
    if "tags" in texts and "tags" not in noted and join_tags(texts["tags"], fixed_tags) == original.values["tags"]:
        same.add("tags")
    values = {field: original.values[field] for field in same}
    if values.get("tags") and fixed_tags:
        values["tags"] = join_tags(values["tags"], fixed_tags)
    return checked._replace(
        values=checked.values | values,
        notes=tuple(note for note in checked.notes if note.field not in same),
        changes=tuple(change for change in checked.changes if change.field not in same),
    )


def _unmasked(cell: Cell, field: str, original: Original) -> Cell:
    value = original.values[field] if field in IDENTIFIERS else ""
    return Cell(Kind.TEXT, value) if value and cell.text == mask(field, value) else cell


def _still_wrong(row: Row, original: Original, columns: Mapping[int, str]) -> Iterator[Note]:
    for note in original.notes:
        # Whether a placeholder stands beside a usable identifier now is seen in the row.
        if note.code in OF_THE_ROW or note.code == PLACEHOLDER_IN_IDENTIFIER:
            continue
        for column, field in columns.items():
            cell = row.cells.get(column)
            if field == note.field and storable(cell.text if cell else "") == note.value:
                yield note._replace(column=column)
                break


def _is_still_longer(row: Row, checked: Checked, original: Original) -> bool:
    """In the workbook nothing moves any more: whether the row was cut apart shows only in what it held."""
    where = next((note.column for note in original.notes if note.code == LONGER_THAN_HEADER), None)
    return where in row.cells and checked.values == original.values


def _answered(note: Note, fields: Iterable[str | None]) -> bool:
    """Nothing is missing where something wrong stands."""
    return note.code == "no_identifier" and any(field in IDENTIFIERS for field in fields)


def nothing_to_correct(checked: Checked, original: Original) -> Note | None:
    """Why the row needs not be sent: it did not fail, or was fixed already. None when it is to be sent."""
    if original.fixed == checked.values:
        return Note("fixed_before", None, None, "", {"row": original.row_number})
    if original.status not in FAILED and original.values == checked.values:
        return Note("did_not_fail", None, None, "", {"import": original.import_id, "row": original.row_number})
    return None
