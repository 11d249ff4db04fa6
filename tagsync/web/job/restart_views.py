"""Starting an import again with other settings: it is stopped, and its file waits on the columns page."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from tagsync.delivery import actions
from tagsync.imports.drafts.drafts import Refusal
from tagsync.imports.followups.restart import may_start_again, not_accepted
from tagsync.imports.problems import sentence
from tagsync.imports.states import JobStatus, MoveRefused
from tagsync.web.access import import_or_404, signed_in
from tagsync.web.record.whereabouts import address, overtaken
from tagsync.web.ui.numbers import thousands
from tagsync.web.ui.sentences import sentences


@require_POST
def restart(request: HttpRequest, pk: int) -> HttpResponse:
    job = import_or_404(request, pk, steer=True)
    if not may_start_again(job):
        return overtaken(request, job)
    blocked = job.status == JobStatus.BLOCKED
    try:
        draft = actions.start_again(job, signed_in(request))
    except MoveRefused:
        return overtaken(request, job)
    if isinstance(draft, Refusal):
        why = sentence(draft.code, draft.params)
        messages.error(request, sentences(why.title, why.advice, _("Nothing was changed.")))
        return redirect("import_detail", pk)
    rows = not_accepted(job)
    text = ngettext(
        "Choose columns and settings for the %(rows)s row of import #%(import)s that was not accepted, then check it.",
        "Choose columns and settings for the %(rows)s rows of import #%(import)s that were not accepted, then check.",
        rows,
    ) % {"import": job.pk, "rows": thousands(rows)}
    messages.success(request, sentences(_("Import stopped.") if blocked else "", text))
    return redirect(address(draft))
