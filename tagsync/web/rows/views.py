"""The rows of an import: filtered, paged by row number, one of them opened with everything known about it."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from tagsync.imports.models import ImportJob
from tagsync.imports.states import UNDER_WAY, UNSTARTED
from tagsync.web.access import import_or_404, signed_in
from tagsync.web.customers.forms import CustomerSearch
from tagsync.web.filters import RowFilters, row_filter
from tagsync.web.record.causes import Cause, one_cause
from tagsync.web.record.progress import shown_counts, waiting_but_sent
from tagsync.web.record.rows import Sight, counts_of_cause, number_of_rows, only_row, page_of_rows, shown_search, sight
from tagsync.web.record.whereabouts import address
from tagsync.web.rows.opened_row import OpenedRow, opened_row
from tagsync.web.search_session import recall, remember
from tagsync.web.ui.statuses import ROW_LOOKS

# the id of the dialog that shows one row
PANEL = "row"


@require_safe
def rows(request: HttpRequest, pk: int) -> HttpResponse:
    job = import_or_404(request, pk)
    filters = row_filter(request)
    sought = recall(request, filters.get("search", ""))
    filters["typed"] = sought.text
    if "search" in filters and not filters["typed"]:
        return _search_is_over(request, job)
    seen = sight(job, signed_in(request), asked=filters.get("unmasked", False))
    cause = _cause(job, filters.get("problem"))
    counts = counts_of_cause(job, cause.id) if cause else shown_counts(job, waiting_but_sent([job]).get(job.pk, 0))
    opened = _opened(seen, filters)
    if opened and request.htmx.target == PANEL:  # type: ignore[attr-defined]  # the middleware of django-htmx
        return render(request, "rows/_row.html", {"job": job, "opened": opened, "unstarted": job.status in UNSTARTED})
    context = {
        "job": job,
        "shown_rows": 0 if job.status in UNDER_WAY or filters["typed"] else number_of_rows(filters, counts),
        "home": address(job),
        "unstarted": job.status in UNSTARTED,
        "seen": seen,
        "filters": filters,
        "in_box": sought.for_its_box,
        "shown_search": shown_search(seen, filters["typed"]),
        "cause": cause,
        "all_rows": sum(counts.values()),
        "tabs": [(status, counts[status]) for status in ROW_LOOKS if counts.get(status)],
        "page": page_of_rows(seen, filters),
        "opened": opened,
    }
    return render(request, "rows/rows.html", context)


def _opened(seen: Sight, filters: RowFilters) -> OpenedRow | None:
    if "row" not in filters:
        return None
    opened = opened_row(seen, filters, filters["row"])
    if opened is None:
        raise Http404
    return opened


@require_POST
def search(request: HttpRequest, pk: int) -> HttpResponse:
    """An identifier or a row number, kept out of the address; the only row that fits is opened at once."""
    job, form = import_or_404(request, pk), CustomerSearch(request.POST)
    if not form.is_valid():
        messages.warning(request, str(form.errors["typed"][0]))
        return redirect("import_rows", pk)
    typed = form.cleaned_data["typed"]
    number = only_row(job, typed)
    query: dict[str, str | int] = {"search": remember(request, typed, typed=True)} | ({"row": number} if number else {})
    return redirect(f"{reverse('import_rows', args=[pk])}?{urlencode(query)}")


def _search_is_over(request: HttpRequest, job: ImportJob) -> HttpResponse:
    messages.info(request, _("This search has expired. Type the identifier again."))
    return redirect("import_rows", job.pk)


def _cause(job: ImportJob, problem: int | None) -> Cause | None:
    if problem is None:
        return None
    cause = one_cause(job, problem)
    if cause is None:
        raise Http404
    return cause
