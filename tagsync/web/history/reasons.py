"""Why an import stands where it stands, and who acts next: what a line of the list says behind the state.

From what is kept with the import; of a whole page of them only their causes are asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy

from tagsync.accounts.models import Person
from tagsync.imports.figures import CAUSES_KEPT
from tagsync.imports.models import ImportJob, Problem
from tagsync.imports.models.row import Origin
from tagsync.imports.permissions import may_retry
from tagsync.imports.problems import Mover, blocked, mover_of, sentence
from tagsync.imports.states import ENDED, JobStatus, RowStatus
from tagsync.imports.turns import DECIDED
from tagsync.web.record.causes import retry_url
from tagsync.web.record.progress import NOT_SENT, waits_until
from tagsync.web.ui.numbers import thousands
from tagsync.web.ui.statuses import ROW_LOOKS

# When there are more than are kept: the last line is of the others.
SHOWN = CAUSES_KEPT - 1


class Step(NamedTuple):
    """What is done next, by whom; for whoever reads and may do it, where, and how a button says it."""

    mover: Mover | None
    text: str
    url: str = ""
    verb: str = ""


class Reason(NamedTuple):
    tone: str
    icon: str
    text: str
    step: Step
    # how many rows it is about, if it is about rows
    rows: int = 0


class _Act(NamedTuple):
    """Of an owner or of an admin: on a button, and behind the name of whoever does it."""

    verb: str | Promise
    text: str | Promise

    def of(self, who: str | Promise) -> str:
        return _("%(who)s: %(act)s") % {"who": who, "act": self.text}


START = _Act(gettext_lazy("Review and start"), pgettext_lazy("next step", "review and start"))
REPLACE = _Act(gettext_lazy("Upload another file"), pgettext_lazy("next step", "upload another file"))
DECIDE = _Act(gettext_lazy("Decide"), pgettext_lazy("next step", "decide whether to go on"))
CORRECT = _Act(gettext_lazy("Fix the sheet"), pgettext_lazy("next step", "fix the sheet"))
REPAIR = _Act(gettext_lazy("Repair the connection"), pgettext_lazy("next step", "repair the connection"))
RETRY = _Act(gettext_lazy("Retry…"), pgettext_lazy("next step", "retry"))
USE_AGAIN = _Act(gettext_lazy("Open the connection"), pgettext_lazy("next step", "unarchive the connection"))
# What rows are that a cause of such an origin stopped: those to fix look other than those that were refused.
_STATES = {
    Origin.CHECK: RowStatus.TO_FIX,
    Origin.PLATFORM: RowStatus.REJECTED,
    Origin.US: RowStatus.IN_DOUBT,
}
NOTHING = gettext_lazy("Nothing to do")
BY_ITSELF = gettext_lazy("Continues automatically")


def causes_of(jobs: Iterable[ImportJob]) -> Mapping[int, Problem]:
    """The biggest causes that these imports are left with: one query."""
    return Problem.objects.in_bulk([pk for job in jobs if job.status in ENDED for pk, _rows in job.left_causes])


def reasons(
    job: ImportJob,
    reader: Person,
    causes: Mapping[int, Problem],
    not_sent: int = 0,
    undone_by: ImportJob | None = None,
) -> list[Reason]:
    """The likeliest first; never none. `not_sent`: rows of which may be said that they were not."""
    if job.status in ENDED and job.went_on_as_id:
        text = _("Continued as import #%(pk)s") % {"pk": job.went_on_as_id}
        return [Reason("muted", "corner-down-right", text, Step(None, str(NOTHING)))]
    if job.status in ENDED:
        found = [*_question(job, reader), *_left(job, reader, causes), *_not_sent(job, reader, not_sent)]
        if undone_by:
            whole = undone_by.count(RowStatus.ACCEPTED) >= job.count(RowStatus.ACCEPTED)
            text = _("Undone by import #%(pk)s") if whole else _("Partly undone by import #%(pk)s")
            return [
                Reason("muted", "undo-2", text % {"pk": undone_by.pk}, Step(None, "" if found else str(NOTHING))),
                *found,
            ]
        return found or [_over(job)]
    if job.is_blocked and job.connection is not None:
        cause = blocked(job.connection)
        repair = reverse("connection_edit", args=[job.connection_id])
        return [Reason("danger", "plug", cause.title, _admins(reader, REPAIR, repair))]
    if job.status in (JobStatus.READY, JobStatus.UNREADABLE):
        return [_before_the_start(job, reader)]
    if job.status == JobStatus.DRAFT:
        return [Reason("muted", "", _("Not checked yet"), Step(None, ""))]
    by_itself = Step(Mover.NOBODY, str(BY_ITSELF))
    if waits_until(job):
        return [Reason("info", "timer", sentence(f"wait_{job.wait_reason}").title, by_itself)]
    return [Reason("muted", "", "", by_itself)]


def _before_the_start(job: ImportJob, reader: Person) -> Reason:
    page = reverse("import_check", args=[job.pk])
    if job.status == JobStatus.UNREADABLE:
        return Reason(
            "danger", "file-x", sentence(job.cause, job.cause_params).brief, _owners(job, reader, REPLACE, page)
        )
    step = _owners(job, reader, START, page)
    if to_fix := job.count(RowStatus.TO_FIX):
        return Reason("warning", "pencil", str(RowStatus.TO_FIX.label), step, to_fix)
    return Reason("muted", "", _("Ready to send"), step, job.count(RowStatus.WAITING))


def _question(job: ImportJob, reader: Person) -> list[Reason]:
    if job.status != JobStatus.BLOCKED:
        return []
    step = _owners(job, reader, DECIDE, reverse("import_detail", args=[job.pk]))
    tone, icon = ("info", "hand") if job.cause == "trial_done" else ("danger", "octagon-alert")
    return [Reason(tone, icon, sentence(job.cause, job.cause_params).brief, step)]


def _left(job: ImportJob, reader: Person, causes: Mapping[int, Problem]) -> list[Reason]:
    """The causes that are left, biggest first; behind them the smaller ones together, by who acts next."""
    known = [(causes[pk], rows) for pk, rows in job.left_causes if pk in causes]
    if sum(rows for _problem, rows in known) < job.left_to_admins + job.left_to_owner:
        known = known[:SHOWN]
    found = [_cause(job, reader, problem, rows) for problem, rows in known]
    for mover, left in ((Mover.ADMIN, job.left_to_admins), (Mover.OWNER, job.left_to_owner)):
        told = sum(rows for problem, rows in known if (mover_of(problem.code) == Mover.OWNER) == (mover == Mover.OWNER))
        if left > told:
            text = _("Other causes") if known else _("Failed")
            look = ROW_LOOKS[RowStatus.TO_FIX if mover == Mover.OWNER else RowStatus.REJECTED]
            found.append(Reason(look.tone, look.icon, text, _step_of(job, reader, mover), left - told))
    return found


def _cause(job: ImportJob, reader: Person, problem: Problem, rows: int) -> Reason:
    look = ROW_LOOKS[_STATES[Origin(problem.origin)]]
    text = sentence(problem.code, problem.params).brief
    return Reason(look.tone, look.icon, text, _step_of(job, reader, mover_of(problem.code), problem), rows)


def _step_of(job: ImportJob, reader: Person, mover: Mover, problem: Problem | None = None) -> Step:
    if job.status not in DECIDED:
        # Its question comes first.
        return Step(None, "")
    if mover == Mover.OWNER:
        return _owners(job, reader, CORRECT, reverse("import_detail", args=[job.pk]) + "#job-causes")
    if job.connection_is_archived:
        return _admins(reader, USE_AGAIN, reverse("connection_edit", args=[job.connection_id]))
    if problem is None:
        return _admins(reader, RETRY, reverse("import_retry", args=[job.pk]))
    return _admins(reader, RETRY, retry_url(job, problem.pk, {_STATES[Origin(problem.origin)]: 1}))


def _not_sent(job: ImportJob, reader: Person, rows: int) -> list[Reason]:
    if job.status != JobStatus.STOPPED or not rows:
        return []
    look = ROW_LOOKS[NOT_SENT]
    text = _("You can resume it") if job.owner_id == reader.pk else _("%(person)s or you can resume it")
    return [Reason("muted", look.icon, str(look.word), Step(None, text % {"person": job.owner.label}), rows)]


def _over(job: ImportJob) -> Reason:
    """Nothing is left: with a word on what was done about its failures."""
    text = ""
    if job.fixed_failures:
        text = ngettext("%(rows)s row fixed", "%(rows)s rows fixed", job.fixed_failures)
        text %= {"rows": thousands(job.fixed_failures)}
    return Reason("muted", "", text, Step(None, str(NOTHING)))


def _owners(job: ImportJob, reader: Person, act: _Act, url: str) -> Step:
    if job.owner_id == reader.pk:
        return Step(Mover.OWNER, act.of(_("You")), url, str(act.verb))
    return Step(Mover.OWNER, act.of(job.owner.label))


def _admins(reader: Person, act: _Act, url: str) -> Step:
    if may_retry(reader):
        return Step(Mover.ADMIN, act.of(_("You")), url, str(act.verb))
    return Step(Mover.ADMIN, act.of(Mover.ADMIN.label))
