"""Who works on an import: the claim by conditional update, its lease and its fence. All times are the database's."""

from __future__ import annotations

import time
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Now

from tagsync.connections import silence
from tagsync.connections.models import Connection, ConnectionState
from tagsync.imports.locking import FenceLost
from tagsync.imports.models import Delivery, ImportJob
from tagsync.imports.models.choices import Operation
from tagsync.imports.models.delivery import UNKNOWN_FATE, DeliveryState
from tagsync.imports.restores import high_water, hold
from tagsync.imports.states import UNDER_WAY, JobStatus, MoveRefused

LEASE = 2 * timedelta(seconds=settings.TAGSYNC_CALL_SECONDS)
HOLD_BACK = timedelta(seconds=settings.TAGSYNC_HOLD_BACK_SECONDS)
RENEW_SECONDS = LEASE.total_seconds() / 6
# After so long without a call nobody knows whether the platform still answers.
PROVEN_FOR = timedelta(seconds=60)
LOOK_SECONDS = 0.5  # how soon a stop, or a connection that another worker blocked, is seen
LEASED = (JobStatus.CHECKING, JobStatus.RUNNING, JobStatus.STOPPING)


def claim_import(job_id: int) -> ImportJob | None:
    """The import, running and ours until its lease ends; None when it is not to be run now. Waits for no lock.

    On a connection that is not known to answer, only together with its probe: such a one holds one worker, not all.
    """
    job = ImportJob.objects.select_related("connection").filter(pk=job_id, status=JobStatus.QUEUED).first()
    if job is None or job.connection is None:
        return None
    high_water.hold_if_behind()
    if is_proven(job.connection):
        return job if _claim(job) else None
    if not silence.take_probe(job.connection, LEASE):
        return None
    if not _claim(job):
        silence.release_probe(job.connection)
        return None
    return job


def _claim(job: ImportJob) -> bool:
    with transaction.atomic():
        free = ImportJob.objects.select_for_update(skip_locked=True, no_key=True).filter(pk=job.pk)
        # Told by the database, so that what was read without a lock decides nothing.
        if not free.values_list("pk", flat=True):
            return False
        try:
            job.claim(LEASE, where=may_run(Operation(job.operation)))
        except MoveRefused:
            return False
    return True


def is_proven(connection: Connection) -> bool:
    """Whether the platform answered a call of this connection lately and none since has been without an answer."""
    if connection.silent_since is not None:
        return False
    answered = Delivery.objects.filter(job__connection=connection, state=DeliveryState.ANSWERED)
    return answered.filter(answered_at__gt=Now() - PROVEN_FOR).exists()


def may_run(operation: Operation) -> Q:
    """The conditions of a claim beside the state: no hold, lease, wait, connection, and the place in line."""
    opposite = operation.opposite
    free = hold.NOT_HELD & NOT_LEASED & NOT_WAITING
    return free & CONNECTION_READY & ~_held_up_by(opposite) & ~_held_back_by(opposite)


NOT_LEASED = Q(lease_until=None) | Q(lease_until__lt=Now())
NOT_WAITING = Q(wait_until=None) | Q(wait_until__lte=Now())
CONNECTION_READY = Q(connection__state=ConnectionState.READY, connection__archived_at=None)
PROBE_DUE = Q(connection__next_probe_at=None) | Q(connection__next_probe_at__lte=Now())


def _held_up_by(opposite: Operation) -> Q:
    """Adding and deleting never overlap on a connection, and go in the order of their queue numbers."""
    others = ImportJob.objects.filter(connection=OuterRef("connection"), operation=opposite)
    earlier = Q(status__in=UNDER_WAY, queue_number__lt=OuterRef("queue_number"))
    at_work = Q(lease_until__gt=Now(), status__in=UNDER_WAY)
    return Q(Exists(others.filter(earlier | at_work)))


