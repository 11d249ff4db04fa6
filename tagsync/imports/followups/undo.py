"""Taking an import back: a draft with the opposite operation and only the rows that the platform accepted, or, when a
person wants that, those as well that it may have applied without anybody knowing.

The rows are written into a file of their own, so that the draft is like any other: checked, started.
"""

from __future__ import annotations

import csv
import hashlib
import io
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from django.core.files import File
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from tagsync.accounts.models import Person
from tagsync.imports.models import ImportJob, ImportRow
from tagsync.imports.models.choices import Operation
from tagsync.imports.models.row import VALUE_COLUMNS
from tagsync.imports.sending.unanswered import maybe_applied
from tagsync.imports.states import ENDED, UNSTARTED, RowStatus
from tagsync.imports.stored_files import storing
from tagsync.imports.titles import title_kept
from tagsync.mapping.fields import FIELDS
from tagsync.sheets.delimited import SHEET_NAME

ROWS_AT_ONCE = 5000


class Undoable(NamedTuple):
    """What an undo can take back: accepted rows, and by state the others that may have been applied."""

    accepted: int
    maybe_applied: dict[str, int]

    @property
    def unsure(self) -> int:
        return sum(self.maybe_applied.values())


def undoable(job: ImportJob, unanswered: Mapping[str, int]) -> Undoable:
    """`unanswered`: as `counted_by_status` counts. Nothing while the import is under way."""
    if job.status not in ENDED:
        return Undoable(0, {})
    in_doubt = job.count(RowStatus.IN_DOUBT) + unanswered.get(RowStatus.WAITING, 0)
    found = {RowStatus.IN_DOUBT: in_doubt}
    found |= {state: unanswered.get(state, 0) for state in (RowStatus.REJECTED, RowStatus.SUPERSEDED)}
    return Undoable(job.count(RowStatus.ACCEPTED), {str(state): rows for state, rows in found.items() if rows})


def undone(jobs: Iterable[ImportJob]) -> dict[int, ImportJob]:
    """Ended import → the newest one that has undone rows of it; one query."""
    ended = [job.pk for job in jobs if job.status in ENDED]
    later = ImportJob.objects.filter(undoes__in=ended, first_confirmed_at__isnull=False).order_by("pk")
    return {
        one.undoes_id: one for one in later.only("undoes", "counts") if one.undoes_id and one.count(RowStatus.ACCEPTED)
    }


def corrections_to_undo(job: ImportJob) -> list[ImportJob]:
    """The imports of corrected sheets that have sent rows of this one: an undo leaves these alone."""
    later = list(ImportJob.objects.filter(corrects=job, first_confirmed_at__isnull=False).order_by("pk"))
    taken_back = undone(later)
    return [one for one in later if one.count(RowStatus.ACCEPTED) and one.pk not in taken_back]


def undo_draft(job: ImportJob, by: Person, *, unsure: bool = False) -> ImportJob:
    """A draft of this person that takes the import back; the one she has already, if she has not started it.

    `unsure`: with the rows that were not accepted but may have been applied.
    """
    name = f"undo-{job.pk}-and-unsure.csv" if unsure else f"undo-{job.pk}.csv"
    waiting = ImportJob.objects.filter(undoes=job, owner=by, status__in=UNSTARTED, file_name=name).first()
    return waiting or _make(job, by, name, unsure)


def _make(job: ImportJob, by: Person, file_name: str, unsure: bool) -> ImportJob:
    draft = ImportJob(owner=by, undoes=job, file_name=file_name, sheet=SHEET_NAME, header_row=1)
    # What stands in the rows is no evidence about a file that we write ourselves.
    draft.encoding, draft.delimiter = "utf-8", ","
    title = _("Undo of “%(name)s”, with rows that may have been applied") if unsure else _("Undo of “%(name)s”")
    draft.title = title_kept(title % {"name": job.label})
    draft.operation = Operation(job.operation).opposite
    draft.connection, draft.match, draft.identify_way = job.connection, job.match, job.identify_way
    draft.columns = [
        {"column": number, "header": _(FIELDS[key].label), "field": key} for number, key in enumerate(VALUE_COLUMNS)
    ]
    with _file_of(draft, job, unsure) as content, storing(draft.file, content), transaction.atomic():
        draft.save()
    return draft


@contextmanager
def _file_of(draft: ImportJob, job: ImportJob, unsure: bool) -> Iterator[File[bytes]]:
    with tempfile.TemporaryFile() as content:
        text = io.TextIOWrapper(content, encoding="utf-8-sig", newline="")
        lines = csv.writer(text)
        lines.writerow([_(FIELDS[key].label) for key in VALUE_COLUMNS])
        lines.writerows(_applied(job, unsure))
        text.detach()
        draft.file_bytes = content.tell()
        content.seek(0)
        draft.file_sha256 = hashlib.file_digest(content, "sha256").hexdigest()
        content.seek(0)
        yield File(content)


def _applied(job: ImportJob, unsure: bool) -> Iterator[tuple[str, ...]]:
    wanted = Q(status=RowStatus.ACCEPTED)
    if unsure:
        wanted |= Q(status=RowStatus.IN_DOUBT) | maybe_applied(job)
    rows = ImportRow.objects.filter(wanted, job=job).order_by("row_number")
    return rows.values_list(*VALUE_COLUMNS.values()).iterator(ROWS_AT_ONCE)
