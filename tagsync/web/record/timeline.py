"""What happened to an import as people tell it: who did what when. The workers' own coming and going is left out.

Changes of state are events; blocks of the connection, repairs, workbooks, settled causes and later imports tell of
themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import reduce
from operator import attrgetter, or_
from typing import NamedTuple

from django.db.models import Q
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from tagsync.accounts.models import Person
from tagsync.connections.models import ConnectionState
from tagsync.imports.models import ImportJob, JobEvent, Repair
from tagsync.imports.problems import sentence
from tagsync.imports.states import ENDED, UNDER_WAY, Act, JobStatus, Mark
from tagsync.web.record.causes import problem_sentence
from tagsync.web.record.repairs import told
from tagsync.web.ui.numbers import thousands

LATEST = 50


class _Telling(NamedTuple):
    tone: str
    icon: str
    text: str | Promise


TELLINGS: dict[str, _Telling] = {
    Act.CHECK: _Telling("neutral", "list-checks", _("Check begun")),
    Act.CHECKED: _Telling("neutral", "list-checks", _("Check finished")),
    Act.UNREADABLE: _Telling("danger", "file-x", _("The file could not be read")),
    Act.CHANGE: _Telling("neutral", "pencil-line", _("Opened for changes")),
    Act.DISCARD: _Telling("neutral", "trash-2", _("Discarded")),
    Act.START: _Telling("info", "send", _("Started")),
    Act.STOP: _Telling("neutral", "circle-pause", _("Stop requested")),
    Act.STOPPED: _Telling("neutral", "ban", _("Stopped")),
    Act.FINISH: _Telling("success", "check", _("Finished")),
    Act.BLOCK: _Telling("danger", "octagon-alert", _("Blocked")),
    Act.RESUME: _Telling("info", "play", _("Resumed")),
    Act.RETRY: _Telling("info", "rotate-cw", _("Queued again")),
    Mark.RESTORE: _Telling("neutral", "archive-restore", _("Confirmed after a restore: nothing was sent since")),
    Mark.LATE_ANSWER: _Telling("neutral", "clock-alert", _("A call that had been given up was answered after all")),
}
MARKS = {
    Mark.REPAIR: _Telling("neutral", "pencil", _("Rows fixed")),
    Mark.UNDO_REPAIR: _Telling("neutral", "undo-2", _("Fix undone")),
}
TRIAL = _Telling("info", "hand", _("Trial sent"))
CONNECTION_BLOCKED = _Telling(
    "danger", "octagon-alert", _("Held up: connection “%(connection)s” is blocked. %(cause)s")
)
CONNECTION_REPAIRED = _Telling("info", "play", _("Continues: connection “%(connection)s” is repaired"))
UNTOLD = (Act.CLAIM, Act.PAUSE)


class Line(NamedTuple):
    tone: str
    icon: str
    text: str
    by: str
    at: datetime
    # the import that it tells of
    url: str = ""


def timeline(job: ImportJob) -> list[Line]:
    """Newest first."""
    events = list(job.events.exclude(act__in=(*UNTOLD, *MARKS)).select_related("by").order_by("-id")[:LATEST])
    told = [*map(_line, events), *_connection(job, events), *_repairs(job), *_exports(job), *_settled(job)]
    told += _later_imports(job)
    return sorted(told, key=attrgetter("at"), reverse=True)[:LATEST]


def _connection(job: ImportJob, events: Sequence[JobEvent]) -> Iterator[Line]:
    """Its connection's blocks and repairs while it was under way, which move no import. `events`: newest first."""
    spans = _under_way(events[::-1])
    if job.connection is None or not spans:
        return
    during = reduce(or_, (Q(at__gte=since) & (Q(at__lt=until) if until else Q()) for since, until in spans))
    for change in job.connection.changes.filter(during).select_related("by").order_by("-id")[:LATEST]:
        blocked = change.state == ConnectionState.BLOCKED
        telling = CONNECTION_BLOCKED if blocked else CONNECTION_REPAIRED
        cause = sentence(f"connection_{change.reason}").title if blocked else ""
        text = str(telling.text) % {"connection": job.connection.name, "cause": cause}
        yield Line(telling.tone, telling.icon, text, _name(change.by), change.at)


