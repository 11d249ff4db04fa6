"""Taking an import back: a draft with the opposite operation and only the rows that the platform accepted.

The rows are written into a file of their own, so that the draft is like any other: looked at, checked, started.
"""

from __future__ import annotations

import csv
import hashlib
import io
import tempfile
from collections.abc import Iterator

from django.core.files import File
from django.utils.translation import gettext as _

from tagsync.accounts.models import Person
from tagsync.imports.drafts import look
from tagsync.imports.models import ImportJob, ImportRow
from tagsync.imports.models.job import Operation
from tagsync.imports.models.row import VALUE_COLUMNS
from tagsync.imports.states import ENDED, UNSTARTED, RowStatus
from tagsync.mapping.fields import FIELDS

ROWS_AT_ONCE = 5000


def may_be_undone(job: ImportJob) -> bool:
    return job.status in ENDED and job.count(RowStatus.ACCEPTED) > 0


def undo_draft(job: ImportJob, by: Person) -> ImportJob:
    """A draft of this person that takes the import back; the one she has already, if she has not started it."""
    waiting = ImportJob.objects.filter(undoes=job, owner=by, status__in=UNSTARTED).first()
    return waiting or _make(job, by)


def _make(job: ImportJob, by: Person) -> ImportJob:
    draft = ImportJob(owner=by, undoes=job, file_name=f"undo-{job.pk}.csv", header_row=1)
    draft.title = (_("Undo of “%(name)s”") % {"name": job.label})[:200]
    draft.operation = Operation(job.operation).opposite
    draft.connection, draft.match, draft.identify_way = job.connection, job.match, job.identify_way
    _write_file(draft, job)
    draft.sheet = look(draft).preview.sheet
    draft.columns = [
        {"column": number, "header": FIELDS[key].label, "field": key} for number, key in enumerate(VALUE_COLUMNS)
    ]
    draft.save()
    return draft


def _write_file(draft: ImportJob, job: ImportJob) -> None:
    with tempfile.TemporaryFile() as content:
        text = io.TextIOWrapper(content, encoding="utf-8-sig", newline="")
        lines = csv.writer(text)
        lines.writerow([FIELDS[key].label for key in VALUE_COLUMNS])
        lines.writerows(_accepted(job))
        text.detach()
        draft.file_bytes = content.tell()
        content.seek(0)
        draft.file_sha256 = hashlib.file_digest(content, "sha256").hexdigest()
        content.seek(0)
        draft.file.save(draft.file_name, File(content), save=False)


def _accepted(job: ImportJob) -> Iterator[tuple[str, ...]]:
    rows = ImportRow.objects.filter(job=job, status=RowStatus.ACCEPTED).order_by("row_number")
    return rows.values_list(*VALUE_COLUMNS.values()).iterator(ROWS_AT_ONCE)
