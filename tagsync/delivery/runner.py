"""One slice of an import: batches formed, written down, sent in a few threads, recorded; then the import is given back.

Only this thread touches the database. It knows leases and outcomes, and nothing of HTTP beyond the client's values.
"""

from __future__ import annotations

import logging
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import timedelta
from itertools import takewhile
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from tagsync.connections import tokens
from tagsync.connections.models import Connection
from tagsync.connections.pace import MAX_WAIT_SECONDS, take_slot
from tagsync.delivery import doorbell
from tagsync.delivery.batches import BatchSource, Load
from tagsync.delivery.claims import RENEW_SECONDS, claim_import, renew
from tagsync.delivery.decisions import Decision, Pause, back_off_seconds, decide
from tagsync.delivery.leaving import leaving
from tagsync.delivery.reach import Unusable, client_for
from tagsync.imports import counting, outcomes
from tagsync.imports.models import Delivery, ImportJob
from tagsync.imports.models.delivery import DeliveryOutcome
from tagsync.imports.outcomes import FenceLost, TheirAnswer
from tagsync.imports.states import Act, JobStatus, MoveRefused, RowStatus
from tagsync.tuzhan.client import Client
from tagsync.tuzhan.errors import Answer, BatchRefused, Blocked, NotSent, Outcome
from tagsync.tuzhan.redaction import redact

SLICE_SECONDS = 20.0
# A call begins only so soon after the lease was renewed that the lease, two calls long, outlives it whole.
START_WITHIN_SECONDS = settings.TAGSYNC_CALL_SECONDS * 2 / 3
IDLE_SECONDS = 0.2
LOOK_SECONDS = 0.5  # how soon a stop is seen

MAX_FAILURES = 20
INDEFINITE = frozenset({DeliveryOutcome.NOT_SENT, DeliveryOutcome.UNANSWERED, DeliveryOutcome.THROTTLED})

log = logging.getLogger(__name__)


@dataclass
class Flight:
    delivery: Delivery
    load: Load
    token: str


def run_slice(job_id: int) -> None:
    """Work on an import for about SLICE_SECONDS, if it may be run now. Double calls are harmless."""
    job = claim_import(job_id)
    if job is None or job.connection is None:
        return
    try:
        client = client_for(job.connection)
    except Unusable as error:
        job.connection.block(error.reason)
        job.move(Act.PAUSE, why=error.reason, lease_until=None)
        return
    with client, ThreadPoolExecutor(job.connection.parallel_calls, "call") as pool:
        Slice(job, job.connection, client, pool).run()


