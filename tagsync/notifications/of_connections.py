"""What lasts and is told twice, when it begins and when it is over: a blocked connection, and a long wait.

One notice per person and connection, however many imports wait; nobody is told what she repaired herself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection, ConnectionState
from tagsync.database import database_now
from tagsync.imports.models.job import ImportJob
from tagsync.imports.states import JobStatus
from tagsync.notifications.models import RECOVERIES, Notice, NoticeKind
from tagsync.notifications.people import people_with

# On a blocked connection an import keeps one of these two states.
_UNDER_WAY = (JobStatus.QUEUED, JobStatus.RUNNING)
_BLOCKADES = (NoticeKind.HELD, NoticeKind.CONNECTION_BLOCKED)
_FOR_STEWARDS = (NoticeKind.CONNECTION_BLOCKED, NoticeKind.CONNECTION_READY)


def tell_connection(connection: Connection, by: Person | None, **_signal: Any) -> None:
    """Receives `state_changed`, inside the transaction of the change."""
    if connection.state == ConnectionState.BLOCKED:
        _tell_blocked(connection)
        return
    for notice in Notice.objects.filter(connection=connection, kind__in=_BLOCKADES, over_at=None).in_order():
        end(notice, by=by)


def begin(person_id: int, kind: NoticeKind, connection: Connection, jobs: Sequence[int], **params: Any) -> Notice:
    """A notice to be written with `write`. `jobs`: the imports that it is about; one alone is where it leads."""
    only = jobs[0] if len(jobs) == 1 and kind not in _FOR_STEWARDS else None
    return Notice(
        person_id=person_id, kind=kind, connection=connection, job_id=only, params={"imports": len(jobs), **params}
    )


def write(notices: Iterable[Notice]) -> None:
    """What is told already, and not over yet, is not told again."""
    # In one order: two keepers that tell the same at the same time would wait for each other's otherwise.
    ordered = sorted(notices, key=lambda notice: (notice.person_id, notice.connection_id or 0, notice.kind))
    Notice.objects.bulk_create(ordered, ignore_conflicts=True)


def end(notice: Notice, *, by: Person | None = None, silently: bool = False) -> None:
    """It is over; who was told that it began is told that it goes on, if something of hers does."""
    with transaction.atomic():
        if not Notice.objects.filter(pk=notice.pk, over_at=None).update(over_at=Now()):
            return
        if silently or (by is not None and by.pk == notice.person_id) or notice.connection is None:
            return
        kind = RECOVERIES[NoticeKind(notice.kind)]
        owner = None if kind in _FOR_STEWARDS else notice.person_id
        jobs = [job for _owner, job in _under_way(notice.connection, owner)]
        if not jobs and kind not in _FOR_STEWARDS:
            return
        minutes = int((database_now() - notice.at).total_seconds()) // 60 + notice.params.get("minutes", 0)
        recovery = begin(notice.person_id, kind, notice.connection, jobs, minutes=minutes)
        recovery.by, recovery.recovers = by, notice
        recovery.save()


def _tell_blocked(connection: Connection) -> None:
    Notice.objects.filter(connection=connection, kind=NoticeKind.WAITS).end_at(Now())
    waiting = _under_way(connection)
    stewards = set(people_with("connections.manage_connections"))
    reason = {"reason": connection.blocked_reason, "by_app": not connection.uses_fixed_token}
    every = [job for _owner, job in waiting]
    notices = [begin(person, NoticeKind.CONNECTION_BLOCKED, connection, every, **reason) for person in sorted(stewards)]
    for owner in sorted({owner for owner, _job in waiting} - stewards):
        hers = [job for person, job in waiting if person == owner]
        notices.append(begin(owner, NoticeKind.HELD, connection, hers, **reason))
    write(notices)


def _under_way(connection: Connection, owner: int | None = None) -> list[tuple[int, int]]:
    """(owner, import) of what is queued or running on the connection."""
    jobs = ImportJob.objects.filter(connection=connection, status__in=_UNDER_WAY)
    if owner is not None:
        jobs = jobs.filter(owner=owner)
    return list(jobs.order_by("pk").values_list("owner_id", "pk"))
