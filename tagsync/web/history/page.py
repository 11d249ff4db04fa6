"""The list of imports as its page draws it: a page of lines, the tabs, the choices of the filters, what is chosen.
One query per question, not per line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple, cast

from django.db.models import Count, Exists, OuterRef
from django.utils.translation import gettext as _

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.imports.followups.undo import undone
from tagsync.imports.models import ImportJob, Problem
from tagsync.imports.models.choices import Operation
from tagsync.imports.models.job import ImportJobQuerySet
from tagsync.imports.models.row import JobTag
from tagsync.imports.states import UNSTARTED
from tagsync.web.filters import PAGING, HistoryFilters, history_url
from tagsync.web.history.finding import FILTERS, NEXT_WORDS, STATUS_WORDS, WHEN, days_of
from tagsync.web.history.reasons import Reason, causes_of, reasons
from tagsync.web.paging import Cut, cut_backwards, cut_forwards
from tagsync.web.record.progress import NOT_SENT, shown_counts, waiting_but_sent
from tagsync.web.record.whereabouts import address

PER_PAGE = 25
TAGS_SHOWN = 2
# Tags are suggested from so many newest imports.
TAGS_FROM, TAGS_SUGGESTED = 40, 60


# -- lines


@dataclass(frozen=True)
class Line:
    job: ImportJob
    url: str
    counts: dict[str, int]
    when: datetime
    tags: list[str]
    more_tags: int
    reasons: list[Reason]
    # Before that nothing can have been accepted.
    started: bool


class Page(NamedTuple):
    lines: list[Line]
    # imports on all pages
    number: int
    newer: int | None  # the imports after this number come before this page
    older: int | None


def page_of_imports(person: Person, jobs: ImportJobQuerySet, filters: HistoryFilters, number: int) -> Page:
    """Found by the number of an import and not by counting: what is uploaded meanwhile moves no line.

    `number`: how many of these imports there are.
    """
    # Long, and no line shows it.
    jobs = jobs.defer("columns", "fixed_tags", "search_text")
    cut = _cut(jobs, filters)
    if number and not cut.lines:
        cut = _cut(jobs, {})
    shown = cut.lines
    if not shown:
        return Page([], 0, None, None)
    unanswered, causes = waiting_but_sent(shown), causes_of(shown)
    later = undone(shown)
    lines = [line(job, person, causes, unanswered.get(job.pk, 0), later.get(job.pk)) for job in shown]
    return Page(lines, number, shown[0].pk if cut.has_previous else None, shown[-1].pk if cut.has_next else None)


def _cut(jobs: ImportJobQuerySet, filters: HistoryFilters) -> Cut[ImportJob]:
    if "after" in filters:
        return cut_backwards(jobs.filter(pk__gt=filters["after"]).order_by("pk")[: PER_PAGE + 1], PER_PAGE)
    below = jobs.filter(pk__lt=filters["before"]) if "before" in filters else jobs
    return cut_forwards(below[: PER_PAGE + 1], PER_PAGE, from_beginning="before" not in filters)


def line(
    job: ImportJob,
    person: Person,
    causes: Mapping[int, Problem],
    unanswered: int = 0,
    undone_by: ImportJob | None = None,
) -> Line:
    """`unanswered`: rows that wait although they may have been applied."""
    tags = [str(tag) for tag, _rows in job.check_summary.get("tags", ())]
    more = max(int(job.check_summary.get("tag_count", 0)) - TAGS_SHOWN, 0)
    when = job.first_confirmed_at or job.created_at
    counts = shown_counts(job, unanswered)
    why = reasons(job, person, causes, counts.get(NOT_SENT, 0), undone_by)
    return Line(job, address(job), counts, when, tags[:TAGS_SHOWN], more, why, job.status not in UNSTARTED)


# -- tabs


TABS = ("needs_action", "not_started", "under_way", "finished_with_failures", "nothing_left", "stopped")


class Tab(NamedTuple):
    status: str
    label: str
    number: int
    current: bool
    url: str


def tabs(jobs: ImportJobQuerySet, filters: HistoryFilters) -> list[Tab]:
    """The choices of state, each with its number among `jobs`, what the other filters mean."""
    others, current = without_status(filters), filters.get("status", "")
    asked = (*TABS, current) if current in FILTERS else TABS
    counted = {status: Count("id", filter=FILTERS[status]()) for status in asked}
    numbers = jobs.order_by().aggregate(all=Count("id"), **counted)
    every = Tab("", _("All"), numbers["all"], current not in FILTERS, _with(others, ""))
    states = [(status, str(STATUS_WORDS[status]), numbers[status]) for status in dict.fromkeys(asked)]
    return [every, *(Tab(*state, state[0] == current, _with(others, state[0])) for state in states)]


def without_status(filters: HistoryFilters) -> HistoryFilters:
    """As the address of a tab begins: nor at any page but the first."""
    rest = {name: value for name, value in filters.items() if name != "status" and name not in PAGING}
    return cast(HistoryFilters, rest)


def _with(filters: HistoryFilters, status: str) -> str:
    return history_url({**filters, "status": status} if status else filters)


# -- days


class Preset(NamedTuple):
    label: str
    url: str
    current: bool


def presets(filters: HistoryFilters) -> list[Preset]:
    """Words for days. Each takes the place of other days, and keeps the other filters; once more takes it away."""
    rest = {name: value for name, value in filters.items() if name not in ("when", "since", "until")}
    chosen = filters.get("when")
    return [
        Preset(str(word), history_url(rest if when == chosen else {**rest, "when": when}), when == chosen)
        for when, word in WHEN.items()
    ]


# -- filters


class Option(NamedTuple):
    value: str | int
    label: str


@dataclass(frozen=True)
class Choices:
    statuses: list[Option]
    operations: list[Option]
    connections: list[Option]
    people: list[Option]
    tags: list[str]


def choices(person: Person) -> Choices:
    """What the filters offer: only what occurs among the imports that the person may see."""
    visible = ImportJob.objects.visible_to(person)
    connections = Connection.objects.filter(Exists(visible.filter(connection=OuterRef("pk")))).order_by("name")
    newest = visible.order_by("-id").values("pk")[:TAGS_FROM]
    tags = JobTag.objects.filter(job__in=newest).order_by("tag").values_list("tag", flat=True).distinct()
    return Choices(
        statuses=[Option(status, str(word)) for status, word in STATUS_WORDS.items()],
        operations=[Option(operation.value, str(operation.label)) for operation in Operation],
        connections=[Option(pk, name) for pk, name in connections.values_list("pk", "name")],
        people=[Option(one.pk, one.label) for one in _people(person)],
        tags=list(tags[:TAGS_SUGGESTED]),
    )


def _people(person: Person) -> Iterable[Person]:
    """A marketer sees only her own imports and needs no choice."""
    if not person.has_perm("imports.view_all_imports"):
        return []
    return Person.objects.filter(Exists(ImportJob.objects.filter(owner=OuterRef("pk")))).order_by("username")


class Chip(NamedTuple):
    """A filter that is on, and the address without it."""

    label: str
    value: str
    url: str


def chips(filters: HistoryFilters, offered: Choices) -> list[Chip]:
    labels = {
        "q": _("Search"),
        "status": _("State"),
        "operation": _("Operation"),
        "connection": _("Connection"),
        "person": _("Person"),
        "tag": _("Tag"),
        "next": _("Who acts next"),
        "when": _("Days"),
        "since": _("Since"),
        "until": _("Until"),
    }
    active = {name: value for name, value in filters.items() if name not in PAGING and _means(name, value)}
    return [
        Chip(label, _shown(name, active[name], offered), history_url({k: v for k, v in active.items() if k != name}))
        for name, label in labels.items()
        if name in active
    ]


def _means(name: str, value: Any) -> bool:
    return name != "status" or value in STATUS_WORDS


def _shown(name: str, value: Any, offered: Choices) -> str:
    lists = {
        "status": offered.statuses,
        "next": [Option(key, str(word)) for key, word in NEXT_WORDS.items()],
        "operation": offered.operations,
        "connection": offered.connections,
        "person": offered.people,
    }
    if name == "when":
        first, last = days_of(value)
        days = first.isoformat() if first == last else f"{first.isoformat()} – {last.isoformat()}"
        return _("%(word)s: %(days)s") % {"word": WHEN[value], "days": days}
    if isinstance(value, date):
        return value.isoformat()
    # What is not offered is not told either: no name of a person or a connection that she does not know.
    return dict(lists[name]).get(value, f"#{value}") if name in lists else str(value)
