"""Finds what nobody works on and rings for it; other rooms join its rounds by signals.

Remembers nothing and needs no Redis for that; several do not fight.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import timedelta

from django.db import DatabaseError, transaction
from django.db.models import Q
from django.db.models.functions import Now

from tagsync.connections import silence
from tagsync.database import on_its_own
from tagsync.delivery.finish import finish_stopping
from tagsync.delivery.health import wait_reason
from tagsync.delivery.leases import NOT_LEASED, claimable, take_over
from tagsync.imports.drafts import deletion
from tagsync.imports.drafts.retention import is_overdue, overdue
from tagsync.imports.locking import FenceLost
from tagsync.imports.models import ImportJob
from tagsync.imports.restores import confirmation, high_water
from tagsync.imports.signals import keeper_round
from tagsync.imports.states import JobStatus, MoveRefused
from tagsync.queueing import doorbell

log = logging.getLogger(__name__)

# Of a round, or of a press, for what an admin has confirmed after a restore.
RESTORE_SECONDS = 5.0

LOST = Q(status__in=(JobStatus.RUNNING, JobStatus.STOPPING), lease_until__lt=Now())


def keep() -> None:
    """One round."""
    with on_its_own("lost imports"):
        release_expired()
    with on_its_own("the restore"):
        confirmation.carry_out(RESTORE_SECONDS)
    doorbell.ring_for(doorbell.CHECKS, checks_nobody_works_on())
    doorbell.ring_for(doorbell.SENDS, claimable())
    keeper_round.send(ImportJob, wait_reason=wait_reason)


def release_expired() -> None:
    """Imports whose runner died: back into the queue, or stopped if that was asked for."""
    lost = ImportJob.objects.filter(LOST).order_by("pk")
    # With its worker the probe of a connection is lost that was not known to answer.
    silence.release_probes(filter(None, lost.values_list("connection", flat=True)))
    for job_id in lost.values_list("pk", flat=True):
        # Refused: another keeper, or the runner itself, was quicker.
        with on_its_own(f"import {job_id}"), suppress(MoveRefused, FenceLost):
            _release(job_id)


def _release(job_id: int) -> None:
    """Raises MoveRefused, FenceLost."""
    with transaction.atomic():
        # Whoever holds it is at work on it, or frozen and ended soon: in both cases there is nothing to wait for.
        free = ImportJob.objects.select_for_update(skip_locked=True, no_key=True)
        job = free.filter(LOST, pk=job_id).first()
        if job is None:
            return
        log.warning("import %s: its worker is gone, it goes back into the queue", job_id)
        if job.status == JobStatus.RUNNING:
            job.expire()
        else:
            take_over(job)
    if job.status == JobStatus.STOPPING:
        # In transactions of its own: it settles rows.
        finish_stopping(job)


def keep_mark() -> None:
    """Notice a restored database, then have the high-water mark in the storage."""
    try:
        high_water.hold_if_behind()
        high_water.keep()
    except DatabaseError:
        raise
    except Exception as error:
        # Each kind of storage has errors of its own; without it imports go on, and the next minute tries again.
        log.warning("the high-water mark could not be kept: %s", type(error).__name__)


def go_on_after_restore() -> bool:
    """What an admin has just confirmed; whether all of it is done. The rest is for the next rounds."""
    release_expired()
    return confirmation.carry_out(RESTORE_SECONDS)


def end_all_leases() -> None:
    """When a one-machine installation starts, nobody can be at work: what was leased goes on at once."""
    ImportJob.objects.filter(lease_until__isnull=False).update(lease_until=Now() - timedelta(seconds=1))
    silence.forget_probes()
    release_expired()


def checks_nobody_works_on() -> list[int]:
    return list(ImportJob.objects.filter(NOT_LEASED, status=JobStatus.CHECKING).values_list("pk", flat=True))


def delete_old_drafts() -> None:
    """Drafts that nobody touched for TAGSYNC_DRAFT_DAYS, with file and rows."""
    for job in overdue():
        with on_its_own(f"import {job.pk}"), suppress(MoveRefused):
            # Asked again under the lock: somebody may go on with it, or start it, at this moment.
            deletion.discard(job, where=is_overdue())


def delete_the_rest() -> None:
    """What pages began to delete and was too much for them, or was interrupted; a bounded part in each round."""
    with on_its_own("discarded imports"):
        deletion.discard_the_rest()
    with on_its_own("rows of drafts"):
        deletion.drop_left_rows()


def delete_stray_files() -> None:
    """What was stored for an import that then could not be made, by somebody who was killed."""
    with on_its_own("stray files"):
        deletion.delete_stray_files()
