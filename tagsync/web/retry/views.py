"""Sending failed rows again: a review with numbers, then the button. For admins; nobody else learns that it exists."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from tagsync.delivery import actions
from tagsync.imports.followups.retry import NothingToRetry, Selection, rows_sent
from tagsync.imports.models import ImportJob
from tagsync.imports.permissions import may_retry
from tagsync.imports.states import ENDED, UNSTARTED, MoveRefused
from tagsync.web.access import import_or_404, signed_in
from tagsync.web.record.whereabouts import address, no_more_told, overtaken
from tagsync.web.retry.forms import Choice, read_choice
from tagsync.web.retry.review import review
from tagsync.web.ui.numbers import thousands


@require_http_methods(["GET", "HEAD", "POST"])
def retry(request: HttpRequest, pk: int) -> HttpResponse:
    job = import_or_404(request, pk)
    if not may_retry(signed_in(request)):
        raise Http404
    if request.method == "POST":
        return _send_again(request, job, read_choice(request.POST))
    if job.status in UNSTARTED:
        return redirect(address(job))
    return _page(request, job, read_choice(request.GET))


def _page(request: HttpRequest, job: ImportJob, choice: Choice, error: str = "") -> HttpResponse:
    context = {"job": job, "review": review(job, signed_in(request), choice), "count_error": error}
    return render(request, "retry/retry.html", context, status=422 if error else 200)


def _send_again(request: HttpRequest, job: ImportJob, choice: Choice) -> HttpResponse:
    try:
        selection = choice.selection()
        if selection is None:
            raise NothingToRetry
        if choice.superseded and not _count_is_right(job, selection, choice):
            return _page(request, job, choice, _("Type the number of rows exactly as shown on the button."))
        rows = actions.retry(job, selection, signed_in(request))
    except MoveRefused:
        return overtaken(request, job)
    except actions.SendsNoMore as refused:
        messages.error(request, no_more_told(job, refused))
        return redirect("import_retry", job.pk)
    except NothingToRetry:
        job.refresh_from_db()
        if job.status not in ENDED:
            return overtaken(request, job)  # somebody else queued these very rows
        text = _("Nothing was queued: no row of this choice is rejected or in doubt any more.")
        gone = _("Nothing was queued: no row of this choice is superseded any more.")
        messages.warning(request, gone if choice.superseded else text)
        return redirect("import_retry", job.pk)
    text = ngettext("%(rows)s row queued again.", "%(rows)s rows queued again.", rows)
    messages.success(request, text % {"rows": thousands(rows)})
    return redirect("import_detail", job.pk)


def _count_is_right(job: ImportJob, selection: Selection, choice: Choice) -> bool:
    """Asked only while there is something to send: what is gone or under way is said in another way."""
    rows = rows_sent(job, selection)
    return job.status not in ENDED or not rows or choice.typed_count == str(rows)
