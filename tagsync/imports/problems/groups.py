"""The problems of one import: found or made by cause, and listed as groups with their rows."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Min

from tagsync.imports.locking import Lease
from tagsync.imports.models import ImportJob, ImportRow, Problem
from tagsync.imports.models.row import Origin
from tagsync.imports.states import RowStatus

EXAMPLES = 3


def fingerprint(origin: str, code: str, params: dict[str, Any]) -> str:
    text = json.dumps([origin, code, params], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def problem_for(job: ImportJob, origin: Origin, code: str, params: dict[str, Any]) -> Problem:
    """The one problem of this import with this cause, made if it is new."""
    problem, _created = Problem.objects.get_or_create(
        job=job,
        fingerprint=fingerprint(origin, code, params),
        defaults={"origin": origin, "code": code, "params": params},
    )
    return problem


class ProblemIndex:
    """Problem ids by cause while many rows are written: one query per cause, not per row.

    `lease`: for whoever asks outside of the transactions in which it writes its rows.
    """

    def __init__(self, job: ImportJob, lease: Lease | None = None) -> None:
        self._job, self._lease = job, lease
        self._ids: dict[str, int] = {}

    def id_of(self, origin: Origin, code: str, params: dict[str, Any]) -> int:
        key = fingerprint(origin, code, params)
        if key not in self._ids:
            self._ids[key] = self._find(origin, code, params).pk
        return self._ids[key]

    def _find(self, origin: Origin, code: str, params: dict[str, Any]) -> Problem:
        if self._lease is None:
            return problem_for(self._job, origin, code, params)
        with self._lease():
            return problem_for(self._job, origin, code, params)


@dataclass(frozen=True)
class ProblemGroup:
    problem: Problem
    rows: int
    first_row: int
    examples: list[ImportRow]
    # state → rows
    by_status: Mapping[str, int]


def groups(job: ImportJob, statuses: Iterable[RowStatus] = (), *, examples: bool = True) -> list[ProblemGroup]:
    """The causes that hold rows now, biggest first, each with up to three example rows."""
    # Not by the import: its rows with these problems are found and counted in the index of problems alone.
    found = ImportRow.objects.filter(problem__in=Problem.objects.filter(job=job).values("pk"), problem__isnull=False)
    if statuses:
        found = found.filter(status__in=list(statuses))
    sums: dict[int, Counter[str]] = defaultdict(Counter)
    first_rows: dict[int, int] = {}
    counted = found.order_by().values_list("problem", "status")
    for problem, status, rows, first in counted.annotate(rows=Count("*"), first=Min("row_number")):
        sums[problem][status] = rows
        first_rows[problem] = min(first, first_rows.get(problem, first))
    problems = Problem.objects.select_related("settled_by").in_bulk(sums)
    ordered = sorted(sums, key=lambda pk: (-sums[pk].total(), first_rows[pk]))
    return [
        ProblemGroup(
            problem=problems[pk],
            rows=sums[pk].total(),
            first_row=first_rows[pk],
            examples=list(found.filter(problem=pk).order_by("row_number")[:EXAMPLES]) if examples else [],
            by_status=sums[pk],
        )
        for pk in ordered
    ]
