"""“Test the connection”: one harmless call without rows, and exactly what came back."""

from __future__ import annotations

from dataclasses import dataclass

from tagsync.connections import silence, tokens
from tagsync.connections.models import Connection
from tagsync.connections.tokens import BeingRenewed
from tagsync.delivery.calling import EMPTY_CALL, their_answer
from tagsync.delivery.reach import Unusable, client_for
from tagsync.imports.outcomes import TheirAnswer
from tagsync.tuzhan.client import Client
from tagsync.tuzhan.errors import (
    Accepted,
    BatchRefused,
    Blocked,
    NotSent,
    Outcome,
    Throttled,
    TokenRejected,
    Unanswered,
)


@dataclass(frozen=True)
class Found:
    """`code`: a code of imports.problems; "connection_works" when address, path, token and permission are right."""

    code: str
    answer: TheirAnswer

    @property
    def works(self) -> bool:
        return self.code == "connection_works"


NOTHING_CAME = TheirAnswer()


def try_connection(connection: Connection) -> Found:
    """Call once, change nothing on the platform. Takes as long as a call may take."""
    try:
        client = client_for(connection)
    except Unusable as error:
        return Found(f"connection_{error.reason}", NOTHING_CAME)
    with client:
        outcome = _outcome(connection, client)
    if outcome is None:
        return Found("wait_token", NOTHING_CAME)
    found = Found(_code(outcome), their_answer(outcome, frozenset()))
    if found.works:
        silence.answered(connection)
    return found


def _outcome(connection: Connection, client: Client) -> Outcome | None:
    token = tokens.token_for(connection, client)
    if isinstance(token, BeingRenewed):
        return None
    return client.send(token, EMPTY_CALL) if isinstance(token, str) else token


def _code(outcome: Outcome) -> str:
    match outcome:
        case Blocked(_, reason):
            return f"connection_{reason}"
        case TokenRejected():
            return "connection_token_rejected"
        case NotSent():
            return "wait_not_reached"
        case Unanswered():
            return "wait_unanswered"
        case Throttled():
            return "wait_throttled"
        case Accepted() | BatchRefused():
            # Refusing a call without rows is an answer of the platform's very endpoint.
            return "connection_works"
        case _:
            return "wait_unanswered"
