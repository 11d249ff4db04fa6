"""The causes that stopped rows, each with its sentence, whose move it is, and the platform's own words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from django.db.models import Count, Min
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from tagsync.accounts.models import Person
from tagsync.imports import fixed_rows
from tagsync.imports.models import ImportJob, ImportRow, Problem
from tagsync.imports.models.row import Origin
from tagsync.imports.problems import Mover, Sentence, sentence
from tagsync.imports.problems.groups import ProblemGroup, groups
from tagsync.imports.sending.to_send import rows_to_send
from tagsync.imports.sending.unanswered import counted_by_problem
from tagsync.imports.states import RETRYABLE, RowStatus
from tagsync.web.record.superseded_by import newer_import, visible_imports

# What a choice of rows to retry begins with when superseded ones are meant: "superseded", "superseded-7" (a cause),
# "superseded-rows".
SUPERSEDED = "superseded"
STATUSES = (RowStatus.REJECTED, RowStatus.IN_DOUBT, RowStatus.TO_FIX, RowStatus.SUPERSEDED)
SHOWN = 20
TONES = {Origin.CHECK: "warning", Origin.PLATFORM: "danger", Origin.US: "warning"}
# The keys of a platform problem's parameters, in the order in which they are shown.
TECHNICAL = ("http_status", "code", "error_code", "message")


class Fact(NamedTuple):
    label: str
    value: str


class Example(NamedTuple):
    """A row of the cause: its cell as Excel names it, or "", and what stands there, or who the customer is."""

    row_number: int
    cell: str
    value: str


@dataclass(frozen=True)
class Cause:
    """`rows`: all that it stopped. Of its failed rows some are fixed by corrected sheets; the others are left."""

    id: int
    rows: int
    fixed: int
    first_row: int
    tone: str
    sentence: Sentence
    code: str
    facts: list[Fact]
    rows_url: str
    # how many of the rows can be sent again, by state: none that a corrected sheet has fixed, or is about to
    retryable: dict[str, int]
    retry_url: str
    settled_at: datetime | None = None
    settled_by: str = ""
    # how many of the rows may have been applied although their state does not say so
    maybe_applied: int = 0
    # how many gave way to a newer import, its number, and its page for whoever may see it
    superseded: int = 0
    newer: int | None = None
    newer_url: str = ""
    send_anyway_url: str = ""
    # how many rows go when these are sent again, or anyway, with those that wait
    retry_sends: int = 0
    anyway_sends: int = 0
    # a code of imports.problems
    problem_code: str = ""
    example: Example | None = None
    # what may be done about it, the likeliest first; the others stand in a menu
    acts: tuple[str, ...] = ()

    @property
    def again(self) -> int:
        return sum(self.retryable.values())

    @property
    def left(self) -> int:
        return self.rows - self.fixed

    @property
    def is_over(self) -> bool:
        """Nothing is left to do."""
        return self.settled_at is not None or not self.left


class Causes(NamedTuple):
    shown: list[Cause]
    number: int
    most: int

    @property
    def hidden(self) -> int:
        return self.number - len(self.shown)

    @property
    def mover(self) -> Mover | None:
        """Whose move the biggest of them is; a cause says it only where it is another's."""
        return next((cause.sentence.mover for cause in self.shown if not cause.is_over), None)


def causes(
    job: ImportJob, statuses: Iterable[RowStatus] = STATUSES, *, person: Person | None = None, shown: int = SHOWN
) -> Causes:
    """What is left of them, biggest first, those of which nothing is left to do last; the rest is only counted: a
    platform may word each refusal differently.

    `person`: who is led to the newer imports that superseded rows, as far as they may be seen.
    """
    found, below = groups(job, statuses, examples=False), fixed_rows.families([job])
    fates = _Fates(
        fixed=fixed_rows.counted(job, below=below),
        taken_up=fixed_rows.counted(job, fixed_rows.TAKEN_UP, below),
        unanswered=counted_by_problem(job) if found else {},
    )
    found.sort(key=lambda group: (fates.are_over(group), -fates.left(group)))
    drawn = [_cause(job, group, fates) for group in found[:shown]]
    if person is not None:
        drawn = _with_newer(drawn, person)
    return Causes(drawn, len(found), max(map(fates.left, found), default=0))


