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

from tagsync.imports import figures
from tagsync.imports.check.started_again import is_same_file
from tagsync.imports.drafts.drafts import Refusal, over_a_limit
from tagsync.imports.local_files import storage_asked
from tagsync.imports.models import ImportJob, Repair
from tagsync.imports.models.repair import RepairKind
from tagsync.imports.states import ENDED, UNDER_WAY, UNSTARTED, Act, RowStatus
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
    return job.status in ENDED and not_accepted(job) > 0 and job.went_on_as_id is None


def not_accepted(job: ImportJob) -> int:
    """Rows that another start would look at."""
    return sum(job.count(status) for status in NOT_ACCEPTED)


def waiting_draft(job: ImportJob) -> ImportJob | None:
    """One with the same file that has not been started yet."""
    drafts = job.corrections.filter(file_sha256=job.file_sha256, sheet=job.sheet, status__in=UNSTARTED)
    return drafts.order_by("pk").first()


def restart_draft(job: ImportJob) -> ImportJob | Refusal:
    """A draft of the same owner; the one that is there already, when it is not started. `job` is left as it is.

    The owner's, whoever asks for it: what stands in the file is for her eyes.
    """
    if waiting := waiting_draft(job):
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


def first_of(locked: ImportJob) -> ImportJob | None:
    """The import of the same file with whose rows this draft goes on; locked as well, as it is by who resumes it."""
    if locked.corrects is None or not is_same_file(locked, locked.corrects):
        return None
    return ImportJob.objects.select_for_update(no_key=True).filter(pk=locked.corrects_id or 0).first()


def has_moved_on(first: ImportJob, draft: ImportJob) -> bool:
    """Whether the first import sends, or has settled rows, since the draft was checked."""
    checked = draft.events.filter(act=Act.CHECK).order_by("-pk").values_list("pk", flat=True).first() or 0
    return first.status in UNDER_WAY or first.events.filter(pk__gt=checked).exists()


def go_on_as(first: ImportJob, started: ImportJob) -> None:
    """From now on nothing more of the first is sent; what it has not brought to the platform is the other's."""
    ImportJob.objects.filter(pk=first.pk).update(went_on_as=started)
    figures.recount(first)
