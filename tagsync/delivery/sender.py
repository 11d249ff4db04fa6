"""Batches become calls, a few at once: formed, given a slot and a token, written down, sent in threads of their own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from django.conf import settings

from tagsync.connections import silence, tokens
from tagsync.connections.models import Connection
from tagsync.connections.pace import take_slot
from tagsync.connections.tokens import NoToken
from tagsync.delivery import leases
from tagsync.delivery.batches import BatchSource, Load
from tagsync.delivery.calls import EMPTY_CALL, Flight, call, their_answer
from tagsync.delivery.leases import HeldLease
from tagsync.delivery.policy import (
    PROBE_SECONDS,
    PROBES_ALONE_SECONDS,
    Pause,
    is_in_doubt,
    may_probe,
    pause_seconds,
    seconds_to_wait,
)
from tagsync.delivery.recorder import Contact, SliceState
from tagsync.imports.models import Delivery, ImportJob
from tagsync.imports.sending import outcomes
from tagsync.imports.states import WaitReason
from tagsync.tuzhan.client import Client
from tagsync.tuzhan.deadline import Deadline
from tagsync.tuzhan.outcomes import BatchRefused, Blocked, BlockReason, NotSent, Outcome, Throttled, is_sign_of_life

# A call begins only so soon after the lease was renewed that the lease, two calls long, outlives it whole.
START_WITHIN_SECONDS = settings.TAGSYNC_CALL_SECONDS * 2 / 3
IDLE_SECONDS = 0.2
# Another worker fetches the token: so often it is waited for a second here, then the worker is of more use elsewhere.
TOKEN_WAITS = 2
TOKEN_PAUSE_SECONDS = 3.0


class Sender:
    """The calls of one slice. `flights`: those under way."""

    def __init__(
        self,
        job: ImportJob,
        client: Client,
        pool: ThreadPoolExecutor,
        lease: HeldLease,
        state: SliceState,
        contact: Contact,
    ) -> None:
        self._job, self._client, self._pool = job, client, pool
        self._lease, self._state, self._contact = lease, state, contact
        self._connection: Connection = lease.connection
        self._source = BatchSource(job, self._connection)
        self._ready: Load | None = None  # formed, and waiting for its slot
        self._ready_at = 0.0
        self._token_waits = 0
        self.flights: dict[Future[Outcome], Flight] = {}

    def start_over(self) -> None:
        """Form batches anew from the rows that wait now. Only when no call is in flight."""
        self._ready = None
        self._source.start_over()

    def plan(self, halves: list[Delivery]) -> None:
        self._source.plan(halves)

    def begin(self, may_still: Callable[[], bool]) -> None:
        """Begin one call, if one of them is due; `may_still` is asked after the last thing that may take long."""
        if len(self.flights) >= self._connection.parallel_calls or not self._make_ready():
            return
        if time.monotonic() < self._ready_at:
            return
        # Reads the connection: address, credentials, pace and switches of this very moment.
        token = self._fetch_token()
        if token is None or self._ready is None:
            return
        sent_with = tokens.sent_with(self._connection, self._client)
        load, self._ready = self._ready, None
        start_before = Deadline.after(START_WITHIN_SECONDS)
        delivery = outcomes.begin_call(self._job, load.batch, leases.LEASE) if may_still() else None
        if delivery is None:
            self._lease.look()
            return
        self._lease.was_renewed()
        if load.is_resent:
            # Its rows still look as if nobody had sent them.
            self._state.hold()
        future = self._pool.submit(call, self._client, token, load, start_before)
        self.flights[future] = Flight(delivery, load, token, sent_with)

    def landed(self) -> Iterator[tuple[Flight, Outcome]]:
        """Calls that have come back; waits a moment for one when there is nothing else to do."""
        until_ready = max(0.0, min(IDLE_SECONDS, self._ready_at - time.monotonic()))
        if not self.flights:
            time.sleep(until_ready)
            return
        full = len(self.flights) >= self._connection.parallel_calls
        nothing_to_begin = full or self._state.held or self._state.drained
        timeout = IDLE_SECONDS if nothing_to_begin else until_ready
        done, _ = wait(self.flights, timeout=timeout, return_when=FIRST_COMPLETED)
        for future in done:
            yield self.flights[future], future.result()
            del self.flights[future]

    def all_landed(self) -> Iterator[tuple[Flight, Outcome]]:
        """Wait for every call under way."""
        for future, flight in self.flights.items():
            yield flight, future.result()

    # -- what goes next

    def _make_ready(self) -> bool:
        """Have a batch with its slot of the connection's pace; False when none may go now."""
        if self._ready is None:
            self._settle_doubtful()
            if self._connection.silent_since is not None and not self._probe():
                return False
            slot = take_slot(self._connection)
            if not slot.taken:
                reason = WaitReason.THROTTLED if self._connection.slow_factor > 1 else WaitReason.PACE
                self._state.hold(Pause(slot.wait_seconds, reason))
                return False
            self._ready = self._take_next()
            self._ready_at = time.monotonic() + slot.wait_seconds
        return self._ready is not None

    def _take_next(self) -> Load | None:
        """What got no answer and is due goes first; meanwhile the other batches go on."""
        unanswered = self._source.unanswered
        waits = {batch.last.pk: seconds_to_wait(batch) for batch in unanswered}
        for batch in sorted(unanswered, key=may_probe, reverse=True):
            # On a silent connection it is the probe; what was never sent is that only when there is nothing else.
            due = waits[batch.last.pk] <= 0 or self._connection.silent_since is not None
            if due and (load := self._source.again(batch)):
                return load
        load = self._source.next()
        if load is None and self._source.unanswered:
            self._state.hold(Pause(max(min(waits.values()), 0.1), WaitReason.UNANSWERED))
        else:
            self._state.drained = load is None
        return load

    def _settle_doubtful(self) -> None:
        """Of what got no answer: what must not, or need not, be sent again."""
        for batch in list(self._source.unanswered):
            if not self._connection.resend_unanswered or is_in_doubt(batch):
                outcomes.settle_as_in_doubt(self._job, batch.last)
                self._source.unanswered.remove(batch)

    def _fetch_token(self) -> str | None:
        """None when there is none to call with now; the slice then knows why."""
        try:
            return tokens.token_for(self._connection, self._client)
        except NoToken as error:
            self._give_up_on_token(error.outcome)
        return None

    def _give_up_on_token(self, instead: Outcome | None) -> None:
        sent_with = tokens.sent_with(self._connection, self._client)
        match instead:
            case None:
                self._token_waits += 1
                self._state.hold(
                    Pause(1.0 if self._token_waits <= TOKEN_WAITS else TOKEN_PAUSE_SECONDS, WaitReason.TOKEN)
                )
            case Blocked(_, reason):
                self._connection.block(reason, where=sent_with)
            case BatchRefused(answer):
                self._connection.block(BlockReason.TOKEN_REFUSED, f"{answer.code} {answer.message}", sent_with)
            case Throttled():
                self._state.hold(Pause(instead.retry_after_seconds, WaitReason.TOKEN))
            case _:
                self._state.failures += 1
                self._contact.no_answer(WaitReason.TOKEN)

    # -- while nothing is answered

    def _probe(self) -> bool:
        """On a silent connection: make one harmless call without rows, alone. True when the next batch may go.

        A hiccup of a moment is over when the batch is sent again at once. And not every platform answers a call
        without rows: after a while of that the next batch is the probe.
        """
        if self.flights:
            return False
        if not self._contact.take_probe():
            self._state.hold(Pause(pause_seconds(self._connection), WaitReason.UNANSWERED))
            return False
        if self._contact.went_silent and any(map(may_probe, self._source.unanswered)):
            return True
        outcome = self._call_without_rows()
        if outcome is None:
            return False
        if is_sign_of_life(outcome):
            outcomes.record_sign_of_life(self._job, their_answer(outcome))
            self._contact.answer()
            return True
        unclear_seconds = silence.probe_was_unclear(self._connection)
        if unclear_seconds >= PROBES_ALONE_SECONDS and leases.is_first_in_line(self._job):
            return True
        self._contact.no_answer(WaitReason.NOT_REACHED if isinstance(outcome, NotSent) else WaitReason.UNANSWERED)
        return False

    def _call_without_rows(self) -> Outcome | None:
        token = self._fetch_token()
        if token is None:
            return None
        self._lease.renew()
        return self._client.send(token, EMPTY_CALL, end_by=Deadline.after(PROBE_SECONDS))
