"""Find a customer by any identifier. What is typed comes by POST and stays in the session; addresses carry a key."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from tagsync.imports.permissions import may_see_personal_data
from tagsync.web.access import import_or_404, signed_in
from tagsync.web.customers.forms import CustomerOfRow, CustomerSearch
from tagsync.web.customers.page import customer, identifier_of
from tagsync.web.filters import customer_filter
from tagsync.web.search_session import recall, remember


@require_http_methods(["GET", "HEAD", "POST"])
def search(request: HttpRequest) -> HttpResponse:
    person = signed_in(request)
    form = CustomerSearch(request.POST if request.method == "POST" else None)
    if form.is_valid():
        return to_customer(request, form.cleaned_data["typed"], typed=True)
    filters = customer_filter(request) if request.method != "POST" else {}
    sought = recall(request, filters.get("search", ""))
    if "search" in filters and not sought.text:
        messages.info(request, _("This search has expired. Type the identifier again."))
        return redirect("customer_search")
    context = {
        "form": form if form.is_bound else CustomerSearch(initial={"typed": sought.for_its_box}),
        "sees_all": person.has_perm("imports.view_all_imports"),
        "may_clear": may_see_personal_data(person),
        "clear": filters.get("unmasked", False) and may_see_personal_data(person),
        "customer": customer(person, sought.text, filters) if sought.text else None,
    }
    return render(request, "customers/search.html", context, status=422 if form.errors else 200)


@require_POST
def of_row(request: HttpRequest, pk: int) -> HttpResponse:
    """To the customer of a row, whose identifier the page itself does not hold."""
    job, form = import_or_404(request, pk), CustomerOfRow(request.POST)
    identifier = identifier_of(job, form.cleaned_data) if form.is_valid() else ""
    if not identifier:
        raise Http404
    return to_customer(request, identifier, typed=False)


def to_customer(request: HttpRequest, identifier: str, *, typed: bool) -> HttpResponse:
    """To everything about the customer whom this text names."""
    key = remember(request, identifier, typed=typed)
    return redirect(f"{reverse('customer_search')}?{urlencode({'search': key})}")
