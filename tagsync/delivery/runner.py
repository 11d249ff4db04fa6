"""One slice of an import: batches formed, written down, sent in a few threads, recorded; then the import is given back.

Only this thread touches the database. It knows leases and outcomes, and nothing of HTTP beyond the client's values.
"""

from __future__ import annotations

import logging
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import takewhile
from typing import Any

from django.conf import settings
from django.db import transaction

from tagsync.connections import silence, tokens
from tagsync.connections.models import MAX_PARALLEL_CALLS, Connection, ConnectionState
from tagsync.connections.pace import MAX_WAIT_SECONDS, slow_down, speed_up, take_slot
from tagsync.connections.tokens import BeingRenewed
from tagsync.delivery.batches import BatchSource, Load
from tagsync.delivery.calling import EMPTY_CALL, Flight, call, their_answer
from tagsync.delivery.claims import RENEW_SECONDS, claim_import, renew
from tagsync.delivery.decisions import Circumstances, Decision, Pause, back_off_seconds, decide
from tagsync.delivery.ending import give_back
from tagsync.delivery.leaving import leaving
from tagsync.delivery.patience import is_back, is_in_doubt, pause_seconds, silent_too_long
from tagsync.delivery.reach import Unusable, calls, client_for
from tagsync.imports import counting, outcomes, splitting, superseding
from tagsync.imports.models import ImportJob
from tagsync.imports.models.delivery import INDEFINITE, DeliveryOutcome
from tagsync.imports.outcomes import FenceLost
from tagsync.imports.states import Act, JobStatus
from tagsync.tuzhan.client import Client
from tagsync.tuzhan.deadline import Deadline
from tagsync.tuzhan.errors import BatchRefused, Blocked, NotSent, Outcome, Throttled, Unanswered

SLICE_SECONDS = 20.0
# A call begins only so soon after the lease was renewed that the lease, two calls long, outlives it whole.
START_WITHIN_SECONDS = settings.TAGSYNC_CALL_SECONDS * 2 / 3
IDLE_SECONDS = 0.2
LOOK_SECONDS = 0.5  # how soon a stop, or a connection that another worker blocked, is seen
MAX_FAILURES = 20

log = logging.getLogger(__name__)


def run_slice(job_id: int) -> None:
    """Work on an import for about SLICE_SECONDS, if it may be run now. Double calls are harmless."""
    job = claim_import(job_id)
    if job is None or job.connection is None:
        return
    try:
        client = client_for(job.connection)
    except Unusable as error:
        job.connection.block(error.reason, where=tokens.read_from(job.connection))
        job.move(Act.PAUSE, why=error.reason, lease_until=None)
        return
    # Threads begin when they are needed, and an admin may allow more calls at any moment.
    with client, ThreadPoolExecutor(MAX_PARALLEL_CALLS, "call") as pool:
        Slice(job, job.connection, client, pool).run()


