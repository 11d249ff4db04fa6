"""What people do to an import, each with the ring that lets a worker see it at once. Pages and commands call these."""

from __future__ import annotations

from dataclasses import dataclass

from tagsync.accounts.models import Person
from tagsync.database import let_others_write, repeated_after_deadlock
from tagsync.imports.drafts import drafts, saving
from tagsync.imports.drafts.drafts import Choices, Refusal
from tagsync.imports.drafts.saved_mappings import remember
from tagsync.imports.followups.restart import first_of, go_on_as, has_moved_on, restart_draft
from tagsync.imports.followups.retry import Selection, queue_selected
from tagsync.imports.locking import locked_for_act
from tagsync.imports.models import ImportJob
from tagsync.imports.sending.outcomes import close_planned, doubt_unanswered
from tagsync.imports.states import Act, JobStatus, RowStatus
from tagsync.queueing import doorbell


class NothingToSend(Exception):
    """The check left no row that can be sent."""


class SendsNoMore(Exception):
    """Nothing more of this import is sent, whatever it holds."""


class ConnectionArchived(SendsNoMore):
    """Nothing is sent through the import's connection before an admin takes it into use again."""


class StartedAgain(SendsNoMore):
    """Its rows have gone over to `by`, an import that was started with the same file and other settings."""

    def __init__(self, by: ImportJob) -> None:
        super().__init__(f"started again as import {by.pk}")
        self.by = by


class NotAsSeen(Exception):
    """It was checked anew, or repaired, since the person looked at what she starts."""


class NotAsChecked(Exception):
    """Columns or settings are not those that were checked."""


class FirstMovedOn(NotAsChecked):
    """The import with whose rows this one goes on sends, or has settled rows, since this one was checked."""


@repeated_after_deadlock
def check(job: ImportJob, by: Person) -> None:
    """Raises MoveRefused."""
    with locked_for_act(job, Act.CHECK):
        job.begin_check(by)
        doorbell.ring_after_commit(doorbell.CHECKS, job.pk)


@dataclass(frozen=True)
class Columns:
    """What a person chose for the columns and rows of a sheet."""

    fields: dict[int, str | None]
    fixed_tags: str
    hidden_rows: str = ""


ANY_PAGE = saving.Seen()


@repeated_after_deadlock
def choose_and_check(
    job: ImportJob, columns: Columns, choices: Choices, by: Person, seen: saving.Seen = ANY_PAGE
) -> None:
    """In one transaction, so that what is checked is what was chosen. `job`: as the person saw it.

    Raises MoveRefused after the start, drafts.SheetChanged, saving.Overtaken.
    """
    with locked_for_act(job, Act.CHANGE) as locked:
        saving.refuse_overtaken(locked, seen)
        drafts.open_for_change(locked, by)
        drafts.choose_columns(job, columns.fields, columns.fixed_tags, columns.hidden_rows)
        drafts.choose_settings(job, choices)
        saving.note_save(locked, seen)
        check(job, by)


@repeated_after_deadlock
def start(job: ImportJob, by: Person, trial_rows: int | None = None, seen: int | None = None) -> None:
    """With `trial_rows` only so many are sent, then it waits for a person. `seen`: the newest event that she saw.

    Raises NotAsSeen, NotAsChecked, and as `resume` does.
    """
    with locked_for_act(job, Act.START) as locked:
        _refuse_to_send(locked)
        first = first_of(locked)
        if first and first.went_on_as:
            raise StartedAgain(first.went_on_as)
        if locked.status == JobStatus.READY:
            if seen is not None and locked.events.filter(pk__gt=seen).exists():
                raise NotAsSeen
            if not locked.is_as_asked:
                raise NotAsChecked
            if first and has_moved_on(first, locked):
                raise FirstMovedOn
            if not locked.count(RowStatus.WAITING):
                raise NothingToSend
        locked.start(by, trial_rows)
        remember(locked)
        if first:
            go_on_as(first, locked)
        job.refresh_from_db()
        doorbell.ring_after_commit(doorbell.SENDS, job.pk)


@repeated_after_deadlock
def stop(job: ImportJob, by: Person) -> None:
    """Raises MoveRefused."""
    while not _stop(job, by):
        let_others_write()
    job.refresh_from_db()


def _stop(job: ImportJob, by: Person) -> bool:
    """A queued import has nobody who settles its rows; so many that they take several transactions go first."""
    with locked_for_act(job, Act.STOP) as locked:
        if locked.status == JobStatus.QUEUED and not doubt_unanswered(locked):
            return False
        close_planned(locked)
        locked.stop(by)
    return True


@repeated_after_deadlock
def resume(job: ImportJob, by: Person) -> None:
    """Send the rows that were never settled. Raises MoveRefused, NothingToSend, SendsNoMore."""
    with locked_for_act(job, Act.RESUME) as locked:
        _refuse_to_send(locked)
        if not locked.count(RowStatus.WAITING):
            raise NothingToSend
        job.resume(by)
        doorbell.ring_after_commit(doorbell.SENDS, job.pk)


def start_again(job: ImportJob, by: Person) -> ImportJob | Refusal:
    """Stop it, if it only waits for a person, and make a draft with the same file for other settings.

    A refusal changes nothing. Raises MoveRefused.
    """
    draft = restart_draft(job)
    if job.status == JobStatus.BLOCKED and not isinstance(draft, Refusal):
        stop(job, by)
    return draft


@repeated_after_deadlock
def retry(job: ImportJob, selection: Selection, by: Person) -> int:
    """Queue failed rows again; returns how many rows go, with those that wait.

    Raises MoveRefused, SendsNoMore, NothingToRetry.
    """
    with locked_for_act(job, Act.RETRY) as locked:
        _refuse_to_send(locked)
        rows = queue_selected(locked, selection, by)
        doorbell.ring_after_commit(doorbell.SENDS, job.pk)
    job.refresh_from_db()
    return rows


def _refuse_to_send(locked: ImportJob) -> None:
    """Its connection is locked as well: it is archived before, or the archiving stops this import."""
    if locked.connection_is_archived:
        raise ConnectionArchived
    if locked.went_on_as:
        raise StartedAgain(locked.went_on_as)
