"""Marking a cause as settled, and reopening it."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from tagsync.imports.followups import dismissals
from tagsync.imports.models import Problem
from tagsync.imports.states import ENDED
from tagsync.web.access import import_or_404, signed_in
from tagsync.web.record.whereabouts import overtaken


@require_POST
def settle(request: HttpRequest, pk: int, problem: int) -> HttpResponse:
    job = import_or_404(request, pk, steer=True)
    cause = get_object_or_404(Problem, pk=problem, job=job)
    if job.status not in ENDED:
        return overtaken(request, job)
    dismissals.settle(cause, signed_in(request))
    messages.success(request, _("Marked as settled. The rows stay as they are, and it can be reopened."))
    return redirect("import_detail", pk)


@require_POST
def reopen(request: HttpRequest, pk: int, problem: int) -> HttpResponse:
    job = import_or_404(request, pk, steer=True)
    dismissals.reopen(get_object_or_404(Problem, pk=problem, job=job))
    return redirect("import_detail", pk)
