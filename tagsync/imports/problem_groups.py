"""The problems of one import: found or made by cause, and listed as groups with their rows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Min

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
    """Problem ids by cause while many rows are written: one query per cause, not per row."""

    def __init__(self, job: ImportJob) -> None:
        self._job = job
        self._ids: dict[str, int] = {}

    def id_of(self, origin: Origin, code: str, params: dict[str, Any]) -> int:
        key = fingerprint(origin, code, params)
        if key not in self._ids:
            self._ids[key] = problem_for(self._job, origin, code, params).pk
        return self._ids[key]


@dataclass(frozen=True)
class ProblemGroup:
    problem: Problem
    rows: int
    first_row: int
    examples: list[ImportRow]


def groups(job: ImportJob, statuses: Iterable[RowStatus] = (), *, examples: bool = True) -> list[ProblemGroup]:
    """The causes that hold rows now, biggest first, each with up to three example rows."""
    found = ImportRow.objects.filter(job=job, problem__isnull=False)
    if statuses:
        found = found.filter(status__in=list(statuses))
    sums = found.order_by().values("problem").annotate(rows=Count("id"), first_row=Min("row_number"))
    problems = Problem.objects.in_bulk([group["problem"] for group in sums])
    ordered = sorted(sums, key=lambda group: (-group["rows"], group["first_row"]))
    return [
        ProblemGroup(
            problem=problems[group["problem"]],
            rows=group["rows"],
            first_row=group["first_row"],
            examples=list(found.filter(problem=group["problem"]).order_by("row_number")[:EXAMPLES]) if examples else [],
        )
        for group in ordered
    ]
