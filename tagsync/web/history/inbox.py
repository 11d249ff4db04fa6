"""What waits for whom, above the list: three tiles, each with its number, the oldest, and the one act.

Each leads to the list that it counts; what it counts is the same condition (`finding.NEXT`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Count, Min
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection, ConnectionState
from tagsync.imports import turns
from tagsync.imports.models import ImportJob
from tagsync.imports.permissions import may_retry
from tagsync.imports.problems import Sentence, blocked
from tagsync.web.filters import history_url
from tagsync.web.history.finding import BY_STATUS, NEXT
from tagsync.web.history.reasons import Step, causes_of, reasons
from tagsync.web.record.whereabouts import address


class _Kind(NamedTuple):
    title: str | Promise
    icon: str
    tone: str
    # when there is none
    praise: str | Promise


KINDS: dict[str, _Kind] = {
    "me": _Kind(gettext_lazy("Waiting for you"), "inbox", "danger", gettext_lazy("Nothing is waiting for you")),
    "owner": _Kind(
        gettext_lazy("Waiting for the uploader"), "user", "warning", gettext_lazy("No colleague has to do anything")
    ),
    "admin": _Kind(
        gettext_lazy("Waiting for an admin"), "user-cog", "warning", gettext_lazy("No admin has to do anything")
    ),
    "itself": _Kind(gettext_lazy("Continues automatically"), "loader", "info", gettext_lazy("Nothing is under way")),
}


@dataclass(frozen=True)
class Tile:
    key: str
    title: str
    icon: str
    tone: str
    praise: str
    number: int
    url: str
    oldest: ImportJob | None = None
    oldest_url: str = ""
    # as its line in the list says
    since: datetime | None = None
    # of the oldest, by whoever reads
    act: Step | None = None
    # of those that go on by themselves: how many the platform keeps waiting
    waiting: int = 0


def inbox(person: Person) -> list[Tile]:
    """Two queries, and one for the causes of the oldest, however many there are."""
    kinds = ("me", "owner", "itself") if may_retry(person) else ("me", "admin", "itself")
    numbers = _counted(person, kinds)
    oldest = ImportJob.objects.select_related("owner", "connection").in_bulk(
        [numbers[f"oldest_{kind}"] for kind in kinds if numbers[f"oldest_{kind}"]]
    )
    causes = causes_of(oldest.values())
    return [_tile(kind, numbers, oldest.get(numbers[f"oldest_{kind}"]), person, causes) for kind in kinds]


def _counted(person: Person, kinds: tuple[str, ...]) -> dict[str, Any]:
    asked: dict[str, Count | Min] = {"number_waiting": Count("id", filter=BY_STATUS["waiting_for_platform"]())}
    for kind in kinds:
        asked[f"number_{kind}"] = Count("id", filter=NEXT[kind](person))
        asked[f"oldest_{kind}"] = Min("id", filter=NEXT[kind](person))
    return ImportJob.objects.visible_to(person).order_by().aggregate(**asked)


def _tile(key: str, numbers: Mapping[str, Any], oldest: ImportJob | None, person: Person, causes: Any) -> Tile:
    kind = KINDS[key]
    look = (key, str(kind.title), kind.icon, kind.tone, str(kind.praise))
    url = history_url({"next": key})
    if oldest is None:
        return Tile(*look, 0, url)
    steps = [reason.step for reason in reasons(oldest, person, causes)]
    return Tile(
        *look,
        number=numbers[f"number_{key}"],
        url=url,
        oldest=oldest,
        oldest_url=address(oldest),
        since=oldest.first_confirmed_at or oldest.created_at,
        act=next((step for step in steps if step.url), None) if key == "me" else None,
        waiting=numbers["number_waiting"] if key == "itself" else 0,
    )


class Blocked(NamedTuple):
    """A connection that needs somebody, and how many imports wait for it."""

    connection: Connection
    cause: Sentence
    imports: int

    @property
    def title(self) -> str:
        values = {"connection": self.connection.name, "cause": self.cause.title}
        return _("Connection “%(connection)s” is blocked: %(cause)s") % values


def blocked_connections(person: Person) -> list[Blocked]:
    """To an admin all of them, to others those on which an import of theirs waits. Mostly there is none at all."""
    found = list(Connection.objects.filter(state=ConnectionState.BLOCKED, archived_at=None).order_by("name"))
    if not found:
        return []
    waiting = ImportJob.objects.visible_to(person).filter(turns.ON_BLOCKED, connection__in=found).order_by()
    numbers = dict(waiting.values_list("connection").annotate(Count("id")))
    shown = [one for one in found if one.pk in numbers or person.has_perm("connections.manage_connections")]
    return [Blocked(one, blocked(one), numbers.get(one.pk, 0)) for one in shown]
