"""What became of the failures of an import that rests: counted from its rows, and kept with it for lists and filters.

Counted anew, inside its transaction, by whatever changes it: the moves with which the import comes to rest, rows that
are sent again, the moves of its corrections, late answers, and causes that are marked as settled or reopened.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import Count

from tagsync.imports import fixed_rows
from tagsync.imports.models import ImportJob, ImportRow, JobEvent, Problem
from tagsync.imports.problems import Mover, mover_of
from tagsync.imports.states import ENDED, FAILURES, Act, RowStatus

CAUSES_KEPT = 3
_OF_ITS_OWN = (Act.STOP, Act.STOPPED, Act.BLOCK, Act.FINISH)
# After each slice of work, too: what a long correction fixes is seen while it runs.
_OF_A_CORRECTION = (*_OF_ITS_OWN, Act.PAUSE)
KEPT = ("fixed_failures", "settled_failures", "left_to_owner", "left_to_admins", "left_causes")


def after_move(job: ImportJob, event: JobEvent, **_signal: Any) -> None:
    """Receives `moved`, inside the transaction of the move."""
    if event.act in _OF_ITS_OWN:
        recount(job)
    if event.act in _OF_A_CORRECTION:
        recount_corrected(job)


def recount_corrected(job: ImportJob) -> None:
    """The imports of which this one may have fixed rows. Call it in the transaction of what changed this one."""
    for pk in _corrected_by(job):
        # Whoever is under way counts at its end.
        if other := ImportJob.objects.filter(pk=pk, status__in=ENDED).first():
            recount(other)


def _corrected_by(job: ImportJob) -> Iterable[int]:
    """What it corrects, what that corrects, and their earlier corrections, newest first: locks are taken one way."""
    found: set[int] = set()
    pk, corrected = job.pk, job.corrects_id
    while corrected:
        found |= {corrected, *ImportJob.objects.filter(corrects=corrected, pk__lt=pk).values_list("pk", flat=True)}
        pk, corrected = corrected, ImportJob.objects.values_list("corrects", flat=True).get(pk=corrected)
    return sorted(found, reverse=True)


def recount(job: ImportJob) -> None:
    """Count what became of its failures, and keep it; `job` has it afterwards."""
    with transaction.atomic():
        locked = (
            ImportJob.objects.select_for_update(no_key=True).only("counts", "corrects", "went_on_as").get(pk=job.pk)
        )
        found = _counted(locked)
        ImportJob.objects.filter(pk=job.pk).update(**found)
    for name, value in found.items():
        setattr(job, name, value)


def _counted(job: ImportJob) -> dict[str, Any]:
    failed, fixed = _by_problem(job), Counter(fixed_rows.counted(job))
    left: Counter[int | None] = Counter()
    settled, by_mover = 0, Counter[Mover]()
    causes: dict[int | None, tuple[str, bool]] = {pk: (code, done) for pk, code, done in _causes(job)}
    for (problem, state), rows in (failed - fixed).items():
        code, is_settled = causes.get(problem, ("", False))
        if is_settled:
            settled += rows
            continue
        if job.went_on_as_id:
            continue
        left[problem] += rows
        by_mover[_who_acts(code, state)] += rows
    biggest = sorted(((problem, rows) for problem, rows in left.items() if problem), key=lambda one: (-one[1], one[0]))
    return {
        "fixed_failures": sum((failed & fixed).values()),
        "settled_failures": settled,
        "left_to_owner": by_mover[Mover.OWNER],
        "left_to_admins": by_mover[Mover.ADMIN],
        "left_causes": [[problem, rows] for problem, rows in biggest[:CAUSES_KEPT]],
    }


def _by_problem(job: ImportJob) -> Counter[tuple[int | None, str]]:
    """(Problem, state) → failed rows, from the index of problems alone; without a problem what counts say besides."""
    causes = Problem.objects.filter(job=job).values("pk")
    rows = ImportRow.objects.filter(problem__in=causes, problem__isnull=False, status__in=FAILURES).order_by()
    found: Counter[tuple[int | None, str]] = Counter()
    for problem, state, number in rows.values_list("problem", "status").annotate(rows=Count("*")):
        found[problem, state] = number
    for status in FAILURES:
        with_problem = sum(number for (_problem, state), number in found.items() if state == status)
        found[None, str(status)] = job.count(status) - with_problem
    return +found


def _causes(job: ImportJob) -> Iterable[tuple[int, str, bool]]:
    for pk, code, settled_at in Problem.objects.filter(job=job).values_list("pk", "code", "settled_at"):
        yield pk, code, settled_at is not None


def _who_acts(code: str, state: str) -> Mover:
    """Somebody has to: a failure that would be nobody's is an admin's."""
    if not code:
        return Mover.OWNER if state == RowStatus.TO_FIX else Mover.ADMIN
    return Mover.OWNER if mover_of(code) == Mover.OWNER else Mover.ADMIN
