"""Which page an import is on now, and what changed it last: for people who press a button that has been overtaken."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from tagsync.delivery.actions import SendsNoMore, StartedAgain
from tagsync.imports.models import ImportJob
from tagsync.imports.problems import sentence
from tagsync.imports.states import UNSTARTED, JobStatus
from tagsync.web.access import signed_in
from tagsync.web.record.last_act import last_told
from tagsync.web.ui.sentences import sentences
from tagsync.web.ui.statuses import look_of


def address(job: ImportJob) -> str:
    """The page of the import's present state."""
    if job.status == JobStatus.DRAFT:
        return reverse("import_columns", args=[job.pk])
    return reverse("import_check" if job.status in UNSTARTED else "import_detail", args=[job.pk])


def last_change(job: ImportJob) -> int:
    """The number of the newest event, 0 before the first: what a page shows is out of date when it has grown."""
    return job.events.order_by("-pk").values_list("pk", flat=True).first() or 0


def archived_told(job: ImportJob, code: str = "connection_archived") -> str:
    """Why nothing of it is sent, and what to do."""
    said = sentence(code, {"name": job.connection})
    return sentences(_("%(cause)s.") % {"cause": said.title}, said.advice)


def no_more_told(job: ImportJob, refused: SendsNoMore) -> str:
    """Why nothing more of a started import is sent."""
    if not isinstance(refused, StartedAgain):
        return archived_told(job)
    said = sentence("started_again", {"import": refused.by.pk})
    return sentences(_("%(cause)s.") % {"cause": said.title}, said.advice)


def overtaken(request: HttpRequest, job: ImportJob) -> HttpResponseRedirect:
    """To where the import is now, with a word on what happened and who did it."""
    found = ImportJob.objects.filter(pk=job.pk).select_related("connection").first()
    if found is None or found.status == JobStatus.DISCARDED:
        return _discarded(request, found or job)
    now = _("It is now: %(status)s.") % {"status": look_of(found.shown_status, found.cause).word}
    messages.warning(request, sentences(last_told(found, signed_in(request)), now))
    return redirect(address(found))


def _discarded(request: HttpRequest, job: ImportJob) -> HttpResponseRedirect:
    """Its pages are gone; the list is still there."""
    who = last_told(job, signed_in(request)) or _("This import was discarded meanwhile.")
    messages.warning(request, sentences(who, _("“%(name)s” is no longer there.") % {"name": job.label}))
    return redirect("import_list")
