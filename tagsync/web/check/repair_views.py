"""Repairs on the check page: made, and taken back. Afterwards the page is shown where the person was."""

from __future__ import annotations

from collections import Counter

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from tagsync.imports.check import repairs
from tagsync.imports.models import ImportJob, Repair
from tagsync.imports.models.repair import RepairKind
from tagsync.imports.permissions import sees_invalid_values
from tagsync.imports.states import JobStatus, MoveRefused, RowStatus
from tagsync.web.access import import_or_404, signed_in
from tagsync.web.check.repair_forms import RepairForm, wanted
from tagsync.web.check.result import earlier_import
from tagsync.web.record.whereabouts import overtaken
from tagsync.web.ui.numbers import thousands
from tagsync.web.ui.sentences import sentences


@require_POST
def make(request: HttpRequest, pk: int) -> HttpResponse:
    job, person = import_or_404(request, pk, steer=True), signed_in(request)
    form = RepairForm(request.POST)
    if job.status != JobStatus.READY:
        return overtaken(request, job)
    if not form.is_valid():
        messages.error(request, _("That could not be read: nothing was changed."))
        return redirect("import_check", pk)
    became: Counter[str] = Counter()
    try:
        for repair in wanted(job, form, request.POST, in_full=sees_invalid_values(person, job)):
            became.update(repairs.make(job, repair, person))
    except MoveRefused:
        return overtaken(request, job)
    back = _back(job, form)
    _tell(request, became, where="here" if "open=" in back else "")
    return redirect(back)


@require_POST
def send_the_rest(request: HttpRequest, pk: int) -> HttpResponse:
    """Leave out what the earlier import of the same content has brought to the platform."""
    job, person = import_or_404(request, pk, steer=True), signed_in(request)
    earlier = earlier_import(job, person)
    if job.status != JobStatus.READY or earlier is None or not earlier.rest:
        return overtaken(request, job)
    try:
        became = repairs.make(job, Repair(kind=RepairKind.ACCEPTED_BEFORE, earlier=earlier.job), person)
    except MoveRefused:
        return overtaken(request, job)
    _tell(request, became)
    return redirect("import_check", pk)


@require_POST
def undo(request: HttpRequest, pk: int, repair: int) -> HttpResponse:
    job = import_or_404(request, pk, steer=True)
    found = job.repairs.filter(pk=repair).select_related("job").first()
    if found is None:
        raise Http404
    if job.status != JobStatus.READY or (found.undone_at and not found.touched.exists()):
        return overtaken(request, job)
    try:
        rows = repairs.undo(found, signed_in(request))
    except MoveRefused:
        return overtaken(request, job)
    text = ngettext("Fix undone: %(rows)s row is as before.", "Fix undone: %(rows)s rows are as before.", rows)
    messages.success(request, text % {"rows": thousands(rows)})
    return redirect(reverse("import_check", args=[pk]) + "#causes")


def _tell(request: HttpRequest, became: Counter[str], where: str = "") -> None:
    """`where`: "here" when the page opens where the repair was made, and its top is out of sight."""
    if not +became:
        messages.info(request, _("Nothing was changed: no row holds this value any more, or it is the same as before."))
        return
    said = {
        RowStatus.WAITING: ngettext(
            "%(rows)s row can be sent now.", "%(rows)s rows can be sent now.", became[RowStatus.WAITING]
        ),
        RowStatus.DUPLICATE: ngettext(
            "%(rows)s row is now the same as another and is sent once.",
            "%(rows)s rows are now the same as others and are sent once.",
            became[RowStatus.DUPLICATE],
        ),
        RowStatus.TO_FIX: ngettext(
            "%(rows)s row still has a problem.", "%(rows)s rows still have a problem.", became[RowStatus.TO_FIX]
        ),
        RowStatus.LEFT_OUT: ngettext(
            "%(rows)s row is left out.", "%(rows)s rows are left out.", became[RowStatus.LEFT_OUT]
        ),
    }
    text = sentences(*(one % {"rows": thousands(became[state])} for state, one in said.items() if became[state]))
    if became[RowStatus.TO_FIX]:
        messages.warning(request, text, extra_tags=where)
    else:
        messages.success(request, text)


def _back(job: ImportJob, form: RepairForm) -> str:
    """To the cause that was open, as long as it has rows."""
    page, problem = reverse("import_check", args=[job.pk]), form.cleaned_data["problem"]
    if form.cleaned_data["act"] == "leave_out_all" or not problem:
        return f"{page}#causes"
    left = job.rows.filter(problem=problem, status=RowStatus.TO_FIX)
    after = form.cleaned_data["after"] or 0
    if not left.filter(row_number__gt=after).exists():
        after = 0
    return f"{page}?open={problem}&after={after}#cause-{problem}" if left.exists() else page
