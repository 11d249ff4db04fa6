"""Taking an import back: what that means, in numbers, then a draft to check and start like any other."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from tagsync.delivery import actions
from tagsync.imports.drafts import drafts
from tagsync.imports.followups.undo import corrections_to_undo, undo_draft, undoable, undone
from tagsync.imports.local_files import NotNow
from tagsync.imports.models import ImportJob
from tagsync.imports.problems import sentence
from tagsync.imports.sending.unanswered import counted_by_status
from tagsync.imports.states import UNSTARTED, JobStatus, MoveRefused
from tagsync.web.access import import_or_404, signed_in
from tagsync.web.check.result import tags
from tagsync.web.record.next_steps import undone_sentence
from tagsync.web.record.whereabouts import address, overtaken


@require_http_methods(["GET", "HEAD", "POST"])
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    job = import_or_404(request, pk, steer=True)
    if job.status in UNSTARTED:
        return redirect(address(job))
    found = undoable(job, counted_by_status(job))
    if request.method == "POST":
        unsure = found.unsure > 0 and "unsure" in request.POST
        if not found.accepted and not unsure:
            return overtaken(request, job)
        return _made(request, job, unsure)
    shown, more = tags(job)
    context = {
        "job": job,
        "possible": found.accepted or found.unsure,
        "undoable": found,
        "undone": [undone_sentence(by) for by in undone([job]).values()],
        "corrections": corrections_to_undo(job),
        "others": job.total - found.accepted - found.unsure,
        "tags": shown,
        "more_tags": more,
        "back": reverse("import_detail", args=[pk]),
    }
    return render(request, "undo/undo.html", context)


def _made(request: HttpRequest, job: ImportJob, unsure: bool) -> HttpResponse:
    try:
        draft = undo_draft(job, signed_in(request), unsure=unsure)
    except NotNow as error:
        why = sentence(error.code)
        messages.error(request, f"{why.title} {why.advice}")
        return redirect("import_undo", job.pk)
    if draft.status == JobStatus.DRAFT and drafts.is_complete(draft):
        try:
            actions.check(draft, signed_in(request))
        except MoveRefused:
            # Pressed twice, or in two tabs.
            return overtaken(request, draft)
    return redirect(address(draft))