class Slice:
    def __init__(self, job: ImportJob, connection: Connection, client: Client, pool: ThreadPoolExecutor) -> None:
        self.job = job
        self.connection = connection
        self.client = client
        self.pool = pool
        self.seen: str = job.status  # as last seen; somebody may stop the import at any moment
        self.flights: dict[Future[Outcome], Flight] = {}
        self.began = time.monotonic()
        self.renewed = self.looked = time.monotonic()
        self.failures = _failures_in_a_row(job)
        self.token = ""
        self.token_was_refused = False
        self.hold = False  # begin nothing until no call is in flight: rows or connection must be looked at anew
        self.pause: Pause | None = None
        self.blocked = False
        self.ready: Load | None = None  # formed, and waiting for its slot
        self.ready_at = 0.0
        self.drained = False

    def run(self) -> None:
        outcomes.break_off_orphans(self.job)
        self.source = BatchSource(self.job, self.connection)
        while True:
            self._keep_lease()
            if self._may_begin():
                self._begin()
            elif not self.flights:
                break
            self._collect()
        self._give_back()

    # -- what may be done now

    def _keep_lease(self) -> None:
        """Raises FenceLost when the import is no longer ours. Also sees that somebody stopped it."""
        now = time.monotonic()
        if now - self.renewed > RENEW_SECONDS:
            self._renew()
        elif now - self.looked > LOOK_SECONDS:
            self.looked = now
            self.seen = ImportJob.objects.values_list("status", flat=True).get(pk=self.job.pk)

    def _renew(self) -> None:
        status = renew(self.job)
        if status is None:
            raise FenceLost
        self.seen = status
        self.renewed = self.looked = time.monotonic()

    def _may_begin(self) -> bool:
        if self.hold and not self.flights and not self._over():
            self._look_again()
        return not (self.hold or self.drained or self._over())

    def _over(self) -> bool:
        stopped = self.seen != JobStatus.RUNNING or self.blocked or leaving()
        return stopped or time.monotonic() - self.began > SLICE_SECONDS

    def _look_again(self) -> None:
        """No call is in flight. Short pauses are waited out here, long ones free the worker."""
        if self.pause and self.pause.seconds > MAX_WAIT_SECONDS:
            return
        if self.pause:
            time.sleep(self.pause.seconds)
        self.hold, self.pause, self.drained, self.ready = False, None, False, None
        self.connection.refresh_from_db()
        self.source.start_over()

    # -- a call

    def _begin(self) -> None:
        if len(self.flights) >= self.connection.parallel_calls or not self._have_ready():
            return
        if time.monotonic() < self.ready_at or not self._have_token():
            return
        assert self.ready is not None
        load, self.ready = self.ready, None
        start_before = time.monotonic() + START_WITHIN_SECONDS
        with transaction.atomic():
            self._renew()
            if self.seen != JobStatus.RUNNING:
                return
            delivery = outcomes.begin_call(self.job, load.batch)
        if load.batch.attempt > 1:
            # While nothing is answered no new batch is begun; and its rows still look as if nobody had sent them.
            self._hold(None)
        future = self.pool.submit(_call, self.client, self.token, load.body, start_before)
        self.flights[future] = Flight(delivery, load, self.token)

    def _have_ready(self) -> bool:
        """A batch with its slot of the connection's pace."""
        if self.ready is None:
            slot = take_slot(self.connection)
            if not slot.taken:
                self._hold(Pause(slot.wait_seconds, "pace"))
                return False
            self.ready = self.source.next()
            self.ready_at = time.monotonic() + slot.wait_seconds
            self.drained = self.ready is None
        return self.ready is not None

    def _have_token(self) -> bool:
        if self.token:
            return True
        found = tokens.token_for(self.connection, self.client)
        if isinstance(found, str):
            self.token = found
            return True
        self.failures += 1
        if isinstance(found, Blocked):
            self._block(found.reason)
        elif isinstance(found, BatchRefused):
            self._block("token_refused", f"{found.answer.code} {found.answer.message}")
        else:
            self._hold(Pause(back_off_seconds(self.failures), "token"))
        return False

    def _hold(self, pause: Pause | None) -> None:
        self.hold, self.pause = True, pause or self.pause

    def _block(self, reason: str, detail: str = "") -> None:
        self.blocked = True
        if self.connection.block(reason, detail):
            log.warning("connection %s is blocked: %s", self.connection.pk, reason)

    # -- an answer

    def _collect(self) -> None:
        """Record what has come; wait a moment when there is nothing else to do."""
        if not self.flights:
            time.sleep(max(0.0, min(IDLE_SECONDS, self.ready_at - time.monotonic())))
            return
        full = len(self.flights) >= self.connection.parallel_calls or self.hold or self.drained
        patience = IDLE_SECONDS if full else max(0.0, min(IDLE_SECONDS, self.ready_at - time.monotonic()))
        done, _ = wait(self.flights, timeout=patience, return_when=FIRST_COMPLETED)
        for future in done:
            self._record(self.flights.pop(future), future.result())

    def _record(self, flight: Flight, outcome: Outcome) -> None:
        decision = decide(outcome, flight.load, self.failures + 1)
        self.failures = self.failures + 1 if decision.outcome in INDEFINITE else 0
        answer = _their_answer(outcome, flight.load)
        outcomes.record(flight.delivery, self.job, decision.outcome, answer, decision.verdict)
        self._obey(decision, flight)

    def _obey(self, decision: Decision, flight: Flight) -> None:
        if decision.rows_wait:
            self._hold(decision.pause)
        if decision.shrink:
            self.connection.shrink_batches(len(flight.load.batch.row_numbers))
        if decision.new_token:
            self._replace_token(flight.token)
        if decision.block_reason:
            self._block(decision.block_reason, flight.delivery.message)

    def _replace_token(self, refused: str) -> None:
        """A token of an app is renewed once; a fixed one, or a second refusal, is for an admin."""
        if refused != self.token:
            return
        if self.connection.uses_fixed_token or self.token_was_refused:
            self._block("token_rejected")
            return
        self.token_was_refused = True
        self.token = ""
        self.connection.forget_token(refused)

    # -- the end of the slice

    def _give_back(self) -> None:
        if self.drained and not self.hold:
            counting.verify(self.job)
        self.job.refresh_from_db(fields=["status", "counts"])
        try:
            self._leave()
        except MoveRefused:
            # Stopped between the last look and now.
            self.job.refresh_from_db(fields=["status"])
            finish_stopping(self.job)

    def _leave(self) -> None:
        still_ours = Q(fence=self.job.fence)
        if self.job.status == JobStatus.STOPPING:
            finish_stopping(self.job)
        elif self.job.count(RowStatus.WAITING):
            self._pause(still_ours)
        else:
            self.job.move(Act.FINISH, where=still_ours, lease_until=None, ended_at=Now())
            counting.verify(self.job)

    def _pause(self, still_ours: Q) -> None:
        waits: dict[str, Any] = {}
        if self.pause and not self.blocked:
            until = Now() + timedelta(seconds=self.pause.seconds)
            waits = {"wait_until": until, "wait_reason": self.pause.reason}
        self.job.move(Act.PAUSE, why=waits.get("wait_reason", "slice"), where=still_ours, lease_until=None, **waits)
        if not waits and not self.blocked:
            doorbell.ring(doorbell.SENDS, self.job.pk)


def finish_stopping(job: ImportJob) -> None:
    """stopping → stopped; rows that were sent without an answer are in doubt from the same moment on.

    Raises MoveRefused when the import is not stopping or no longer under this fence.
    """
    with transaction.atomic():
        outcomes.settle_open_as_in_doubt(job)
        job.move(Act.STOPPED, where=Q(fence=job.fence), lease_until=None, ended_at=Now())
    counting.verify(job)


def _failures_in_a_row(job: ImportJob) -> int:
    """Calls at the end of the import's history that got no definite answer: the exponent of the back-off."""
    last = job.deliveries.exclude(outcome="").order_by("-id").values_list("outcome", flat=True)[:MAX_FAILURES]
    return sum(1 for _ in takewhile(lambda outcome: outcome in INDEFINITE, last))


def _call(client: Client, token: str, body: bytes, start_before: float) -> Outcome:
    """In a thread of its own. A process that slept past its lease must not send any more."""
    if time.monotonic() > start_before:
        return NotSent(Answer(), "overslept")
    return client.send(token, body)


def _their_answer(outcome: Outcome, load: Load) -> TheirAnswer:
    answer = outcome.answer
    return TheirAnswer(
        http_status=answer.http_status,
        code=answer.code[:60],
        error_code=redact(answer.error_code, load.identifiers)[:120],
        message=redact(answer.message, load.identifiers)[:500],
        data=answer.data[:500],
        excerpt=redact(answer.excerpt, load.identifiers)[:500],
        duration_ms=answer.duration_ms,
    )
