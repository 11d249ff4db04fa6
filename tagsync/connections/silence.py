"""Whether the platform answers a connection's calls at all, and who may find out; until then nothing new begins.

Whoever takes the probe makes the next call, alone; all times are the database's.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.db.models import DurationField, ExpressionWrapper, F, Q, QuerySet
from django.db.models.functions import Now

from tagsync.connections.models import Connection


def unanswered(connection: Connection) -> bool:
    """A call of the connection got no answer. True when it is silent only from now on."""
    began = bool(_row(connection).filter(silent_since=None).update(silent_since=Now()))
    connection.refresh_from_db(fields=["silent_since"])
    return began


def answered(connection: Connection) -> bool:
    """Some call of the connection got an answer. True when that was not known before."""
    unsure = _row(connection).filter(Q(silent_since__isnull=False) | Q(next_probe_at__isnull=False))
    changed = unsure.update(silent_since=None, next_probe_at=None, probes_unclear_since=None)
    connection.silent_since = connection.next_probe_at = connection.probes_unclear_since = None
    return bool(changed)


def silent_seconds(connection: Connection) -> float:
    """How long nothing has been answered; 0 when the last call was."""
    return _seconds_since(connection, "silent_since")


def probe_was_unclear(connection: Connection) -> float:
    """The call without rows got no answer that says anything. Returns for how many seconds it has been so."""
    _row(connection).filter(probes_unclear_since=None).update(probes_unclear_since=Now())
    return _seconds_since(connection, "probes_unclear_since")


def _seconds_since(connection: Connection, column: str) -> float:
    since = ExpressionWrapper(Now() - F(column), output_field=DurationField())
    found = _row(connection).annotate(since=since).values_list("since", flat=True).first()
    return max(0.0, found.total_seconds()) if found else 0.0


def take_probe(connection: Connection, lease: timedelta) -> bool:
    """The next call of a connection that is not known to answer is ours; nobody else's for the length of the lease."""
    due = _row(connection).filter(Q(next_probe_at=None) | Q(next_probe_at__lte=Now()))
    return bool(due.update(next_probe_at=Now() + lease))


def release_probe(connection: Connection) -> None:
    """It was not used: whoever comes next may make it at once."""
    _row(connection).update(next_probe_at=None)


def release_probes(connections: Iterable[int]) -> None:
    """The same for several that are not silent; on a silent one the next probe is due when it was to be."""
    Connection.objects.filter(pk__in=connections, silent_since=None).update(next_probe_at=None)


def forget_probes() -> None:
    """Nobody can be at work: whoever comes first looks at once."""
    Connection.objects.filter(next_probe_at__isnull=False).update(next_probe_at=None)


def postpone_probe(connection: Connection, seconds: float) -> None:
    """It found nobody there: the next one after a pause."""
    _row(connection).update(next_probe_at=Now() + timedelta(seconds=seconds))


def _row(connection: Connection) -> QuerySet[Connection]:
    return Connection.objects.filter(pk=connection.pk)
