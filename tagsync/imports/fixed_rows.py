"""Which failed rows of an import later ones have put right: corrected sheets of it, corrected sheets of these, ….

A row is fixed when the platform accepted it in one of them. It is taken up when that is so, or may still become so: it
is about to be sent there, or in doubt. What is taken up is neither sent again nor given out to be corrected again; only
what is fixed counts as put right. Changes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Count, Q, QuerySet

from tagsync.imports.models import ImportJob, ImportRow
from tagsync.imports.states import FAILURES, UNDER_WAY, RowStatus

FIXED = Q(status=RowStatus.ACCEPTED)
TAKEN_UP = FIXED | Q(status=RowStatus.IN_DOUBT) | Q(status=RowStatus.WAITING, job__status__in=UNDER_WAY)

# import → the imports that correct it
Corrections = Mapping[int, list[int]]


def corrections_of(jobs: Iterable[int]) -> Corrections:
    """Those of these imports, those of their corrections, and so on: one query a round of corrections, and one more."""
    found: dict[int, list[int]] = {}
    ask = set(jobs)
    while ask:
        corrections = list(ImportJob.objects.filter(corrects__in=ask).order_by("pk").only("corrects"))
        for one in corrections:
            found.setdefault(one.corrects_id or 0, []).append(one.pk)
        ask = {one.pk for one in corrections}
    return found


def families(jobs: Iterable[ImportJob]) -> Corrections:
    """All corrections that may have fixed rows of these imports."""
    return corrections_of({root for job in jobs for root in (job.pk, job.corrects_id) if root})


def which(job: ImportJob, done: Q = FIXED, below: Corrections | None = None) -> Q | None:
    """The rows of an import that others have fixed, or taken up, as a condition on its rows; None when nobody could.

    A corrected sheet of the same import that was uploaded after this one counts as well: it took this one's place.
    """
    below = families([job]) if below is None else below
    later = [pk for pk in below.get(job.corrects_id or 0, []) if pk > job.pk]
    found = []
    if below.get(job.pk):
        found.append(Q(row_number__in=_brought(below[job.pk], below, done)))
    if later:
        found.append(Q(corrects_row__in=_brought(later, below, done)))
    return reduce(or_, found) if found else None


def _brought(corrections: Iterable[int], below: Corrections, done: Q) -> QuerySet[ImportRow, Any]:
    """The `corrects_row` of all rows of these corrections that are done, in them or in a correction of them.

    Sets within sets and not row by row: no index leads from a row to those that correct it.
    """
    rows = [
        Q(job=pk) & (done | Q(row_number__in=_brought(below[pk], below, done)) if pk in below else done)
        for pk in corrections
    ]
    return ImportRow.objects.filter(reduce(or_, rows), corrects_row__isnull=False).values("corrects_row")


def without_taken_up(rows: QuerySet[ImportRow], job: ImportJob) -> QuerySet[ImportRow]:
    """Without the rows of `job` that later imports have fixed, or are about to."""
    taken_up = which(job, TAKEN_UP)
    # As a set of rows, not as a negated condition: where a row corrects none, "not in" is neither true nor false.
    return rows if taken_up is None else rows.exclude(pk__in=ImportRow.objects.filter(taken_up, job=job).values("pk"))


def counted(job: ImportJob, done: Q = FIXED, below: Corrections | None = None) -> dict[tuple[int | None, str], int]:
    """(Problem, state) → failed rows that others have fixed, or taken up."""
    condition = which(job, done, below)
    if condition is None:
        return {}
    failed = ImportRow.objects.filter(condition, job=job, status__in=FAILURES).order_by()
    rows = failed.values_list("problem", "status").annotate(rows=Count("id"))
    return {(problem, state): number for problem, state, number in rows}


def taken_up_by_import(jobs: Iterable[ImportJob]) -> dict[int, Counter[str]]:
    """Import → state → failed rows that later imports have fixed, or are about to. Of the others nothing is asked."""
    jobs = list(jobs)
    below = families(jobs)
    return {job.pk: _by_status(counted(job, TAKEN_UP, below)) for job in jobs}


def taken_up_by_status(job: ImportJob) -> Counter[str]:
    return taken_up_by_import([job])[job.pk]


def _by_status(rows: Mapping[tuple[int | None, str], int]) -> Counter[str]:
    found: Counter[str] = Counter()
    for (_problem, state), number in rows.items():
        found[state] += number
    return found
