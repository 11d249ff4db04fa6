"""Rows that were found too large (413) although they went alone: is it the row, or does the platform take nothing?

Knows the record of calls only. Such a row goes on waiting, and is tried again after all others: a proxy that lets
nothing through for a while must not be booked on rows.
"""

from __future__ import annotations

from django.db.models import QuerySet

from tagsync.imports.models import Delivery, ImportJob, ImportRow
from tagsync.imports.models.delivery import DeliveryOutcome
from tagsync.imports.sending.row_ranges import numbers_in
from tagsync.imports.states import Act, RowStatus

IN_A_ROW = 8


def refused_alone(job: ImportJob) -> set[int]:
    """Numbers of rows that were found too large in this run, each in a call of its own."""
    return {number for one in _alone(job) for number in numbers_in(one.row_ranges)}


def most_accepted(job: ImportJob) -> Delivery | None:
    """The accepted call with the most rows, of any run: so much the platform took at once."""
    return job.deliveries.filter(outcome=DeliveryOutcome.ACCEPTED).order_by("-row_count", "-id").first()


def is_its_own_fault(delivery: Delivery, body_bytes: int, most: Delivery | None, most_bytes: int) -> bool:
    """A row that was just refused alone: whether nothing but its length explains that.

    It was refused before, and is longer than what was accepted: than several rows together, or than one that was
    accepted after that first refusal, or a person has let it go on since.
    """
    first = _alone(delivery.job).filter(row_ranges=delivery.row_ranges).exclude(pk=delivery.pk).order_by("id").first()
    if first is None or most is None or body_bytes <= most_bytes:
        return False
    return most.row_count > 1 or most.pk > first.pk or _fence_of_last_go(delivery.job) >= first.fence


def nothing_is_small_enough(job: ImportJob) -> bool:
    """The last calls since somebody let it go on were single rows, each found too large and waiting still."""
    counted = (DeliveryOutcome.ACCEPTED, DeliveryOutcome.BATCH_REFUSED, DeliveryOutcome.TOO_LARGE)
    calls = job.deliveries.filter(run=job.run, outcome__in=counted, fence__gt=_fence_of_last_go(job))
    # What several rows were too large for is tried again in pieces, and says nothing yet.
    telling = calls.exclude(outcome=DeliveryOutcome.TOO_LARGE, row_count__gt=1).order_by("-id")[:IN_A_ROW]
    last = list(telling)
    if len(last) < IN_A_ROW or any(one.outcome != DeliveryOutcome.TOO_LARGE for one in last):
        return False
    numbers = {number for one in last for number in numbers_in(one.row_ranges)}
    waiting = ImportRow.objects.filter(job=job, row_number__in=numbers, status=RowStatus.WAITING)
    return waiting.count() == len(numbers)


def _alone(job: ImportJob) -> QuerySet[Delivery]:
    return job.deliveries.filter(run=job.run, row_count=1, outcome=DeliveryOutcome.TOO_LARGE)


def _fence_of_last_go(job: ImportJob) -> int:
    """Calls of a later fence were made after a person last let it go on."""
    last = job.events.filter(act__in=(Act.START, Act.RESUME, Act.RETRY)).order_by("-id").first()
    return (last.fence or 0) if last else 0
