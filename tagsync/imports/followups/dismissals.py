"""Failures that somebody has looked at and wants nothing more done about. They stay what they are."""

from __future__ import annotations

from functools import reduce
from operator import or_

from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now

from tagsync.accounts.models import Person
from tagsync.imports.models import ImportRow, Problem
from tagsync.imports.models.job import ImportJob
from tagsync.imports.states import ENDED, RowStatus

FAILED = (RowStatus.REJECTED, RowStatus.IN_DOUBT, RowStatus.TO_FIX)


def settle(problem: Problem, by: Person) -> None:
    """Who was first stands there."""
    Problem.objects.filter(pk=problem.pk, settled_at=None).update(settled_at=Now(), settled_by=by)


def reopen(problem: Problem) -> None:
    Problem.objects.filter(pk=problem.pk).update(settled_at=None, settled_by=None)


def settled_failures(job: ImportJob) -> int:
    """Failed rows whose cause is settled."""
    settled = job.problems.filter(settled_at__isnull=False)
    if not settled.exists():
        return 0
    return ImportRow.objects.filter(job=job, status__in=FAILED, problem__in=settled).count()


def open_failures() -> Q:
    """Imports that have ended with a failure whose cause nobody has settled.

    The counts answer it; only where some cause is settled are the others asked whether they still hold a failed row.
    """
    causes = Problem.objects.filter(job=OuterRef("pk"))
    failed_rows = ImportRow.objects.filter(problem=OuterRef("pk"), status__in=FAILED)
    has_failures = reduce(or_, (Q(**{f"counts__{state.value}__gt": 0}) for state in FAILED))
    none_settled = ~Exists(causes.filter(settled_at__isnull=False))
    one_open = Exists(causes.filter(Exists(failed_rows), settled_at=None))
    return Q(status__in=ENDED) & has_failures & (Q(none_settled) | Q(one_open))
