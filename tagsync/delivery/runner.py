"""One slice of an import: batches formed, written down, sent in a few threads, recorded; then the import is given back.

Only this thread touches the database. It knows leases and outcomes, and nothing of HTTP beyond the client's values.
"""

from __future__ import annotations

import logging
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

from django.conf import settings

from tagsync.connections import silence, tokens
from tagsync.connections.models import MAX_PARALLEL_CALLS, Connection, ConnectionState
from tagsync.connections.pace import MAX_WAIT_SECONDS, slow_down, speed_up, take_slot
from tagsync.connections.tokens import BeingRenewed
from tagsync.delivery import leases
from tagsync.delivery.batches import BatchSource, Load
from tagsync.delivery.calls import EMPTY_CALL, Flight, call, their_answer
from tagsync.delivery.clients import Unusable, calls, client_for
from tagsync.delivery.finish import give_back
from tagsync.delivery.leases import RENEW_SECONDS, claim_import, renew
from tagsync.delivery.policy import Circumstances, Decision, Pause, decide
from tagsync.delivery.retry_policy import (
    PROBE_SECONDS,
    PROBES_ALONE_SECONDS,
    failures_in_a_row,
    is_in_doubt,
    may_probe,
    pause_seconds,
    seconds_to_wait,
    silent_too_long,
)
from tagsync.imports.followups import retry
from tagsync.imports.locking import FenceLost
from tagsync.imports.models import ImportJob
from tagsync.imports.models.delivery import INDEFINITE, DeliveryOutcome
from tagsync.imports.sending import bisection, counts, outcomes, superseded
from tagsync.imports.states import JobStatus, MoveRefused
from tagsync.queueing import doorbell
from tagsync.queueing.shutdown import is_shutting_down
from tagsync.tuzhan.client import Client
from tagsync.tuzhan.deadline import Deadline
from tagsync.tuzhan.errors import BatchRefused, Blocked, NotSent, Outcome, Throttled, is_sign_of_life

