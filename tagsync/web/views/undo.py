"""Taking an import back: what that means, in numbers, then a draft to check and start like any other."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from tagsync.delivery import acts
from tagsync.imports import drafts
from tagsync.imports.states import UNSTARTED, JobStatus, RowStatus
from tagsync.imports.undoing import may_be_undone, undo_draft
from tagsync.web.access import import_or_404, signed_in
from tagsync.web.wizard.check_result import tags
from tagsync.web.wizard.whereabouts import address, overtaken


@require_http_methods(["GET", "HEAD", "POST"])
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    job = import_or_404(request, pk, steer=True)
    if job.status in UNSTARTED:
        return redirect(address(job))
    if request.method == "POST":
        if not may_be_undone(job):
            return overtaken(request, job)
        draft = undo_draft(job, signed_in(request))
        if draft.status == JobStatus.DRAFT and drafts.is_complete(draft):
            acts.check(draft, signed_in(request))
        return redirect(address(draft))
    shown, more = tags(job)
    context = {
        "job": job,
        "possible": may_be_undone(job),
        "accepted": job.count(RowStatus.ACCEPTED),
        "others": job.total - job.count(RowStatus.ACCEPTED),
        "tags": shown,
        "more_tags": more,
        "back": reverse("import_detail", args=[pk]),
    }
    return render(request, "job/undo.html", context)