class _Fates(NamedTuple):
    """What became of failed rows besides their state: by problem and state, and of those with an unknown fate."""

    fixed: Mapping[tuple[int | None, str], int]
    taken_up: Mapping[tuple[int | None, str], int]
    unanswered: Mapping[int, int]

    def fixed_of(self, group: ProblemGroup) -> int:
        return sum(self.fixed.get((group.problem.pk, state), 0) for state in group.by_status)

    def left(self, group: ProblemGroup) -> int:
        return group.rows - self.fixed_of(group)

    def are_over(self, group: ProblemGroup) -> bool:
        return group.problem.settled_at is not None or not self.left(group)


def _with_newer(found: list[Cause], person: Person) -> list[Cause]:
    visible = visible_imports(person, [cause.newer for cause in found if cause.newer is not None])
    return [
        replace(cause, newer_url=reverse("import_detail", args=[cause.newer])) if cause.newer in visible else cause
        for cause in found
    ]


def one_cause(job: ImportJob, problem_id: int) -> Cause | None:
    """The cause of this import with this id, also when it holds no rows any more."""
    problem = job.problems.filter(pk=problem_id).first()
    if problem is None:
        return None
    rows = ImportRow.objects.filter(problem=problem).order_by()
    counted = list(rows.values_list("status").annotate(rows=Count("*"), first=Min("row_number")))
    by_status = {status: number for status, number, _first in counted}
    maybe = rows.filter(unanswered_at__isnull=False).exclude(status=RowStatus.IN_DOUBT).count()
    first_row = min((first for _status, _number, first in counted), default=0)
    below = fixed_rows.families([job])
    fixed, taken_up = (fixed_rows.counted(job, done, below) for done in (fixed_rows.FIXED, fixed_rows.TAKEN_UP))
    group = ProblemGroup(problem, sum(by_status.values()), first_row, [], by_status)
    return _cause(job, group, _Fates(fixed, taken_up, {problem.pk: maybe}))


def problem_sentence(problem: Problem) -> Sentence:
    return sentence(problem.code, problem.params)


def _cause(job: ImportJob, group: ProblemGroup, fates: _Fates) -> Cause:
    problem = group.problem
    superseded = group.by_status.get(RowStatus.SUPERSEDED, 0)
    again = {
        state.value: rows
        for state in sorted(RETRYABLE)
        if (rows := group.by_status.get(state, 0) - fates.taken_up.get((problem.pk, state), 0)) > 0
    }
    return Cause(
        id=problem.pk,
        rows=group.rows,
        fixed=fates.fixed_of(group),
        first_row=group.first_row,
        tone=TONES[Origin(problem.origin)],
        sentence=problem_sentence(problem),
        code=_code(problem),
        facts=facts(problem),
        rows_url=_with_query("import_rows", job, problem=problem.pk),
        retryable=again,
        retry_url=retry_url(job, problem.pk, again) if again else "",
        settled_at=problem.settled_at,
        settled_by=problem.settled_by.label if problem.settled_by else "",
        maybe_applied=fates.unanswered.get(problem.pk, 0),
        superseded=superseded,
        newer=newer_import(problem),
        send_anyway_url=_with_query("import_retry", job, choice=f"{SUPERSEDED}-{problem.pk}") if superseded else "",
        problem_code=problem.code,
        retry_sends=rows_to_send(job, chosen=sum(again.values())),
        anyway_sends=rows_to_send(job, chosen=superseded),
    )


def retry_url(job: ImportJob, problem: int, again: dict[str, int]) -> str:
    """The review of this cause. Rows in doubt are ticked when the cause holds no others."""
    if RowStatus.REJECTED in again:
        return _with_query("import_retry", job, problem=problem)
    return _with_query("import_retry", job, problem=problem, in_doubt=1)


def facts(problem: Problem) -> list[Fact]:
    """What the platform itself said, as far as it said anything."""
    labels = {
        "http_status": _("HTTP status"),
        "code": _("Code"),
        "error_code": _("Error code"),
        "message": _("Message"),
    }
    if problem.origin != Origin.PLATFORM:
        return []
    return [Fact(labels[key], str(problem.params[key])) for key in TECHNICAL if problem.params.get(key)]


def _code(problem: Problem) -> str:
    if problem.origin != Origin.PLATFORM:
        return ""
    return str(problem.params.get("error_code") or problem.params.get("code") or "")


def _with_query(name: str, job: ImportJob, **query: str | int) -> str:
    return f"{reverse(name, args=[job.pk])}?{urlencode(query)}"
