"""The list of imports: which ones a filter means, and what a line of it shows. One query per question, not per line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import and_, or_
from typing import Any, NamedTuple

from django.db.models import Count, Q
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from tagsync.accounts.models import Person
from tagsync.connections.models import ConnectionState
from tagsync.imports.models import ImportJob
from tagsync.imports.models.job import ImportJobQuerySet
from tagsync.imports.states import UNDER_WAY, UNSTARTED, JobStatus, RowStatus
from tagsync.web.looks import JOB_LOOKS
from tagsync.web.record.standing import shown_counts
from tagsync.web.wizard.whereabouts import address

PER_PAGE = 25

# -- filters by state, in the words that pages show

_FAILURES = (RowStatus.REJECTED, RowStatus.IN_DOUBT, RowStatus.TO_FIX)
_HAS_FAILURES = reduce(or_, (Q(**{f"counts__{state.value}__gt": 0}) for state in _FAILURES))
# Not the negation: in SQL a key that is missing is neither more than zero nor not.
_HAS_NONE = reduce(
    and_, (Q(**{f"counts__{state.value}__isnull": True}) | Q(**{f"counts__{state.value}": 0}) for state in _FAILURES)
)
_ON_BLOCKED = Q(status__in=(JobStatus.QUEUED, JobStatus.RUNNING), connection__state=ConnectionState.BLOCKED)
_BLOCKED = Q(status=JobStatus.BLOCKED) | _ON_BLOCKED


def _pausing() -> Q:
    return Q(status=JobStatus.QUEUED, wait_until__gt=timezone.now()) & ~_ON_BLOCKED


def _is(status: JobStatus) -> Callable[[], Q]:
    return lambda: Q(status=status)


# As ImportJob.shown_status computes it; a test compares the two.
BY_STATUS: dict[str, Callable[[], Q]] = {
    **{status.value: _is(status) for status in JobStatus},
    "queued": lambda: Q(status=JobStatus.QUEUED) & ~_ON_BLOCKED & ~_pausing(),
    "waiting_for_platform": _pausing,
    "running": lambda: Q(status=JobStatus.RUNNING) & ~_ON_BLOCKED,
    "blocked": lambda: _BLOCKED,
    "finished": lambda: Q(status=JobStatus.FINISHED) & _HAS_NONE,
    "finished_with_failures": lambda: Q(status=JobStatus.FINISHED) & _HAS_FAILURES,
}
GROUPS: dict[str, Callable[[], Q]] = {
    "not_started": lambda: Q(status__in=UNSTARTED),
    "under_way": lambda: Q(status__in=UNDER_WAY) & ~_ON_BLOCKED,
}
FILTERS = {**BY_STATUS, **GROUPS}


class _Tab(NamedTuple):
    status: str
    label: str | Promise
    counted: bool = False


TABS = (
    _Tab("", _("All")),
    _Tab("not_started", _("Not started")),
    _Tab("under_way", _("Under way"), counted=True),
    _Tab("blocked", JOB_LOOKS["blocked"].word, counted=True),
    _Tab("finished_with_failures", JOB_LOOKS["finished_with_failures"].word),
    _Tab("finished", JOB_LOOKS["finished"].word),
    _Tab("stopped", JOB_LOOKS["stopped"].word),
)


class Tab(NamedTuple):
    status: str
    label: str
    number: int
    current: bool


def tabs(person: Person, current: str) -> list[Tab]:
    """The choices of state; those that want an eye kept on carry a number."""
    counted = {tab.status: Count("id", filter=FILTERS[tab.status]()) for tab in TABS if tab.counted}
    numbers = ImportJob.objects.visible_to(person).order_by().aggregate(**counted)
    extra = [_Tab(current, JOB_LOOKS[current].word)] if current in JOB_LOOKS else []
    known = {tab.status for tab in TABS}
    drawn = [*TABS, *(tab for tab in extra if tab.status not in known)]
    return [Tab(tab.status, str(tab.label), numbers.get(tab.status, 0), tab.status == current) for tab in drawn]


def found(person: Person, filters: dict[str, Any]) -> ImportJobQuerySet:
    """The imports that the person may see and the filters mean, newest first."""
    jobs = ImportJob.objects.visible_to(person).select_related("owner", "connection").order_by("-id")
    if text := filters.get("q"):
        jobs = jobs.filter(Q(file_name__icontains=text) | Q(title__icontains=text))
    if status := FILTERS.get(filters.get("status", "")):
        jobs = jobs.filter(status())
    if owner := filters.get("person"):
        jobs = jobs.filter(owner=owner)
    return jobs


def people_with_imports(person: Person) -> list[Person]:
    """For the filter by person; a marketer sees only her own imports and needs none."""
    if not person.has_perm("imports.view_all_imports"):
        return []
    return list(Person.objects.filter(imports__isnull=False).distinct().order_by("username"))


@dataclass(frozen=True)
class Line:
    job: ImportJob
    url: str
    counts: dict[str, int]
    when: datetime

    @property
    def problems(self) -> int:
        return self.job.failed + self.job.count(RowStatus.TO_FIX)


def line(job: ImportJob) -> Line:
    return Line(job, address(job), shown_counts(job), job.first_confirmed_at or job.created_at)