def _under_way(events: Iterable[JobEvent]) -> list[tuple[datetime, datetime | None]]:
    """From when to when it was queued or running; None: it still is. `events`: oldest first."""
    spans: list[tuple[datetime, datetime | None]] = []
    for event in events:
        if event.after in UNDER_WAY and (not spans or spans[-1][1] is not None):
            spans.append((event.at, None))
        elif event.after in ENDED and spans and spans[-1][1] is None:
            spans[-1] = (spans[-1][0], event.at)
    return spans


def _repairs(job: ImportJob) -> Iterator[Line]:
    """What was typed is masked here: the timeline is read by everybody who may see the import."""
    events = list(job.events.filter(act__in=MARKS).select_related("by").order_by("-id")[:LATEST])
    repairs = Repair.objects.select_related("earlier").in_bulk([event.params["repair"] for event in events])
    for event in events:
        telling, repair = MARKS[Mark(event.act)], repairs.get(event.params["repair"])
        values = {"act": telling.text, "repair": told(repair) if repair else "…"}
        yield Line(telling.tone, telling.icon, gettext("%(act)s: %(repair)s") % values, _name(event.by), event.at)


def _exports(job: ImportJob) -> Iterator[Line]:
    """As long as they are kept."""
    for export in job.exports.select_related("by").order_by("-id")[:LATEST]:
        text = ngettext("Workbook with %(rows)s row requested", "Workbook with %(rows)s rows requested", export.rows)
        text %= {"rows": thousands(export.rows)}
        if export.clear:
            text = gettext("%(what)s, identifiers in full") % {"what": text}
        yield Line("neutral", "download", text, _name(export.by), export.asked_at)


def _settled(job: ImportJob) -> Iterator[Line]:
    settled = job.problems.filter(settled_at__isnull=False).select_related("settled_by")
    for problem in settled.order_by("-settled_at")[:LATEST]:
        text = gettext("Marked as settled: %(cause)s") % {"cause": problem_sentence(problem).title}
        assert problem.settled_at is not None
        yield Line("neutral", "check", text, _name(problem.settled_by), problem.settled_at)


def _later_imports(job: ImportJob) -> Iterator[Line]:
    """Those that corrected this one or took it back."""
    started = ImportJob.objects.filter(Q(corrects=job) | Q(undoes=job), first_confirmed_at__isnull=False)
    for later in started.select_related("owner").order_by("-id")[:LATEST]:
        text = _later_import(job, later)
        url = reverse("import_detail", args=[later.pk])
        assert later.first_confirmed_at is not None
        yield Line("info", "send", text, _name(later.owner), later.first_confirmed_at, url)


def _later_import(job: ImportJob, later: ImportJob) -> str:
    if later.undoes_id == job.pk:
        return gettext("Undo started")
    if later.file_sha256 == job.file_sha256:
        return gettext("Started again with the same file")
    return gettext("Corrected sheet started")


def _name(person: Person | None) -> str:
    return person.label if person else ""


def _line(event: JobEvent) -> Line:
    # A queued import stops at once, so asking and stopping are one event.
    stopped = event.act == Act.STOP and event.after == JobStatus.STOPPED
    act = Act.STOPPED if stopped else event.act
    telling = TRIAL if act == Act.BLOCK and event.why == "trial_done" else TELLINGS[act]
    text = str(telling.text)
    if act == Act.RETRY and (rows := event.params.get("rows")):
        text = ngettext("%(rows)s row queued again", "%(rows)s rows queued again", rows) % {"rows": thousands(rows)}
    if act == Act.BLOCK and telling is not TRIAL and event.why:
        text = gettext("Blocked: %(cause)s") % {"cause": sentence(event.why).title}
    if act == Mark.RESTORE and (rows := event.params.get("rows")):
        text = ngettext(
            "Confirmed after a restore: %(rows)s row may have been sent since",
            "Confirmed after a restore: %(rows)s rows may have been sent since",
            rows,
        ) % {"rows": thousands(rows)}
    return Line(telling.tone, telling.icon, text, _name(event.by), event.at)
