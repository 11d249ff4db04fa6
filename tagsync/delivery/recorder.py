"""What an answer means, and that it is so from then on: for its rows, for the connection, for the rest of the slice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tagsync.connections import silence, tokens
from tagsync.connections.models import Connection
from tagsync.connections.pace import slow_down, speed_up
from tagsync.delivery import leases
from tagsync.delivery.batches import body_bytes_of
from tagsync.delivery.calls import Flight, their_answer
from tagsync.delivery.policy import Circumstances, Decision, Pause, decide, pause_seconds, their_words
from tagsync.imports.models import Delivery, ImportJob
from tagsync.imports.models.delivery import INDEFINITE, DeliveryOutcome
from tagsync.imports.sending import bisection, outcomes, too_large
from tagsync.imports.states import WaitReason
from tagsync.queueing import doorbell
from tagsync.tuzhan.outcomes import BatchRefused, Outcome, TooLarge

SIBLINGS_RUNG = 50


@dataclass
class SliceState:
    """How a slice goes. `failures`: calls in a row that got no definite answer.

    `held`: begin nothing until no call is in flight; rows or connection must be looked at anew, after the `pause`.
    `question`: a cause for which only a person can go on, with its parameters. `drained`: no row is left to be sent.
    """

    failures: int = 0
    held: bool = False
    pause: Pause | None = None
    question: tuple[str, dict[str, Any]] | None = None
    drained: bool = False

    def hold(self, pause: Pause | None = None) -> None:
        self.held, self.pause = True, pause or self.pause

    def go_on(self) -> None:
        self.held, self.pause, self.drained = False, None, False


class Contact:
    """Whether the platform answers this connection, as far as a slice knows.

    `has_probe`: the next call of the connection is ours alone. `went_silent`: in this slice.
    """

    def __init__(self, connection: Connection, state: SliceState, *, has_probe: bool) -> None:
        self._connection, self._state = connection, state
        self.has_probe = has_probe
        self.went_silent = False

    def take_probe(self) -> bool:
        """Try to be the one who looks whether the platform answers again."""
        self.has_probe = self.has_probe or silence.take_probe(self._connection, leases.LEASE)
        return self.has_probe

    def no_answer(self, reason: WaitReason) -> None:
        """The next call of the connection, by whomever, comes after a pause."""
        self.went_silent = silence.unanswered(self._connection) or self.went_silent
        pause = Pause(pause_seconds(self._connection), reason)
        silence.postpone_probe(self._connection, pause.seconds)
        self.has_probe = False
        self._state.hold(pause)

    def answer(self) -> None:
        """The platform answers again, or for the first time in a while: others of the connection may go on, too."""
        self.has_probe = False
        if silence.answered(self._connection):
            for job_id in leases.claimable(self._connection)[:SIBLINGS_RUNG]:
                doorbell.ring(doorbell.SENDS, job_id)

    def release_probe(self) -> None:
        """At the end of the slice: it was not needed."""
        if self.has_probe and self._connection.silent_since is None:
            silence.release_probe(self._connection)


class Recorder:
    """Takes each call that has come back. Only the thread that owns the slice calls it."""

    def __init__(self, job: ImportJob, connection: Connection, state: SliceState, contact: Contact) -> None:
        self._job, self._connection = job, connection
        self._state, self._contact = state, contact

    def record(self, flight: Flight, outcome: Outcome) -> list[Delivery]:
        """Write down what came back and what follows; returns the planned halves. Raises FenceLost."""
        state = self._state
        decision = self._decide(flight, outcome)
        state.failures = state.failures + 1 if decision.outcome in INDEFINITE else 0
        answer = their_answer(outcome)
        halves = outcomes.record(flight.delivery, self._job, decision.outcome, answer, decision.verdict)
        state.drained = state.drained and not halves
        self._obey(decision, flight)
        self._tell_connection(decision)
        self._learn_length(decision, flight)
        if flight.delivery.row_count == 1:
            self._ask(decision, flight, outcome)
        return halves

    def _learn_length(self, decision: Decision, flight: Flight) -> None:
        """How long a body the platform takes. A single row tells nothing: no call is shorter."""
        load, rows = flight.load, flight.delivery.row_count
        if decision.outcome == DeliveryOutcome.TOO_LARGE and rows > 1:
            self._connection.body_was_refused(len(load.body))
        elif decision.outcome == DeliveryOutcome.ACCEPTED:
            is_full = rows >= self._connection.rows_per_call > 1
            limit = load.cut_at or (self._connection.max_body_bytes if is_full else None)
            if limit:
                self._connection.body_was_taken(limit, len(load.body), rows)

    def _ask(self, decision: Decision, flight: Flight, outcome: Outcome) -> None:
        """A person, when single rows are refused one after another: it is hardly the rows."""
        refused = decision.outcome == DeliveryOutcome.BATCH_REFUSED
        if refused and bisection.refuses_everything_alike(self._job):
            self._state.question = ("refuses_everything", decision.verdict.params)
        waits = decision.outcome == DeliveryOutcome.TOO_LARGE and not decision.verdict.status
        if waits and too_large.nothing_is_small_enough(self._job):
            self._state.question = ("too_large_alone", their_words(outcome.answer))
            # What refuses the shortest call there is has no limit of bytes that could be learnt.
            self._connection.forget_body_limit()

    def record_late(self, flight: Flight, outcome: Outcome) -> None:
        """The import is somebody else's by now: what the platform says is noted beside the call given up."""
        decision = self._decide(flight, outcome)
        outcomes.record_late(flight.delivery, decision.outcome, their_answer(outcome))

    def _decide(self, flight: Flight, outcome: Outcome) -> Decision:
        found = Circumstances(
            failures=self._state.failures + 1,
            may_halve=isinstance(outcome, BatchRefused) and bisection.may_halve(flight.delivery),
            own_fault=isinstance(outcome, TooLarge) and self._is_its_own_fault(flight),
            resend=self._connection.resend_unanswered,
        )
        return decide(outcome, flight.load, found)

    def _is_its_own_fault(self, flight: Flight) -> bool:
        if flight.delivery.row_count > 1:
            return False
        most = too_large.most_accepted(self._job)
        most_bytes = body_bytes_of(most, self._connection) if most else 0
        return too_large.is_its_own_fault(flight.delivery, len(flight.load.body), most, most_bytes)

    def _obey(self, decision: Decision, flight: Flight) -> None:
        if decision.rows_wait:
            self._state.hold(decision.pause)
        if decision.new_token:
            tokens.refused(self._connection, flight.token, flight.sent_with)
        if decision.block_reason:
            self._connection.block(decision.block_reason, flight.delivery.message, flight.sent_with)

    def _tell_connection(self, decision: Decision) -> None:
        """What all imports of the connection must know."""
        if decision.outcome in (DeliveryOutcome.UNANSWERED, DeliveryOutcome.NOT_SENT):
            self._contact.no_answer(decision.pause.reason if decision.pause else WaitReason.UNANSWERED)
            return
        if self._contact.has_probe or self._connection.silent_since:
            self._contact.answer()
        if decision.outcome == DeliveryOutcome.THROTTLED and decision.pause:
            slow_down(self._connection, decision.pause.seconds)
        elif not decision.new_token:
            tokens.proven(self._connection)
            speed_up(self._connection)
