"""Who may write of an import. Whoever acts on it locks its connection, then the import itself, in this one order.

Whoever works on it in pieces opens each piece under a lease, and is ended when somebody has made the work invalid.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from django.db import transaction
from django.db.models import QuerySet

from tagsync.connections.models import Connection
from tagsync.imports.models import ImportJob
from tagsync.imports.states import Act, JobStatus, MoveRefused

# Opens one transaction of a long work, with the import as it is now, locked until its end. Raises MoveRefused or
# Interrupted when it may not be worked on any more.
Lease = Callable[[], AbstractContextManager[ImportJob]]


class FenceLost(Exception):
    """Somebody else works on this import now."""


class Interrupted(Exception):
    """The check was taken over or called off while it ran; what it staged will be dropped by the next one."""


@contextmanager
def locked_for_act(job: ImportJob, act: Act) -> Iterator[ImportJob]:
    """The import as it is now, with its connection, both locked until the block ends.

    The block is one transaction. Raises: MoveRefused when the import is gone.
    """
    with transaction.atomic():
        locked = _connection_then_import(job)
        if locked is None or locked.status == JobStatus.DISCARDED:
            raise MoveRefused(act, JobStatus.DISCARDED)
        yield locked


def _connection_then_import(job: ImportJob) -> ImportJob | None:
    while True:
        connections = ImportJob.objects.filter(pk=job.pk).values("connection")
        # Going back to it lets go of both locks.
        before = transaction.savepoint()
        # Without the key: rows that only refer to these two are written meanwhile.
        connection = Connection.objects.select_for_update(no_key=True).filter(pk__in=connections).first()
        locked = ImportJob.objects.select_for_update(no_key=True).filter(pk=job.pk).first()
        if locked is None or locked.connection_id == (connection.pk if connection else None):
            transaction.savepoint_commit(before)
            if locked is not None:
                locked.connection = connection
            return locked
        # It was given another connection between the two: that one would be locked after the import.
        transaction.savepoint_rollback(before)


@contextmanager
def under_lease(job: ImportJob) -> Iterator[ImportJob]:
    """For whoever sends `job`: one transaction with the import as it is now, locked. Afterwards `job` has its counts.

    Raises: FenceLost when it is somebody else's by now.
    """
    with transaction.atomic():
        # What the check saw is long, and nobody who sends asks for it.
        locked = _under_fence(job).defer("summary", "columns", "fixed_tags").first()
        if locked is None:
            raise FenceLost
        yield locked
    job.counts = locked.counts


def lease_of_check(job: ImportJob, goes_on: Callable[[], bool]) -> Lease:
    """For a check, which holds the fence of `job` and was asked what stands in it; `goes_on` renews its lease."""
    in_hand = job.choices_sha256()

    @contextmanager
    def lease() -> Iterator[ImportJob]:
        with transaction.atomic():
            locked = _under_fence(job).first() if goes_on() else None
            if locked is None or locked.asked_sha256 != job.asked_sha256:
                raise Interrupted
            # What is staged without having been asked for never becomes ready.
            if job.asked_sha256 and {in_hand, locked.choices_sha256()} != {job.asked_sha256}:
                raise Interrupted
            yield locked

    return lease


def lease_in(job: ImportJob, status: JobStatus, act: Act) -> Lease:
    """For a person's `act` in pieces: as long as the import stays in this state without a break."""

    @contextmanager
    def lease() -> Iterator[ImportJob]:
        with transaction.atomic():
            locked = _under_fence(job).first()
            if locked is None or locked.status != status:
                now = ImportJob.objects.filter(pk=job.pk).values_list("status", flat=True).first()
                raise MoveRefused(act, now or JobStatus.DISCARDED)
            yield locked

    return lease


def _under_fence(job: ImportJob) -> QuerySet[ImportJob]:
    """Nothing when its fence was raised since `job` was read: each act that changes what is to be done raises it."""
    return ImportJob.objects.select_for_update(no_key=True).filter(pk=job.pk, fence=job.fence)
