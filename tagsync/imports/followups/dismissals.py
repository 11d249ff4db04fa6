"""Failures that somebody has looked at and wants nothing more done about. They stay what they are."""

from __future__ import annotations

from django.db import transaction
from django.db.models.functions import Now

from tagsync.accounts.models import Person
from tagsync.imports import figures
from tagsync.imports.models import Problem


def settle(problem: Problem, by: Person) -> None:
    """Who was first stands there."""
    with transaction.atomic():
        Problem.objects.filter(pk=problem.pk, settled_at=None).update(settled_at=Now(), settled_by=by)
        figures.recount(problem.job)


def reopen(problem: Problem) -> None:
    with transaction.atomic():
        Problem.objects.filter(pk=problem.pk).update(settled_at=None, settled_by=None)
        figures.recount(problem.job)
