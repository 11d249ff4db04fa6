"""What became of rows: a call is written before it is made, its answer and its rows' states in one transaction after.

Every function here works under the job's fence: whoever lost the lease changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import Max, QuerySet
from django.utils import timezone

from tagsync.imports import counting, splitting
from tagsync.imports.models import Delivery, ImportJob, ImportRow
from tagsync.imports.models.delivery import UNKNOWN_FATE, DeliveryOutcome, DeliveryState
from tagsync.imports.models.row import Origin
from tagsync.imports.problem_groups import problem_for
from tagsync.imports.ranges import as_ranges, in_ranges
from tagsync.imports.states import RowStatus

SETTLES_A_BATCH = (DeliveryOutcome.ACCEPTED, DeliveryOutcome.BATCH_REFUSED, DeliveryOutcome.TOO_LARGE)
UNANSWERED_SENDS = 5
DEATHS_OF_A_BATCH = 3


class FenceLost(Exception):
    """Somebody else works on this import now."""


@dataclass(frozen=True)
class Batch:
    """What one call carries. `again`: the call of the same rows that got no answer, or the planned piece to be sent."""

    row_numbers: Sequence[int]
    body_sha256: str
    again: Delivery | None = None

    @property
    def attempt(self) -> int:
        if self.again is None:
            return 1
        return self.again.attempt + (self.again.state != DeliveryState.PLANNED)


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
    # what an acceptance says besides, see `tuzhan.remarks`
    remarks: str = ""


@dataclass(frozen=True)
class Verdict:
    """What an answer means for the rows of its call. Without a status they go on waiting; `halve`: as two pieces."""

    status: RowStatus | None = None
    origin: Origin = Origin.PLATFORM
    code: str = ""
    params: dict[str, Any] = field(default_factory=dict)
    halve: bool = False


KEEP_WAITING = Verdict()


def begin_call(job: ImportJob, batch: Batch) -> Delivery:
    """Write down a call that is about to be made. Raises FenceLost."""
    with transaction.atomic():
        lock(job)
        if batch.again is not None and batch.again.state == DeliveryState.PLANNED:
            return _begin_planned(batch.again, job, batch.body_sha256)
        before = batch.again
        return Delivery.objects.create(
            job=job,
            run=job.run,
            batch=before.batch if before else last_batch(job) + 1,
            attempt=batch.attempt,
            root_id=before.root_id if before else None,
            parent_id=before.parent_id if before else None,
            row_ranges=as_ranges(batch.row_numbers),
            row_count=len(batch.row_numbers),
            body_sha256=batch.body_sha256,
            fence=job.fence,
            state=DeliveryState.SENDING,
        )


def last_batch(job: ImportJob) -> int:
    return Delivery.objects.filter(job=job).aggregate(last=Max("batch"))["last"] or 0


def _begin_planned(delivery: Delivery, job: ImportJob, body_sha256: str) -> Delivery:
    delivery.state, delivery.fence, delivery.body_sha256 = DeliveryState.SENDING, job.fence, body_sha256
    delivery.save(update_fields=["state", "fence", "body_sha256"])
    return delivery


def record(
    delivery: Delivery, job: ImportJob, outcome: DeliveryOutcome, answer: TheirAnswer, verdict: Verdict
) -> list[Delivery]:
    """Complete a call and settle its rows; returns the planned halves, left before right. Raises FenceLost."""
    broken = outcome in (DeliveryOutcome.UNANSWERED, DeliveryOutcome.NOT_SENT)
    with transaction.atomic():
        locked = lock(job)
        for name, value in vars(answer).items():
            setattr(delivery, name, value)
        delivery.outcome, delivery.answered_at = outcome, timezone.now()
        delivery.state = DeliveryState.BROKEN_OFF if broken else DeliveryState.ANSWERED
        delivery.save()
        if verdict.status:
            _settle(locked, delivery, verdict)
        # With the refusal itself, so that a crash in between resumes with the halves.
        halves = splitting.halve(locked, delivery) if verdict.halve else []
    job.counts = locked.counts
    return halves


def record_sign_of_life(job: ImportJob, answer: TheirAnswer) -> None:
    """A call without rows was answered: the platform is there. Raises FenceLost."""
    with transaction.atomic():
        lock(job)
        Delivery.objects.create(
            job=job,
            run=job.run,
            batch=last_batch(job) + 1,
            row_ranges=[],
            row_count=0,
            fence=job.fence,
            state=DeliveryState.ANSWERED,
            outcome=DeliveryOutcome.SIGN_OF_LIFE,
            answered_at=timezone.now(),
            **vars(answer),
        )


def break_off_orphans(job: ImportJob) -> int:
    """After a claim: calls of an earlier runner that never recorded an answer. Raises FenceLost."""
    with transaction.atomic():
        lock(job)
        return Delivery.objects.filter(job=job, state=DeliveryState.SENDING, fence__lt=job.fence).update(
            state=DeliveryState.BROKEN_OFF, outcome=DeliveryOutcome.WORKER_DIED, answered_at=timezone.now()
        )


def open_batches(job: ImportJob) -> list[Delivery]:
    """The last call of each batch of this run whose fate is unknown and that still has waiting rows, oldest first.

    A later call of the batch that was not sent, throttled or refused its token does not tell what became of the
    earlier one; only acceptance or refusal does.
    """
    last: dict[int, Delivery] = {}
    unknown: set[int] = set()
    for delivery in Delivery.objects.filter(job=job, run=job.run).order_by("batch", "attempt", "id"):
        last[delivery.batch] = delivery
        if delivery.outcome in UNKNOWN_FATE or delivery.state == DeliveryState.SENDING:
            unknown.add(delivery.batch)
        elif delivery.outcome in SETTLES_A_BATCH:
            unknown.discard(delivery.batch)
    return [last[batch] for batch in sorted(unknown) if waiting_rows(job, last[batch]).exists()]


def settle_dead_batches(job: ImportJob) -> None:
    """Set aside what ended its worker too often: its rows are in doubt, the rest goes on. Raises FenceLost."""
    for delivery in open_batches(job):
        tries = Delivery.objects.filter(job=job, run=job.run, batch=delivery.batch)
        if tries.filter(outcome=DeliveryOutcome.WORKER_DIED).count() >= DEATHS_OF_A_BATCH:
            with transaction.atomic():
                locked = lock(job)
                _settle(locked, delivery, Verdict(RowStatus.IN_DOUBT, Origin.US, "worker_died"))
            job.counts = locked.counts


def sent_too_often(delivery: Delivery) -> bool:
    """Whether a batch was sent so often without an answer that sending it once more tells nothing new."""
    tries = Delivery.objects.filter(job=delivery.job_id, run=delivery.run, batch=delivery.batch)
    return tries.filter(outcome__in=UNKNOWN_FATE).count() >= UNANSWERED_SENDS


def settle_as_in_doubt(job: ImportJob, delivery: Delivery) -> None:
    """Its fate stays unknown, and the rest goes on. Raises FenceLost."""
    with transaction.atomic():
        locked = lock(job)
        _settle(locked, delivery, Verdict(RowStatus.IN_DOUBT, Origin.US, "no_answer"))
    job.counts = locked.counts


def waiting_rows(job: ImportJob, delivery: Delivery) -> QuerySet[ImportRow]:
    return ImportRow.objects.filter(in_ranges(delivery.row_ranges), job=job, status=RowStatus.WAITING)


def settle_open_as_in_doubt(job: ImportJob) -> int:
    """When an import leaves running: rows that were sent without an answer are in doubt.

    Call it inside the transaction of that move, so that nobody sees the one without the other.
    """
    locked = ImportJob.objects.select_for_update().get(pk=job.pk)
    verdict = Verdict(RowStatus.IN_DOUBT, Origin.US, "no_answer", {})
    changed = sum(_settle(locked, delivery, verdict) for delivery in open_batches(locked))
    Delivery.objects.filter(job=job, state=DeliveryState.SENDING).update(
        state=DeliveryState.BROKEN_OFF, outcome=DeliveryOutcome.UNANSWERED, answered_at=timezone.now()
    )
    return changed


def lock(job: ImportJob) -> ImportJob:
    """The job's row, locked until the transaction ends. Raises FenceLost when it is somebody else's by now."""
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
