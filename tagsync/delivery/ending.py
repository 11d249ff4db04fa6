"""How a slice gives its import back: finished, waiting, stopped, or blocked with the question for a person."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from tagsync.connections.pace import seconds_to_slot
from tagsync.delivery import doorbell
from tagsync.delivery.claims import renew
from tagsync.delivery.decisions import Pause
from tagsync.imports import counting, outcomes
from tagsync.imports.models import ImportJob
from tagsync.imports.states import Act, JobStatus, MoveRefused, RowStatus
from tagsync.imports.waits import WAITS_FOR_SLOTS


def give_back(
    job: ImportJob,
    pause: Pause | None,
    question: tuple[str, dict[str, Any]] | None,
    *,
    ring: bool,
    prepared: bool = True,
) -> None:
    """`question`: a cause for which only a person can go on, with its parameters. `ring`: go on at once.

    `prepared`: whether the slice got so far that rows could be sent; before that no import is over.

    Raises MoveRefused when the import is no longer ours.
    """
    job.refresh_from_db(fields=["status", "counts"])
    try:
        if job.status == JobStatus.STOPPING:
            finish_stopping(job)
        elif prepared and not job.count(RowStatus.WAITING):
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

    Raises MoveRefused when the import is not stopping, FenceLost when it is no longer under this fence.
    """
    _rest(job, Act.STOPPED, retry_selection=None)


def _finish(job: ImportJob) -> None:
    _rest(job, Act.FINISH, trial_rows=None)


def _block(job: ImportJob, cause: str, params: dict[str, Any]) -> None:
    _rest(job, Act.BLOCK, why=cause, cause=cause, cause_params=params, retry_selection=None)


def _rest(job: ImportJob, act: Act, why: str = "", **changes: Any) -> None:
    """The move into rest, with what is true from the same moment on: the fate of rows that were sent, no open call."""
    at_rest = False
    while not at_rest:
        with transaction.atomic():
            locked = outcomes.lock(job)
            at_rest = outcomes.doubt_unanswered(locked)
            if at_rest:
                outcomes.close_planned(locked)
                job.move(act, why=why, where=Q(fence=job.fence), lease_until=None, ended_at=Now(), **changes)
        if not at_rest:
            renew(job)
    counting.verify(job)


def _pause(job: ImportJob, pause: Pause | None, *, ring: bool) -> None:
    waits: dict[str, Any] = {}
    why = pause.reason if pause else "slice"
    with transaction.atomic():
        seconds = _seconds(job, pause) if pause else 0.0
        if pause and seconds:
            waits = {"wait_until": Now() + timedelta(seconds=seconds), "wait_reason": pause.reason}
        job.move(Act.PAUSE, why=why, where=Q(fence=job.fence), lease_until=None, **waits)
    if ring or (pause and not seconds):
        doorbell.ring(doorbell.SENDS, job.pk)


def _seconds(job: ImportJob, pause: Pause) -> float:
    """A slot of the connection may be nearer by now than it was when it was asked for: the pace was changed."""
    if pause.reason not in WAITS_FOR_SLOTS or job.connection_id is None:
        return pause.seconds
    return min(pause.seconds, seconds_to_slot(job.connection_id))
