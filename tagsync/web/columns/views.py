"""Step 2: which column is which field, and the settings; on one page, in one form."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from tagsync.delivery import actions
from tagsync.imports.drafts import drafts, sheet_view
from tagsync.imports.drafts.previews import NoTurn
from tagsync.imports.drafts.sheet_view import SheetView
from tagsync.imports.models import ImportJob
from tagsync.imports.problems import sentence
from tagsync.imports.states import UNSTARTED, MoveRefused
from tagsync.sheets.errors import Unreadable
from tagsync.web.access import import_or_404, signed_in
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
        job, view = _looked_at(request, job)
    except Unreadable as error:
        return _no_columns(request, job, error)
    except (drafts.SheetChanged, ImportJob.DoesNotExist, MoveRefused):
        return _sheet_changed(request, job)
    if request.method == "GET" or not view.body:
        context = page_context(signed_in(request), job, view, ColumnsForm(job, view), SettingsForm(job))
        return render(request, "columns/columns.html" if view.body else "columns/no_rows.html", context)
    return _chosen(request, job, view)


def _no_columns(request: HttpRequest, job: ImportJob, error: Unreadable) -> HttpResponse:
    """Who only has to try again sends the same once more."""
    context = {
        "job": job,
        "why": sentence(error.code, error.params),
        "is_busy": isinstance(error, NoTurn),
        "said": [(name, value) for name, values in request.POST.lists() for value in values],
    }
    return render(request, "columns/no_columns.html", context, status=503 if context["is_busy"] else 422)


def _looked_at(request: HttpRequest, job: ImportJob) -> tuple[ImportJob, SheetView]:
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
    chosen, choices = ColumnsForm(job, view, request.POST), SettingsForm(job, request.POST)
    if not chosen.is_of_sheet():
        return _sheet_changed(request, job)
    if "use" in request.POST:
        # A suggestion taken without script: nothing needs to be complete yet.
        return render(
            request,
            "columns/columns.html",
            page_context(signed_in(request), job, view, chosen, choices, complain=False),
        )
    if not (chosen.is_valid() & choices.is_valid()):
        return render(
            request, "columns/columns.html", page_context(signed_in(request), job, view, chosen, choices), status=422
        )
    try:
        columns = actions.Columns(chosen.chosen(), chosen.chosen_tags(), chosen.chosen_hidden_rows())
        actions.choose_and_check(job, columns, choices.choices(), signed_in(request))
    except MoveRefused:
        return overtaken(request, job)
    except drafts.SheetChanged:
        return _sheet_changed(request, job)
    return redirect("import_check", pk=job.pk)


def _sheet_changed(request: HttpRequest, job: ImportJob) -> HttpResponse:
    """Nothing was kept: the same column of another sheet is another thing."""
    if not ImportJob.objects.visible_to(signed_in(request)).filter(pk=job.pk).exists():
        return overtaken(request, job)
    messages.warning(
        request,
        _(
            "Another sheet or another row with the column names was chosen meanwhile. Your choices were for other"
            " columns and were not kept: choose them here."
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


@require_POST
def request_preview(request: HttpRequest, pk: int) -> HttpResponse:
    """What the choices in the form amount to, as fragments for the page that shows them."""
    job = import_or_404(request, pk, steer=True)
    if job.status not in UNSTARTED:
        return HttpResponse(status=204, headers={"HX-Redirect": address(job)})
    try:
        job, view = _looked_at(request, job)
    except NoTurn:
        return HttpResponse(status=204)  # what is chosen stays, and the next choice asks again
    except Unreadable:
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    except (drafts.SheetChanged, ImportJob.DoesNotExist, MoveRefused):
        return HttpResponse(status=204, headers={"HX-Redirect": _sheet_changed(request, job)["Location"]})
    chosen, choices = ColumnsForm(job, view, request.POST), SettingsForm(job, request.POST)
    if not chosen.is_of_sheet():
        return HttpResponse(status=204, headers={"HX-Redirect": _sheet_changed(request, job)["Location"]})
    context = page_context(signed_in(request), job, view, chosen, choices, complain=False)
    return render(request, "columns/_columns_live.html", {**context, "live": True})
