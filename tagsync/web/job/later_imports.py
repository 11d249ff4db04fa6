"""What later imports did to this one: the sheets that corrected it, those that took it back. Changes nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Count, Q

from tagsync.imports.check.corrections import fixed_by_status
from tagsync.imports.models import ImportJob
from tagsync.imports.states import RowStatus

FAILED = (RowStatus.REJECTED, RowStatus.IN_DOUBT, RowStatus.TO_FIX)


class Correction(NamedTuple):
    """An import that corrects another, and how many rows of that it brought to the platform by when."""

    job: ImportJob
    fixed: int
    at: datetime | None


def corrected_context(job: ImportJob) -> dict[str, Any]:
    """The started corrections of this import, newest last."""
    fixed = Count("rows", filter=Q(rows__status=RowStatus.ACCEPTED, rows__corrects_row__isnull=False))
    # Who was started with the same file has taken over more than what failed, and is told of by itself.
    sheets = job.corrections.exclude(file_sha256=job.file_sha256)
    started = sheets.filter(first_confirmed_at__isnull=False).annotate(fixed=fixed).order_by("pk")
    numbers = dict(started.values_list("pk", "fixed"))
    corrections = [Correction(one, numbers[one.pk], one.ended_at or one.first_confirmed_at) for one in started]
    return {
        "corrections": corrections,
        "failures": sum(job.count(status) for status in FAILED),
        "undone_by": job.undone_by.filter(first_confirmed_at__isnull=False).select_related("connection").order_by("pk"),
    }


def open_failures(job: ImportJob) -> int:
    """Failed rows that no corrected sheet has fixed."""
    return sum(job.count(status) for status in FAILED) - sum(fixed_by_status(job).values())
