"""The opened repair of one cause on the check page: common values, and rows cell by cell. Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db.models import Count, Min, QuerySet

from tagsync.accounts.models import Person
from tagsync.imports.models import ImportJob, ImportRow, Problem
from tagsync.imports.models.row import VALUE_COLUMNS
from tagsync.imports.permissions import sees_in_full, sees_invalid_values
from tagsync.imports.problems import sentence
from tagsync.imports.states import RowStatus
from tagsync.mapping.fields import FIELDS, IDENTIFIERS
from tagsync.mapping.masking import mask
from tagsync.mapping.rows import LONGER_THAN_HEADER
from tagsync.web.check.repair_forms import holds_value
from tagsync.web.columns.forms import field_label
from tagsync.web.paging import cut_forwards
from tagsync.web.ui.cells import in_short

ROWS_SHOWN = 20
VALUES_SHOWN = 8
# Problems of the row and the fields that can mend them.
OF_THE_ROW = {"no_identifier": IDENTIFIERS, "no_tags": ("tags",), LONGER_THAN_HEADER: tuple(FIELDS)}


class SameValue(NamedTuple):
    """A value that stands in several rows; `row` is one of them."""

    row: int
    text: str
    rows: int


class Cell(NamedTuple):
    name: str
    label: str
    text: str
    hint: str
    why: str  # "" where the heading of the cause says it


class Line(NamedTuple):
    row_number: int
    cells: list[Cell]
    others: list[tuple[str, str]]
    # all its cells as the file has them, where it is not sure which belongs to which column
    typed: str


@dataclass(frozen=True)
class Panel:
    problem: int
    field: str
    label: str
    values: list[SameValue]
    lines: list[Line]
    after: int
    next: int | None
    # a cell of this field may be empty: the other identifiers may be enough
    may_be_empty: bool


def panel(job: ImportJob, problem: Problem, person: Person, after: int) -> Panel:
    in_full, shows_invalid = sees_in_full(person, job), sees_invalid_values(person, job)
    rows = ImportRow.objects.filter(job=job, problem=problem, status=RowStatus.TO_FIX)
    field = "tags" if problem.code == "no_tags" else str(problem.params.get("field", ""))
    found = rows.filter(row_number__gt=after).order_by("row_number")[: ROWS_SHOWN + 1]
    cut = cut_forwards(found, ROWS_SHOWN, from_beginning=not after)
    known = sentence(problem.code, problem.params).title
    return Panel(
        problem=problem.pk,
        field=field,
        label=field_label(field) if field else "",
        values=_same_values(rows, field, shows_invalid) if field else [],
        lines=[_line(job, row, in_full, shows_invalid, known) for row in cut.lines],
        after=after,
        next=cut.lines[-1].row_number if cut.has_next else None,
        may_be_empty=field in IDENTIFIERS,
    )


def _same_values(rows: QuerySet[ImportRow], field: str, shows_invalid: bool) -> list[SameValue]:
    column = VALUE_COLUMNS[field]
    counted: Any = rows.order_by().values(column).annotate(number=Count("pk"), row=Min("row_number"))
    most = counted.filter(number__gt=1).order_by("-number", "row")[:VALUES_SHOWN]
    return [SameValue(one["row"], _shown(field, one[column], shows_invalid), one["number"]) for one in most]


def _line(job: ImportJob, row: ImportRow, in_full: bool, shows_invalid: bool, known: str) -> Line:
    values, wrong = row.values_by_field(), _wrong(job, row)
    cells = [
        Cell(
            name=f"cell-{row.row_number}-{field}",
            label=field_label(field),
            text=values[field] if holds_value(field, values[field], shows_invalid) else "",
            hint=_shown(field, values[field], shows_invalid),
            why="" if why == known else why,
        )
        for field, why in wrong.items()
    ]
    others = [(field_label(f), _shown(f, v, in_full)) for f, v in values.items() if v and f not in wrong]
    typed = next((note.value for note in row.noted if note.code == LONGER_THAN_HEADER), "")
    return Line(row.row_number, cells, others, _shown("", typed, in_full))


def _wrong(job: ImportJob, row: ImportRow) -> dict[str, str]:
    """Field → why it has to be mended, in the order of the fields."""
    mapped = {"tags", *job.mapped_columns().values()}
    found: dict[str, str] = {}
    for note in row.notes:
        why = sentence(note["code"], {"field": note["field"] or "", **note["params"]}).title
        for field in OF_THE_ROW.get(note["code"], (note["field"],)):
            if field in mapped:
                found.setdefault(field, why)
    return {field: found[field] for field in FIELDS if field in found}


def _shown(field: str, value: str, in_full: bool) -> str:
    return in_short(value) if in_full or field == "tags" else mask(field, value)
