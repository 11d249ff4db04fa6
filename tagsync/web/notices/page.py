"""A person's notices as the page lists them: newest first, by day, a page at a time from a known one on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import NamedTuple

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from tagsync.accounts.models import Person
from tagsync.database import shown_now
from tagsync.notifications.mailing import place_of
from tagsync.notifications.models import Notice
from tagsync.notifications.texts import said
from tagsync.web.paging import cut_forwards
from tagsync.web.ui.sentences import sentences
from tagsync.web.ui.statuses import NOTICE_LOOKS

PER_PAGE = 30


@dataclass(frozen=True)
class Line:
    notice: Notice
    tone: str
    icon: str
    title: str
    text: str

    @property
    def new(self) -> bool:
        return self.notice.seen_at is None

    @property
    def over(self) -> bool:
        return self.notice.over_at is not None


class Day(NamedTuple):
    word: str
    lines: list[Line]


class Inbox(NamedTuple):
    days: list[Day]
    # the newest one shown; 0 without any
    newest: int
    # where the next page begins; 0 on the last one
    before: int


def inbox(person: Person, before: int | None = None) -> Inbox:
    """`before`: only those that are older than this one."""
    hers = Notice.objects.filter(person=person).select_related("by", "job__owner", "connection").order_by("-id")
    if before is not None:
        hers = hers.filter(pk__lt=before)
    cut = cut_forwards(hers[: PER_PAGE + 1], PER_PAGE, from_beginning=before is None)
    shown = cut.lines
    days = groupby(shown, key=lambda notice: timezone.localdate(notice.at))
    return Inbox(
        [Day(_word(day), [_line(notice) for notice in notices]) for day, notices in days],
        shown[0].pk if shown else 0,
        shown[-1].pk if cut.has_next else 0,
    )


def opened(notice: Notice, person: Person) -> str:
    """The page behind a notice, as far as she may still see it."""
    about_connection = notice.job_id is None and notice.kind.startswith("connection_")
    if about_connection and not person.has_perm("connections.manage_connections"):
        return reverse("import_list")
    return place_of(notice)


def _line(notice: Notice) -> Line:
    look = NOTICE_LOOKS[notice.kind]
    told = said(notice)
    tone = "neutral" if notice.over_at else look.tone
    return Line(notice, tone, look.icon, told.title, sentences(*told.lines))


def _word(day: date) -> str:
    today = timezone.localdate(shown_now())
    if day == today:
        return _("Today")
    return _("Yesterday") if day == today - timedelta(days=1) else date_format(day, "Y-m-d")
