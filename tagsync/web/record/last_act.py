"""Who was first: what happened to an import, for people whose button came too late."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from tagsync.accounts.models import Person
from tagsync.database import shown_now
from tagsync.imports.models import ImportJob
from tagsync.imports.states import Act, Mark
from tagsync.web.record.timeline import UNTOLD

TELLINGS: dict[str, str | Promise] = {
    Act.CHECK: gettext_lazy("%(person)s had this import checked %(when)s."),
    Act.CHANGE: gettext_lazy("%(person)s opened this import for changes %(when)s."),
    Act.DISCARD: gettext_lazy("%(person)s discarded this import %(when)s."),
    Act.START: gettext_lazy("%(person)s started this import %(when)s."),
    Act.STOP: gettext_lazy("%(person)s stopped this import %(when)s."),
    Act.RESUME: gettext_lazy("%(person)s resumed this import %(when)s."),
    Act.RETRY: gettext_lazy("%(person)s queued rows of this import again %(when)s."),
    Mark.REPAIR: gettext_lazy("%(person)s fixed rows of this import %(when)s."),
    Mark.UNDO_REPAIR: gettext_lazy("%(person)s undid a fix of this import %(when)s."),
    Act.CHECKED: gettext_lazy("The check of this import ended %(when)s."),
    Act.UNREADABLE: gettext_lazy("The file of this import turned out to be unreadable %(when)s."),
    Act.STOPPED: gettext_lazy("This import was stopped %(when)s."),
    Act.FINISH: gettext_lazy("This import finished %(when)s."),
    Act.BLOCK: gettext_lazy("This import began to wait for a decision %(when)s."),
}


def last_told(job: ImportJob, reader: Person) -> str:
    """The newest event that is worth telling, with who did it; empty before the first."""
    # A late answer, or a confirmed restore, takes no button away from anybody.
    untold = (*UNTOLD, Mark.LATE_ANSWER, Mark.RESTORE)
    event = job.events.exclude(act__in=untold).select_related("by").order_by("-pk").first()
    if event is None:
        return ""
    person = _("Somebody") if event.by is None else _("You") if event.by == reader else event.by.label
    return str(TELLINGS[event.act]) % {"person": person, "when": _when(event.at)}


def _when(moment: datetime) -> str:
    minutes = int((shown_now() - moment).total_seconds()) // 60
    if minutes < 1:
        return _("just now")
    if minutes < 60:
        return ngettext("%(minutes)s minute ago", "%(minutes)s minutes ago", minutes) % {"minutes": minutes}
    return _("on %(date)s") % {"date": date_format(timezone.localtime(moment), "Y-m-d H:i")}