SLICE_SECONDS = 20.0
# Superseding compares with all that newer imports did before any of it is kept. Below RQ's limit for a task.
PREPARE_SECONDS = 200.0
# A call begins only so soon after the lease was renewed that the lease, two calls long, outlives it whole.
START_WITHIN_SECONDS = settings.TAGSYNC_CALL_SECONDS * 2 / 3
IDLE_SECONDS = 0.2
LOOK_SECONDS = 0.5  # how soon a stop, or a connection that another worker blocked, is seen
# Another worker fetches the token: so often it is waited for a second here, then the worker is of more use elsewhere.
TOKEN_WAITS = 2
TOKEN_PAUSE_SECONDS = 3.0
SIBLINGS_RUNG = 50

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
        silence.release_probe(job.connection)
        job.pause(error.reason)
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
        self.failures = failures_in_a_row(job)
        # A claim on a connection that is not known to answer took the probe along.
        self.has_probe = not leases.is_proven(connection)
        self.went_silent = False  # in this slice
        self.token_waits = 0
        self.hold = False  # begin nothing until no call is in flight: rows or connection must be looked at anew
        self.pause: Pause | None = None
        self.question: tuple[str, dict[str, Any]] | None = None  # only a person can go on
        self.ready: Load | None = None  # formed, and waiting for its slot
        self.ready_at = 0.0
        self.prepared = self.drained = False

    def run(self) -> None:
        try:
            self.prepared = self._prepare()
            if self.prepared:
                self._send_batches()
        except (FenceLost, MoveRefused):
            self._record_late()
            raise
        self._give_back()

    def _prepare(self) -> bool:
        """Bring the rows to where earlier workers and people left them; False when the slice was too short for it."""
        outcomes.break_off_orphans(self.job)
        outcomes.settle_dead_batches(self.job)
        return retry.take_up(self.job, self._goes_on) and superseded.mark(self.job, self._goes_on)

    def _goes_on(self) -> bool:
        """Asked between pieces of long work, which this keeps leased."""
        self._keep_lease()
        return not (self._stopped() or time.monotonic() - self.began > PREPARE_SECONDS)

    def _send_batches(self) -> None:
        self.source = BatchSource(self.job, self.connection)
        while True:
            self._keep_lease()
            if self._may_begin():
                self._begin()
            elif not self.flights:
                break
            self._collect()

    # -- what may be done now

    def _keep_lease(self) -> None:
        """Raises FenceLost when the import is no longer ours. Also sees that somebody stopped it."""
        now = time.monotonic()
        if now - self.renewed > RENEW_SECONDS:
            self._renew()
        if now - self.looked > LOOK_SECONDS:
            self._look()

    def _renew(self) -> None:
        status = renew(self.job)
        if status is None:
            raise FenceLost
        self.seen = status
        self.renewed = time.monotonic()

    def _look(self) -> None:
        """What people changed: the import's state, and whatever the connection says."""
        self.seen = ImportJob.objects.values_list("status", flat=True).get(pk=self.job.pk)
        self.connection.refresh_from_db()
        self.looked = time.monotonic()

    def _may_begin(self) -> bool:
        if self.hold and not self.flights and not self._over():
            self._look_again()
        return not (self.hold or self.drained or self._over())

    def _over(self) -> bool:
        return self._stopped() or time.monotonic() - self.began > SLICE_SECONDS

    def _stopped(self) -> bool:
        connection = self.connection
        closed = connection.state == ConnectionState.BLOCKED or connection.archived_at is not None
        moved = not calls(self.client, connection)
        return self.seen != JobStatus.RUNNING or closed or moved or self.question is not None or is_shutting_down()

    def _look_again(self) -> None:
        """No call is in flight. Short pauses are waited out here, long ones free the worker."""
        if self.pause and self.pause.seconds > MAX_WAIT_SECONDS:
            return
        if self.pause:
            time.sleep(self.pause.seconds)
        self.hold, self.pause, self.drained, self.ready = False, None, False, None
        self._look()
        self.source.start_over()

    def _hold(self, pause: Pause | None) -> None:
        self.hold, self.pause = True, pause or self.pause

    # -- a call

    def _begin(self) -> None:
        if len(self.flights) >= self.connection.parallel_calls or not self._have_ready():
            return
        if time.monotonic() < self.ready_at:
            return
        # Reads the connection: address, credentials, pace and switches of this very moment.
        token = self._token()
        if token is None or self.ready is None:
            return
        sent_with = tokens.sent_with(self.connection, self.client)
        load, self.ready = self.ready, None
        start_before = Deadline.after(START_WITHIN_SECONDS)
        delivery = None if self._over() else outcomes.begin_call(self.job, load.batch, leases.LEASE)
        if delivery is None:
            self._look()
            return
        self.renewed = time.monotonic()
        if load.is_resent:
            # Its rows still look as if nobody had sent them.
            self._hold(None)
        future = self.pool.submit(call, self.client, token, load.body, start_before)
        self.flights[future] = Flight(delivery, load, token, sent_with)

    def _have_ready(self) -> bool:
        """A batch with its slot of the connection's pace."""
        if self.ready is None:
            self._settle_doubtful()
            if self.connection.silent_since is not None and not self._probe():
                return False
            slot = take_slot(self.connection)
            if not slot.taken:
                self._hold(Pause(slot.wait_seconds, "throttled" if self.connection.slow_factor > 1 else "pace"))
                return False
            self.ready = self._next_load()
            self.ready_at = time.monotonic() + slot.wait_seconds
        return self.ready is not None

    def _next_load(self) -> Load | None:
        """What got no answer and is due goes first; meanwhile the other batches go on."""
        waits = {batch.last.pk: seconds_to_wait(batch) for batch in self.source.unanswered}
        for batch in sorted(self.source.unanswered, key=may_probe, reverse=True):
            # On a silent connection it is the probe; what was never sent is that only when there is nothing else.
            due = waits[batch.last.pk] <= 0 or self.connection.silent_since is not None
            if due and (load := self.source.again(batch)):
                return load
        load = self.source.next()
        if load is None and self.source.unanswered:
            self._hold(Pause(max(min(waits.values()), 0.1), "unanswered"))
        else:
            self.drained = load is None
        return load

    def _settle_doubtful(self) -> None:
        """Of what got no answer: what must not, or need not, be sent again."""
        for batch in list(self.source.unanswered):
            if not self.connection.resend_unanswered or is_in_doubt(batch):
                outcomes.settle_as_in_doubt(self.job, batch.last)
                self.source.unanswered.remove(batch)

    def _token(self) -> str | None:
        found = tokens.token_for(self.connection, self.client)
        if isinstance(found, str):
            return found
        if isinstance(found, BeingRenewed):
            self.token_waits += 1
            self._hold(Pause(1.0 if self.token_waits <= TOKEN_WAITS else TOKEN_PAUSE_SECONDS, "token"))
        elif isinstance(found, Blocked):
            self.connection.block(found.reason, where=tokens.sent_with(self.connection, self.client))
        elif isinstance(found, BatchRefused):
            said = f"{found.answer.code} {found.answer.message}"
            self.connection.block("token_refused", said, tokens.sent_with(self.connection, self.client))
        elif isinstance(found, Throttled):
            self._hold(Pause(found.retry_after_seconds, "token"))
        else:
            self.failures += 1
            self._stay_silent("token")
        return None

    # -- while nothing is answered

    def _probe(self) -> bool:
        """On a silent connection: one harmless call without rows, alone. True when the next batch may go.

        A hiccup of a moment is over when the batch is sent again at once. And not every platform answers a call
        without rows: after a while of that the next batch is the probe.
        """
        if self.flights:
            return False
        if not self.has_probe and not silence.take_probe(self.connection, leases.LEASE):
            self._hold(Pause(pause_seconds(self.connection), "unanswered"))
            return False
        self.has_probe = True
        if self.went_silent and any(map(may_probe, self.source.unanswered)):
            return True
        outcome = self._call_without_rows()
        if outcome is None:
            return False
        if is_sign_of_life(outcome):
            outcomes.record_sign_of_life(self.job, their_answer(outcome, frozenset()))
            self._answered()
            return True
        unclear_seconds = silence.probe_was_unclear(self.connection)
        if unclear_seconds >= PROBES_ALONE_SECONDS and leases.is_first_in_line(self.job):
            return True
        self._stay_silent("not_reached" if isinstance(outcome, NotSent) else "unanswered")
        return False

    def _call_without_rows(self) -> Outcome | None:
        token = self._token()
        if token is None:
            return None
        self._renew()
        return self.client.send(token, EMPTY_CALL, end_by=Deadline.after(PROBE_SECONDS))

    def _stay_silent(self, reason: str) -> None:
        """The platform did not answer: the next call of the connection, by whomever, comes after a pause."""
        self.went_silent = silence.unanswered(self.connection) or self.went_silent
        pause = Pause(pause_seconds(self.connection), reason)
        silence.postpone_probe(self.connection, pause.seconds)
        self.has_probe = False
        self._hold(pause)

    def _answered(self) -> None:
        """The platform answers again, or for the first time in a while: others of the connection may go on, too."""
        self.has_probe = False
        if silence.answered(self.connection):
            for job_id in leases.claimable(self.connection)[:SIBLINGS_RUNG]:
                doorbell.ring(doorbell.SENDS, job_id)

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
            self._record(self.flights[future], future.result())
            del self.flights[future]

    def _record(self, flight: Flight, outcome: Outcome) -> None:
        decision = self._decide(flight, outcome)
        self.failures = self.failures + 1 if decision.outcome in INDEFINITE else 0
        answer = their_answer(outcome, flight.load.identifiers)
        halves = outcomes.record(flight.delivery, self.job, decision.outcome, answer, decision.verdict)
        self.source.plan(halves)
        self.drained = self.drained and not halves
        self._obey(decision, flight)
        self._tell_connection(decision)
        alone = decision.outcome == DeliveryOutcome.BATCH_REFUSED and flight.delivery.row_count == 1
        if alone and bisection.refuses_everything_alike(self.job):
            self.question = ("refuses_everything", decision.verdict.params)

    def _decide(self, flight: Flight, outcome: Outcome) -> Decision:
        found = Circumstances(
            failures=self.failures + 1,
            may_halve=isinstance(outcome, BatchRefused) and bisection.may_halve(flight.delivery),
            resend=self.connection.resend_unanswered,
        )
        return decide(outcome, flight.load, found)

    def _record_late(self) -> None:
        """The import is somebody else's by now. What the platform still says is noted beside the calls given up."""
        for future, flight in self.flights.items():
            outcome = future.result()
            decision = self._decide(flight, outcome)
            outcomes.record_late(flight.delivery, decision.outcome, their_answer(outcome, flight.load.identifiers))

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
            self._stay_silent(decision.pause.reason if decision.pause else "unanswered")
            return
        if self.has_probe or self.connection.silent_since:
            self._answered()
        if decision.outcome == DeliveryOutcome.THROTTLED and decision.pause:
            slow_down(self.connection, decision.pause.seconds)
        elif not decision.new_token:
            tokens.proven(self.connection)
            speed_up(self.connection)

    # -- the end of the slice

    def _give_back(self) -> None:
        if self.has_probe and self.connection.silent_since is None:
            silence.release_probe(self.connection)
        if self.drained and not self.hold:
            counts.verify(self.job)
            if self.job.trial_rows is not None:
                self.question = self.question or ("trial_done", {"rows": self.job.trial_rows})
        silent = self.pause is not None and self.pause.reason in ("unanswered", "not_reached")
        if silent and silent_too_long(self.connection):
            self.question = ("no_answer_for_a_day", {})
        blocked = self.connection.state == ConnectionState.BLOCKED
        pause = None if blocked else self.pause
        give_back(self.job, pause, self.question, ring=not (pause or blocked), prepared=self.prepared)
