"""Who works on an import: the claim by conditional update, its lease and its fence. All times are the database's."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Now

from tagsync.connections.models import ConnectionState
from tagsync.imports.models import Delivery, ImportJob
from tagsync.imports.models.delivery import UNKNOWN_FATE
from tagsync.imports.models.job import Operation
from tagsync.imports.states import UNDER_WAY, Act, JobStatus, MoveRefused

LEASE = 2 * timedelta(seconds=settings.TAGSYNC_CALL_SECONDS)
HOLD_BACK = timedelta(seconds=settings.TAGSYNC_HOLD_BACK_SECONDS)
RENEW_SECONDS = LEASE.total_seconds() / 6
LEASED = (JobStatus.CHECKING, JobStatus.RUNNING, JobStatus.STOPPING)


def claim_import(job_id: int) -> ImportJob | None:
    """The import, running and ours until its lease ends; None when it is not to be run now."""
    job = ImportJob.objects.filter(pk=job_id).first()
    if job is None:
        return None
    where = may_run(Operation(job.operation))
    lease: dict[str, Any] = {"fence": F("fence") + 1, "lease_until": Now() + LEASE}
    try:
        job.move(Act.CLAIM, where=where, wait_until=None, wait_reason="", **lease)
    except MoveRefused:
        return None
    return job


def may_run(operation: Operation) -> Q:
    """The conditions of a claim beside the state: lease, wait, connection, and the place in line."""
    opposite = operation.opposite
    return NOT_LEASED & NOT_WAITING & CONNECTION_READY & ~_held_up_by(opposite) & ~_held_back_by(opposite)


NOT_LEASED = Q(lease_until=None) | Q(lease_until__lt=Now())
NOT_WAITING = Q(wait_until=None) | Q(wait_until__lte=Now())
CONNECTION_READY = Q(connection__state=ConnectionState.READY, connection__archived_at=None)


def _held_up_by(opposite: Operation) -> Q:
    """Adding and deleting never overlap on a connection, and go in the order of their queue numbers."""
    others = ImportJob.objects.filter(connection=OuterRef("connection"), operation=opposite)
    earlier = Q(status__in=UNDER_WAY, queue_number__lt=OuterRef("queue_number"))
    at_work = Q(lease_until__gt=Now(), status__in=UNDER_WAY)
    return Q(Exists(others.filter(earlier | at_work)))


def _held_back_by(opposite: Operation) -> Q:
    """A call without an answer may still be applied late; the opposite operation lets that time pass."""
    calls = Delivery.objects.filter(job__connection=OuterRef("connection"), job__operation=opposite)
    unknown = calls.filter(outcome__in=UNKNOWN_FATE, answered_at__gt=Now() - HOLD_BACK)
    return Q(Exists(unknown))


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
