"""Step 1: a file becomes a draft, or a sentence says why not."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods
from django_htmx.http import HttpResponseClientRedirect

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.delivery import actions
from tagsync.imports.drafts import drafts
from tagsync.imports.drafts.retention import unstarted_of
from tagsync.imports.models import ImportJob
from tagsync.sheets import writer
from tagsync.web.access import signed_in
from tagsync.web.check.page import matching_words
from tagsync.web.record.whereabouts import address
from tagsync.web.upload import template_workbook
from tagsync.web.upload.forms import ACCEPTED, UploadForm, corrected_by, like_of, refusals

RECENT = 3
UNFINISHED = 5


@require_http_methods(["GET", "POST"])
def upload(request: HttpRequest) -> HttpResponse:
    person = signed_in(request)
    if request.method == "GET":
        return render(request, "upload/upload.html", _first_context(request))
    form, like = UploadForm(request.POST, request.FILES), like_of(request.POST, person)
    if form.is_valid():
        made = drafts.create(person, form.cleaned_data["file"], form.cleaned_data["title"], like)
        if isinstance(made, ImportJob):
            return _go_on(request, _next_step(request, made))
        form.refuse(made)
    page = "upload/_upload_form.html" if getattr(request, "htmx", False) else "upload/upload.html"
    return render(request, page, _context(person, form, like), status=form.status)


@require_GET
def template(request: HttpRequest) -> FileResponse:
    file = BytesIO()
    writer.write(file, *template_workbook.sheets(get_language()))
    file.seek(0)
    return FileResponse(file, as_attachment=True, filename=template_workbook.file_name(get_language()))


def _next_step(request: HttpRequest, job: ImportJob) -> str:
    """The columns; a workbook of ours that comes back needs no choosing and is checked at once."""
    if job.corrects is None or not drafts.is_complete(job):
        return reverse("import_columns", args=[job.pk])
    actions.check(job, signed_in(request))
    text = _("Recognised: rows of “%(name)s”. Columns and settings are taken from there.")
    messages.success(request, text % {"name": job.corrects.label})
    return reverse("import_check", args=[job.pk])


def _go_on(request: HttpRequest, url: str) -> HttpResponse:
    # A redirect would be followed inside the script's request; the browser itself has to go.
    return HttpResponseClientRedirect(url) if getattr(request, "htmx", False) else redirect(url)


def _first_context(request: HttpRequest) -> dict[str, Any]:
    person = signed_in(request)
    context = _context(person, UploadForm(), like_of(request.GET, person))
    return context | {"corrects": corrected_by(request.GET, person)}


def _context(person: Person, form: UploadForm, like: ImportJob | None) -> dict[str, Any]:
    own = ImportJob.objects.filter(owner=person).select_related("connection").order_by("-pk")
    recent = list(own.filter(first_confirmed_at__isnull=False)[:RECENT])
    usable = list(Connection.objects.usable())
    return {
        "form": form,
        "accepted": ACCEPTED,
        "refusals": refusals(),
        "max_bytes": settings.TAGSYNC_MAX_UPLOAD_BYTES,
        "max_megabytes": settings.TAGSYNC_MAX_UPLOAD_BYTES // (1024 * 1024),
        "draft_days": settings.TAGSYNC_DRAFT_DAYS,
        "like": like,
        "like_matching": matching_words(like) if like else "",
        "unfinished": [(one, address(one.job)) for one in unstarted_of(person, UNFINISHED)],
        "recent": [(job, address(job), matching_words(job)) for job in recent],
        "has_connection": bool(usable),
        "has_sample": settings.LOCAL and any(connection.is_sandbox for connection in usable),
        "first_steps": not recent and not person.first_steps_hidden,
    }
