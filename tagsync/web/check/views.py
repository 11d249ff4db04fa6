"""Step 3: the file is checked, its result is read, and the last button starts the import."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from tagsync.accounts.models import Person
from tagsync.delivery import actions
from tagsync.imports.drafts import drafts
from tagsync.imports.drafts.deletion import discard
from tagsync.imports.models import ImportJob
from tagsync.imports.sending.to_send import rows_to_send
from tagsync.imports.states import UNSTARTED, JobStatus, MoveRefused
from tagsync.queueing.health import queue_health
from tagsync.web.access import import_or_404, signed_in
from tagsync.web.check.page import check_context, progress_context
from tagsync.web.columns.settings_form import StartForm
from tagsync.web.filters import RepairFilters, repair_filter
from tagsync.web.record.whereabouts import address, archived_told, last_change, overtaken
from tagsync.web.ui.numbers import thousands


@require_GET
def check(request: HttpRequest, pk: int) -> HttpResponse:
    job = import_or_404(request, pk)
    if job.status == JobStatus.DRAFT or job.status not in UNSTARTED:
        return redirect(address(job))
    return render(request, "check/check.html", _context(job, signed_in(request), opened=repair_filter(request)))


def _context(
    job: ImportJob, person: Person, form: StartForm | None = None, opened: RepairFilters | None = None
) -> dict[str, Any]:
    health = queue_health()
    around = {
        "job": job,
        "poll_seconds": settings.TAGSYNC_POLL_SECONDS,
        "works": health.redis and health.check_workers,
        "sends": health.redis and health.send_workers,
        "steps": [None, reverse("import_columns", args=[job.pk])],
    }
    if job.status == JobStatus.CHECKING:
        return {**around, **progress_context(job, person)}
    return {**around, **check_context(job, person, form, opened)}


@require_GET
def check_live(request: HttpRequest, pk: int) -> HttpResponse:
    job = import_or_404(request, pk)
    if job.status != JobStatus.CHECKING:
        return HttpResponse(headers={"HX-Refresh": "true"})  # what comes next is the whole page
    return render(request, "check/_checking.html", _context(job, signed_in(request)))


@require_POST
def change(request: HttpRequest, pk: int) -> HttpResponse:
    job = import_or_404(request, pk, steer=True)
    try:
        drafts.back_to_draft(job, signed_in(request))
    except MoveRefused:
        return overtaken(request, job)
    return redirect("import_columns", pk=pk)


@require_POST
def start(request: HttpRequest, pk: int) -> HttpResponse:
    job = import_or_404(request, pk, steer=True)
    if job.status not in UNSTARTED:
        return overtaken(request, job)
    form = StartForm(job, rows_to_send(job), request.POST)
    if job.status != JobStatus.READY or form.data.get("seen") != str(last_change(job)):
        return _look_again(request, job)
    if not form.is_valid():
        return render(request, "check/check.html", _context(job, signed_in(request), form), status=422)
    rows = rows_to_send(job, trial_rows=form.chosen_trial())
    try:
        actions.start(job, signed_in(request), form.chosen_trial(), last_change(job))
    except MoveRefused:
        return overtaken(request, job)
    except actions.NotAsSeen:
        return _look_again(request, job)
    except (actions.SendsNoMore, actions.NotAsChecked, actions.NothingToSend) as refused:
        say = messages.error if isinstance(refused, actions.SendsNoMore) else messages.warning
        say(request, _why_not_started(job, refused))
        return redirect(address(job))
    _say_started(request, rows)
    return redirect("import_detail", pk=pk)


def _why_not_started(job: ImportJob, refused: Exception) -> str:
    if isinstance(refused, actions.ConnectionArchived):
        return archived_told(job, "connection_archived_before")
    if isinstance(refused, actions.StartedAgain):
        return _("Not started: import #%(other)s has been started with these rows already. Continue there.") % {
            "other": refused.by.pk
        }
    if isinstance(refused, actions.FirstMovedOn):
        return _(
            "Rows of import #%(first)s, which this one starts again, are being sent or have been since the check. When "
            "it has ended, check the file again here, then start."
        ) % {"first": job.corrects_id}
    if isinstance(refused, actions.NothingToSend):
        return _("There is no row to send.")
    return _("Columns or settings have changed since the check. Check the file again, then start it.")


def _look_again(request: HttpRequest, job: ImportJob) -> HttpResponse:
    if not ImportJob.objects.visible_to(signed_in(request)).filter(pk=job.pk).exists():
        return overtaken(request, job)
    messages.warning(
        request, _("This import has been checked again in the meantime. Review the result, then start it.")
    )
    return redirect(address(job))


def _say_started(request: HttpRequest, rows: int) -> None:
    text = ngettext("Started: %(rows)s row will be sent.", "Started: %(rows)s rows will be sent.", rows)
    messages.success(request, text % {"rows": thousands(rows)})


@require_POST
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    job = import_or_404(request, pk, steer=True)
    label = job.label
    try:
        discard(job, signed_in(request))
    except MoveRefused:
        return overtaken(request, job)
    messages.success(request, _("Discarded: %(name)s") % {"name": label})
    return redirect("import_list")
