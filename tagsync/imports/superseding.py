"""Rows that must not be sent any more, because a newer import did the opposite for the same customer and tag.

Looked for when an import comes back into the line after others: at a resume or a retry.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from django.db import transaction

from tagsync.imports import counting
from tagsync.imports.models import ImportJob, ImportRow
from tagsync.imports.models.job import Operation
from tagsync.imports.models.row import VALUE_COLUMNS, Origin
from tagsync.imports.outcomes import lock
from tagsync.imports.problem_groups import ProblemIndex
from tagsync.imports.states import RowStatus
from tagsync.mapping.rows import identifiers

# What a newer row did to the platform, or may have done.
DONE = (RowStatus.ACCEPTED, RowStatus.IN_DOUBT)
ROWS_PER_COMMIT = 5000

Key = tuple[str, str]


def mark(job: ImportJob) -> int:
    """Settle overtaken waiting rows as superseded, once for each place in line; returns how many.

    Raises: FenceLost when another worker took the import over.
    """
    if job.superseded_for == job.queue_number:
        return 0
    newer = _newer_opposites(job)
    marked = _mark(job, newer) if newer else 0
    ImportJob.objects.filter(pk=job.pk, fence=job.fence).update(superseded_for=job.queue_number)
    return marked


def _newer_opposites(job: ImportJob) -> list[ImportJob]:
    others = ImportJob.objects.filter(connection=job.connection, operation=Operation(job.operation).opposite)
    return list(others.filter(first_confirmed_at__gt=job.first_confirmed_at).order_by("first_confirmed_at"))


def _mark(job: ImportJob, newer: Iterable[ImportJob]) -> int:
    """Newest last, so that the newest import is the one that is named."""
    wanted = _waiting_by_customer(job)
    overtaken: dict[int, tuple[int, int]] = {}
    for other in newer:
        # What still waits there counts only if it goes before us; behind us it undoes our rows by itself.
        is_ahead = (other.queue_number or 0) < (job.queue_number or 0)
        for number, values in _rows(other, (*DONE, RowStatus.WAITING) if is_ahead else DONE):
            for key in identifiers(values):
                for mine, tags in wanted.get(key, ()):
                    if tags & set(values["tags"].split(",")):
                        overtaken[mine] = (other.pk, number)
    _settle(job, overtaken)
    return len(overtaken)


def _waiting_by_customer(job: ImportJob) -> dict[Key, list[tuple[int, frozenset[str]]]]:
    found: dict[Key, list[tuple[int, frozenset[str]]]] = defaultdict(list)
    for number, values in _rows(job, (RowStatus.WAITING,)):
        tags = frozenset(values["tags"].split(","))
        for key in identifiers(values):
            found[key].append((number, tags))
    return found


def _rows(job: ImportJob, statuses: Iterable[RowStatus]) -> Iterable[tuple[int, dict[str, str]]]:
    rows = ImportRow.objects.filter(job=job, status__in=list(statuses)).order_by("row_number")
    for number, *values in rows.values_list("row_number", *VALUE_COLUMNS.values()).iterator(ROWS_PER_COMMIT):
        yield number, dict(zip(VALUE_COLUMNS, values, strict=True))


def _settle(job: ImportJob, overtaken: dict[int, tuple[int, int]]) -> None:
    problems = ProblemIndex(job)
    by_cause: dict[tuple[int, int], list[int]] = defaultdict(list)
    for mine, cause in overtaken.items():
        by_cause[cause].append(mine)
    with transaction.atomic():
        locked = lock(job)
        for (other, number), numbers in by_cause.items():
            waiting = ImportRow.objects.filter(job=job, status=RowStatus.WAITING, row_number__in=numbers)
            changed = waiting.update(
                status=RowStatus.SUPERSEDED,
                problem=problems.id_of(Origin.US, "superseded", {"import": other}),
                notes=[_note(other, number)],
                settled_run=job.run,
            )
            counting.shift(locked, out_of=RowStatus.WAITING, into=RowStatus.SUPERSEDED, rows=changed)
        locked.save(update_fields=["counts"])
    job.counts = locked.counts


def _note(other: int, number: int) -> dict[str, object]:
    params = {"import": other, "row": number}
    return {"code": "superseded_by", "field": None, "column": "", "value": "", "params": params}
