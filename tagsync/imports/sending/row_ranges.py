"""Row numbers as ranges: how a call remembers which rows it carried."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from operator import or_

from django.db.models import Q


def as_ranges(row_numbers: Iterable[int]) -> list[list[int]]:
    """[[first, last], …] of ascending runs, both ends included."""
    ranges: list[list[int]] = []
    for number in sorted(row_numbers):
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return ranges


def in_ranges(ranges: Sequence[Sequence[int]]) -> Q:
    singles = [first for first, last in ranges if first == last]
    runs = [Q(row_number__range=(first, last)) for first, last in ranges if first != last]
    return reduce(or_, runs, Q(row_number__in=singles))


def numbers_in(ranges: Sequence[Sequence[int]]) -> list[int]:
    return [number for first, last in ranges for number in range(first, last + 1)]
