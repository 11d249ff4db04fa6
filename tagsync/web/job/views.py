"""The page of an import from its start on: how far it is, what stopped rows, its calls, and the two levers."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from tagsync.delivery import actions
from tagsync.imports.followups.restart import waiting_draft
from tagsync.imports.followups.undo import undoable
from tagsync.imports.models import ImportJob
from tagsync.imports.permissions import may_retry, may_steer
from tagsync.imports.sending.to_send import rows_to_send
from tagsync.imports.states import ENDED, UNDER_WAY, UNSTARTED, Act, JobStatus, MoveRefused, RowStatus, allowed
from tagsync.notifications.seen import mark_seen
from tagsync.web.access import import_or_404, signed_in
from tagsync.web.filters import call_filter
from tagsync.web.job.announcements import announcement, tab_title
from tagsync.web.job.details import details
from tagsync.web.job.later_imports import correctable, later_context, retryable
from tagsync.web.record.alerts import archived, headline, remarks, waits
from tagsync.web.record.calls import call_lines, calls_by_outcome, opened, page_of_calls
from tagsync.web.record.cause_acts import Offers, with_acts
from tagsync.web.record.cause_examples import with_examples
from tagsync.web.record.causes import causes
from tagsync.web.record.next_steps import undone_notice, went_on, with_restart
from tagsync.web.record.progress import balance, pace, speed, standing, status_now, time_left, took
from tagsync.web.record.rows import page_of_rows, sight
from tagsync.web.record.timeline import timeline
from tagsync.web.record.whereabouts import address, no_more_told, overtaken
from tagsync.web.ui.charts import tiles
from tagsync.web.ui.numbers import thousands

ROWS_SHOWN = 10
# At the end everything on the page is another: it is fetched and put in without a reload, so that focus and place stay.
THE_WHOLE_PAGE = {"target": "#main", "select": "#main", "swap": "outerHTML show:none", "push": "false"}


@require_safe
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    job = import_or_404(request, pk)
    if job.status in UNSTARTED:
        return redirect(address(job))
    mark_seen(signed_in(request), job=job)
    now = progress(request, job)
    causes_found = causes_context(request, job, now)
    context = now | later_context(job, signed_in(request)) | causes_found | levers(request, job, now) | {
        "details": details(job),
        "timeline": timeline(job),
    }  # fmt: skip
    if not now["standing"].live:
        context["rows"] = page_of_rows(sight(job, signed_in(request)), {}, ROWS_SHOWN)
    return render(request, "job/job.html", context)


@require_safe
def live(request: HttpRequest, pk: int) -> HttpResponse:
    """The moving part of the page. What stands elsewhere on it comes along when it is not what the page knows."""
    job = import_or_404(request, pk)
    if job.status in UNSTARTED:
        return HttpResponse(status=204, headers={"HX-Redirect": address(job)})
    mark_seen(signed_in(request), job=job)
    context = progress(request, job)
    if request.GET.get("failed") != str(context["failed"]):
        context |= causes_context(request, job, context)
    news = {"fragment": True, "new_status": request.GET.get("status") != context["status"]}
    response = render(request, "job/_live.html", context | news)
    if job.status in ENDED:
        response.headers["HX-Location"] = json.dumps(THE_WHOLE_PAGE | {"path": reverse("import_detail", args=[pk])})
    return response


def progress(request: HttpRequest, job: ImportJob) -> dict[str, Any]:
    """What the card shows, in the page and in its update."""
    numbers, status, steps = standing(job), status_now(job), pace(job)
    ended, leads_to = headline(job, numbers, signed_in(request)), _leads_to(request, job)
    rows_url = reverse("import_rows", args=[job.pk])
    urls = {status: f"{rows_url}?status={status}" for status in numbers.counts}
    return leads_to | {
        "job": job,
        "standing": numbers,
        "status": status,
        "tab_title": tab_title(job, numbers, status),
        "notices": [
            *([with_restart(ended, job, numbers, leads_to["draft"])] if ended else waits(job, signed_in(request))),
            *went_on(job, leads_to["draft"]),
            *undone_notice(job),
            *archived(job, signed_in(request)),
            *remarks(job, numbers.remarked),
        ],
        "speed": speed(steps.rows_per_second) if steps else "",
        "time_left": time_left(steps.seconds_left) if steps and steps.seconds_left is not None else "",
        "took": took(job),
        "balance": balance(job, numbers),
        "rows_in_file": job.rows_in_file,
        "tiles": tiles(numbers.counts, urls, numbers.maybe_applied),
        "calls": calls_by_outcome(job),
        "failed": job.failed + job.count(RowStatus.SUPERSEDED),
        "announce": announcement(job, numbers, status, ended.title if ended else ""),
        "poll_seconds": str(settings.TAGSYNC_POLL_SECONDS) if job.status in UNDER_WAY else None,
    }


def _leads_to(request: HttpRequest, job: ImportJob) -> dict[str, Any]:
    """What an import that rests can be gone on with, and how many of its rows a corrected sheet would send."""
    # While it waits for an answer, that comes first.
    is_over = job.status in ENDED and job.status != JobStatus.BLOCKED
    return {
        "draft": waiting_draft(job) if job.status in ENDED and not job.went_on_as_id else None,
        "to_correct": correctable(job) if is_over and not job.went_on_as_id else 0,
        "may_clear": is_over and sight(job, signed_in(request)).may_clear,
    }


def causes_context(request: HttpRequest, job: ImportJob, now: dict[str, Any]) -> dict[str, Any]:
    """`now`: of `progress`."""
    person, ended = signed_in(request), job.status in ENDED
    found = causes(job, person=person)
    flawless = ended and not found.number and job.count(RowStatus.WAITING) == 0 and not now["standing"].remarked.calls
    may = Offers(
        ended=ended,
        retry=ended and may_retry(person) and not job.went_on_as_id,
        settle=ended and may_steer(person, job),
    )
    return {"causes": with_examples(with_acts(found, may), sight(job, person)), "praise": flawless}


def levers(request: HttpRequest, job: ImportJob, now: dict[str, Any]) -> dict[str, Any]:
    """Which acts are offered. Resuming only where unsent rows exist; a question brings its own buttons."""
    person = signed_in(request)
    steers = may_steer(person, job) and job.status != JobStatus.BLOCKED
    sends, unsent = not (job.connection_is_archived or job.went_on_as_id), job.count(RowStatus.WAITING) > 0
    return {
        "may_rename": may_steer(person, job),
        "may_stop": steers and allowed(Act.STOP, job.status) is not None,
        "may_resume": steers and sends and allowed(Act.RESUME, job.status) is not None and unsent,
        "may_undo": may_steer(person, job) and any(undoable(job, now["standing"].maybe_applied)),
        "may_retry_rows": may_retry(person) and sends and job.status in ENDED and retryable(job) > 0,
    }


@require_safe
def calls(request: HttpRequest, pk: int) -> HttpResponse:
    job = import_or_404(request, pk)
    if job.status in UNSTARTED:
        return redirect(address(job))
    filters = call_filter(request)
    page = page_of_calls(job, request.GET.get("page"))
    context = {"job": job, "page": page, "calls": call_lines(page), "summary": calls_by_outcome(job)}
    if "call" in filters:
        context["opened"] = opened(job, filters["call"])
        if context["opened"] is None:
            raise Http404
    return render(request, "job/calls.html", context)


@require_POST
def stop(request: HttpRequest, pk: int) -> HttpResponse:
    job = import_or_404(request, pk, steer=True)
    try:
        actions.stop(job, signed_in(request))
    except MoveRefused:
        return overtaken(request, job)
    stopped = job.status == JobStatus.STOPPED
    messages.success(request, _("Import stopped.") if stopped else _("Stopping after the calls under way."))
    return redirect("import_detail", pk)


@require_POST
def resume(request: HttpRequest, pk: int) -> HttpResponse:
    job = import_or_404(request, pk, steer=True)
    rows = rows_to_send(job)
    try:
        actions.resume(job, signed_in(request))
    except MoveRefused:
        return overtaken(request, job)
    except actions.SendsNoMore as refused:
        messages.error(request, no_more_told(job, refused))
    except actions.NothingToSend:
        messages.warning(request, _("Nothing to resume: every row of this import is settled."))
    else:
        text = ngettext("%(rows)s row is queued.", "%(rows)s rows are queued.", rows)
        messages.success(request, text % {"rows": thousands(rows)})
    return redirect("import_detail", pk)
