"""After a restore: an admin sees what may have been sent since the backup, and confirms."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from tagsync.delivery import keeper
from tagsync.imports.restores import confirmation, hold
from tagsync.web.access import signed_in
from tagsync.web.admins import only_with
from tagsync.web.restore.page import context

# What an admin says → whether rows may have been sent after the backup.
ANSWERS = {"maybe": True, "nothing": False}


@require_http_methods(["GET", "HEAD", "POST"])
@only_with("imports.confirm_restore")
def restore(request: HttpRequest) -> HttpResponse:
    held = hold.current()
    if request.method != "POST":
        return render(request, "restore/restore.html", context(held))
    # Of the hold that was seen: another restore may have come in between.
    if held is None or request.POST.get("hold") != str(held.pk):
        messages.warning(request, _("This page was out of date. Review it again."))
        return redirect("restore")
    sent = ANSWERS.get(request.POST.get("sent", ""))
    if sent is None:
        return render(request, "restore/restore.html", {**context(held), "unanswered": True}, status=422)
    if not confirmation.decide(held, signed_in(request), sent=sent):
        messages.warning(request, _("Somebody else has already confirmed it."))
    elif keeper.go_on_after_restore():
        messages.success(request, _("Confirmed. Imports continue automatically."))
    else:
        messages.success(request, _("Confirmed. It is being carried out; imports continue automatically afterwards."))
    return redirect("restore")
