"""Deleting what imports hold: in pieces, because one transaction for a million rows would hold up every other writer.

An import that is discarded is gone for everybody with one move; its rows, its file and itself follow. Where the one
who began is interrupted, the keeper goes on.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import Any

from django.db import DatabaseError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from tagsync.accounts.models import Person
from tagsync.database import let_others_write, repeated_after_deadlock
from tagsync.imports import local_files, stored_files
from tagsync.imports.locking import Lease, lease_in, locked_for_act
from tagsync.imports.models import ImportJob, ImportRow, RepairedRow
from tagsync.imports.restores import hold
from tagsync.imports.signals import deleted
from tagsync.imports.states import Act, JobStatus, MoveRefused

ROWS_PER_COMMIT = 5000  # keeps a write transaction under a second, so SQLite's one writer is never held for long
# A page answers soon; what is more is the keeper's.
ROWS_IN_REQUEST = 20_000

log = logging.getLogger(__name__)


def delete_piece(found: QuerySet[Any]) -> int:
    """Delete some of these records, the first in their order; returns how many. In the caller's transaction."""
    pks = list(found.values_list("pk", flat=True)[:ROWS_PER_COMMIT])
    if pks:
        found.model._default_manager.filter(pk__in=pks).delete()
    return len(pks)


def delete_in_pieces(found: QuerySet[Any]) -> None:
    """Delete them all, each piece in a transaction of its own."""
    while delete_piece(found):
        pass


def drop_rows(job: ImportJob, lease: Lease, most: int | None = None) -> bool:
    """Delete what a check staged, of `most` rows the rest is left. Whether all of it is gone.

    Raises: what `lease` raises. Whoever slept over the deleting must not delete what another has staged since.
    """
    done = 0
    while most is None or done < most:
        with lease():
            gone = delete_piece(job.rows.order_by("row_number")) or delete_piece(job.tags.order_by())
            if not gone:
                job.problems.all().delete()
                ImportJob.objects.filter(pk=job.pk).update(counts={}, blank_rows=0, summary={}, content_sha256="")
                return True
            done += gone
        let_others_write()
    return False


def drop_left_rows() -> None:
    """Of drafts: what a check had staged before somebody went back to change something."""
    staged = ImportRow.objects.filter(job=OuterRef("pk"))
    for job in ImportJob.objects.filter(Exists(staged), status=JobStatus.DRAFT):
        # When a check has begun meanwhile, the rows are that one's to drop.
        with suppress(MoveRefused):
            drop_rows(job, lease_in(job, JobStatus.DRAFT, Act.CHANGE), ROWS_IN_REQUEST)


# -- an import that was never started


@repeated_after_deadlock
def discard(job: ImportJob, by: Person | None = None, where: Q | None = None) -> None:
    """From now on nobody sees it. Raises MoveRefused after the start, or when `where` is not true of it (any more)."""
    with locked_for_act(job, Act.DISCARD) as locked:
        locked.remove(by, where)
    _try_to_go_on(job.pk)


def discard_the_rest() -> None:
    """What was discarded and is still there, because it is much or its deleting was interrupted."""
    for pk in ImportJob.objects.filter(status=JobStatus.DISCARDED).order_by("pk").values_list("pk", flat=True):
        _try_to_go_on(pk)


def _try_to_go_on(job_id: int) -> None:
    try:
        go_on_discarding(job_id, ROWS_IN_REQUEST)
    except (OSError, DatabaseError) as error:
        # Discarded it is all the same, and the next round tries again.
        log.warning("import %s is discarded, but not yet deleted: %s", job_id, type(error).__name__)


def go_on_discarding(job_id: int, most: int) -> bool:
    """Delete up to `most` records of a discarded import, and when none is left the import. Whether it is gone."""
    done = 0
    while done < most:
        with transaction.atomic():
            job = _locked_discarded(job_id)
            if job is None:
                return False
            gone = next(filter(None, (delete_piece(kind) for kind in _belongings(job))), 0)
            if not gone:
                _delete_files(job)
        if not gone:
            return _delete_last(job_id)
        done += gone
        let_others_write()
    return False


def delete_stray_files() -> None:
    """Of imports that were never made, and of looks and writing that somebody was killed in."""
    kept_as = {stored_files.UPLOAD: stored_files.UPLOAD, stored_files.PREVIEW: stored_files.UPLOAD}
    stored_files.delete_strays(ImportJob, kept_as)
    if not hold.is_on():
        local_files.delete_left(stored_files.storage_of(ImportJob))


def stray_uploads() -> Iterator[stored_files.Stray]:
    """Of imports that have no record, of whatever age."""
    return stored_files.strays(ImportJob, {stored_files.UPLOAD: stored_files.UPLOAD})


def _locked_discarded(job_id: int) -> ImportJob | None:
    # Without waiting: whoever holds it is deleting it.
    mine = ImportJob.objects.select_for_update(skip_locked=True, no_key=True)
    return mine.filter(pk=job_id, status=JobStatus.DISCARDED).first()


def _belongings(job: ImportJob) -> Iterator[QuerySet[Any]]:
    """All of which there may be many; those first that refer to others. In no order, which would have to be sorted."""
    touched = RepairedRow.objects.filter(repair__job=job)
    kinds: tuple[QuerySet[Any], ...] = (job.rows.all(), job.tags.all(), touched, job.problems.all())
    return (kind.order_by() for kind in kinds)


def _delete_files(job: ImportJob) -> None:
    """Before what names them: whoever dies in between leaves no file behind that nobody knows of any more."""
    if job.file.name:
        transaction.on_commit(partial(stored_files.delete, job.file.storage, job.file.name))
    deleted.send(ImportJob, job=job)


def _delete_last(job_id: int) -> bool:
    with transaction.atomic():
        job = _locked_discarded(job_id)
        if job is not None:
            job.delete()
    return job is not None