class Slice:
    def __init__(self, job: ImportJob, connection: Connection, client: Client, pool: ThreadPoolExecutor) -> None:
        self.job = job
        self.connection = connection
        self.client = client
        self.pool = pool
        self.seen: str = job.status  # as last seen; somebody may stop the import at any moment
        self.flights: dict[Future[Outcome], Flight] = {}
        self.began = self.renewed = self.looked = time.monotonic()
        self.failures = _failures_in_a_row(job)
        self.hold = False  # begin nothing until no call is in flight: rows or connection must be looked at anew
        self.pause: Pause | None = None
        self.question: tuple[str, dict[str, Any]] | None = None  # only a person can go on
        self.ready: Load | None = None  # formed, and waiting for its slot
        self.ready_at = 0.0
        self.drained = False

    def run(self) -> None:
        outcomes.break_off_orphans(self.job)
        outcomes.settle_dead_batches(self.job)
        superseding.mark(self.job)
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
            self.connection.refresh_from_db()

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
        blocked = self.connection.state == ConnectionState.BLOCKED or self.connection.archived_at is not None
        stopped = self.seen != JobStatus.RUNNING or blocked or self.question is not None or leaving()
        moved = not calls(self.client, self.connection)
        return stopped or moved or time.monotonic() - self.began > SLICE_SECONDS

    def _look_again(self) -> None:
        """No call is in flight. Short pauses are waited out here, long ones free the worker."""
        if self.pause and self.pause.seconds > MAX_WAIT_SECONDS:
            return
        if self.pause:
            time.sleep(self.pause.seconds)
        self.hold, self.pause, self.drained, self.ready = False, None, False, None
        self.connection.refresh_from_db()
        self.source.start_over()

    def _hold(self, pause: Pause | None) -> None:
        self.hold, self.pause = True, pause or self.pause

    # -- a call

    def _begin(self) -> None:
        if len(self.flights) >= self.connection.parallel_calls or not self._have_ready():
            return
        if time.monotonic() < self.ready_at:
            return
        token = self._token()
        if token is None or self.ready is None:
            return
        sent_with = tokens.sent_with(self.connection, self.client)
        load, self.ready = self.ready, None
        start_before = Deadline.after(START_WITHIN_SECONDS)
        with transaction.atomic():
            self._renew()
            self.connection.refresh_from_db()
            if self._over():
                return
            delivery = outcomes.begin_call(self.job, load.batch)
        if load.is_resent:
            # While nothing is answered no new batch is begun; and its rows still look as if nobody had sent them.
            self._hold(None)
        future = self.pool.submit(call, self.client, token, load.body, start_before)
        self.flights[future] = Flight(delivery, load, token, sent_with)

    def _have_ready(self) -> bool:
        """A batch with its slot of the connection's pace."""
        if self.ready is None:
            if not self._platform_may_be_asked():
                return False
            slot = take_slot(self.connection)
            if not slot.taken:
                self._hold(Pause(slot.wait_seconds, "throttled" if self.connection.slow_factor > 1 else "pace"))
                return False
            self.ready = self.source.next()
            self.ready_at = time.monotonic() + slot.wait_seconds
            self.drained = self.ready is None
        return self.ready is not None

    def _token(self) -> str | None:
        found = tokens.token_for(self.connection, self.client)
        if isinstance(found, str):
            return found
        if isinstance(found, BeingRenewed):
            self._hold(Pause(1.0, "token"))
        elif isinstance(found, Blocked):
            self.connection.block(found.reason, where=tokens.sent_with(self.connection, self.client))
        elif isinstance(found, BatchRefused):
            said = f"{found.answer.code} {found.answer.message}"
            self.connection.block("token_refused", said, tokens.sent_with(self.connection, self.client))
        else:
            self.failures += 1
            seconds = found.retry_after_seconds if isinstance(found, Throttled) else back_off_seconds(self.failures)
            self._hold(Pause(seconds, "token"))
        return None

    # -- while nothing is answered

    def _platform_may_be_asked(self) -> bool:
        """While the connection is silent nothing new is begun; what was sent too often waits for a sign of life."""
        last = self.source.unanswered
        if last is None:
            return self.connection.silent_since is None or self._sign_of_life()
        if not outcomes.sent_too_often(last) or is_back(last):
            return True
        if not is_in_doubt(last):
            return self._sign_of_life()
        outcomes.settle_as_in_doubt(self.job, last)
        self._hold(None)
        return False

    def _sign_of_life(self) -> bool:
        """One harmless call without rows. Its answer, whatever it says, ends the silence."""
        token = None if self.flights else self._token()
        if token is None:
            return False
        self._renew()
        outcome = self.client.send(token, EMPTY_CALL)
        if isinstance(outcome, Unanswered | NotSent | Throttled):
            reason = "not_reached" if isinstance(outcome, NotSent) else "unanswered"
            self._hold(Pause(pause_seconds(self.connection), reason))
            return False
        outcomes.record_sign_of_life(self.job, their_answer(outcome, frozenset()))
        silence.answered(self.connection)
        return True

    # -- an answer

    def _collect(self) -> None:
        """Record what has come; wait a moment when there is nothing else to do."""
        until_ready = max(0.0, min(IDLE_SECONDS, self.ready_at - time.monotonic()))
        if not self.flights:
            time.sleep(until_ready)
            return
        busy = len(self.flights) >= self.connection.parallel_calls or self.hold or self.drained
        done, _ = wait(self.flights, timeout=IDLE_SECONDS if busy else until_ready, return_when=FIRST_COMPLETED)
        for future in done:
            self._record(self.flights.pop(future), future.result())

    def _record(self, flight: Flight, outcome: Outcome) -> None:
        found = Circumstances(
            failures=self.failures + 1,
            may_halve=isinstance(outcome, BatchRefused) and splitting.may_halve(flight.delivery),
            resend=self.connection.resend_unanswered,
        )
        decision = decide(outcome, flight.load, found)
        self.failures = self.failures + 1 if decision.outcome in INDEFINITE else 0
        answer = their_answer(outcome, flight.load.identifiers)
        halves = outcomes.record(flight.delivery, self.job, decision.outcome, answer, decision.verdict)
        self.source.plan(halves)
        self.drained = self.drained and not halves
        self._obey(decision, flight)
        self._tell_connection(decision)
        alone = decision.outcome == DeliveryOutcome.BATCH_REFUSED and flight.delivery.row_count == 1
        if alone and splitting.refuses_everything_alike(self.job):
            self.question = ("refuses_everything", decision.verdict.params)

    def _obey(self, decision: Decision, flight: Flight) -> None:
        if decision.rows_wait:
            self._hold(decision.pause)
        if decision.shrink:
            self.connection.shrink_batches(len(flight.load.batch.row_numbers))
        if decision.new_token:
            tokens.refused(self.connection, flight.token, flight.sent_with)
        if decision.block_reason:
            self.connection.block(decision.block_reason, flight.delivery.message, flight.sent_with)

    def _tell_connection(self, decision: Decision) -> None:
        """What all imports of the connection must know."""
        if decision.outcome in (DeliveryOutcome.UNANSWERED, DeliveryOutcome.NOT_SENT):
            silence.unanswered(self.connection)
            return
        if self.connection.silent_since:
            silence.answered(self.connection)
        if decision.outcome == DeliveryOutcome.THROTTLED and decision.pause:
            slow_down(self.connection, decision.pause.seconds)
        elif not decision.new_token:
            tokens.proven(self.connection)
            speed_up(self.connection)

    # -- the end of the slice

    def _give_back(self) -> None:
        if self.drained and not self.hold:
            counting.verify(self.job)
            if self.job.trial_rows is not None:
                self.question = self.question or ("trial_done", {"rows": self.job.trial_rows})
        silent = self.pause is not None and self.pause.reason in ("unanswered", "not_reached")
        if silent and silent_too_long(self.connection):
            self.question = ("no_answer_for_a_day", {})
        blocked = self.connection.state == ConnectionState.BLOCKED
        pause = None if blocked else self.pause
        give_back(self.job, pause, self.question, ring=not (pause or blocked))


def _failures_in_a_row(job: ImportJob) -> int:
    """Calls at the end of the import's history that got no definite answer: the exponent of the back-off."""
    last = job.deliveries.exclude(outcome="").order_by("-id").values_list("outcome", flat=True)[:MAX_FAILURES]
    return sum(1 for _ in takewhile(lambda outcome: outcome in INDEFINITE, last))
