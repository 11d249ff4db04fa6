"""Rows that must not be sent any more, because a newer import did the opposite for the same customer and tag.

Looked for when an import comes back into the line after others: at a resume or a retry. Newer is a number, the place in
line of the confirmation, never a time. Only what a newer row did, or may have done, counts: one that still waits comes
after us and has its effect by itself, and one that was never sent has none.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from django.db import connection as database
from django.db.models import Exists, OuterRef, Q, QuerySet

from tagsync.database import let_others_write
from tagsync.imports.locking import under_lease
from tagsync.imports.models import ImportJob, ImportRow
from tagsync.imports.models.choices import Operation
from tagsync.imports.models.row import VALUE_COLUMNS, Origin
from tagsync.imports.notes import stored
from tagsync.imports.problems.groups import ProblemIndex
from tagsync.imports.sending import counts
from tagsync.imports.states import UNDER_WAY, RowStatus
from tagsync.mapping.rows import Note, identifiers

# So many of our rows are compared at once with all that newer imports did; they are held in memory.
ROWS_COMPARED = 50_000
ROWS_PER_COMMIT = 2000
ROWS_BETWEEN_LOOKS = 5000
_SUPERSEDE = (
    f"UPDATE {ImportRow._meta.db_table} SET status = %s, problem_id = %s, notes = %s, settled_run = %s"
    " WHERE job_id = %s AND row_number = %s AND status = %s"
)

GoesOn = Callable[[], bool]
Key = tuple[str, str]


class _Row(NamedTuple):
    row_number: int
    # the place in line of its confirmation
    number: int
    tags: frozenset[str]
    keys: tuple[Key, ...]


class _Overtaker(NamedTuple):
    import_id: int
    row_number: int


class _Interrupted(Exception):
    pass


def mark(job: ImportJob, goes_on: GoesOn = lambda: True) -> bool:
    """Settle overtaken waiting rows as superseded, once for each place in line; False when `goes_on` said no.

    Works in pieces, and goes on where an earlier worker stopped. Raises: FenceLost.
    """
    if job.superseded_for == job.queue_number:
        return True
    newer = _newer_opposites(job)
    try:
        while newer and (rows := list(_waiting(job)[:ROWS_COMPARED])):
            mine = [_row(job, values) for values in rows]
            _settle(job, _overtaken(mine, newer, job, goes_on), goes_on)
            job.superseded_to = mine[-1].row_number
            _ours(job).update(superseded_to=job.superseded_to)
    except _Interrupted:
        return False
    job.superseded_for, job.superseded_to = job.queue_number, 0
    _ours(job).update(superseded_for=job.superseded_for, superseded_to=0)
    return True


def _ours(job: ImportJob) -> QuerySet[ImportJob]:
    return ImportJob.objects.filter(pk=job.pk, fence=job.fence)


def _newer_opposites(job: ImportJob) -> list[ImportJob]:
    """Oldest first, so that the newest import is the one that is named."""
    others = ImportJob.objects.filter(connection=job.connection, operation=Operation(job.operation).opposite)
    sent_over_others = ImportRow.objects.filter(job=OuterRef("pk"), confirmed_number__isnull=False)
    newer = Q(first_queue_number__gt=job.first_queue_number) | Q(Exists(sent_over_others))
    return list(others.filter(newer, first_queue_number__isnull=False).order_by("first_queue_number"))


def _waiting(job: ImportJob) -> QuerySet[ImportRow, tuple[object, ...]]:
    rows = ImportRow.objects.filter(job=job, status=RowStatus.WAITING, row_number__gt=job.superseded_to)
    return _values(rows)


def _values(rows: QuerySet[ImportRow]) -> QuerySet[ImportRow, tuple[object, ...]]:
    return rows.order_by("row_number").values_list("row_number", "confirmed_number", *VALUE_COLUMNS.values())


def _row(job: ImportJob, values: Sequence[object]) -> _Row:
    row_number, confirmed, *texts = values
    fields = dict(zip(VALUE_COLUMNS, map(str, texts), strict=True))
    number = confirmed or job.first_queue_number or 0
    return _Row(int(str(row_number)), int(str(number)), frozenset(fields["tags"].split(",")), identifiers(fields))


def _overtaken(
    mine: Sequence[_Row], newer: Sequence[ImportJob], job: ImportJob, goes_on: GoesOn
) -> dict[int, _Overtaker]:
    """Our row → the newest row that did the opposite to the same customer, by any identifier, with a common tag."""
    wanted: dict[Key, list[_Row]] = defaultdict(list)
    for row in mine:
        for key in row.keys:
            wanted[key].append(row)
    found: dict[int, tuple[int, _Overtaker]] = {}
    for other in newer:
        for theirs in _effective(other, job, goes_on):
            for row in (row for key in theirs.keys for row in wanted.get(key, ())):
                newest = found.get(row.row_number, (row.number, None))[0]
                if theirs.number > newest and theirs.tags & row.tags:
                    found[row.row_number] = (theirs.number, _Overtaker(other.pk, theirs.row_number))
    return {row_number: overtaker for row_number, (_, overtaker) in found.items()}


def _effective(other: ImportJob, job: ImportJob, goes_on: GoesOn) -> Iterator[_Row]:
    """The rows of a newer import that did something on the platform, may have done it, or will before us."""
    done = Q(status__in=(RowStatus.ACCEPTED, RowStatus.IN_DOUBT))
    is_ahead = other.status in UNDER_WAY and (other.queue_number or 0) < (job.queue_number or 0)
    will_be = Q(status=RowStatus.WAITING) if is_ahead else Q(pk__in=())
    # Apart from the others, each by its own index.
    unanswered = ImportRow.objects.filter(job=other, unanswered_at__isnull=False).exclude(done)
    for rows in (ImportRow.objects.filter(done | will_be, job=other), unanswered):
        for count, values in enumerate(_values(rows).iterator(ROWS_BETWEEN_LOOKS)):
            if count % ROWS_BETWEEN_LOOKS == 0 and not goes_on():
                raise _Interrupted
            yield _row(other, values)


def _settle(job: ImportJob, overtaken: dict[int, _Overtaker], goes_on: GoesOn) -> None:
    problems = ProblemIndex(job)
    left = list(overtaken.items())
    while left:
        piece, left = left[:ROWS_PER_COMMIT], left[ROWS_PER_COMMIT:]
        with under_lease(job) as locked:
            changed = _write(job, piece, problems)
            counts.shift(locked, out_of=RowStatus.WAITING, into=RowStatus.SUPERSEDED, rows=changed)
            locked.save(update_fields=["counts"])
        if left:
            let_others_write()
            if not goes_on():
                raise _Interrupted


def _write(job: ImportJob, piece: Sequence[tuple[int, _Overtaker]], problems: ProblemIndex) -> int:
    """Every row names another one, so each is a statement of its own: prepared once, and not through models."""
    updates = [
        (
            RowStatus.SUPERSEDED.value,
            problems.id_of(Origin.US, "superseded", {"import": overtaker.import_id}),
            json.dumps(stored(_note(overtaker))),
            job.run,
            job.pk,
            row_number,
            RowStatus.WAITING.value,
        )
        for row_number, overtaker in piece
    ]
    with database.cursor() as cursor:
        cursor.executemany(_SUPERSEDE, updates)
        return int(cursor.rowcount)


def _note(overtaker: _Overtaker) -> Note:
    params: dict[str, str | int] = {"import": overtaker.import_id, "row": overtaker.row_number}
    return Note("superseded_by", None, None, "", params)
