"""How often a row was sent, and by which calls: found from the row ranges that each call remembers."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from functools import reduce
from operator import itemgetter, or_
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F, Func, IntegerField, Q
from django.db.models.lookups import GreaterThanOrEqual, LessThanOrEqual
from django.db.models.sql.compiler import SQLCompiler

from tagsync.imports.models import Delivery, ImportJob
from tagsync.imports.models.delivery import DeliveryOutcome, DeliveryQuerySet, DeliveryState
from tagsync.imports.states import UNSTARTED

Ranges = Sequence[Sequence[int]]


def tries_of(job: ImportJob, numbers: Sequence[int]) -> dict[int, int]:
    """Row number → calls that carried it. One query, and only calls come back that lie about these rows."""
    if not numbers or job.status in UNSTARTED:
        return dict.fromkeys(numbers, 0)
    tries = tries_in({job.pk: numbers})
    return {number: tries[job.pk, number] for number in numbers}


def tries_in(numbers: Mapping[int, Collection[int]]) -> Counter[tuple[int, int]]:
    """(Import, row number) → calls that carried it, for rows of several imports in one query."""
    tries: Counter[tuple[int, int]] = Counter()
    if not numbers:
        return tries
    for job, ranges in calls_about(numbers).values_list("job", "row_ranges").iterator():
        for number in numbers[job]:
            tries[job, number] += holds(ranges, number)
    return tries


def calls_about(numbers: Mapping[int, Collection[int]]) -> DeliveryQuerySet:
    """The calls that were made between the first and the last of these rows of each import; at least one import."""
    about = [Q(job=job) & _about(min(rows), max(rows)) for job, rows in numbers.items()]
    return _made().filter(reduce(or_, about))


class TriesInOrder:
    """The same for every row of an import, asked for in ascending order: each range is looked at once."""

    def __init__(self, job: ImportJob) -> None:
        steps: Counter[int] = Counter()
        for ranges in made_calls(job).values_list("row_ranges", flat=True).iterator():
            for first, last in ranges:
                steps[first] += 1
                steps[last + 1] -= 1
        self._steps = sorted(steps.items(), reverse=True)
        self._tries = 0

    def of(self, number: int) -> int:
        while self._steps and self._steps[-1][0] <= number:
            self._tries += self._steps.pop()[1]
        return self._tries


def calls_of(job: ImportJob, number: int) -> list[Delivery]:
    """The calls that carried this row, oldest first."""
    about = made_calls(job).filter(_about(number, number))
    ids = [pk for pk, ranges in about.values_list("pk", "row_ranges").iterator() if holds(ranges, number)]
    return list(Delivery.objects.filter(pk__in=ids).order_by("id"))


def made_calls(job: ImportJob) -> DeliveryQuerySet:
    """Calls with rows that left, or may have left, this machine."""
    return _made().filter(job=job)


def _made() -> DeliveryQuerySet:
    planned = Delivery.objects.filter(row_count__gt=0).exclude(state=DeliveryState.PLANNED)
    return planned.exclude(outcome=DeliveryOutcome.NOT_SENT)


class _End(Func):
    """The first or last number of all ranges of a call, read by the database: most calls need not come here at all."""

    arity = 1
    output_field = IntegerField()

    def __init__(self, range_at: int, end: int) -> None:
        place = f"$[{range_at}][{end}]" if range_at >= 0 else f"$[#{range_at}][{end}]"
        super().__init__(F("row_ranges"), range_at=range_at, end=end, place=place)

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> Any:
        template = "JSON_EXTRACT(%(expressions)s, '%(place)s')"
        return self.as_sql(compiler, connection, template=template, **context)

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> Any:
        template = "((%(expressions)s) -> %(range_at)s ->> %(end)s)::int"
        return self.as_sql(compiler, connection, template=template, **context)


def _about(lowest: int, highest: int) -> Q:
    return Q(LessThanOrEqual(_End(0, 0), highest)) & Q(GreaterThanOrEqual(_End(-1, 1), lowest))


def holds(ranges: Ranges, number: int) -> bool:
    """Ranges ascend, so the only one that can hold the number is the last that begins at or before it."""
    place = bisect_right(ranges, number, key=itemgetter(0))
    return place > 0 and number <= ranges[place - 1][1]
