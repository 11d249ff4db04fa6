"""What admins do to a connection: archive it, take it back into use, test it; with rings for the imports that wait."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet

from tagsync.accounts.models import Person
from tagsync.connections import silence, tokens
from tagsync.connections.models import Connection
from tagsync.connections.tokens import NoToken
from tagsync.database import repeated_after_deadlock
from tagsync.delivery import actions
from tagsync.delivery.calls import EMPTY_CALL, their_answer
from tagsync.delivery.clients import Unusable, client_for
from tagsync.delivery.leases import claimable
from tagsync.imports.models import ImportJob
from tagsync.imports.sending.outcomes import TheirAnswer
from tagsync.imports.states import UNDER_WAY, MoveRefused
from tagsync.queueing import doorbell
from tagsync.tuzhan.outcomes import (
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


def under_way(connection: Connection) -> QuerySet[ImportJob]:
    """The imports that archiving stops, in the order of their line."""
    jobs = ImportJob.objects.filter(connection=connection, status__in=UNDER_WAY)
    return jobs.select_related("owner").order_by("queue_number")


@repeated_after_deadlock
def archive(connection: Connection, by: Person, seen: int) -> list[ImportJob] | None:
    """Take it out of use, and stop the imports under way on it; returns those.

    `seen`: the counter of the connection's line when these were named to the admin. None when one has taken a place in
    line since: nothing is done then, and they must be named anew.

    No import can start in between, because starts lock the connection too; afterwards they are refused.
    """
    with transaction.atomic():
        locked = Connection.objects.select_for_update(no_key=True).get(pk=connection.pk)
        jobs = list(under_way(locked))
        if any((job.queue_number or 0) > seen for job in jobs):
            return None
        locked.archive()
        stopped = []
        for job in jobs:
            # It is stopping already, or has just finished.
            with suppress(MoveRefused):
                actions.stop(job, by)
                stopped.append(job)
    return stopped


def ring_after_commit(connection: Connection) -> None:
    """The connection was repaired or changed: what may be sent now need not wait for the keeper's next round."""
    transaction.on_commit(lambda: _ring(connection), robust=True)


def _ring(connection: Connection) -> None:
    for job_id in claimable(connection):
        if not doorbell.ring(doorbell.SENDS, job_id):
            return  # Redis is away; each ring would wait for it


# -- “Test the connection”: one harmless call without rows, and exactly what came back

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
        try:
            token = tokens.token_for(connection, client)
        except NoToken as error:
            if error.outcome is None:
                return Found("wait_token", NOTHING_CAME)
            return _found(error.outcome, refused="connection_token_refused")
        found = _found(client.send(token, EMPTY_CALL), refused=WORKS)
    if found.works:
        silence.answered(connection)
    return found


def _found(outcome: Outcome, *, refused: str) -> Found:
    return Found(_code(outcome, refused), their_answer(outcome))


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
