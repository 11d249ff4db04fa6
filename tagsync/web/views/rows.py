"""The rows of an import: filtered, paged by row number, one of them opened with everything known about it."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from tagsync.imports.models import ImportJob
from tagsync.imports.states import UNDER_WAY, UNSTARTED
from tagsync.web.access import import_or_404, signed_in
from tagsync.web.forms.filters import row_filter
from tagsync.web.looks import ROW_LOOKS
from tagsync.web.record.causes import Cause, one_cause
from tagsync.web.record.opened_row import OpenedRow, opened_row
from tagsync.web.record.rows import Sight, number_of_rows, page_of_rows, sight
from tagsync.web.record.standing import shown_counts
from tagsync.web.wizard.whereabouts import address

# the id of the dialog that shows one row
PANEL = "row"


@require_safe
def rows(request: HttpRequest, pk: int) -> HttpResponse:
    job = import_or_404(request, pk)
    filters = row_filter(request)
    seen = sight(job, signed_in(request), asked=filters.get("unmasked", False))
    counts = shown_counts(job)
    cause = _cause(job, filters.get("problem"))
    opened = _opened(seen, filters)
    if opened and request.htmx.target == PANEL:  # type: ignore[attr-defined]  # the middleware of django-htmx
        return render(request, "job/_row.html", {"job": job, "opened": opened, "unstarted": job.status in UNSTARTED})
    context = {
        "job": job,
        "shown_rows": number_of_rows(job, filters) if job.status not in UNDER_WAY else 0,
        "home": address(job),
        "unstarted": job.status in UNSTARTED,
        "seen": seen,
        "filters": filters,
        "cause": cause,
        "tabs": [(status, counts[status]) for status in ROW_LOOKS if counts.get(status)],
        "page": page_of_rows(seen, filters),
        "opened": opened,
    }
    return render(request, "job/rows.html", context)


def _opened(seen: Sight, filters: dict[str, Any]) -> OpenedRow | None:
    if "row" not in filters:
        return None
    opened = opened_row(seen, filters, filters["row"])
    if opened is None:
        raise Http404
    return opened


def _cause(job: ImportJob, problem: int | None) -> Cause | None:
    if problem is None:
        return None
    cause = one_cause(job, problem)
    if cause is None:
        raise Http404
    return cause
