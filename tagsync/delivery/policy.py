"""What follows from an outcome: for the rows of the call, for the next call, for the connection. A table in code.

Decides only; whoever called acts on it. Source of the table: `tuzhan.outcomes`.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta
from itertools import takewhile

from django.db.models import Min, QuerySet

from tagsync.connections import silence
from tagsync.connections.models import Connection
from tagsync.delivery.batches import Load
from tagsync.imports.models import Delivery, ImportJob
from tagsync.imports.models.delivery import INDEFINITE, DeliveryOutcome, DeliveryState
from tagsync.imports.models.row import Origin
from tagsync.imports.sending.outcomes import KEEP_WAITING, UNANSWERED_SENDS, OpenBatch, Verdict
from tagsync.imports.states import RowStatus, WaitReason
from tagsync.tuzhan.outcomes import (
    Accepted,
    Answer,
    BatchRefused,
    Blocked,
    BlockReason,
    NotSent,
    Outcome,
    Throttled,
    TokenRejected,
    TooLarge,
    Unanswered,
)

MAX_BACK_OFF_SECONDS = 300.0
GIVE_UP_AFTER = timedelta(hours=24)
# A probe is a call without rows: whoever answers does so at once, and a worker is not held for long.
PROBE_SECONDS = 5.0
# So long only calls without rows look whether the platform is back; not every one answers those, so then a batch does.
PROBES_ALONE_SECONDS = 60.0
MAX_FAILURES = 20


@dataclass(frozen=True)
class Pause:
    """No new call for so long."""

    seconds: float
    reason: WaitReason


@dataclass(frozen=True)
class Decision:
    outcome: DeliveryOutcome
    verdict: Verdict = KEEP_WAITING
    pause: Pause | None = None
    # The rows of the call go on waiting: what is read ahead must be read again once no call is in flight.
    rows_wait: bool = False
    new_token: bool = False
    block_reason: BlockReason | None = None


ACCEPTED = Decision(DeliveryOutcome.ACCEPTED, Verdict(RowStatus.ACCEPTED))


@dataclass(frozen=True)
class Circumstances:
    """`failures`: calls of this import in a row, this one included, without a definite answer."""

    failures: int = 1
    may_halve: bool = False
    # a single row that was found too large: nothing but its own length explains that
    own_fault: bool = False
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
            pause = Pause(back_off_seconds(found.failures), WaitReason.NOT_REACHED)
            return Decision(DeliveryOutcome.NOT_SENT, pause=pause, rows_wait=True)
        case Throttled(_, retry_after_seconds):
            pause = Pause(retry_after_seconds, WaitReason.THROTTLED)
            return Decision(DeliveryOutcome.THROTTLED, pause=pause, rows_wait=True)
        case TokenRejected():
            return Decision(DeliveryOutcome.TOKEN_REJECTED, rows_wait=True, new_token=True)
        case Blocked(_, reason):
            return Decision(DeliveryOutcome.BLOCKED, rows_wait=True, block_reason=reason)
        case TooLarge(answer):
            return _too_large(answer, found)


def _unanswered(found: Circumstances) -> Decision:
    if not found.resend:
        return Decision(DeliveryOutcome.UNANSWERED, Verdict(RowStatus.IN_DOUBT, Origin.US, "no_answer"))
    pause = Pause(back_off_seconds(found.failures), WaitReason.UNANSWERED)
    return Decision(DeliveryOutcome.UNANSWERED, pause=pause, rows_wait=True)


def _too_large(answer: Answer, found: Circumstances) -> Decision:
    if not found.own_fault:
        return Decision(DeliveryOutcome.TOO_LARGE, rows_wait=True)
    verdict = Verdict(RowStatus.REJECTED, Origin.PLATFORM, "row_too_large", their_words(answer))
    return Decision(DeliveryOutcome.TOO_LARGE, verdict)


def _refused(answer: Answer, load: Load, found: Circumstances) -> Verdict:
    if found.may_halve:
        return Verdict(halve=True)
    alone = len(load.batch.row_numbers) == 1
    code = "refused" if alone else "not_isolated"
    return Verdict(RowStatus.REJECTED, Origin.PLATFORM, code, their_words(answer))


def their_words(answer: Answer) -> dict[str, str | int | None]:
    """What groups refusals."""
    return {
        "http_status": answer.http_status,
        "code": answer.code,
        "error_code": answer.error_code,
        "message": answer.message,
    }


# -- how long to wait for a platform that does not answer, and when what was sent counts as in doubt


def back_off_seconds(failures: int) -> float:
    """1 s doubling to 5 min, with jitter so that many imports do not come back in one moment."""
    seconds = min(MAX_BACK_OFF_SECONDS, 2.0 ** max(0, min(failures, 16) - 1))
    return seconds * random.uniform(0.8, 1.2)


def failures_in_a_row(job: ImportJob) -> int:
    """Calls at the end of the import's history that got no definite answer: the exponent of the back-off."""
    last = job.deliveries.exclude(outcome="").order_by("-id").values_list("outcome", flat=True)[:MAX_FAILURES]
    return sum(1 for _ in takewhile(lambda outcome: outcome in INDEFINITE, last))


def pause_seconds(connection: Connection) -> float:
    """As long again as it has been silent already, up to 5 minutes: doubling that needs no counter."""
    return min(MAX_BACK_OFF_SECONDS, max(silence.silent_seconds(connection), back_off_seconds(1)))


def silent_too_long(connection: Connection) -> bool:
    return silence.silent_seconds(connection) > GIVE_UP_AFTER.total_seconds()


def seconds_to_wait(batch: OpenBatch) -> float:
    """What is left of its back-off; 0 or less when it may be sent again."""
    if batch.last.outcome == DeliveryOutcome.WORKER_DIED:
        return 0.0  # that says nothing of the platform
    return back_off_seconds(batch.unanswered) - batch.since.total_seconds()


def may_probe(batch: OpenBatch) -> bool:
    """Whether sending it once more may tell something; after some times only the answer to another call does."""
    return batch.unanswered < UNANSWERED_SENDS


def is_in_doubt(batch: OpenBatch) -> bool:
    """Sent often enough without an answer while the platform answered others: it is this batch.

    When the platform answered nobody else between the first and the last of these sends, it was away, and the batch
    gets one more chance.
    """
    if may_probe(batch):
        return False
    others = _answered_others(batch.last)
    first = _sends(batch.last).aggregate(first=Min("created_at"))["first"]
    if batch.unanswered > UNANSWERED_SENDS:
        return others.filter(answered_at__gt=first).exists()
    return others.filter(answered_at__gt=first, answered_at__lt=batch.last.created_at).exists()


def _sends(last: Delivery) -> QuerySet[Delivery]:
    return Delivery.objects.filter(job=last.job_id, run=last.run, batch=last.batch)


def _answered_others(last: Delivery) -> QuerySet[Delivery]:
    answered = Delivery.objects.filter(job__connection=last.job.connection_id, state=DeliveryState.ANSWERED)
    return answered.exclude(pk__in=_sends(last).values("pk"))
