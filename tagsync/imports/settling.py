"""Failures that somebody has looked at and wants nothing more done about. They stay what they are."""

from __future__ import annotations

from django.utils import timezone

from tagsync.accounts.models import Person
from tagsync.imports.models import ImportRow, Problem
from tagsync.imports.models.job import ImportJob
from tagsync.imports.states import RowStatus

FAILED = (RowStatus.REJECTED, RowStatus.IN_DOUBT, RowStatus.TO_FIX)


def settle(problem: Problem, by: Person) -> None:
    """Who was first stands there."""
    Problem.objects.filter(pk=problem.pk, settled_at=None).update(settled_at=timezone.now(), settled_by=by)


def reopen(problem: Problem) -> None:
    Problem.objects.filter(pk=problem.pk).update(settled_at=None, settled_by=None)


def settled_failures(job: ImportJob) -> int:
    """Failed rows whose cause is settled."""
    settled = job.problems.filter(settled_at__isnull=False)
    if not settled.exists():
        return 0
    return ImportRow.objects.filter(job=job, status__in=FAILED, problem__in=settled).count()
