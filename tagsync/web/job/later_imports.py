"""What later imports did to this one: the sheets that corrected it, those that took it back. Changes nothing."""

from __future__ import annotations

from typing import Any

from tagsync.accounts.models import Person
from tagsync.imports.fixed_rows import corrections_of, taken_up_by_status
from tagsync.imports.models import ImportJob
from tagsync.imports.states import RETRYABLE


def later_context(job: ImportJob, person: Person) -> dict[str, Any]:
    """The started corrections of this import and of its corrections, and its undos, newest last."""
    below = [pk for corrections in corrections_of([job.pk]).values() for pk in corrections]
    seen = ImportJob.objects.visible_to(person).filter(first_confirmed_at__isnull=False).order_by("pk")
    return {
        # Who was started with the same file has taken over more than what failed, and is told of by itself.
        "corrections": seen.filter(pk__in=below).exclude(file_sha256=job.file_sha256).select_related("connection")
        if below
        else [],
        "undone_by": job.undone_by.filter(first_confirmed_at__isnull=False).select_related("connection").order_by("pk"),
    }


def retryable(job: ImportJob) -> int:
    """Rejected rows, and rows in doubt, that no corrected sheet has fixed, or is about to."""
    taken_up = taken_up_by_status(job)
    return sum(job.count(state) - taken_up[state] for state in RETRYABLE)


def correctable(job: ImportJob) -> int:
    """Failed rows that go into the workbook to be corrected: none that a corrected sheet has fixed, or is about to."""
    return job.failures - taken_up_by_status(job).total()
