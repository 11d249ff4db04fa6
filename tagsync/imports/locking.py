"""The one order of locks for whatever a person does to an import: its connection, then the import itself. And the lock
of each piece of a long work, which ends when somebody has made it invalid between two pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import transaction

from tagsync.connections.models import Connection
from tagsync.imports.models import ImportJob
from tagsync.imports.states import Act, JobStatus, MoveRefused

# Called first in the transaction of each piece: locks the import until its end and gives it back as it is now. Raises
# MoveRefused or Interrupted when it may not be worked on any more.
Hold = Callable[[], ImportJob]


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


def held_by_check(job: ImportJob, still_mine: Callable[[], bool]) -> Hold:
    """For a check, which holds the fence of `job` and was asked what stands in it; `still_mine` renews its lease."""
    in_hand = job.choices_sha256()

    def hold() -> ImportJob:
        locked = _locked(job) if still_mine() else None
        if locked is None or locked.asked_sha256 != job.asked_sha256:
            raise Interrupted
        # What is staged without having been asked for never becomes ready.
        if job.asked_sha256 and {in_hand, locked.choices_sha256()} != {job.asked_sha256}:
            raise Interrupted
        return locked

    return hold


def held_in(job: ImportJob, status: JobStatus, act: Act) -> Hold:
    """For a person's `act` in pieces: as long as the import stays in this state without a break."""

    def hold() -> ImportJob:
        locked = _locked(job)
        if locked is None or locked.status != status:
            now = ImportJob.objects.filter(pk=job.pk).values_list("status", flat=True).first()
            raise MoveRefused(act, now or JobStatus.DISCARDED)
        return locked

    return hold


def _locked(job: ImportJob) -> ImportJob | None:
    """None when its fence was raised since `job` was read: each act that changes what is to be done raises it."""
    return ImportJob.objects.select_for_update(no_key=True).filter(pk=job.pk, fence=job.fence).first()
