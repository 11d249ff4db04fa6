"""What is done with several imports at once: each act says in numbers what it did, and what it left and why."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from tagsync.accounts.models import Person
from tagsync.delivery import actions
from tagsync.exports import lifecycle
from tagsync.imports.drafts.deletion import discard
from tagsync.imports.followups.retry import NothingToRetry, Selection
from tagsync.imports.models import ImportJob
from tagsync.imports.permissions import may_retry
from tagsync.imports.states import RETRYABLE, MoveRefused, RowStatus
from tagsync.web.access import signed_in
from tagsync.web.exports.forms import ExportForm
from tagsync.web.history.selected import (
    DeletePlan,
    Left,
    RetryPlan,
    delete_plan,
    export_plan,
    now_kept,
    retry_plan,
    selected_imports,
    state_word,
    told,
    why_archived,
)
from tagsync.web.history.selection import list_behind, selected_numbers, with_selection
from tagsync.web.record.rows import sight
from tagsync.web.ui.numbers import thousands

REVIEWS = {"retry": "import_selected_retry", "delete": "import_selected_delete"}


@require_POST
def selected(request: HttpRequest) -> HttpResponse:
    """The buttons below the list: to a review, or to the workbooks."""
    act, person = request.POST.get("act", ""), signed_in(request)
    jobs = selected_imports(person, selected_numbers(request.POST))
    if not jobs:
        messages.warning(request, _("No import was selected."))
        return redirect(list_behind(request.POST))
    if act in REVIEWS:
        return redirect(with_selection(REVIEWS[act], request.POST))
    return _ask_for_workbooks(request, person, jobs, failed=act == "failed")


def _ask_for_workbooks(request: HttpRequest, person: Person, jobs: list[ImportJob], *, failed: bool) -> HttpResponse:
    plan, form = export_plan(jobs, failed=failed), ExportForm({"rows": "failed" if failed else "all"})
    filters, language, left = form.filters(), get_language() or "en", list(plan.left)
    for job in plan.jobs:
        clear = sight(job, person).clear
        try:
            name = form.file_name(job.file_name)
            lifecycle.ask(job, person, filters, language=language, file_name=name, clear=clear)
        except lifecycle.TooMany:
            left.append(Left(job, _("as many of your workbooks as allowed are still being made")))
        except ImportJob.DoesNotExist:
            left.append(Left(job, now_kept(job)))
    asked = len(plan.jobs) + len(plan.left) - len(left)
    text = ngettext("%(number)s workbook is being made.", "%(number)s workbooks are being made.", asked)
    _tell(request, text % {"number": thousands(asked)} if asked else "", left)
    return redirect("export_list" if asked else list_behind(request.POST))


@require_http_methods(["GET", "HEAD", "POST"])
def retry(request: HttpRequest) -> HttpResponse:
    person = signed_in(request)
    if not may_retry(person):
        raise Http404
    data = request.POST if request.method == "POST" else request.GET
    jobs, in_doubt = selected_imports(person, selected_numbers(data)), bool(data.get("in_doubt"))
    plan, back = retry_plan(jobs, in_doubt=in_doubt), list_behind(data)
    if request.method != "POST":
        return render(request, "history/bulk_retry.html", {"plan": plan, "jobs": jobs, "back": back})
    _send_again(request, plan)
    return redirect(back)


def _send_again(request: HttpRequest, plan: RetryPlan) -> None:
    statuses = RETRYABLE if plan.in_doubt else frozenset({RowStatus.REJECTED})
    rows, left = 0, list(plan.left)
    for one in plan.again:
        try:
            rows += actions.retry(one.job, Selection(statuses), signed_in(request))
        except actions.ConnectionArchived:
            left.append(Left(one.job, why_archived()))
        except actions.StartedAgain as refused:
            left.append(Left(one.job, _("its rows have moved to import #%(import)s") % {"import": refused.by.pk}))
        except (MoveRefused, NothingToRetry):
            one.job.refresh_from_db()
            left.append(Left(one.job, _("changed meanwhile, it is now: %(status)s") % {"status": state_word(one.job)}))
    text = ngettext("%(rows)s row queued again.", "%(rows)s rows queued again.", rows)
    _tell(request, text % {"rows": thousands(rows)} if rows else "", left)


@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest) -> HttpResponse:
    data = request.POST if request.method == "POST" else request.GET
    jobs, back = selected_imports(signed_in(request), selected_numbers(data)), list_behind(data)
    plan = delete_plan(jobs)
    if request.method != "POST":
        return render(request, "history/bulk_delete.html", {"plan": plan, "jobs": jobs, "back": back})
    _delete(request, plan)
    return redirect(back)


def _delete(request: HttpRequest, plan: DeletePlan) -> None:
    deleted, left = 0, list(plan.left)
    for job in plan.drafts:
        try:
            discard(job, signed_in(request))
        except MoveRefused:
            left.append(Left(job, now_kept(job)))
        else:
            deleted += 1
    text = ngettext("%(number)s draft deleted.", "%(number)s drafts deleted.", deleted)
    _tell(request, text % {"number": thousands(deleted)} if deleted else "", left)


def _tell(request: HttpRequest, done: str, left: list[Left]) -> None:
    """What was done, and on the page to stay what was not."""
    if done:
        messages.success(request, done)
    if left:
        messages.warning(request, told(left))
