"""The check: every non-blank row of the file into the database, clean or with all its problems, and the sums.

Reads the file once, as a stream; knows nothing of who calls it or of leases beyond one question.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from functools import partial
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from django.db import connection

from tagsync.imports import notes
from tagsync.imports.check import corrections, repairs, repeated_customers
from tagsync.imports.check.corrections import Original
from tagsync.imports.check.damaged_ids import look_again
from tagsync.imports.check.duplicates import content_of
from tagsync.imports.check.started_again import StaysOut, is_started_again
from tagsync.imports.check.summary import TAGS_KEPT, Tallies
from tagsync.imports.check.surroundings import Surroundings
from tagsync.imports.drafts.deletion import ROWS_PER_COMMIT, drop_rows
from tagsync.imports.local_files import local_file
from tagsync.imports.locking import Interrupted as Interrupted
from tagsync.imports.locking import Lease, lease_of_check
from tagsync.imports.models import ImportJob, ImportRow, JobTag
from tagsync.imports.models.choices import HiddenRows
from tagsync.imports.models.row import VALUE_COLUMNS, Origin
from tagsync.imports.models.summary import WarningSummary
from tagsync.imports.problems.groups import ProblemIndex
from tagsync.imports.states import RowStatus
from tagsync.mapping.rows import Checked, Note, check_row, check_sent, is_blank
from tagsync.sheets.cells import Row
from tagsync.sheets.errors import Unreadable
from tagsync.sheets.guard import Form, recognise
from tagsync.sheets.reader import rows as read_rows


class _Staged(NamedTuple):
    """One row of the table, in the order of _COLUMNS."""

    job_id: int
    row_number: int
    customer_id: str
    openid: str
    unionid: str
    phone: str
    tags: str
    status: str
    problem_id: int | None
    notes: str
    corrects_row: int | None = None


_COLUMNS = _Staged._fields
_INSERT = "INSERT INTO {table} ({columns}) VALUES ({marks})".format(
    table=ImportRow._meta.db_table, columns=", ".join(_COLUMNS), marks=", ".join(["%s"] * len(_COLUMNS))
)


_COPY = f"COPY {ImportRow._meta.db_table} ({', '.join(_COLUMNS)}) FROM STDIN"


def stage(job: ImportJob, goes_on: Callable[[], bool]) -> None:
    """Replace the job's rows by those of its file. Afterwards `counts`, `blank_rows`, `summary` and tags are true.

    `goes_on` is asked in each transaction before it writes. Nothing is written, either, when the import's fence or
    what it asks to check is no longer that of `job`. Raises: sheets.errors.Unreadable; Interrupted.
    """
    lease = lease_of_check(job, goes_on)
    with local_file(job.file, meanwhile=partial(_renew, lease)) as path:
        tallies, around = _read(job, path, lease)
    warnings = [*look_again(job, tallies, lease), *tallies.warnings(), *around.warnings()]
    _finish(job, tallies, around, [*warnings, *repeated_customers.warnings(job, tallies)], lease)
    repairs.make_again(job, lease)


def _renew(lease: Lease) -> None:
    """While nothing is written."""
    with lease():
        pass


def _read(job: ImportJob, path: Path, lease: Lease) -> tuple[Tallies, Surroundings]:
    shifts = recognise(path) is Form.TEXT
    around = Surroundings(job, shifts=shifts)
    tallies = _stage_rows(job, path, around, lease)
    if around.were_misjudged():
        around = Surroundings(job, shifts=shifts, usual=around.usual)
        tallies = _stage_rows(job, path, around, lease)
    return tallies, around


def _stage_rows(job: ImportJob, path: Path, around: Surroundings, lease: Lease) -> Tallies:
    drop_rows(job, lease)
    tallies = Tallies(job.mapped_columns())
    with closing(read_rows(path, job.sheet, job.reading)) as source:
        staged = _staged_rows(job, source, around, tallies, ProblemIndex(job, lease))
        while chunk := list(islice(staged, ROWS_PER_COMMIT)):
            _commit(job, chunk, tallies, lease)
    tallies.blank += around.blank_above
    return tallies


def _finish(
    job: ImportJob, tallies: Tallies, around: Surroundings, warnings: list[WarningSummary], lease: Lease
) -> None:
    tags = tallies.tags()
    summary = tallies.summary(tags, warnings)
    summary["heading"], summary["width"] = around.heading, around.width
    known = [JobTag(job=job, tag=tag, rows=rows) for tag, rows in tags.most_common(TAGS_KEPT)]
    with lease():
        JobTag.objects.bulk_create(known, batch_size=2000)
        ImportJob.objects.filter(pk=job.pk).update(
            counts=dict(+tallies.statuses),
            blank_rows=tallies.blank,
            summary=summary,
            content_sha256=tallies.fingerprint(job),
        )


def _staged_rows(
    job: ImportJob, source: Iterable[Row], around: Surroundings, tallies: Tallies, problems: ProblemIndex
) -> Iterator[_Staged]:
    columns, check = job.mapped_columns(), check_sent if job.undoes_id else check_row
    first_seen: dict[bytes, int] = {}
    stays_out = StaysOut() if is_started_again(job) else None
    meant = _meant(job, around.below(source), tallies)
    for row, original in corrections.with_originals(job, meant, same_file=stays_out is not None):
        if is_blank(row):
            tallies.blank += 1
            continue
        stopped = around.see(row)
        if original:
            clear = corrections.unmasked(row, original, columns)
            tallies.unmasked = tallies.unmasked or clear is not row
            checked = corrections.check(clear, original, columns, job.fixed_tags)
        else:
            checked = check(row, columns, job.fixed_tags)
        if stopped:
            checked = checked._replace(notes=(stopped, *checked.notes))
        if original:
            staged = _again(job, checked, original, stays_out, problems, first_seen, tallies)
        else:
            staged = _first_time(job, checked, problems, first_seen, tallies)
        tallies.statuses[staged.status] += 1
        yield staged


def _meant(job: ImportJob, rows: Iterable[Row], tallies: Tallies) -> Iterator[Row]:
    """Without the hidden ones that are not meant. Raises Unreadable when nobody has said whether they are."""
    for row in rows:
        if row.hidden and job.hidden_rows != HiddenRows.SEND and not is_blank(row):
            if not job.hidden_rows:
                raise Unreadable("hidden_rows_undecided")
            tallies.hidden += 1
            continue
        yield row


def _again(
    job: ImportJob,
    checked: Checked,
    original: Original,
    stays_out: StaysOut | None,
    problems: ProblemIndex,
    seen: dict[bytes, int],
    tallies: Tallies,
) -> _Staged:
    """A row that corrects one of an earlier import; what needs no correction is left out."""
    if stays_out:
        if found := stays_out.state_of(checked, original):
            status, why = found
            return _row(job, checked, status, None, json.dumps(notes.stored(*why), ensure_ascii=False))
    elif reason := corrections.nothing_to_correct(checked, original):
        return _row(job, checked, RowStatus.LEFT_OUT, None, json.dumps(notes.stored(reason)))
    staged = _first_time(job, checked, problems, seen, tallies)
    return staged._replace(corrects_row=original.row_number)


def _first_time(
    job: ImportJob, checked: Checked, problems: ProblemIndex, seen: dict[bytes, int], tallies: Tallies
) -> _Staged:
    return _to_fix(job, checked, problems) if checked.notes else _sendable(job, checked, seen, tallies)


def _to_fix(job: ImportJob, checked: Checked, problems: ProblemIndex) -> _Staged:
    first = checked.notes[0]
    problem_id = problems.id_of(Origin.CHECK, first.code, {"field": first.field or "", **first.params})
    found = json.dumps(notes.stored(*checked.notes), ensure_ascii=False)
    return _row(job, checked, RowStatus.TO_FIX, problem_id, found)


def _sendable(job: ImportJob, checked: Checked, first_seen: dict[bytes, int], tallies: Tallies) -> _Staged:
    """Waiting, unless all five clean values equal those of an earlier row."""
    key = content_of(checked.values)
    earlier = first_seen.setdefault(key, checked.row_number)
    if earlier == checked.row_number:
        tallies.sendable(checked, key)
        return _row(job, checked, RowStatus.WAITING, None, "[]")
    twin = json.dumps(notes.stored(Note("duplicate_of", None, None, "", {"row": earlier})))
    return _row(job, checked, RowStatus.DUPLICATE, None, twin)


def _row(job: ImportJob, checked: Checked, status: RowStatus, problem_id: int | None, found: str) -> _Staged:
    customer_id, openid, unionid, phone, tags = (checked.values[field] for field in VALUE_COLUMNS)
    return _Staged(
        job.pk, checked.row_number, customer_id, openid, unionid, phone, tags, status.value, problem_id, found
    )


def _commit(job: ImportJob, chunk: list[_Staged], tallies: Tallies, lease: Lease) -> None:
    """Rows and sums in one transaction, so that the progress shown is always true."""
    with lease():
        _insert(chunk)
        ImportJob.objects.filter(pk=job.pk).update(counts=dict(tallies.statuses), blank_rows=tallies.blank)


def _insert(chunk: list[_Staged]) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # Nearly three times as fast as executemany. Django does not translate the errors of COPY by itself.
            with connection.wrap_database_errors, cursor.copy(_COPY) as copy:
                for row in chunk:
                    copy.write_row(row)
        else:
            cursor.executemany(_INSERT, chunk)
