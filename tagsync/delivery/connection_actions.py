"""What admins do to a connection that imports wait for, each with the rings that let these go on at once."""

from __future__ import annotations

from contextlib import suppress

from django.db import transaction
from django.db.models import QuerySet

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.database import repeated_after_deadlock
from tagsync.delivery import actions
from tagsync.delivery.leases import claimable
from tagsync.imports.models import ImportJob
from tagsync.imports.states import UNDER_WAY, MoveRefused
from tagsync.queueing import doorbell


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
