"""One call in a thread of its own, and what of its answer is kept. Touches no database."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.db.models import Q

from tagsync.delivery.batches import Load
from tagsync.imports.models import Delivery
from tagsync.imports.sending.outcomes import TheirAnswer
from tagsync.tuzhan.client import Client
from tagsync.tuzhan.deadline import Deadline
from tagsync.tuzhan.messages import Settings, batch_body, encode
from tagsync.tuzhan.outcomes import Accepted, Answer, NotSent, Outcome

# A call without rows: whatever comes back, the platform answers, and no customer is touched.
EMPTY_CALL = encode(batch_body(Settings(match="none", identify_way=None, operation="add"), []))


@dataclass
class Flight:
    """A call that is under way. `sent_with`: `connections.tokens.sent_with` of the moment when it began."""

    delivery: Delivery
    load: Load
    token: str
    sent_with: Q


def call(client: Client, token: str, load: Load, start_before: Deadline) -> Outcome:
    """A process that slept past `start_before`, and so perhaps past its lease, must not send any more."""
    if start_before.has_passed():
        return NotSent(Answer(), "overslept")
    # From the same moment, so that a sleep between this line and the first byte counts too.
    end_by = start_before.later(settings.TAGSYNC_CALL_SECONDS)
    return client.send(token, load.body, end_by, known=load.identifiers)


def their_answer(outcome: Outcome) -> TheirAnswer:
    answer = outcome.answer
    return TheirAnswer(
        http_status=answer.http_status,
        code=answer.code,
        error_code=answer.error_code,
        message=answer.message,
        data=answer.data,
        excerpt=answer.excerpt,
        duration_ms=answer.duration_ms,
        remarks=outcome.remarks if isinstance(outcome, Accepted) else "",
    )
