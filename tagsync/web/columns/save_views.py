"""The page saves itself: each change is kept as it is made, and answered with what it amounts to."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from tagsync.imports.drafts import drafts
from tagsync.imports.local_files import NotNow
from tagsync.imports.models import ImportJob
from tagsync.imports.states import UNSTARTED, MoveRefused
from tagsync.sheets.errors import Unreadable
from tagsync.web.access import import_or_404, signed_in
from tagsync.web.columns import saved
from tagsync.web.columns.forms import ColumnsForm
from tagsync.web.columns.page import page_context
from tagsync.web.columns.settings_form import SettingsForm
from tagsync.web.columns.views import keep, looked_at
from tagsync.web.record.whereabouts import address, overtaken


@require_POST
def save(request: HttpRequest, pk: int) -> HttpResponse:
    job = import_or_404(request, pk, steer=True)
    if job.status not in UNSTARTED:
        return _lead_to(address(job))
    try:
        job, view = looked_at(request, job)
        columns, settings = ColumnsForm(job, view, request.POST), SettingsForm(job, request.POST)
        kept = keep(request, job, columns, settings)
    except NotNow:
        return HttpResponse(status=503)  # the page says that nothing is saved yet, and tries again
    except Unreadable:
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    except (ImportJob.DoesNotExist, MoveRefused):
        return _lead_to(overtaken(request, job)["Location"])
    except drafts.SheetChanged:
        why = saved.of_another_sheet(saved.seen_in(request.POST))
        return render(request, "columns/_conflict.html", {"job": job, "saved": why, "live": True}, status=409)
    context = page_context(signed_in(request), job, view, columns, settings, kept, complain=False)
    return render(request, "columns/_columns_live.html", {**context, "live": True}, status=kept.status)


def _lead_to(url: str) -> HttpResponse:
    return HttpResponse(status=204, headers={"HX-Redirect": url})
