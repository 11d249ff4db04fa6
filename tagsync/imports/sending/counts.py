"""The counts of an import: written with the rows, compared with the rows, never guessed."""

from __future__ import annotations

import logging
from collections import Counter

from django.db import transaction
from django.db.models import Count

from tagsync.imports.models import ImportJob
from tagsync.imports.states import RowStatus

log = logging.getLogger(__name__)


def counted(job: ImportJob) -> dict[str, int]:
    """State → rows, from the rows themselves."""
    return dict(job.rows.order_by().values_list("status").annotate(number=Count("id")))


def shift(job: ImportJob, *, into: RowStatus, out_of: RowStatus, rows: int) -> None:
    """Take `rows` from one state to another in `job.counts`. The caller holds the job's row lock and saves."""
    counts = Counter(job.counts)
    counts[out_of] -= rows
    counts[into] += rows
    job.counts = {str(state): number for state, number in counts.items() if number}


def verify(job: ImportJob) -> bool:
    """Compare the stored counts with the rows; a difference is corrected and logged as an error."""
    with transaction.atomic():
        locked = ImportJob.objects.select_for_update(no_key=True).get(pk=job.pk)
        truth = counted(locked)
        if truth == locked.counts:
            return True
        log.error("counts of import %s were %s, are %s", job.pk, locked.counts, truth)
        locked.counts = truth
        locked.save(update_fields=["counts"])
    return False
