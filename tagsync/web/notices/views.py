"""What a person was told: the list, and the number of new ones."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from tagsync.accounts.models import Person
from tagsync.notifications.models import Notice
from tagsync.notifications.seen import mark_seen
from tagsync.web.access import signed_in
from tagsync.web.context import number_of_new
from tagsync.web.filters import notice_filter
from tagsync.web.notices.page import inbox, opened

STOP_POLLING = 286


@require_safe
def notice_list(request: HttpRequest) -> HttpResponse:
    before = notice_filter(request).get("before")
    context = {
        "inbox": inbox(signed_in(request), before),
        "later": before is not None,
        "may_be_mailed": settings.TAGSYNC_EMAIL,
    }
    return render(request, "notices/list.html", context)


@require_safe
def open_notice(request: HttpRequest, pk: int) -> HttpResponse:
    person = signed_in(request)
    notice = get_object_or_404(Notice, pk=pk, person=person)
    mark_seen(person, notice=notice.pk)
    return redirect(opened(notice, person))


@require_POST
def read_all(request: HttpRequest) -> HttpResponse:
    """All that the page showed or could show; what came since stays new."""
    filters = notice_filter(request)
    if "upto" in filters:
        mark_seen(signed_in(request), upto=filters["upto"])
    return redirect("notice_list")


@require_safe
@login_not_required
def badge(request: HttpRequest) -> HttpResponse:
    """Asked again and again by every page: it never leads away from one, and answers only what is new."""
    if not isinstance(request.user, Person):
        return HttpResponse(status=STOP_POLLING)
    number, shown = number_of_new(request.user), notice_filter(request).get("shown", 0)
    if number == shown:
        return HttpResponse(status=204)
    return render(request, "notices/_badge.html", {"new_notices": number, "grown": number > shown, "fragment": True})
