"""What became of rows: a call is written before it is made, its answer and its rows' states in one transaction after.

Every function here but `record_late` works under the job's fence: whoever lost the lease changes nothing.

What a row may have done is a fact of all its calls: `unanswered_at` is written with the end of a call whose fate nobody
knows, and only an acceptance takes it back. A later refusal, a 413 or a throttle tells nothing of the earlier call.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import DurationField, ExpressionWrapper, F, Max, Q, QuerySet
from django.db.models.functions import Coalesce, Now

from tagsync.imports import figures
from tagsync.imports.locking import under_lease
from tagsync.imports.models import Delivery, ImportJob, ImportRow, JobEvent
from tagsync.imports.models.delivery import UNKNOWN_FATE, DeliveryOutcome, DeliveryState
from tagsync.imports.models.row import Origin
from tagsync.imports.problems.groups import problem_for
from tagsync.imports.restores import hold
from tagsync.imports.sending import bisection, counts
from tagsync.imports.sending.row_ranges import as_ranges, in_ranges
from tagsync.imports.states import JobStatus, Mark, RowStatus

SETTLES_A_BATCH = (DeliveryOutcome.ACCEPTED, DeliveryOutcome.BATCH_REFUSED, DeliveryOutcome.TOO_LARGE)
UNANSWERED_SENDS = 5
DEATHS_OF_A_BATCH = 3
ROWS_PER_COMMIT = 2000


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


def begin_call(job: ImportJob, batch: Batch, lease: timedelta | None = None) -> Delivery | None:
    """Write down a call that is about to be made, and let the import's lease last for `lease` from now on.

    None when somebody has stopped the import, or everything is on hold. Raises FenceLost.
    """
    with under_lease(job) as locked:
        if locked.status != JobStatus.RUNNING or hold.is_on():
            return None
        if lease:
            ImportJob.objects.filter(pk=job.pk).update(lease_until=Now() + lease)
        return _write_down(job, batch)


def _write_down(job: ImportJob, batch: Batch) -> Delivery:
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
    with under_lease(job) as locked:
        delivery.outcome, delivery.answered_at = outcome, Now()
        delivery.state = DeliveryState.BROKEN_OFF if broken else DeliveryState.ANSWERED
        _keep_answer(delivery, answer, "outcome", "answered_at", "state")
        if outcome in UNKNOWN_FATE:
            _mark_unanswered([delivery])
        if verdict.status:
            _settle(locked, delivery, verdict)
        # With the refusal itself, so that a crash in between resumes with the halves.
        halves = bisection.halve(locked, delivery) if verdict.halve else []
    return halves


def record_late(delivery: Delivery, outcome: DeliveryOutcome, answer: TheirAnswer) -> None:
    """An answer to a call that was given up meanwhile: it stands beside how the call ended.

    An acceptance also settles the rows that nobody has settled since: they waited, or were in doubt, for this call.
    """
    with transaction.atomic():
        job = ImportJob.objects.select_for_update(no_key=True).get(pk=delivery.job_id)
        delivery.refresh_from_db()
        if delivery.state == DeliveryState.SENDING:
            _break_off([delivery], DeliveryOutcome.WORKER_DIED)
        elif delivery.state != DeliveryState.BROKEN_OFF or delivery.late_outcome:
            return
        delivery.late_outcome, delivery.late_at = outcome, Now()
        _keep_answer(delivery, answer, "late_outcome", "late_at")
        rows = _accept_late(job, delivery) if outcome == DeliveryOutcome.ACCEPTED else 0
        told = {"act": Mark.LATE_ANSWER, "before": job.status, "after": job.status, "params": {"rows": rows}}
        JobEvent.objects.create(job=job, **told)
        if rows:
            figures.recount(job)
            figures.recount_corrected(job)


def _accept_late(job: ImportJob, delivery: Delivery) -> int:
    accepted = 0
    for status in (RowStatus.IN_DOUBT, RowStatus.WAITING):
        rows = ImportRow.objects.filter(in_ranges(delivery.row_ranges), job=job, status=status)
        changed = rows.filter(unanswered_at__isnull=False).update(
            status=RowStatus.ACCEPTED, problem=None, notes=[], settled_run=delivery.run, unanswered_at=None
        )
        counts.shift(job, out_of=status, into=RowStatus.ACCEPTED, rows=changed)
        accepted += changed
    job.save(update_fields=["counts"])
    return accepted


def _keep_answer(delivery: Delivery, answer: TheirAnswer, *fields: str) -> None:
    for name, value in vars(answer).items():
        setattr(delivery, name, value)
    delivery.save(update_fields=[*fields, *vars(answer)])


def record_sign_of_life(job: ImportJob, answer: TheirAnswer) -> None:
    """A call without rows was answered: the platform is there. Raises FenceLost."""
    with under_lease(job):
        Delivery.objects.create(
            job=job,
            run=job.run,
            batch=last_batch(job) + 1,
            row_ranges=[],
            row_count=0,
            fence=job.fence,
            state=DeliveryState.ANSWERED,
            outcome=DeliveryOutcome.SIGN_OF_LIFE,
            answered_at=Now(),
            **vars(answer),
        )


def break_off_orphans(job: ImportJob) -> int:
    """After a claim: calls of an earlier runner that never recorded an answer. Raises FenceLost."""
    with under_lease(job):
        orphans = list(Delivery.objects.filter(job=job, state=DeliveryState.SENDING, fence__lt=job.fence))
        _break_off(orphans, DeliveryOutcome.WORKER_DIED)
    return len(orphans)


def _break_off(deliveries: Sequence[Delivery], outcome: DeliveryOutcome) -> None:
    """Nobody waits for the answers of these calls any more. The caller holds the job's lock."""
    calls = Delivery.objects.filter(pk__in=[delivery.pk for delivery in deliveries])
    calls.update(state=DeliveryState.BROKEN_OFF, outcome=outcome, answered_at=Now())
    _mark_unanswered(deliveries)


