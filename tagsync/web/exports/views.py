"""Workbooks to take away: asked for, watched while they are made, fetched by the one who asked."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from tagsync.accounts.models import Person
from tagsync.exports import lifecycle, upkeep
from tagsync.exports.models import Export, ExportState
from tagsync.imports.local_files import NotNow, storage_asked
from tagsync.imports.models import ImportJob
from tagsync.imports.permissions import may_see_personal_data, sees_in_full
from tagsync.imports.problems import Sentence, sentence
from tagsync.imports.states import UNSTARTED
from tagsync.notifications.seen import mark_seen
from tagsync.queueing.health import queue_health
from tagsync.web.access import import_or_404, signed_in
from tagsync.web.exports.forms import ExportForm
from tagsync.web.filters import chosen
from tagsync.web.record.rows import sight
from tagsync.web.record.whereabouts import address

LISTED = 100


@require_POST
def ask(request: HttpRequest, pk: int) -> HttpResponse:
    """A small one comes at once; of any other the page tells how far it is."""
    job, person, form = import_or_404(request, pk), signed_in(request), ExportForm(request.POST)
    filters = form.filters()
    if "problem" in filters and not job.problems.filter(pk=filters["problem"]).exists():
        raise Http404
    clear = sight(job, person, asked=bool(chosen(form).get("unmasked"))).clear
    name = form.file_name(job.file_name)
    try:
        export = lifecycle.ask_at_once(
            job, person, filters, language=get_language() or "en", file_name=name, clear=clear
        )
    except ImportJob.DoesNotExist:
        raise Http404 from None
    except lifecycle.TooMany:
        messages.warning(request, _too_many())
        return redirect("export_list")
    return redirect("export_file" if export.state == ExportState.DONE else "export_detail", export.pk)


def _too_many() -> str:
    text = _(
        "At most %(most)s workbooks can be made for one person at a time. Wait until one is ready, or cancel one below."
    )
    return text % {"most": settings.TAGSYNC_MOST_WAITING_EXPORTS}


@require_POST
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    export = _export_or_404(request, pk)
    if export.state == ExportState.WAITING:
        upkeep.delete(export)
    return redirect("export_list")


@require_safe
def export_list(request: HttpRequest) -> HttpResponse:
    """What she asked for and can fetch, newest first; while some are being made, the table comes again by itself."""
    kept, person = list(_kept(signed_in(request))[:LISTED]), signed_in(request)
    waiting = sum(export.state == ExportState.WAITING for export in kept)
    lines = [(one, _why(one, person)) for one in kept]
    context = {"lines": lines, "waiting": waiting, "poll_seconds": settings.TAGSYNC_POLL_SECONDS}
    page = "exports/_list.html" if getattr(request, "htmx", False) else "exports/list.html"
    return render(request, page, context)


@require_safe
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    export = _export_or_404(request, pk)
    mark_seen(signed_in(request), workbook=export.pk)
    return render(request, "exports/detail.html", _context(request, export))


@require_safe
def live(request: HttpRequest, pk: int) -> HttpResponse:
    export = _export_or_404(request, pk)
    if export.state != ExportState.WAITING:
        return HttpResponse(headers={"HX-Redirect": f"{reverse('export_detail', args=[pk])}?now=1"})
    return render(request, "exports/_making.html", _context(request, export))


@require_safe
def download(request: HttpRequest, pk: int) -> HttpResponse | FileResponse:
    export = _export_or_404(request, pk)
    if export.state != ExportState.DONE or not _may_fetch(signed_in(request), export):
        return redirect("export_detail", pk)
    try:
        with storage_asked(export.file):
            opened = export.file.open()
    except NotNow as error:
        why = sentence(error.code)
        messages.error(request, f"{why.title} {why.advice}")
        return redirect("export_detail", pk)
    mark_seen(signed_in(request), workbook=export.pk)
    # Known of what comes in while it goes out, too: a browser then tells a broken download from a whole one.
    length = {"Content-Length": str(opened.file.size)}
    return FileResponse(opened, as_attachment=True, filename=export.file_name, headers=length)


def _context(request: HttpRequest, export: Export) -> dict[str, object]:
    health, job = queue_health(), export.job
    return {
        "export": export,
        "job": job,
        "home": address(job),
        "why": _why(export, signed_in(request)),
        "works": health.redis and health.export_workers,
        "may_clear": not export.clear and may_see_personal_data(signed_in(request)),
        "comes_back": job.status not in UNSTARTED,
        "poll_seconds": settings.TAGSYNC_POLL_SECONDS,
    }


def _kept(person: Person) -> QuerySet[Export]:
    """Hers, as long as they are kept, of imports that she may still see."""
    kept = Export.objects.filter(by=person, expires_at__gt=Now())
    visible = kept.filter(job__in=ImportJob.objects.visible_to(person))
    return visible.select_related("job__owner", "job__connection").order_by("-pk")


def _may_fetch(person: Person, export: Export) -> bool:
    """As long as she may still see what is in it."""
    return not export.clear or may_see_personal_data(person) or sees_in_full(person, export.job)


def _why(export: Export, person: Person) -> Sentence | None:
    """Why there is nothing to fetch."""
    if export.cause:
        return sentence(export.cause, export.cause_params)
    return None if _may_fetch(person, export) else sentence("export_in_full")


def _export_or_404(request: HttpRequest, pk: int) -> Export:
    person = signed_in(request)
    export = _kept(person).filter(pk=pk).first()
    if export is None:
        raise Http404
    return export
