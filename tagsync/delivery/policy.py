"""What follows from an outcome: for the rows of the call, for the next call, for the connection. A table in code.

Decides only; whoever called acts on it. Source of the table: `tuzhan.errors`.
"""

from __future__ import annotations

from dataclasses import dataclass

from tagsync.delivery.batches import Load
from tagsync.delivery.retry_policy import back_off_seconds
from tagsync.imports.models.delivery import DeliveryOutcome
from tagsync.imports.models.row import Origin
from tagsync.imports.sending.outcomes import KEEP_WAITING, Verdict
from tagsync.imports.states import RowStatus
from tagsync.tuzhan.errors import (
    Accepted,
    Answer,
    BatchRefused,
    Blocked,
    NotSent,
    Outcome,
    Throttled,
    TokenRejected,
    TooLarge,
    Unanswered,
)
from tagsync.tuzhan.redaction import redact


@dataclass(frozen=True)
class Pause:
    """No new call for so long; `reason` is a code of imports.problems without its `wait_`."""

    seconds: float
    reason: str


@dataclass(frozen=True)
class Decision:
    outcome: DeliveryOutcome
    verdict: Verdict = KEEP_WAITING
    pause: Pause | None = None
    # The rows of the call go on waiting: what is read ahead must be read again once no call is in flight.
    rows_wait: bool = False
    shrink: bool = False
    new_token: bool = False
    block_reason: str = ""


ACCEPTED = Decision(DeliveryOutcome.ACCEPTED, Verdict(RowStatus.ACCEPTED))


@dataclass(frozen=True)
class Circumstances:
    """`failures`: calls of this import in a row, this one included, without a definite answer."""

    failures: int = 1
    may_halve: bool = False
    resend: bool = True


def decide(outcome: Outcome, load: Load, found: Circumstances) -> Decision:
    match outcome:
        case Accepted():
            return ACCEPTED
        case BatchRefused(answer):
            return Decision(DeliveryOutcome.BATCH_REFUSED, _refused(answer, load, found))
        case Unanswered():
            return _unanswered(found)
        case NotSent():
            pause = Pause(back_off_seconds(found.failures), "not_reached")
            return Decision(DeliveryOutcome.NOT_SENT, pause=pause, rows_wait=True)
        case Throttled(_, retry_after_seconds):
            pause = Pause(retry_after_seconds, "throttled")
            return Decision(DeliveryOutcome.THROTTLED, pause=pause, rows_wait=True)
        case TokenRejected():
            return Decision(DeliveryOutcome.TOKEN_REJECTED, rows_wait=True, new_token=True)
        case Blocked(_, reason):
            return Decision(DeliveryOutcome.BLOCKED, rows_wait=True, block_reason=reason)
        case TooLarge(answer):
            return _too_large(answer, load)


def _unanswered(found: Circumstances) -> Decision:
    if not found.resend:
        return Decision(DeliveryOutcome.UNANSWERED, Verdict(RowStatus.IN_DOUBT, Origin.US, "no_answer"))
    pause = Pause(back_off_seconds(found.failures), "unanswered")
    return Decision(DeliveryOutcome.UNANSWERED, pause=pause, rows_wait=True)


def _too_large(answer: Answer, load: Load) -> Decision:
    if len(load.batch.row_numbers) > 1:
        return Decision(DeliveryOutcome.TOO_LARGE, rows_wait=True, shrink=True)
    verdict = Verdict(RowStatus.REJECTED, Origin.PLATFORM, "row_too_large", _their_words(answer, load))
    return Decision(DeliveryOutcome.TOO_LARGE, verdict)


def _refused(answer: Answer, load: Load, found: Circumstances) -> Verdict:
    if found.may_halve:
        return Verdict(halve=True)
    alone = len(load.batch.row_numbers) == 1
    code = "refused" if alone else "not_isolated"
    return Verdict(RowStatus.REJECTED, Origin.PLATFORM, code, _their_words(answer, load))


def _their_words(answer: Answer, load: Load) -> dict[str, str | int | None]:
    """What groups refusals, without anything personal in it."""
    return {
        "http_status": answer.http_status,
        "code": answer.code,
        "error_code": redact(answer.error_code, load.identifiers),
        "message": redact(answer.message, load.identifiers),
    }
