"""What became of rows: a call is written before it is made, its answer and its rows' states in one transaction after.

Every function here works under the job's fence: whoever lost the lease changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from tagsync.imports import counting
from tagsync.imports.models import Delivery, ImportJob, ImportRow
from tagsync.imports.models.delivery import DeliveryOutcome, DeliveryState
from tagsync.imports.models.row import Origin
from tagsync.imports.problem_groups import problem_for
from tagsync.imports.states import RowStatus

# Without a definite answer: the platform may or may not hold these rows.
OPEN_STATES = (DeliveryState.SENDING, DeliveryState.BROKEN_OFF)


class FenceLost(Exception):
    """Somebody else works on this import now."""


@dataclass(frozen=True)
class Batch:
    """What one call carries. `number` counts the batches of an import, `attempt` the calls of this batch."""

    number: int
    attempt: int
    row_numbers: Sequence[int]
    body_sha256: str


@dataclass(frozen=True)
class TheirAnswer:
    """The platform's answer as far as it could be read; texts are redacted before they come here."""

    http_status: int | None = None
    code: str = ""
    error_code: str = ""
    message: str = ""
    data: str = ""
    excerpt: str = ""
    duration_ms: int | None = None


@dataclass(frozen=True)
class Verdict:
    """What an answer means for the rows of its call. Without a status they go on waiting."""

    status: RowStatus | None = None
    origin: Origin = Origin.PLATFORM
    code: str = ""
    params: dict[str, Any] = field(default_factory=dict)


KEEP_WAITING = Verdict()


def begin_call(job: ImportJob, batch: Batch) -> Delivery:
    """Write down a call that is about to be made. Raises FenceLost."""
    with transaction.atomic():
        _locked(job)
        return Delivery.objects.create(
            job=job,
            run=job.run,
            batch=batch.number,
            attempt=batch.attempt,
            row_ranges=as_ranges(batch.row_numbers),
            row_count=len(batch.row_numbers),
            body_sha256=batch.body_sha256,
            fence=job.fence,
            state=DeliveryState.SENDING,
        )


def record(delivery: Delivery, job: ImportJob, outcome: DeliveryOutcome, answer: TheirAnswer, verdict: Verdict) -> int:
    """Complete a call and settle its rows; returns how many rows changed. Raises FenceLost."""
    broken = outcome in (DeliveryOutcome.UNANSWERED, DeliveryOutcome.NOT_SENT)
    with transaction.atomic():
        locked = _locked(job)
        for name, value in vars(answer).items():
            setattr(delivery, name, value)
        delivery.outcome, delivery.answered_at = outcome, timezone.now()
        delivery.state = DeliveryState.BROKEN_OFF if broken else DeliveryState.ANSWERED
        delivery.save()
        changed = _settle(locked, delivery, verdict) if verdict.status else 0
    job.counts = locked.counts
    return changed


def break_off_orphans(job: ImportJob) -> int:
    """After a claim: calls of an earlier runner that never recorded an answer are unanswered. Raises FenceLost."""
    with transaction.atomic():
        _locked(job)
        return Delivery.objects.filter(job=job, state=DeliveryState.SENDING, fence__lt=job.fence).update(
            state=DeliveryState.BROKEN_OFF, outcome=DeliveryOutcome.UNANSWERED, answered_at=timezone.now()
        )


def open_batches(job: ImportJob) -> list[Delivery]:
    """The last call of each batch of this run that got no definite answer and still has waiting rows, oldest first."""
    last: dict[int, Delivery] = {}
    for delivery in Delivery.objects.filter(job=job, run=job.run).order_by("batch", "attempt"):
        last[delivery.batch] = delivery
    unanswered = [d for d in last.values() if d.state in OPEN_STATES and d.outcome != DeliveryOutcome.NOT_SENT]
    return [delivery for delivery in unanswered if waiting_rows(job, delivery).exists()]


def waiting_rows(job: ImportJob, delivery: Delivery) -> Any:
    return ImportRow.objects.filter(in_ranges(delivery.row_ranges), job=job, status=RowStatus.WAITING)


def settle_open_as_in_doubt(job: ImportJob) -> int:
    """When an import leaves running: rows that were sent without an answer are in doubt.

    Call it inside the transaction of that move, so that nobody sees the one without the other.
    """
    locked = ImportJob.objects.select_for_update().get(pk=job.pk)
    verdict = Verdict(RowStatus.IN_DOUBT, Origin.US, "no_answer", {})
    return sum(_settle(locked, delivery, verdict) for delivery in open_batches(locked))


def as_ranges(row_numbers: Iterable[int]) -> list[list[int]]:
    """[[first, last], …] of ascending runs, both ends included."""
    ranges: list[list[int]] = []
    for number in sorted(row_numbers):
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return ranges


def in_ranges(ranges: Sequence[Sequence[int]]) -> Q:
    singles = [first for first, last in ranges if first == last]
    runs = [Q(row_number__range=(first, last)) for first, last in ranges if first != last]
    return reduce(or_, runs, Q(row_number__in=singles))


def _locked(job: ImportJob) -> ImportJob:
    """The job's row, locked until the transaction ends, if the fence is still ours."""
    locked = ImportJob.objects.select_for_update().filter(pk=job.pk, fence=job.fence).first()
    if locked is None:
        raise FenceLost
    return locked


def _settle(locked: ImportJob, delivery: Delivery, verdict: Verdict) -> int:
    assert verdict.status is not None
    needs_problem = verdict.status != RowStatus.ACCEPTED
    problem = problem_for(locked, verdict.origin, verdict.code, verdict.params) if needs_problem else None
    changed = waiting_rows(locked, delivery).update(status=verdict.status, problem=problem, settled_run=locked.run)
    counting.shift(locked, out_of=RowStatus.WAITING, into=verdict.status, rows=changed)
    locked.save(update_fields=["counts"])
    return int(changed)
