"""How a slice gives its import back: finished, waiting, stopped, or blocked with the question for a person."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from tagsync.delivery import doorbell
from tagsync.delivery.decisions import Pause
from tagsync.imports import counting, outcomes
from tagsync.imports.models import ImportJob
from tagsync.imports.states import Act, JobStatus, MoveRefused, RowStatus


def give_back(job: ImportJob, pause: Pause | None, question: tuple[str, dict[str, Any]] | None, *, ring: bool) -> None:
    """`question`: a cause for which only a person can go on, with its parameters. `ring`: go on at once.

    Raises MoveRefused when the import is no longer ours.
    """
    job.refresh_from_db(fields=["status", "counts"])
    try:
        if job.status == JobStatus.STOPPING:
            finish_stopping(job)
        elif not job.count(RowStatus.WAITING):
            _finish(job)
        elif question:
            _block(job, *question)
        else:
            _pause(job, pause, ring=ring)
    except MoveRefused:
        # Stopped between the last look and now.
        job.refresh_from_db(fields=["status"])
        finish_stopping(job)


def finish_stopping(job: ImportJob) -> None:
    """stopping → stopped; rows that were sent without an answer are in doubt from the same moment on.

    Raises MoveRefused when the import is not stopping or no longer under this fence.
    """
    with transaction.atomic():
        outcomes.settle_open_as_in_doubt(job)
        job.move(Act.STOPPED, where=Q(fence=job.fence), lease_until=None, ended_at=Now())
    counting.verify(job)


def _finish(job: ImportJob) -> None:
    job.move(Act.FINISH, where=Q(fence=job.fence), lease_until=None, ended_at=Now(), trial_rows=None)
    counting.verify(job)


def _block(job: ImportJob, cause: str, params: dict[str, Any]) -> None:
    with transaction.atomic():
        outcomes.settle_open_as_in_doubt(job)
        move: dict[str, Any] = {"lease_until": None, "ended_at": Now(), "cause": cause, "cause_params": params}
        job.move(Act.BLOCK, why=cause, where=Q(fence=job.fence), **move)
    counting.verify(job)


def _pause(job: ImportJob, pause: Pause | None, *, ring: bool) -> None:
    waits: dict[str, Any] = {}
    if pause:
        waits = {"wait_until": Now() + timedelta(seconds=pause.seconds), "wait_reason": pause.reason}
    why = pause.reason if pause else "slice"
    job.move(Act.PAUSE, why=why, where=Q(fence=job.fence), lease_until=None, **waits)
    if ring:
        doorbell.ring(doorbell.SENDS, job.pk)
