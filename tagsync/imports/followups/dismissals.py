"""Failures that somebody has looked at and wants nothing more done about. They stay what they are."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from tagsync.accounts.models import Person
from tagsync.imports import figures
from tagsync.imports.models import Problem
from tagsync.imports.states import ENDED


def settle(problem: Problem, by: Person) -> None:
    """Who was first stands there."""
    with transaction.atomic():
        Problem.objects.filter(pk=problem.pk, settled_at=None).update(settled_at=Now(), settled_by=by)
        figures.recount(problem.job)


def reopen(problem: Problem) -> None:
    with transaction.atomic():
        Problem.objects.filter(pk=problem.pk).update(settled_at=None, settled_by=None)
        figures.recount(problem.job)


def open_failures() -> Q:
    """Imports that have ended with a failure that nobody has fixed, and whose cause nobody has settled."""
    return Q(status__in=ENDED) & (Q(left_to_owner__gt=0) | Q(left_to_admins__gt=0))
