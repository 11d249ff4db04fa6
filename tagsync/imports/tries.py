"""How often a row was sent, and by which calls: found from the row ranges that each call remembers."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from operator import itemgetter

from django.db.models import QuerySet

from tagsync.imports.models import Delivery, ImportJob
from tagsync.imports.models.delivery import DeliveryOutcome, DeliveryState
from tagsync.imports.states import UNSTARTED

Ranges = Sequence[Sequence[int]]


def tries_of(job: ImportJob, numbers: Sequence[int]) -> dict[int, int]:
    """Row number → calls that carried it. One query; ranges are few per call."""
    tries = dict.fromkeys(numbers, 0)
    if not numbers or job.status in UNSTARTED:
        return tries
    lowest, highest = min(numbers), max(numbers)
    for ranges in made_calls(job).values_list("row_ranges", flat=True).iterator():
        if ranges[-1][1] < lowest or ranges[0][0] > highest:
            continue
        for number in numbers:
            tries[number] += holds(ranges, number)
    return tries


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
    places = made_calls(job).order_by("id").values_list("pk", "row_ranges").iterator()
    ids = [pk for pk, ranges in places if holds(ranges, number)]
    return list(Delivery.objects.filter(pk__in=ids).order_by("id"))


def made_calls(job: ImportJob) -> QuerySet[Delivery]:
    """Calls with rows that left, or may have left, this machine."""
    planned = Delivery.objects.filter(job=job, row_count__gt=0).exclude(state=DeliveryState.PLANNED)
    return planned.exclude(outcome=DeliveryOutcome.NOT_SENT)


def holds(ranges: Ranges, number: int) -> bool:
    """Ranges ascend, so the only one that can hold the number is the last that begins at or before it."""
    place = bisect_right(ranges, number, key=itemgetter(0))
    return place > 0 and number <= ranges[place - 1][1]
