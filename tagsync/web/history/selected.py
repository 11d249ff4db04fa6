"""Imports that were ticked together: what an act would do with each, and which it leaves as they are and why.
A handful of queries for all of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tagsync.accounts.models import Person
from tagsync.connections.models import ConnectionState
from tagsync.imports.fixed_rows import taken_up_by_import
from tagsync.imports.models import ImportJob
from tagsync.imports.sending.to_send import rows_to_send
from tagsync.imports.states import DELETABLE, ENDED, RETRYABLE, UNSTARTED, JobStatus, RowStatus
from tagsync.web.retry.review import Rest, rest_of
from tagsync.web.ui.numbers import thousands
from tagsync.web.ui.sentences import listed
from tagsync.web.ui.statuses import look_of

NAMED = 5


class Left(NamedTuple):
    """An import that the act leaves alone."""

    job: ImportJob
    why: str | Promise


def selected_imports(person: Person, numbers: Collection[int]) -> list[ImportJob]:
    """Those that the person may see; of the others nobody learns that they exist."""
    visible = ImportJob.objects.visible_to(person).filter(pk__in=numbers)
    return list(visible.select_related("owner", "connection").order_by("-id"))


def told(left: Sequence[Left]) -> str:
    """Whom an act left as they were, in a sentence; empty when there is nobody."""
    if not left:
        return ""
    names = listed(_("“%(name)s” (%(why)s)") % {"name": one.job.label, "why": one.why} for one in left[:NAMED])
    text = ngettext(
        "%(number)s import was left as it is: %(names)s",
        "%(number)s imports were left as they are: %(names)s",
        len(left),
    )
    more = len(left) - NAMED
    if more > 0:
        names = _("%(names)s and %(more)s more") % {"names": names, "more": thousands(more)}
    return text % {"number": thousands(len(left)), "names": names}


def state_word(job: ImportJob) -> str:
    return str(look_of(job.shown_status, job.cause).word)


# -- sending failed rows again


@dataclass(frozen=True)
class Again:
    """An import with rows to send again: state → rows, and the others with the reason."""

    job: ImportJob
    rows_by_state: dict[str, int]
    rest: list[Rest]
    fixed: int

    @property
    def rows(self) -> int:
        return rows_to_send(self.job, chosen=sum(self.rows_by_state.values()))

    @property
    def waiting(self) -> int:
        """Rows without a result, which go along."""
        return self.job.count(RowStatus.WAITING)

    @property
    def waits(self) -> bool:
        return self.job.connection is not None and self.job.connection.state == ConnectionState.BLOCKED


@dataclass(frozen=True)
class RetryPlan:
    again: list[Again]
    left: list[Left]
    in_doubt: bool
    # rows in doubt of all these imports, ticked or not
    in_doubt_rows: int

    @property
    def rows(self) -> int:
        return sum(one.rows for one in self.again)


def retry_plan(jobs: Sequence[ImportJob], *, in_doubt: bool) -> RetryPlan:
    fixed = taken_up_by_import(jobs)
    again: list[Again] = []
    left: list[Left] = []
    in_doubt_rows = 0
    for job in jobs:
        mine = fixed[job.pk]
        open_rows = {str(state): job.count(state) - mine[state] for state in sorted(RETRYABLE)}
        rows = {s: n for s, n in open_rows.items() if n > 0 and (in_doubt or s == RowStatus.REJECTED)}
        if job.status in ENDED and job.failed and job.connection_is_archived:
            left.append(Left(job, why_archived()))
            continue
        if job.status in ENDED:
            in_doubt_rows += max(open_rows[RowStatus.IN_DOUBT], 0)
        if job.status in ENDED and rows:
            again.append(Again(job, rows, rest_of(job, rows, mine), mine.total()))
        else:
            left.append(Left(job, _why_not_again(job, open_rows)))
    return RetryPlan(again, left, in_doubt, in_doubt_rows)


def why_archived() -> str:
    return _("its connection is archived")


def _why_not_again(job: ImportJob, open_rows: dict[str, int]) -> str:
    if job.status in UNSTARTED:
        return _("not started yet")
    if job.status not in ENDED:
        return _("still under way")
    if open_rows[RowStatus.IN_DOUBT] > 0:
        return _("only rows in doubt, and the box for these is not ticked")
    if job.failed:
        return _("a corrected sheet has taken the place of its failed rows")
    if job.count(RowStatus.TO_FIX):
        return _("its failed rows have to be fixed in the sheet")
    return _("no failed row")


# -- deleting drafts


class DeletePlan(NamedTuple):
    drafts: list[ImportJob]
    left: list[Left]


def delete_plan(jobs: Iterable[ImportJob]) -> DeletePlan:
    plan = DeletePlan([], [])
    for job in jobs:
        if job.status in DELETABLE:
            plan.drafts.append(job)
        else:
            plan.left.append(Left(job, why_kept(job)))
    return plan


def now_kept(job: ImportJob) -> str:
    """Why an act that came too late leaves the import as it is by now."""
    found = ImportJob.objects.filter(pk=job.pk).first()
    return why_kept(found) if found else _("discarded already")


def why_kept(job: ImportJob) -> str:
    if job.status == JobStatus.DISCARDED:
        return _("discarded already")
    if job.status == JobStatus.CHECKING:
        return _("its check is under way")
    return _("started, so it is a record")


# -- taking workbooks away


class ExportPlan(NamedTuple):
    jobs: list[ImportJob]
    left: list[Left]


def export_plan(jobs: Sequence[ImportJob], *, failed: bool) -> ExportPlan:
    """Which imports have rows to write; `failed`: failed rows that no corrected sheet has fixed."""
    fixed, plan = taken_up_by_import(jobs) if failed else {}, ExportPlan([], [])
    for job in jobs:
        if job.status == JobStatus.CHECKING or not job.total:
            plan.left.append(Left(job, _("not checked yet")))
        elif failed and job.failures <= fixed[job.pk].total():
            plan.left.append(Left(job, _("no failed row")))
        else:
            plan.jobs.append(job)
    return plan
