"""The newer imports to which superseded rows gave way: which they are, as far as somebody may see them, and what it
would undo to send the rows after all. Changes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import NamedTuple

from django.db.models import Count

from tagsync.accounts.models import Person
from tagsync.imports.followups.retry import Selection, selected
from tagsync.imports.models import ImportJob, Problem

# the cause of superseded rows; its parameter names the newer import
CODE = "superseded"


class Newer(NamedTuple):
    """An import to which rows gave way; `job` is None for whoever may not see it, and when it is no longer kept."""

    number: int
    rows: int
    job: ImportJob | None


def newer_import(problem: Problem) -> int | None:
    """The number of the import to which the rows of this cause gave way."""
    number = problem.params.get("import") if problem.code == CODE else None
    return number if isinstance(number, int) else None


def visible_imports(person: Person, numbers: Collection[int]) -> dict[int, ImportJob]:
    return ImportJob.objects.visible_to(person).in_bulk(set(numbers)) if numbers else {}


def undone_by(job: ImportJob, person: Person, selection: Selection) -> list[Newer]:
    """What the rows of this selection would undo, the import with the most rows first."""
    counted = selected(job, selection).filter(problem__isnull=False).order_by()
    by_problem = dict(counted.values_list("problem").annotate(rows=Count("*")))
    rows: Counter[int] = Counter()
    for problem in Problem.objects.filter(pk__in=by_problem):
        if (number := newer_import(problem)) is not None:
            rows[number] += by_problem[problem.pk]
    seen = visible_imports(person, rows)
    return [Newer(number, found, seen.get(number)) for number, found in rows.most_common()]
