"""What people do to an import, each with the ring that lets a worker see it at once. Pages and commands call these."""

from __future__ import annotations

from tagsync.accounts.models import Person
from tagsync.database import repeated_after_deadlock
from tagsync.delivery import doorbell
from tagsync.imports import retrying
from tagsync.imports.locking import locked_for_act
from tagsync.imports.models import ImportJob
from tagsync.imports.outcomes import settle_open_as_in_doubt
from tagsync.imports.remembering import remember
from tagsync.imports.retrying import Selection
from tagsync.imports.states import Act, JobStatus, RowStatus


class NothingToSend(Exception):
    """The check left no row that can be sent."""


class ConnectionArchived(Exception):
    """Nothing is sent through the import's connection before an admin takes it into use again."""


@repeated_after_deadlock
def check(job: ImportJob, by: Person) -> None:
    """Raises MoveRefused."""
    with locked_for_act(job, Act.CHECK):
        job.begin_check(by)
        doorbell.ring_after_commit(doorbell.CHECKS, job.pk)


@repeated_after_deadlock
def start(job: ImportJob, by: Person, trial_rows: int | None = None) -> None:
    """With `trial_rows` only so many are sent, then it waits for a person. Raises as `resume` does."""
    with locked_for_act(job, Act.START) as locked:
        _refuse_archived(locked)
        if locked.status == JobStatus.READY and not locked.count(RowStatus.WAITING):
            raise NothingToSend
        job.start(by, trial_rows)
        remember(job)
        doorbell.ring_after_commit(doorbell.SENDS, job.pk)


@repeated_after_deadlock
def stop(job: ImportJob, by: Person) -> None:
    """Raises MoveRefused."""
    with locked_for_act(job, Act.STOP):
        job.stop(by)
        if job.status == JobStatus.STOPPED:
            settle_open_as_in_doubt(job)
    job.refresh_from_db()


@repeated_after_deadlock
def resume(job: ImportJob, by: Person) -> None:
    """Send the rows that were never settled. Raises MoveRefused, NothingToSend, ConnectionArchived."""
    with locked_for_act(job, Act.RESUME) as locked:
        _refuse_archived(locked)
        if not locked.count(RowStatus.WAITING):
            raise NothingToSend
        job.resume(by)
        doorbell.ring_after_commit(doorbell.SENDS, job.pk)


@repeated_after_deadlock
def retry(job: ImportJob, selection: Selection, by: Person) -> int:
    """Queue failed rows again; returns how many. Raises MoveRefused, ConnectionArchived, retrying.NothingToRetry."""
    with locked_for_act(job, Act.RETRY) as locked:
        _refuse_archived(locked)
        rows = retrying.retry(job, selection, by)
        doorbell.ring_after_commit(doorbell.SENDS, job.pk)
    return rows


def _refuse_archived(locked: ImportJob) -> None:
    """Its connection is locked as well: it is archived before, or the archiving stops this import."""
    if locked.connection_is_archived:
        raise ConnectionArchived