def _mark_unanswered(deliveries: Sequence[Delivery]) -> None:
    for delivery in deliveries:
        rows = ImportRow.objects.filter(in_ranges(delivery.row_ranges), job=delivery.job_id)
        rows.exclude(status=RowStatus.ACCEPTED).update(unanswered_at=Now())


@dataclass(frozen=True)
class OpenBatch:
    """A batch of this run whose fate is unknown and that has waiting rows: its last call, and how often it was sent.

    `since`: how long ago that call ended, by the database's clock.
    """

    last: Delivery
    unanswered: int
    since: timedelta


def open_batches(job: ImportJob) -> list[OpenBatch]:
    """Oldest first. What was sent again and refused, or found too large, goes on in pieces and is not among them."""
    calls = Delivery.objects.filter(job=job, run=job.run)
    unknown = calls.filter(Q(outcome__in=UNKNOWN_FATE) | Q(state=DeliveryState.SENDING))
    since = ExpressionWrapper(Now() - F("answered_at"), output_field=DurationField())
    found: dict[int, OpenBatch] = {}
    batches = calls.filter(batch__in=unknown.values("batch")).annotate(since=since)
    for delivery in batches.order_by("batch", "attempt", "id"):
        before = found.get(delivery.batch)
        is_unknown = delivery.outcome in UNKNOWN_FATE or delivery.state == DeliveryState.SENDING
        if delivery.outcome in SETTLES_A_BATCH:
            found.pop(delivery.batch, None)
        elif before or is_unknown:
            sends = (before.unanswered if before else 0) + is_unknown
            found[delivery.batch] = OpenBatch(delivery, sends, getattr(delivery, "since", None) or timedelta())
    return [found[batch] for batch in sorted(found) if waiting_rows(job, found[batch].last).exists()]


