"""What a person was told: the list, the number of new ones, and whether it comes by e-mail too."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from tagsync.accounts.models import Person
from tagsync.notifications.models import Notice
from tagsync.notifications.seen import mark_seen
from tagsync.web.access import signed_in
from tagsync.web.context import number_of_new
from tagsync.web.filters import notice_filter
from tagsync.web.notices.forms import MailForm
from tagsync.web.notices.page import inbox, opened

STOP_POLLING = 286


@require_safe
def notice_list(request: HttpRequest) -> HttpResponse:
    return _page(request)


def _page(request: HttpRequest, form: MailForm | None = None) -> HttpResponse:
    person = signed_in(request)
    before = notice_filter(request).get("before")
    context = {
        "inbox": inbox(person, before),
        "later": before is not None,
        # A copy: what a refused form holds must not stand in the shell as if it were hers.
        "form": form or (MailForm(instance=Person.objects.get(pk=person.pk)) if settings.TAGSYNC_EMAIL else None),
    }
    return render(request, "notices/list.html", context, status=422 if form else 200)


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


@require_POST
def mail(request: HttpRequest) -> HttpResponse:
    if not settings.TAGSYNC_EMAIL:
        raise Http404
    form = MailForm(request.POST, instance=Person.objects.get(pk=signed_in(request).pk))
    if not form.is_valid():
        return _page(request, form)
    form.save()
    on = form.instance.mail_notices
    messages.success(request, _("Notices also come by e-mail.") if on else _("Notices come by e-mail no more."))
    return redirect("notice_list")
