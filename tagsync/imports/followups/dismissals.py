"""Failures that somebody has looked at and wants nothing more done about. They stay what they are."""

from __future__ import annotations

from django.db import transaction
from django.db.models.functions import Now

from tagsync.accounts.models import Person
from tagsync.imports import figures
from tagsync.imports.models import ImportJob, Problem


def settle(problem: Problem, by: Person) -> None:
    """Who was first stands there."""
    with transaction.atomic():
        _lock_import(problem)
        Problem.objects.filter(pk=problem.pk, settled_at=None).update(settled_at=Now(), settled_by=by)
        figures.recount(problem.job)


def reopen(problem: Problem) -> None:
    with transaction.atomic():
        _lock_import(problem)
        Problem.objects.filter(pk=problem.pk).update(settled_at=None, settled_by=None)
        figures.recount(problem.job)


def _lock_import(problem: Problem) -> None:
    """Before its problem, as all do that change both: a retry would wait for this while this waits for the retry."""
    list(ImportJob.objects.select_for_update(no_key=True).filter(pk=problem.job_id).values("pk"))
