"""What an import that rests can be brought to do next, beside what its notice says: it is started again with other
settings; and what other imports have done about it since. Asks the database once or twice; changes nothing."""

from __future__ import annotations

from dataclasses import replace

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tagsync.imports.followups.restart import may_start_again
from tagsync.imports.followups.undo import undone
from tagsync.imports.models import ImportJob
from tagsync.imports.problems import sentence
from tagsync.imports.states import JobStatus, RowStatus
from tagsync.web.record.alerts import Alert, Button
from tagsync.web.record.progress import Standing
from tagsync.web.record.whereabouts import address
from tagsync.web.ui.numbers import thousands

# Where another choice of columns or settings may be what is needed.
QUESTIONS = ("refuses_everything", "trial_done")


def with_restart(notice: Alert, job: ImportJob, standing: Standing, draft: ImportJob | None) -> Alert:
    """The notice of an import that rests, with the button where other settings may help. `draft`: one that waits."""
    blocked = job.status == JobStatus.BLOCKED
    if draft and not blocked:
        return notice
    in_vain = job.status == JobStatus.FINISHED and job.failed and not standing.accepted
    asked = job.cause in QUESTIONS if blocked else job.status == JobStatus.STOPPED or in_vain
    if not asked or not may_start_again(job):
        return notice
    label = _("Stop and start again with other settings") if blocked else _("Start again with other settings")
    again = Button(reverse("import_restart", args=[job.pk]), "sliders-horizontal", label, "default")
    if job.cause == "refuses_everything" and blocked and not standing.accepted:
        others = (act._replace(tone="default") if act.tone == "primary" else act for act in notice.acts)
        return replace(notice, acts=(again._replace(tone="primary"), *others))
    return replace(notice, acts=(*notice.acts[:-1], again, *notice.acts[-1:]))


def undone_notice(job: ImportJob) -> list[Alert]:
    """That another import has undone it: its own figures still say what it did."""
    return [Alert("info", undone_sentence(by), "") for by in undone([job]).values()]


def undone_sentence(by: ImportJob) -> str:
    rows = by.count(RowStatus.ACCEPTED)
    text = ngettext(
        "Import #%(pk)s has undone %(rows)s row of it.", "Import #%(pk)s has undone %(rows)s rows of it.", rows
    )
    return text % {"pk": by.pk, "rows": thousands(rows)}


def went_on(job: ImportJob, draft: ImportJob | None) -> list[Alert]:
    """Where it goes on, or may."""
    if by := job.went_on_as:
        said = sentence("started_again", {"import": by.pk})
        return [_leading_to(by, said.title, said.advice)]
    if draft is None:
        return []
    text = _("Until then nothing of it is sent, and this import can still be resumed.")
    return [_leading_to(draft, _("A draft with the same file and other settings has not been started yet"), text)]


def _leading_to(job: ImportJob, title: str, text: str) -> Alert:
    label = _("Open import #%(pk)s") % {"pk": job.pk}
    return Alert("info", title, text, action_url=address(job), action_label=label)
