"""The last thirty days in a few numbers and a bar per day, from the counts of imports. No row is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BigIntegerField, Count, Func, IntegerField, Sum
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Coalesce
from django.db.models.sql.compiler import SQLCompiler
from django.utils import timezone
from django.utils.translation import gettext as _

from tagsync.accounts.models import Person
from tagsync.database import shown_now
from tagsync.imports.models import ImportJob
from tagsync.imports.models.figures import OPEN_FAILURES
from tagsync.imports.models.job import ImportJobQuerySet
from tagsync.imports.states import RowStatus
from tagsync.imports.turns import open_failures
from tagsync.web.filters import history_url
from tagsync.web.history.finding import beginning_of
from tagsync.web.ui.charts import Column
from tagsync.web.ui.numbers import percent, thousands

DAYS = 30


class Day(NamedTuple):
    """The imports started on this day: what the platform said to their rows, and which failures are left by now.

    So red drains: what a corrected sheet has fixed, or somebody has marked as settled, stands here no more.
    """

    day: date
    imports: int = 0
    accepted: int = 0
    # rejected, or in doubt, when they were sent
    not_accepted: int = 0
    open: int = 0
    open_imports: int = 0

    @property
    def sent(self) -> int:
        return self.accepted + self.not_accepted


@dataclass(frozen=True)
class Month:
    days: Sequence[Day]

    @property
    def open_imports(self) -> int:
        """Imports with failures that are left."""
        return sum(day.open_imports for day in self.days)

    @property
    def imports(self) -> int:
        return sum(day.imports for day in self.days)

    @property
    def accepted(self) -> int:
        return sum(day.accepted for day in self.days)

    @property
    def open_failures(self) -> int:
        return sum(day.open for day in self.days)

    @property
    def sent(self) -> int:
        return sum(day.sent for day in self.days)

    @property
    def share(self) -> str:
        return percent(self.accepted, self.sent) if self.sent else "–"

    @property
    def busy_days(self) -> list[Day]:
        """Those with an import, newest first: the table beside the picture."""
        return [day for day in reversed(self.days) if day.imports]

    @property
    def columns(self) -> list[Column]:
        text = _("%(day)s: %(accepted)s accepted, %(open)s with an open failure")
        return [
            Column(
                day.accepted,
                day.open,
                text % {"day": day.day, "accepted": thousands(day.accepted), "open": thousands(day.open)},
            )
            for day in self.days
        ]

    @property
    def open_failures_url(self) -> str:
        return history_url({"status": "open_failures", "since": self.days[0].day})

    @property
    def summary(self) -> str:
        """The picture in a sentence."""
        most = max(self.days, key=lambda day: day.sent)
        return _(
            "Rows sent per day from %(first)s to %(last)s: %(accepted)s accepted, %(open)s with an open failure;"
            " most on %(day)s with %(most)s."
        ) % {
            "first": self.days[0].day.isoformat(),
            "last": self.days[-1].day.isoformat(),
            "accepted": thousands(self.accepted),
            "open": thousands(self.open_failures),
            "day": most.day.isoformat(),
            "most": thousands(most.sent),
        }


class PartOf(Func):
    """In which part of a time a moment lies, from 0; `ends`: of all parts but the last.

    Not by a date: SQLite would ask Python for the date of each import. Not by `Case`: thirty conditions take Django
    longer to put together than any database to answer.
    """

    output_field = IntegerField()

    def __init__(self, moment: str, ends: tuple[datetime, ...]) -> None:
        super().__init__(moment, ends=ends)

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, *_args: Any, **_context: Any) -> Any:
        column, before = compiler.compile(self.get_source_expressions()[0])
        ends = self.extra["ends"]
        parts = " ".join(f"WHEN {column} < %s THEN {number}" for number in range(len(ends)))
        params = [one for end in ends for one in (*before, connection.ops.adapt_datetimefield_value(end))]
        return f"CASE {parts} ELSE {len(ends)} END", params


def month(person: Person) -> Month | None:
    """None when no import was started in these days. A day is one where the company is."""
    today = timezone.localdate(shown_now())
    first = today - timedelta(days=DAYS - 1)
    started = ImportJob.objects.visible_to(person).filter(first_confirmed_at__gte=beginning_of(first)).order_by()
    every = [first + timedelta(days=number) for number in range(DAYS)]
    known = {day.day: day for day in _days(started, every)}
    return Month([known.get(day, Day(day)) for day in every]) if known else None


def _days(started: ImportJobQuerySet, days: Sequence[date]) -> list[Day]:
    ends = tuple(beginning_of(day + timedelta(days=1)) for day in days[:-1])
    rows = started.values(number=PartOf("first_confirmed_at", ends)).annotate(
        imports=Count("id"),
        accepted=_sum(RowStatus.ACCEPTED),
        rejected=_sum(RowStatus.REJECTED),
        in_doubt=_sum(RowStatus.IN_DOUBT),
        open=Sum(OPEN_FAILURES, filter=open_failures(), default=0),
        open_imports=Count("id", filter=open_failures()),
    )
    return [
        Day(
            day=days[row["number"]],
            imports=row["imports"],
            accepted=row["accepted"],
            not_accepted=row["rejected"] + row["in_doubt"],
            open=row["open"],
            open_imports=row["open_imports"],
        )
        for row in rows
    ]


def _sum(state: RowStatus) -> Coalesce:
    return Coalesce(Sum(Cast(KeyTextTransform(state.value, "counts"), BigIntegerField())), 0)
