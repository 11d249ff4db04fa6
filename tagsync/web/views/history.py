"""The list of imports: found by name, state and person."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from tagsync.web.access import signed_in
from tagsync.web.forms.filters import history_filter
from tagsync.web.record.history import PER_PAGE, found, line, people_with_imports, tabs


@require_safe
def history(request: HttpRequest) -> HttpResponse:
    person, filters = signed_in(request), history_filter(request)
    page = Paginator(found(person, filters), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "lines": [line(job) for job in page],
        "filters": filters,
        "tabs": tabs(person, filters.get("status", "")),
        "people": people_with_imports(person),
        "none_yet": not filters and not page.paginator.count,
        "sees_all": person.has_perm("imports.view_all_imports"),
    }
    return render(request, "history/history.html", context)
