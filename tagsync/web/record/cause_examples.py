"""A cell by which somebody finds in her sheet what a cause means: one for each cause, as this person may see it."""

from __future__ import annotations

from dataclasses import replace

from tagsync.imports.models import ImportRow
from tagsync.imports.notes import letter
from tagsync.mapping.fields import IDENTIFIERS
from tagsync.mapping.masking import HIDDEN
from tagsync.web.record.causes import Cause, Causes, Example
from tagsync.web.record.rows import Sight


def with_examples(found: Causes, seen: Sight) -> Causes:
    """One query for all of them."""
    wanted = [cause.first_row for cause in found.shown]
    rows = {row.row_number: row for row in ImportRow.objects.filter(job=seen.job, row_number__in=wanted)}
    shown = [
        replace(cause, example=_example(rows[cause.first_row], cause, seen)) if cause.first_row in rows else cause
        for cause in found.shown
    ]
    return found._replace(shown=shown)


def _example(row: ImportRow, cause: Cause, seen: Sight) -> Example:
    """The cell that is wrong; of a row that was refused, the customer as far as she may be known."""
    note = next((note for note in row.noted if note.code == cause.problem_code and note.column is not None), None)
    if note:
        value = seen.value_in(row, note.field or "", note.value) if note.value else ""
        return Example(row.row_number, f"{letter(note)}{row.row_number}", "" if value == HIDDEN else value)
    values = row.values_by_field()
    said = (seen.value_in(row, field, values[field]) for field in IDENTIFIERS if values[field])
    return Example(row.row_number, "", next((value for value in said if value != HIDDEN), ""))
