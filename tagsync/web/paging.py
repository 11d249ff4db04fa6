"""Pages of a list that are found by a key of their first or last line, not by counting: the last is as fast as the
first, and what is added meanwhile moves no line."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Cut(NamedTuple, Generic[T]):
    """The lines of one page, and whether there are some before and behind it."""

    lines: list[T]
    has_previous: bool
    has_next: bool


def cut_forwards(found: Iterable[T], most: int, *, from_beginning: bool) -> Cut[T]:
    """`found`: up to `most` + 1 lines in the order of the page."""
    lines = list(found)
    return Cut(lines[:most], not from_beginning, len(lines) > most)


def cut_backwards(found: Iterable[T], most: int) -> Cut[T]:
    """`found`: up to `most` + 1 lines before some line, the nearest first."""
    lines = list(found)
    return Cut(lines[:most][::-1], len(lines) > most, True)
