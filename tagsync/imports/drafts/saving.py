"""A draft as a page saves it by itself: complete or not, and never over what somebody else has changed meanwhile."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models.functions import Now

from tagsync.accounts.models import Person
from tagsync.database import repeated_after_deadlock
from tagsync.imports.drafts.drafts import SheetChanged, drop_staged, is_same_sheet, open_for_change
from tagsync.imports.locking import locked_for_act
from tagsync.imports.models import ImportJob
from tagsync.imports.states import UNSTARTED, Act, MoveRefused


@dataclass(frozen=True)
class Seen:
    """Which page asks, and what it knows: `version` of the choices it was filled with, "" when it does not say.

    `turn`: the number of the request among those of the page; they may overtake each other on the way.
    """

    version: str = ""
    page: str = ""
    turn: int = 0


@dataclass(frozen=True)
class Choice:
    """What a page says, complete or not; what it leaves out stays as it is. `settings`: by the names of `ImportJob`."""

    fields: Mapping[int, str | None] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)


class Overtaken(Exception):
    """Another page has changed the choices since this one was filled."""


def refuse_overtaken(locked: ImportJob, seen: Seen) -> None:
    """A page follows its own saves, also when an answer to it was lost. Raises Overtaken."""
    is_own = bool(seen.page) and seen.page == locked.saved_page
    if seen.version and not is_own and seen.version != locked.choices_sha256():
        raise Overtaken


def note_save(locked: ImportJob, seen: Seen) -> None:
    """Of an import that is locked."""
    ImportJob.objects.filter(pk=locked.pk).update(saved_at=Now(), saved_page=seen.page, saved_turn=seen.turn)


@repeated_after_deadlock
def save(job: ImportJob, choice: Choice, seen: Seen, by: Person) -> None:
    """`job`: as the person saw it; afterwards as it is. What was checked with other choices is a draft again.

    Raises Overtaken, SheetChanged, and MoveRefused after the start.
    """
    with locked_for_act(job, Act.CHANGE) as locked:
        if locked.status not in UNSTARTED:
            raise MoveRefused(Act.CHANGE, locked.status)
        if not is_same_sheet(locked, job):
            raise SheetChanged
        before = locked.status
        if not _has_been_passed(locked, seen):
            _write(locked, choice, seen, by)
    job.refresh_from_db()
    if before != locked.status:
        drop_staged(job)


def _has_been_passed(locked: ImportJob, seen: Seen) -> bool:
    """A later request of the same page was here first."""
    return bool(seen.page) and seen.page == locked.saved_page and seen.turn <= locked.saved_turn


def _write(locked: ImportJob, choice: Choice, seen: Seen, by: Person) -> None:
    refuse_overtaken(locked, seen)
    wanted = _with(locked, choice)
    if wanted.choices_sha256() != locked.choices_sha256():
        open_for_change(locked, by)
        wanted.save(update_fields=["columns", *choice.settings])
    note_save(locked, seen)


def _with(job: ImportJob, choice: Choice) -> ImportJob:
    wanted = copy.copy(job)
    wanted.columns = [{**one, "field": choice.fields.get(one["column"], one["field"])} for one in job.columns]
    for name, value in choice.settings.items():
        setattr(wanted, name, value)
    return wanted
