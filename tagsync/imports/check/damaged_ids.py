"""Customer IDs that only the whole column betrays: last digits that Excel made zeros, first zeros it cut off.

One such ID proves nothing, so nothing is decided before all rows are read. Knows no file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from django.db.models import QuerySet
from django.db.models.functions import Length

from tagsync.imports.check.summary import EXAMPLES, Group, IdShape, Tallies, id_shape, warning
from tagsync.imports.locking import Lease
from tagsync.imports.models import ImportJob, ImportRow
from tagsync.imports.models.row import VALUE_COLUMNS, Origin
from tagsync.imports.models.summary import WarningSummary
from tagsync.imports.notes import stored
from tagsync.imports.problems.groups import ProblemIndex
from tagsync.imports.states import RowStatus
from tagsync.mapping.cleaning import EXCEL_EXACT_DIGITS
from tagsync.mapping.fields import CUSTOMER_ID
from tagsync.mapping.rows import Note
from tagsync.sheets.cells import column_index

# So many times more than chance would give are not chance.
BEYOND_CHANCE = 10
# Of the IDs that consist of digits; the others may be from elsewhere.
USUAL_SHARE = 0.9
ROWS_PER_COMMIT = 5000


class Suspicion(NamedTuple):
    code: str
    params: dict[str, str | int]
    shapes: frozenset[IdShape]
    stops: bool  # or only warns


def suspicions(shapes: Mapping[IdShape, int]) -> list[Suspicion]:
    return [found for found in (_ends_in_zeros(shapes), _too_short(shapes)) if found]


def _ends_in_zeros(shapes: Mapping[IdShape, int]) -> Suspicion | None:
    """An 18-digit ID ends in three zeros by chance once in a thousand times."""
    cut = frozenset(shape for shape in shapes if shape.ends_in_zeros)
    if not cut:
        return None
    expected = sum(
        rows / 10 ** (shape.digits - EXCEL_EXACT_DIGITS) for shape, rows in shapes.items() if _is_long(shape)
    )
    stops = sum(shapes[shape] for shape in cut) >= BEYOND_CHANCE * expected
    return Suspicion("id_ends_in_zeros", {"field": CUSTOMER_ID}, cut, stops)


def _is_long(shape: IdShape) -> bool:
    return shape.digits > EXCEL_EXACT_DIGITS + 1


def _too_short(shapes: Mapping[IdShape, int]) -> Suspicion | None:
    """Nearly all have the same length, some of these begin with a zero, and others are shorter without one."""
    lengths: Counter[int] = Counter()
    for shape, rows in shapes.items():
        lengths[shape.digits] += rows
    if not lengths:
        return None
    usual, rows = lengths.most_common(1)[0]
    has_zeros = any(shape.starts_with_zero for shape in shapes if shape.digits == usual)
    short = frozenset(shape for shape in shapes if shape.digits < usual and not shape.starts_with_zero)
    if not short or not has_zeros or rows < USUAL_SHARE * lengths.total():
        return None
    return Suspicion("id_too_short", {"field": CUSTOMER_ID, "characters": usual}, short, True)


def look_again(job: ImportJob, tallies: Tallies, lease: Lease) -> list[WarningSummary]:
    """Stop the rows whose IDs are ruined; returns warnings about the others. Raises what `lease` raises."""
    warnings = []
    for suspicion in suspicions(tallies.id_shapes):
        if suspicion.stops:
            _stop_all(job, suspicion, tallies, lease)
        else:
            warnings.append(_warning(job, suspicion, tallies))
    return warnings


def _warning(job: ImportJob, suspicion: Suspicion, tallies: Tallies) -> WarningSummary:
    group = Group(sum(tallies.id_shapes[shape] for shape in suspicion.shapes))
    rows = (row for row in _candidates(job, suspicion, 0)[:ROWS_PER_COMMIT] if _fits(row.customer_id, suspicion))
    for row in islice(rows, EXAMPLES):
        where = tallies.cell(CUSTOMER_ID, row.row_number)
        group.examples.append([row.row_number, where, row.customer_id])
    return warning("id_may_end_in_zeros", {"field": CUSTOMER_ID}, group)


def _stop_all(job: ImportJob, suspicion: Suspicion, tallies: Tallies, lease: Lease) -> None:
    problems, last = ProblemIndex(job, lease), 0
    while chunk := list(_candidates(job, suspicion, last)[:ROWS_PER_COMMIT]):
        last = chunk[-1].row_number
        with lease():
            _stop(job, suspicion, [row for row in chunk if _fits(row.customer_id, suspicion)], problems, tallies)


def _candidates(job: ImportJob, suspicion: Suspicion, after: int) -> QuerySet[ImportRow]:
    """Rows with IDs as long as suspected, in order; what the IDs look like is seen afterwards.

    Duplicates too: each would say that it is sent with a row that is now stopped.
    """
    lengths = {shape.digits for shape in suspicion.shapes}
    seen = (RowStatus.WAITING, RowStatus.DUPLICATE) if suspicion.stops else (RowStatus.WAITING,)
    waiting = ImportRow.objects.filter(job=job, status__in=seen, row_number__gt=after)
    if suspicion.code == "id_ends_in_zeros":
        waiting = waiting.filter(customer_id__endswith="00")
    found = waiting.annotate(length=Length("customer_id")).filter(length__in=lengths)
    return found.order_by("row_number").only("row_number", "status", *VALUE_COLUMNS.values())


def _fits(value: str, suspicion: Suspicion) -> bool:
    return value.isdigit() and id_shape(value) in suspicion.shapes


def _stop(
    job: ImportJob, suspicion: Suspicion, rows: Sequence[ImportRow], problems: ProblemIndex, tallies: Tallies
) -> None:
    problem_id = problems.id_of(Origin.CHECK, suspicion.code, suspicion.params)
    for row in rows:
        column = tallies.cell(CUSTOMER_ID, row.row_number).removesuffix(str(row.row_number))
        note = Note(
            suspicion.code, CUSTOMER_ID, column_index(column) if column else None, row.customer_id, suspicion.params
        )
        if row.status == RowStatus.WAITING:
            tallies.not_sendable_after_all(row.values_by_field())
        tallies.statuses[row.status] -= 1
        row.status, row.problem_id, row.notes = RowStatus.TO_FIX, problem_id, stored(note)
    ImportRow.objects.bulk_update(rows, ["status", "problem", "notes"], batch_size=200)
    tallies.statuses[RowStatus.TO_FIX] += len(rows)
    ImportJob.objects.filter(pk=job.pk).update(counts=dict(+tallies.statuses))
