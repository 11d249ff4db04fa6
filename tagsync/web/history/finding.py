"""Which imports the filters of the history mean. Conditions on imports and their tags; no row is ever looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta

from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.database import shown_now
from tagsync.imports import turns
from tagsync.imports.models import ImportJob
from tagsync.imports.models.job import ImportJobQuerySet
from tagsync.imports.models.row import JobTag
from tagsync.imports.permissions import may_retry
from tagsync.imports.states import UNDER_WAY, UNSTARTED, JobStatus
from tagsync.mapping.characters import folded
from tagsync.web.filters import HistoryFilters, number_in
from tagsync.web.ui.statuses import JOB_LOOKS

# Each word of a search is one more condition.
MOST_WORDS = 6

# -- by state, in the words that pages show

_FINISHED = Q(status=JobStatus.FINISHED)
_NONE_LEFT = Q(left_to_owner=0, left_to_admins=0)
_ON_BLOCKED = turns.ON_BLOCKED
_BLOCKED = Q(status=JobStatus.BLOCKED) | _ON_BLOCKED


def _pausing() -> Q:
    return Q(status=JobStatus.QUEUED, wait_until__gt=Now()) & ~_ON_BLOCKED


def _is(status: JobStatus) -> Callable[[], Q]:
    return lambda: Q(status=status)


# As ImportJob.shown_status computes it; a test compares the two.
BY_STATUS: dict[str, Callable[[], Q]] = {
    **{status.value: _is(status) for status in JobStatus if status != JobStatus.DISCARDED},
    "queued": lambda: Q(status=JobStatus.QUEUED) & ~_ON_BLOCKED & ~_pausing(),
    "waiting_for_platform": _pausing,
    "running": lambda: Q(status=JobStatus.RUNNING) & ~_ON_BLOCKED,
    "blocked": lambda: _BLOCKED,
    "finished": lambda: _FINISHED & _NONE_LEFT & Q(fixed_failures=0, settled_failures=0),
    "finished_with_failures": lambda: _FINISHED & ~_NONE_LEFT,
    "finished_all_fixed": lambda: _FINISHED & _NONE_LEFT & Q(fixed_failures__gt=0, settled_failures=0),
    "finished_all_settled": lambda: _FINISHED & _NONE_LEFT & Q(settled_failures__gt=0),
}
GROUPS: dict[str, Callable[[], Q]] = {
    "needs_action": turns.somebodys,
    "not_started": lambda: Q(status__in=UNSTARTED),
    "under_way": lambda: Q(status__in=UNDER_WAY) & ~_ON_BLOCKED,
    "open_failures": turns.open_failures,
    "nothing_left": lambda: _FINISHED & _NONE_LEFT,
}
FILTERS = {**BY_STATUS, **GROUPS}
STATUS_WORDS: dict[str, str | Promise] = {
    "needs_action": _("Needs action"),
    "not_started": _("Not started"),
    "under_way": _("Under way"),
    "open_failures": _("With open failures"),
    "nothing_left": _("Finished, nothing left"),
    **{status: look.word for status, look in JOB_LOOKS.items()},
}

# -- by who acts next, said to whoever reads


def _mine(person: Person) -> Q:
    hers = turns.owners() & Q(owner=person.pk)
    return hers | turns.admins() if may_retry(person) else hers


NEXT: dict[str, Callable[[Person], Q]] = {
    "me": _mine,
    "owner": lambda person: turns.owners() & ~Q(owner=person.pk),
    "admin": lambda _person: turns.admins(),
    "itself": lambda _person: turns.nobodys(),
}
NEXT_WORDS: dict[str, str | Promise] = {
    "me": _("You"),
    "owner": _("A colleague who uploaded it"),
    "admin": _("An admin"),
    "itself": _("Nobody: it continues automatically"),
}

# -- by day

WHEN: dict[str, str | Promise] = {"today": _("Today"), "yesterday": _("Yesterday"), "week": _("7 days")}


def days_of(when: str) -> tuple[date, date]:
    """The first and the last day that such a word means now, where the company is."""
    today = timezone.localdate(shown_now())
    if when == "yesterday":
        return today - timedelta(days=1), today - timedelta(days=1)
    return (today if when == "today" else today - timedelta(days=6)), today


def found(person: Person, filters: HistoryFilters) -> ImportJobQuerySet:
    """The imports that the person may see and the filters mean, newest first."""
    return in_state(in_any_state(person, filters), filters)


def in_state(jobs: ImportJobQuerySet, filters: HistoryFilters) -> ImportJobQuerySet:
    status = FILTERS.get(filters.get("status", ""))
    return jobs.filter(status()) if status else jobs


def in_any_state(person: Person, filters: HistoryFilters) -> ImportJobQuerySet:
    """What all filters mean but the one by state."""
    jobs = ImportJob.objects.visible_to(person).select_related("owner", "connection").order_by("-id")
    if words := folded(str(filters.get("q", ""))).split()[:MOST_WORDS]:
        jobs = _mentioning(jobs, words, person)
    if tag := folded(filters.get("tag", "")).strip():
        jobs = jobs.filter(_has_tag(tag))
    if "operation" in filters:
        jobs = jobs.filter(operation=filters["operation"])
    if "connection" in filters:
        jobs = jobs.filter(connection=filters["connection"])
    if "person" in filters:
        jobs = jobs.filter(owner=filters["person"])
    if "next" in filters:
        jobs = jobs.filter(NEXT[filters["next"]](person))
    if "when" in filters:
        first, last = days_of(filters["when"])
        jobs = jobs.filter(_not_before(beginning_of(first)), _before(beginning_of(last + timedelta(days=1))))
    if since := filters.get("since"):
        jobs = jobs.filter(_not_before(beginning_of(since)))
    if until := filters.get("until"):
        jobs = jobs.filter(_before(beginning_of(until + timedelta(days=1))))
    return jobs


def beginning_of(day: date) -> datetime:
    """Of the day where the company is, not of the day in Greenwich."""
    return timezone.make_aware(datetime.combine(day, time.min))


# By when it was started; before that, by when it was uploaded. The list shows the same time.
def _not_before(moment: datetime) -> Q:
    return Q(first_confirmed_at__gte=moment) | Q(first_confirmed_at=None, created_at__gte=moment)


def _before(moment: datetime) -> Q:
    return Q(first_confirmed_at__lt=moment) | Q(first_confirmed_at=None, created_at__lt=moment)


def _mentioning(jobs: ImportJobQuerySet, words: Sequence[str], person: Person) -> ImportJobQuerySet:
    """Each of the folded words in the names of the import, the file, the connection; in its tags; as its number."""
    connections = dict(Connection.objects.values_list("pk", "name"))
    people = _names_of_people() if person.has_perm("imports.view_all_imports") else {}
    for word in words:
        said = Q(search_text__contains=word) | _has_tag(word)
        said |= Q(connection__in=_containing(word, connections)) | Q(owner__in=_containing(word, people))
        if number := number_in(word.removeprefix("#")):
            said |= Q(pk=number)
        jobs = jobs.filter(said)
    return jobs


def _names_of_people() -> dict[int, str]:
    names = Person.objects.values_list("pk", "username", "first_name", "last_name")
    return {pk: "\n".join(found) for pk, *found in names}


def _containing(word: str, names: Mapping[int, str]) -> list[int]:
    """There are few of them, and no database folds as Python does."""
    return [pk for pk, name in names.items() if word in folded(name)]


def _has_tag(text: str) -> Q:
    """`text` is folded."""
    return Q(Exists(JobTag.objects.filter(job=OuterRef("pk"), search_text__contains=text)))
