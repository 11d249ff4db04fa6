"""Starting an import again with other settings: a draft with the same file and everything that was chosen for it, of
which only those rows are sent that were not accepted (`check.started_again`).

Two imports then hold the same rows. Neither sends what the other may be sending: who is started takes them over.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.files import File
from django.db import transaction
from django.db.models import F, QuerySet

from tagsync.imports.check.started_again import is_started_again
from tagsync.imports.drafts.drafts import Refusal, over_a_limit
from tagsync.imports.local_files import storage_asked
from tagsync.imports.models import ImportJob, Repair
from tagsync.imports.models.repair import RepairKind
from tagsync.imports.states import ENDED, UNDER_WAY, UNSTARTED, Act, JobStatus, RowStatus
from tagsync.imports.stored_files import storing
from tagsync.sheets.errors import Unreadable

FILE = ("file_name", "file_bytes", "file_sha256", "sheet", "header_row", "columns", "encoding", "delimiter")
CHOSEN = ("title", "hidden_rows", "fixed_tags", "connection", "operation", "match", "identify_way", "undoes")
# Values that a person has put right stand in no cell of the file; which rows are left out the first import knows.
REPAIRS = (RepairKind.VALUE, RepairKind.CELL)
REPAIRED = ("by", "kind", "field", "row_number", "before", "after", "code", "params")
NOT_ACCEPTED = (RowStatus.WAITING, RowStatus.REJECTED, RowStatus.IN_DOUBT, RowStatus.TO_FIX)


def may_start_again(job: ImportJob) -> bool:
    """Whether it is over, some of its rows were not accepted, and no other import has taken them over."""
    return job.status in ENDED and not_accepted(job) > 0 and started_again_by(job) is None


def not_accepted(job: ImportJob) -> int:
    """Rows that another start would look at."""
    return sum(job.count(status) for status in NOT_ACCEPTED)


def continued_by(job: ImportJob) -> ImportJob | None:
    """The import that was started with its file and other settings, or else the draft that waits for that."""
    return _same_file(job).order_by(F("first_confirmed_at").asc(nulls_last=True), "pk").first()


def started_again_by(job: ImportJob) -> ImportJob | None:
    """The started import that has taken over whatever this one has not brought to the platform."""
    return _same_file(job).filter(first_confirmed_at__isnull=False).order_by("pk").first()


def _same_file(job: ImportJob) -> QuerySet[ImportJob]:
    found = job.corrections.filter(file_sha256=job.file_sha256, sheet=job.sheet)
    return found.exclude(status=JobStatus.DISCARDED)


def restart_draft(job: ImportJob) -> ImportJob | Refusal:
    """A draft of the same owner; the one that is there already, when it is not started. `job` is left as it is.

    The owner's, whoever asks for it: what stands in the file is for her eyes.
    """
    if waiting := _same_file(job).filter(status__in=UNSTARTED).order_by("pk").first():
        return waiting
    if refusal := over_a_limit(job.owner, job.file_bytes):
        return refusal
    draft = ImportJob(owner=job.owner, corrects=job, **{name: getattr(job, name) for name in (*FILE, *CHOSEN)})
    try:
        with _stored(job) as content, storing(draft.file, content), transaction.atomic():
            draft.save()
            for one in job.repairs.filter(kind__in=REPAIRS, undone_at=None).order_by("pk"):
                Repair.objects.create(job=draft, **{name: getattr(one, name) for name in REPAIRED})
    except Unreadable as error:
        return Refusal(error.code, error.params)
    return draft


@contextmanager
def _stored(job: ImportJob) -> Iterator[File[Any]]:
    """Its file, to be copied. Raises: Unreadable (`file_gone`), NotNow."""
    if not job.file:
        raise Unreadable("file_gone")
    with storage_asked(job.file):
        content = job.file.storage.open(str(job.file.name))
    with content:
        yield content


def taken_over_by(locked: ImportJob) -> ImportJob | None:
    """Who has been started with the rows of this one, or, before its start, with those that it would send once more.

    Inside the transaction of an act on `locked`.
    """
    if by := started_again_by(locked):
        return by
    first = None if locked.first_confirmed_at else _first(locked)
    return started_again_by(first) if first else None


def has_moved_on(locked: ImportJob) -> bool:
    """Whether the import that this one starts again sends, or has settled rows, since this one was checked."""
    first = _first(locked)
    if first is None:
        return False
    checked = locked.events.filter(act=Act.CHECK).order_by("-pk").values_list("pk", flat=True).first() or 0
    return first.status in UNDER_WAY or first.events.filter(pk__gt=checked).exists()


def _first(locked: ImportJob) -> ImportJob | None:
    """The import that this one starts again; locked as well, as it is by whoever resumes it."""
    if not is_started_again(locked):
        return None
    return ImportJob.objects.select_for_update(no_key=True).filter(pk=locked.corrects_id or 0).first()
