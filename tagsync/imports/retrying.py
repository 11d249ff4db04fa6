"""Sending failed rows again: which rows a choice means, and the move that makes them wait once more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Count, QuerySet

from tagsync.accounts.models import Person
from tagsync.imports import counting
from tagsync.imports.corrections import without_fixed
from tagsync.imports.models import ImportJob, ImportRow
from tagsync.imports.models.delivery import DeliveryState
from tagsync.imports.states import RETRYABLE, Act, RowStatus


@dataclass(frozen=True)
class Selection:
    """Rows to send again. Empty `problems` and `row_numbers` mean all rows in `statuses`."""

    statuses: frozenset[RowStatus] = frozenset({RowStatus.REJECTED})
    problems: Sequence[int] = ()
    row_numbers: Sequence[int] = ()


class NothingToRetry(Exception):
    """No row of the selection is rejected or in doubt (any more)."""


def selected(job: ImportJob, selection: Selection) -> QuerySet[ImportRow]:
    """The rows that a retry would send. Neither accepted ones nor those that a corrected sheet has fixed."""
    rows = ImportRow.objects.filter(job=job, status__in=selection.statuses & RETRYABLE)
    if selection.problems:
        rows = rows.filter(problem__in=selection.problems)
    if selection.row_numbers:
        rows = rows.filter(row_number__in=selection.row_numbers)
    return without_fixed(rows, job)


def counted_by_status(job: ImportJob, selection: Selection) -> dict[str, int]:
    """For the review before the button: status → rows that would be sent."""
    return dict(selected(job, selection).order_by().values_list("status").annotate(number=Count("id")))


def retry(job: ImportJob, selection: Selection, by: Person) -> int:
    """Queue the selected rows as the next run; returns how many. Raises NothingToRetry, MoveRefused."""
    assert job.connection is not None
    with transaction.atomic():
        locked = ImportJob.objects.select_for_update().get(pk=job.pk)
        before = counted_by_status(locked, selection)
        if not before:
            raise NothingToRetry
        rows = sum(before.values())
        # Whoever sends rows of a settled cause again wants to know what becomes of them.
        causes = selected(locked, selection).exclude(problem=None).values("problem")
        locked.problems.filter(pk__in=causes).update(settled_at=None, settled_by=None)
        selected(locked, selection).update(status=RowStatus.WAITING, problem=None, notes=[], settled_run=None)
        for status, number in before.items():
            counting.shift(locked, out_of=RowStatus(status), into=RowStatus.WAITING, rows=number)
        # Never sent, so never a call: the rows of planned pieces form new batches in the new run.
        job.deliveries.filter(state=DeliveryState.PLANNED).delete()
        job.move(
            Act.RETRY,
            by=by,
            why=str(rows),
            run=locked.run + 1,
            trial_rows=None,
            counts=locked.counts,
            queue_number=job.connection.take_queue_number(),
            ended_at=None,
            wait_until=None,
            wait_reason="",
            cause="",
            cause_params={},
        )
    return rows
