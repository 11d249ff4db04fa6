"""Whether the platform answers a connection's calls at all. While it does not, nothing new is begun on it."""

from __future__ import annotations

from django.db.models.functions import Now

from tagsync.connections.models import Connection


def unanswered(connection: Connection) -> None:
    Connection.objects.filter(pk=connection.pk, silent_since=None).update(silent_since=Now())
    connection.refresh_from_db(fields=["silent_since"])


def answered(connection: Connection) -> None:
    """Some call of the connection got a readable answer."""
    if Connection.objects.filter(pk=connection.pk, silent_since__isnull=False).update(silent_since=None):
        connection.silent_since = None
