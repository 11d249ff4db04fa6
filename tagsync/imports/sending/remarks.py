"""Calls that the platform accepted with remarks (`tuzhan.remarks`): their rows stay accepted, and everybody who asks is
told. Counts them, finds the words of a row; changes nothing."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import NamedTuple

from django.db.models import Count, Sum
from django.utils.translation import gettext as _

from tagsync.imports.models import Delivery, ImportJob
from tagsync.imports.models.delivery import DeliveryQuerySet
from tagsync.imports.problems import Sentence, sentence
from tagsync.imports.sending.attempts import calls_about

WORDS_SHOWN = 3
CODE = "accepted_with_remarks"


class Remarked(NamedTuple):
    """`words`: what the platform said, of most rows first, and not more than a page can show."""

    calls: int
    rows: int
    words: tuple[str, ...]


def remarked(job: ImportJob) -> Remarked:
    """One query, and a second one only where there is something to say."""
    calls = job.deliveries.remarked().order_by()
    counted = calls.aggregate(calls=Count("id"), rows=Sum("row_count"))
    if not counted["calls"]:
        return Remarked(0, 0, ())
    grouped = calls.values_list("remarks").annotate(rows=Sum("row_count")).order_by("-rows", "remarks")
    return Remarked(counted["calls"], counted["rows"], tuple(words for words, _number in grouped[:WORDS_SHOWN]))


def remark_on_row() -> Sentence:
    """What to add to the state of an accepted row; the words stand at its call."""
    return sentence(CODE)


def remark_with_words(words: str) -> Sentence:
    """The same for a workbook, which shows no calls."""
    return replace(sentence(CODE), title=_("Accepted with remarks: %(words)s") % {"words": words})


class RowRemarks:
    """The platform's words by row. The ranges of these calls are disjoint: what is accepted is never sent again."""

    def __init__(self, calls: DeliveryQuerySet) -> None:
        found = calls.remarked().values_list("job", "row_ranges", "remarks")
        self._ranges = sorted(
            (job, first, last, words) for job, ranges, words in found.iterator() for first, last in ranges
        )

    def of(self, job: int, number: int) -> str:
        place = bisect_right(self._ranges, (job, number + 1))
        if not place:
            return ""
        holder, _first, last, words = self._ranges[place - 1]
        return words if holder == job and number <= last else ""


def remarks_of_rows(numbers: Mapping[int, Collection[int]]) -> RowRemarks:
    """Of the rows of several imports (import → row numbers) in one query."""
    return RowRemarks(calls_about(numbers) if numbers else Delivery.objects.none())
