"""“Test the connection”: one harmless call without rows, and exactly what came back."""

from __future__ import annotations

from dataclasses import dataclass

from tagsync.connections import silence, tokens
from tagsync.connections.models import Connection
from tagsync.connections.tokens import BeingRenewed
from tagsync.delivery.calls import EMPTY_CALL, their_answer
from tagsync.delivery.clients import Unusable, client_for
from tagsync.imports.sending.outcomes import TheirAnswer
from tagsync.tuzhan.errors import (
    Accepted,
    BatchRefused,
    Blocked,
    NotSent,
    Outcome,
    Throttled,
    TokenRejected,
    Unanswered,
    is_sign_of_life,
)

WORKS = "connection_works"


@dataclass(frozen=True)
class Found:
    """`code`: a code of imports.problems; "connection_works" when address, path, token and permission are right."""

    code: str
    answer: TheirAnswer

    @property
    def works(self) -> bool:
        return self.code == WORKS


NOTHING_CAME = TheirAnswer()


def try_connection(connection: Connection) -> Found:
    """Call once, change nothing on the platform. Takes as long as a call may take."""
    try:
        client = client_for(connection)
    except Unusable as error:
        return Found(f"connection_{error.reason}", NOTHING_CAME)
    with client:
        token = tokens.token_for(connection, client)
        if isinstance(token, BeingRenewed):
            return Found("wait_token", NOTHING_CAME)
        if not isinstance(token, str):
            return _found(token, refused="connection_token_refused")
        found = _found(client.send(token, EMPTY_CALL), refused=WORKS)
    if found.works:
        silence.answered(connection)
    return found


def _found(outcome: Outcome, *, refused: str) -> Found:
    return Found(_code(outcome, refused), their_answer(outcome, frozenset()))


def _code(outcome: Outcome, refused: str) -> str:
    """`refused`: what a business error means here; for a call without rows it is an answer of the very endpoint."""
    match outcome:
        case Blocked(_, reason):
            return f"connection_{reason}"
        case TokenRejected():
            return "connection_token_rejected"
        case NotSent():
            return "wait_not_reached"
        case Unanswered() if is_sign_of_life(outcome):
            return refused
        case Unanswered():
            return "wait_unanswered"
        case Throttled():
            return "wait_throttled"
        case Accepted():
            return WORKS
        case BatchRefused():
            return refused
        case _:
            return "wait_unanswered"
