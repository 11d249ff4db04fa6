"""Step 2: which column is which field, and the settings; on one page, in one form."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from tagsync.delivery import actions
from tagsync.imports.drafts import drafts, saving, sheet_view
from tagsync.imports.drafts.sheet_view import SheetView
from tagsync.imports.local_files import NotNow
from tagsync.imports.models import ImportJob
from tagsync.imports.problems import sentence
from tagsync.imports.states import UNSTARTED, MoveRefused
from tagsync.sheets.errors import Unreadable
from tagsync.web.access import import_or_404, signed_in
from tagsync.web.columns import saved
from tagsync.web.columns.forms import ColumnsForm, SheetForm
from tagsync.web.columns.page import page_context
from tagsync.web.columns.settings_form import SettingsForm
from tagsync.web.record.whereabouts import address, overtaken


@require_http_methods(["GET", "POST"])
def columns(request: HttpRequest, pk: int) -> HttpResponse:
    job = import_or_404(request, pk, steer=True)
    if job.status not in UNSTARTED:
        return overtaken(request, job) if request.method == "POST" else redirect(address(job))
    try:
        job, view = looked_at(request, job)
    except Unreadable as error:
        return _no_columns(request, job, error)
    except (drafts.SheetChanged, ImportJob.DoesNotExist, MoveRefused):
        return _sheet_changed(request, job)
    if request.method == "GET" or not view.body:
        forms = ColumnsForm(job, view), SettingsForm(job)
        context = page_context(signed_in(request), job, view, *forms, saved.newly_opened(job))
        return _page(request, context) if view.body else render(request, "columns/no_rows.html", context)
    return _chosen(request, job, view)


def _page(request: HttpRequest, context: dict[str, Any], status: int = 200) -> HttpResponse:
    return render(request, "columns/columns.html", context, status=status)


def _no_columns(request: HttpRequest, job: ImportJob, error: Unreadable) -> HttpResponse:
    """Who only has to try again sends the same once more."""
    context = {
        "job": job,
        "why": sentence(error.code, error.params),
        "is_busy": isinstance(error, NotNow),
        "said": [(name, value) for name, values in request.POST.lists() for value in values],
    }
    return render(request, "columns/no_columns.html", context, status=503 if context["is_busy"] else 422)


def looked_at(request: HttpRequest, job: ImportJob) -> tuple[ImportJob, SheetView]:
    """The import as it is after the look, which may take a while.

    Raises Unreadable; SheetChanged when that look was at another sheet; ImportJob.DoesNotExist, MoveRefused.
    """
    if drafts.is_unseen(job):
        drafts.look_first(job)
    view = sheet_view.look(job)
    now = ImportJob.objects.visible_to(signed_in(request)).select_related("owner", "connection").get(pk=job.pk)
    if not drafts.is_same_sheet(now, job):
        raise drafts.SheetChanged
    return now, view


def _chosen(request: HttpRequest, job: ImportJob, view: SheetView) -> HttpResponse:
    """The button: what can be kept is kept, also when the file cannot be checked yet."""
    chosen, choices = ColumnsForm(job, view, request.POST), SettingsForm(job, request.POST)
    is_used = "use" in request.POST  # a suggestion, taken without script: nothing needs to be complete yet
    complain = not is_used and not (chosen.is_valid() & choices.is_valid())
    try:
        if is_used or complain:
            kept = keep(request, job, chosen, choices)
        else:
            _check(request, job, chosen, choices)
            return redirect("import_check", pk=job.pk)
    except (MoveRefused, ImportJob.DoesNotExist):
        return overtaken(request, job)
    except drafts.SheetChanged:
        return _sheet_changed(request, job)
    except saving.Overtaken:
        kept = _overtaken(request, job)
    context = page_context(signed_in(request), job, view, chosen, choices, kept, complain=complain)
    return _page(request, context, status=422 if complain and not kept.conflict else kept.status)


def _check(request: HttpRequest, job: ImportJob, chosen: ColumnsForm, choices: SettingsForm) -> None:
    """Of valid forms. Raises as `actions.choose_and_check` does."""
    if not chosen.is_of_sheet():
        raise drafts.SheetChanged
    columns = actions.Columns(chosen.chosen(), chosen.chosen_tags(), chosen.chosen_hidden_rows())
    actions.choose_and_check(job, columns, choices.choices(), signed_in(request), saved.seen_in(request.POST))


def keep(request: HttpRequest, job: ImportJob, chosen: ColumnsForm, choices: SettingsForm) -> saved.Saved:
    """Save what was chosen, complete or not, unless others were faster. Raises drafts.SheetChanged, MoveRefused."""
    if not chosen.is_of_sheet():
        raise drafts.SheetChanged
    seen = saved.seen_in(request.POST)
    try:
        saving.save(job, saved.choice_in(chosen, choices), seen, signed_in(request))
    except saving.Overtaken:
        return _overtaken(request, job)
    return saved.still_open(job, seen, saved.unsaved_in(chosen, choices))


def _overtaken(request: HttpRequest, job: ImportJob) -> saved.Saved:
    job.refresh_from_db()
    return saved.overtaken(job, saved.seen_in(request.POST))


def _sheet_changed(request: HttpRequest, job: ImportJob) -> HttpResponse:
    """Nothing was kept: the same column of another sheet is another thing."""
    if not ImportJob.objects.visible_to(signed_in(request)).filter(pk=job.pk).exists():
        return overtaken(request, job)
    messages.warning(
        request,
        _(
            "Another sheet or header row has been chosen in the meantime. Your choices were for "
            "other columns and were not kept: choose them here."
        ),
    )
    return redirect("import_columns", pk=job.pk)


@require_POST
def sheet(request: HttpRequest, pk: int) -> HttpResponse:
    job = import_or_404(request, pk, steer=True)
    if job.status not in UNSTARTED:
        return overtaken(request, job)
    form = SheetForm(_with_clicked_row(request.POST))
    if not form.is_valid():
        messages.error(request, sentence("header_row_missing", {"row": request.POST.get("header_row", "")}).title)
        return redirect("import_columns", pk=pk)
    name, reading = form.cleaned_data["sheet"], form.reading(job.reading)
    # The row of another sheet means nothing on this one, nor does that of a file read otherwise: it is guessed anew.
    header_row = form.cleaned_data["header_row"] if (name, reading) == (job.sheet, job.reading) else None
    try:
        refusal = drafts.choose_sheet(job, name, header_row, signed_in(request), reading)
    except drafts.SheetChanged:
        return _sheet_changed(request, job)
    except MoveRefused:
        return overtaken(request, job)
    if refusal:
        why = sentence(refusal.code, refusal.params)
        messages.error(request, f"{why.title} {why.advice}")
    return redirect("import_columns", pk=pk)


def _with_clicked_row(data: QueryDict) -> dict[str, Any]:
    return {**data.dict(), "header_row": data.get("use_header_row", data.get("header_row"))}
