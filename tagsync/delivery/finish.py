"""How a slice releases its import: finished, waiting, stopped, or blocked with the question for a person."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from django.db import transaction

from tagsync.connections.pace import seconds_to_slot
from tagsync.database import let_others_write
from tagsync.delivery.leases import renew
from tagsync.delivery.policy import Pause
from tagsync.imports.locking import under_lease
from tagsync.imports.models import ImportJob
from tagsync.imports.sending import counts, outcomes
from tagsync.imports.sending.waits import WAITS_FOR_SLOTS
from tagsync.imports.states import JobStatus, MoveRefused, RowStatus
from tagsync.queueing import doorbell


def release(
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
            _rest(job, job.finish)
        elif question:
            _rest(job, partial(job.block, *question))
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
    _rest(job, job.stopped)


def _rest(job: ImportJob, move: Callable[[], None]) -> None:
    """The move into rest, with what is true from the same moment on: the fate of rows that were sent, no open call."""
    at_rest = False
    while not at_rest:
        with under_lease(job) as locked:
            at_rest = outcomes.doubt_unanswered(locked)
            if at_rest:
                outcomes.close_planned(locked)
                move()
        if not at_rest:
            let_others_write()
            renew(job)
    counts.verify(job)


def _pause(job: ImportJob, pause: Pause | None, *, ring: bool) -> None:
    with transaction.atomic():
        seconds = _seconds(job, pause) if pause else 0.0
        job.pause(pause.reason if pause else "slice", timedelta(seconds=seconds))
    if ring or (pause and not seconds):
        doorbell.ring(doorbell.SENDS, job.pk)


def _seconds(job: ImportJob, pause: Pause) -> float:
    """A slot of the connection may be nearer by now than it was when it was asked for: the pace was changed."""
    if pause.reason not in WAITS_FOR_SLOTS or job.connection_id is None:
        return pause.seconds
    return min(pause.seconds, seconds_to_slot(job.connection_id))
