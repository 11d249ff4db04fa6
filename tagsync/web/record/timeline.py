"""The events of an import as people tell them: who did what when. The workers' own coming and going is left out."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from tagsync.imports.models import ImportJob, JobEvent, Repair
from tagsync.imports.states import Act, JobStatus, Mark
from tagsync.web.figures import thousands
from tagsync.web.record.repairs import told

LATEST = 50


class _Telling(NamedTuple):
    tone: str
    icon: str
    text: str | Promise


TELLINGS = {
    Act.CHECK: _Telling("neutral", "list-checks", _("Check begun")),
    Act.CHECKED: _Telling("neutral", "list-checks", _("Check finished")),
    Act.UNREADABLE: _Telling("danger", "file-x", _("The file could not be read")),
    Act.CHANGE: _Telling("neutral", "pencil-line", _("Opened for changes")),
    Act.START: _Telling("info", "send", _("Started")),
    Act.STOP: _Telling("neutral", "circle-pause", _("Stop requested")),
    Act.STOPPED: _Telling("neutral", "ban", _("Stopped")),
    Act.FINISH: _Telling("success", "check", _("Finished")),
    Act.BLOCK: _Telling("danger", "octagon-alert", _("Blocked")),
    Act.RESUME: _Telling("info", "play", _("Resumed")),
    Act.RETRY: _Telling("info", "rotate-cw", _("Queued again")),
}
MARKS = {
    Mark.REPAIR: _Telling("neutral", "pencil", _("Repaired")),
    Mark.UNDO_REPAIR: _Telling("neutral", "undo-2", _("Repair taken back")),
}
TRIAL = _Telling("info", "hand", _("Trial sent"))
UNTOLD = (Act.CLAIM, Act.PAUSE)
WITH_NUMBER = _("%(rows)s rows queued again")
WITH_REPAIR = _("%(act)s: %(repair)s")


class Line(NamedTuple):
    tone: str
    icon: str
    text: str
    by: str
    at: datetime


def timeline(job: ImportJob) -> list[Line]:
    """Newest first."""
    events = list(job.events.exclude(act__in=UNTOLD).select_related("by").order_by("-id")[:LATEST])
    numbers = [int(event.why) for event in events if event.act in MARKS]
    repairs = Repair.objects.select_related("earlier").in_bulk(numbers) if numbers else {}
    return [_repair_line(event, repairs) if event.act in MARKS else _line(event) for event in events]


def _repair_line(event: JobEvent, repairs: dict[int, Repair]) -> Line:
    """What was typed is masked here: the timeline is read by everybody who may see the import."""
    telling, repair = MARKS[Mark(event.act)], repairs.get(int(event.why))
    text = str(telling.text)
    if repair:
        text = str(WITH_REPAIR) % {"act": text, "repair": told(repair)}
    return Line(telling.tone, telling.icon, text, event.by.label if event.by else "", event.at)


def _line(event: JobEvent) -> Line:
    # A queued import stops at once, so asking and stopping are one event.
    act = Act.STOPPED if event.after == JobStatus.STOPPED else Act(event.act)
    telling = TRIAL if act == Act.BLOCK and event.why == "trial_done" else TELLINGS[act]
    text = str(telling.text)
    if act == Act.RETRY and event.why.isdigit():
        text = str(WITH_NUMBER) % {"rows": thousands(int(event.why))}
    return Line(telling.tone, telling.icon, text, event.by.label if event.by else "", event.at)
