"""What admins do to a connection that imports wait for, each with the rings that let these go on at once."""

from __future__ import annotations

from django.db import transaction

from tagsync.connections.models import Connection
from tagsync.delivery import doorbell
from tagsync.delivery.keeper import imports_nobody_works_on


def ring_after_commit(connection: Connection) -> None:
    """The connection was repaired or changed: what may be sent now need not wait for the keeper's next round."""
    transaction.on_commit(lambda: _ring(connection), robust=True)


def _ring(connection: Connection) -> None:
    for job_id in imports_nobody_works_on(connection):
        if not doorbell.ring(doorbell.SENDS, job_id):
            return  # Redis is away; each ring would wait for it