def _held_back_by(opposite: Operation) -> Q:
    """A call without an answer may still be applied late; the opposite operation lets that time pass."""
    calls = Delivery.objects.filter(job__connection=OuterRef("connection"), job__operation=opposite)
    unknown = Q(outcome__in=UNKNOWN_FATE, answered_at__gt=Now() - HOLD_BACK)
    # Of a worker that is gone, and that nobody has given up yet: it ended with its lease at the latest.
    under_way = Q(state=DeliveryState.SENDING, created_at__gt=Now() - LEASE - HOLD_BACK)
    return Q(Exists(calls.filter(unknown | under_way)))


def is_first_in_line(job: ImportJob) -> bool:
    """No import of the connection that could be worked on now took its place in line earlier."""
    line = ImportJob.objects.filter(NOT_WAITING & NOT_LEASED, connection=job.connection, status=JobStatus.QUEUED)
    return not line.filter(queue_number__lt=job.queue_number).exists()


def claimable(connection: Connection | None = None) -> list[int]:
    """Queued imports that a claim would get now, in the order of their line; those of one connection, or all."""
    found: list[int] = []
    for operation in Operation:
        queued = ImportJob.objects.filter(may_run(operation) & PROBE_DUE, status=JobStatus.QUEUED, operation=operation)
        if connection is not None:
            queued = queued.filter(connection=connection)
        found.extend(queued.order_by("queue_number").values_list("pk", flat=True))
    return found


def take_over(job: ImportJob) -> None:
    """An import whose lease has ended is ours for the length of a lease. The caller holds its lock."""
    ImportJob.objects.filter(pk=job.pk).update(fence=F("fence") + 1, lease_until=Now() + LEASE)
    job.refresh_from_db(fields=["fence", "lease_until"])


def claim_check(job_id: int) -> ImportJob | None:
    """The import to be checked, ours until its lease ends, as it was claimed; None when there is nothing to check.

    It never waits for a lock: whatever stands still after that, the keeper rings for again.
    """
    with transaction.atomic():
        free = ImportJob.objects.select_for_update(skip_locked=True, no_key=True).filter(NOT_LEASED)
        job = free.filter(pk=job_id, status=JobStatus.CHECKING).first()
        if job is None:
            return None
        ImportJob.objects.filter(pk=job.pk, fence=job.fence).update(fence=F("fence") + 1, lease_until=Now() + LEASE)
        # In the same transaction: never a newer import under this claim.
        job.refresh_from_db()
    return job


def renew(job: ImportJob) -> str | None:
    """The state of the import if it is still ours, whose lease is then whole again; None when it is lost."""
    ours = ImportJob.objects.filter(pk=job.pk, fence=job.fence, status__in=LEASED)
    if not ours.update(lease_until=Now() + LEASE):
        return None
    return ours.values_list("status", flat=True).first()


def release_check(job: ImportJob) -> None:
    ImportJob.objects.filter(pk=job.pk, fence=job.fence, status=JobStatus.CHECKING).update(lease_until=None)


class HeldLease:
    """The lease on an import that a slice works on, and what others changed meanwhile.

    `job_status`: the import's as last seen; somebody may stop it at any moment. `connection` is read again with it, and
    so is `is_on_hold`: whether the whole installation is.
    """

    def __init__(self, job: ImportJob, connection: Connection) -> None:
        self._job, self.connection = job, connection
        self.job_status: str = job.status
        self.is_on_hold = False
        self._renewed = self._looked = time.monotonic()

    def keep(self) -> None:
        """Renew it, and look, when it is time to. Raises FenceLost when the import is no longer ours."""
        now = time.monotonic()
        if now - self._renewed > RENEW_SECONDS:
            self.renew()
        if now - self._looked > LOOK_SECONDS:
            self.look()

    def renew(self) -> None:
        status = renew(self._job)
        if status is None:
            raise FenceLost
        self.job_status = status
        self.was_renewed()

    def was_renewed(self) -> None:
        """By the statement that wrote down a call."""
        self._renewed = time.monotonic()

    def look(self) -> None:
        """At what people changed: the import's state, and whatever the connection says."""
        self.job_status = ImportJob.objects.values_list("status", flat=True).get(pk=self._job.pk)
        self.connection.refresh_from_db()
        self.is_on_hold = hold.is_on()
        self._looked = time.monotonic()
