"""Finds what nobody works on and rings for it, and tells who waits for long.

Remembers nothing and needs no Redis for that; several do not fight.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from tagsync.connections.models import Connection
from tagsync.delivery import doorbell, exports
from tagsync.delivery.claims import NOT_LEASED, may_run
from tagsync.delivery.ending import finish_stopping
from tagsync.delivery.long_waits import tell_long_waits
from tagsync.imports.keeping import overdue
from tagsync.imports.models import ImportJob, Notice
from tagsync.imports.models.job import Operation
from tagsync.imports.notices import RETENTION_DAYS
from tagsync.imports.states import Act, JobStatus, MoveRefused

log = logging.getLogger(__name__)


def keep() -> None:
    """One round."""
    give_back_expired()
    ring_for(doorbell.CHECKS, checks_nobody_works_on())
    ring_for(doorbell.SENDS, imports_nobody_works_on())
    ring_for(doorbell.EXPORTS, exports.nobody_works_on())
    tell_long_waits()


def give_back_expired() -> None:
    """Imports whose runner died: back into the queue, or stopped if that was asked for."""
    lost = ImportJob.objects.filter(status__in=(JobStatus.RUNNING, JobStatus.STOPPING), lease_until__lt=Now())
    for job in lost:
        log.warning("import %s: its worker is gone, it goes back into the queue", job.pk)
        try:
            if job.status == JobStatus.STOPPING:
                finish_stopping(job)
            else:
                job.move(Act.PAUSE, why="lease_expired", where=models.Q(lease_until__lt=Now()), lease_until=None)
        except MoveRefused:
            # Another keeper, or the runner itself, was quicker.
            continue


def end_all_leases() -> None:
    """When a one-machine installation starts, nobody can be at work: what was leased goes on at once."""
    ImportJob.objects.filter(lease_until__isnull=False).update(lease_until=Now() - timedelta(seconds=1))
    give_back_expired()


def checks_nobody_works_on() -> list[int]:
    return list(ImportJob.objects.filter(NOT_LEASED, status=JobStatus.CHECKING).values_list("pk", flat=True))


def imports_nobody_works_on(connection: Connection | None = None) -> list[int]:
    """Queued imports that a claim would get now, in the order of their line; those of one connection, or all."""
    found: list[int] = []
    for operation in Operation:
        queued = ImportJob.objects.filter(may_run(operation), status=JobStatus.QUEUED, operation=operation)
        if connection is not None:
            queued = queued.filter(connection=connection)
        found.extend(queued.order_by("queue_number").values_list("pk", flat=True))
    return found


def ring_for(bell: str, ids: list[int]) -> None:
    if not ids:
        return
    rung = doorbell.rung(bell)
    if rung is None:
        log.warning("Redis cannot be reached: %s %s wait", len(ids), bell)
        return
    for record_id in ids:
        if record_id not in rung:
            doorbell.ring(bell, record_id)


def delete_old_drafts() -> None:
    """Drafts that nobody touched for TAGSYNC_DRAFT_DAYS, with file and rows."""
    for job in overdue():
        try:
            job.remove()
        except MoveRefused:
            continue


def delete_old_notices() -> None:
    Notice.objects.filter(at__lt=timezone.now() - timedelta(days=RETENTION_DAYS)).delete()
