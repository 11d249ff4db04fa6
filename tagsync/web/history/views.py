"""The list of imports, and what is looked for in it."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from tagsync.imports.permissions import may_retry
from tagsync.web.access import signed_in
from tagsync.web.customers.forms import CustomerSearch
from tagsync.web.customers.views import to_customer
from tagsync.web.filters import history_filter, history_url, identifier_in
from tagsync.web.history.finding import in_any_state, in_state
from tagsync.web.history.inbox import blocked_connections, inbox
from tagsync.web.history.month import month
from tagsync.web.history.page import chips, choices, page_of_imports, presets, tabs


@require_safe
def history(request: HttpRequest) -> HttpResponse:
    person, filters = signed_in(request), history_filter(request.GET)
    jobs = in_any_state(person, filters)
    shown_tabs, offered = tabs(jobs, filters), choices(person)
    number = next(tab.number for tab in shown_tabs if tab.current)
    page = page_of_imports(person, in_state(jobs, filters), filters, number)
    none_yet = not filters and not page.number
    blocked = blocked_connections(person)
    context = {
        "inbox": [] if none_yet else inbox(person),
        "blocked_connections": blocked,
        # What the navigation would ask for otherwise.
        "blocked_number": len(blocked),
        "presets": presets(filters),
        "page": page,
        "filters": filters,
        "address": history_url(filters),
        "tabs": shown_tabs,
        "choices": offered,
        "chips": chips(filters, offered),
        "month": month(person),
        "none_yet": none_yet,
        "sees_all": person.has_perm("imports.view_all_imports"),
        "may_retry": may_retry(person),
    }
    return render(request, "history/history.html", context)


@require_POST
def find(request: HttpRequest) -> HttpResponse:
    """From the form to the address of its hits. By POST: an identifier gets into no address and no log."""
    customer = CustomerSearch({"typed": identifier_in(request.POST.get("q", ""))})
    if customer.is_valid():
        return to_customer(request, customer.cleaned_data["typed"], typed=True)
    if any(identifier_in(request.POST.get(name, "")) for name in ("q", "tag")):
        text = _("That looks like the identifier of a customer. This search finds imports: by file name, title or tag.")
        messages.warning(request, text)
    return redirect(history_url(history_filter(request.POST)))
