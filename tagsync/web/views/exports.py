"""Workbooks to take away: asked for, watched while they are made, fetched by the one who asked."""

from __future__ import annotations

from django.conf import settings
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.http import require_POST, require_safe

from tagsync.delivery import exports
from tagsync.delivery.health import queue_health
from tagsync.imports.models import Export
from tagsync.imports.models.export import ExportState
from tagsync.imports.permissions import may_see_personal_data
from tagsync.imports.problems import sentence
from tagsync.imports.states import UNSTARTED
from tagsync.web.access import import_or_404, signed_in
from tagsync.web.forms.export import ExportForm
from tagsync.web.forms.filters import chosen
from tagsync.web.record.rows import sight
from tagsync.web.wizard.whereabouts import address


@require_POST
def ask(request: HttpRequest, pk: int) -> HttpResponse:
    job, person, form = import_or_404(request, pk), signed_in(request), ExportForm(request.POST)
    filters = form.filters()
    if "problem" in filters and not job.problems.filter(pk=filters["problem"]).exists():
        raise Http404
    clear = sight(job, person, asked=bool(chosen(form).get("unmasked"))).clear
    name = form.file_name(job.file_name)
    export = exports.ask(job, person, filters, language=get_language() or "en", file_name=name, clear=clear)
    return redirect("export_detail", export.pk)


@require_safe
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    return render(request, "exports/detail.html", _context(request, _export_or_404(request, pk)))


@require_safe
def live(request: HttpRequest, pk: int) -> HttpResponse:
    export = _export_or_404(request, pk)
    if export.state != ExportState.WAITING:
        return HttpResponse(headers={"HX-Redirect": f"{reverse('export_detail', args=[pk])}?now=1"})
    return render(request, "exports/_making.html", _context(request, export))


@require_safe
def download(request: HttpRequest, pk: int) -> HttpResponse | FileResponse:
    export = _export_or_404(request, pk)
    if export.state != ExportState.DONE:
        return redirect("export_detail", pk)
    return FileResponse(export.file.open(), as_attachment=True, filename=export.file_name)


def _context(request: HttpRequest, export: Export) -> dict[str, object]:
    health, job = queue_health(), export.job
    return {
        "export": export,
        "job": job,
        "home": address(job),
        "why": sentence(export.cause, export.cause_params) if export.cause else None,
        "works": health.redis and health.check_workers,
        "may_clear": not export.clear and may_see_personal_data(signed_in(request)),
        "comes_back": job.status not in UNSTARTED,
        "poll_seconds": settings.TAGSYNC_POLL_SECONDS,
    }


def _export_or_404(request: HttpRequest, pk: int) -> Export:
    """Only for who asked for it, as long as it is kept, and as long as she may still see what is in it."""
    person = signed_in(request)
    kept = Export.objects.filter(pk=pk, by=person, expires_at__gt=timezone.now())
    export = kept.select_related("job__owner", "job__connection").first()
    if export is None:
        raise Http404
    job = import_or_404(request, export.job_id)
    if export.clear and not (may_see_personal_data(person) or job.owner_id == person.pk):
        raise Http404
    return export