def settle_dead_batches(job: ImportJob) -> None:
    """Set aside what ended its worker too often: its rows are in doubt, the rest goes on. Raises FenceLost."""
    for batch in open_batches(job):
        tries = Delivery.objects.filter(job=job, run=job.run, batch=batch.last.batch)
        if tries.filter(outcome=DeliveryOutcome.WORKER_DIED).count() >= DEATHS_OF_A_BATCH:
            settle_as_in_doubt(job, batch.last, "worker_died")


def settle_as_in_doubt(job: ImportJob, delivery: Delivery, code: str = "no_answer") -> None:
    """Its fate stays unknown, and the rest goes on. Raises FenceLost."""
    with under_lease(job) as locked:
        _settle(locked, delivery, Verdict(RowStatus.IN_DOUBT, Origin.US, code))


def waiting_rows(job: ImportJob, delivery: Delivery) -> QuerySet[ImportRow]:
    return ImportRow.objects.filter(in_ranges(delivery.row_ranges), job=job, status=RowStatus.WAITING)


def doubt_unanswered(locked: ImportJob) -> bool:
    """When an import comes to rest: waiting rows that a call of unknown fate has carried, in any run, are in doubt.

    At most ROWS_PER_COMMIT of them; False when there may be more. The last time, call it inside the transaction of the
    move, so that nobody sees the one without the other; the caller holds the job's lock.
    """
    _break_off(
        list(Delivery.objects.filter(job=locked, state=DeliveryState.SENDING)), outcome=DeliveryOutcome.UNANSWERED
    )
    return _doubt(locked, Q(unanswered_at__isnull=False), "no_answer") < ROWS_PER_COMMIT


def doubt_waiting(locked: ImportJob, code: str) -> int:
    """Whatever waits may have been sent, although no call says so; how many of at most ROWS_PER_COMMIT rows that were.

    The caller holds the job's lock.
    """
    _break_off(
        list(Delivery.objects.filter(job=locked, state=DeliveryState.SENDING)), outcome=DeliveryOutcome.WORKER_DIED
    )
    return _doubt(locked, Q(), code)


def _doubt(locked: ImportJob, which: Q, code: str) -> int:
    waiting = ImportRow.objects.filter(which, job=locked, status=RowStatus.WAITING)
    pks = list(waiting.values_list("pk", flat=True)[:ROWS_PER_COMMIT])
    if pks:
        problem = problem_for(locked, Origin.US, code, {})
        ImportRow.objects.filter(pk__in=pks).update(
            status=RowStatus.IN_DOUBT,
            problem=problem,
            settled_run=locked.run,
            unanswered_at=Coalesce("unanswered_at", Now()),
        )
        counts.shift(locked, out_of=RowStatus.WAITING, into=RowStatus.IN_DOUBT, rows=len(pks))
        locked.save(update_fields=["counts"])
    return len(pks)


def close_planned(locked: ImportJob) -> None:
    """Pieces that were planned and never sent: there is nothing left for them to send."""
    if not locked.count(RowStatus.WAITING):
        Delivery.objects.filter(job=locked, state=DeliveryState.PLANNED).delete()


def _settle(locked: ImportJob, delivery: Delivery, verdict: Verdict) -> int:
    assert verdict.status is not None
    needs_problem = verdict.status != RowStatus.ACCEPTED
    problem = problem_for(locked, verdict.origin, verdict.code, verdict.params) if needs_problem else None
    settled: dict[str, Any] = {"status": verdict.status, "problem": problem, "settled_run": locked.run}
    if verdict.status == RowStatus.ACCEPTED:
        settled["unanswered_at"] = None
    changed = waiting_rows(locked, delivery).update(**settled)
    counts.shift(locked, out_of=RowStatus.WAITING, into=verdict.status, rows=changed)
    locked.save(update_fields=["counts"])
    return int(changed)
