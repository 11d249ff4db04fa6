"""The check: every non-blank row of the file into the database, clean or with all its problems, and the sums.

Reads the file once, as a stream; knows nothing of who calls it or of leases beyond one question.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from hashlib import blake2b
from itertools import islice
from typing import NamedTuple

from django.db import connection, transaction

from tagsync.imports.drafts import ROWS_PER_COMMIT, drop_rows, local_path
from tagsync.imports.models import ImportJob, ImportRow
from tagsync.imports.models.row import VALUE_COLUMNS, Origin
from tagsync.imports.problem_groups import ProblemIndex
from tagsync.imports.states import RowStatus
from tagsync.mapping.fields import IDENTIFIERS
from tagsync.mapping.rows import Checked, Note, check_row, is_blank
from tagsync.sheets.cells import Row, column_letter
from tagsync.sheets.reader import rows as read_rows

TAGS_SHOWN = 200

StillMine = Callable[[], bool]


class Interrupted(Exception):
    """The check was taken over or called off while it ran; what it staged will be dropped by the next one."""


class _Staged(NamedTuple):
    """One row of the table, in the order of _COLUMNS."""

    job_id: int
    row_number: int
    audience_user_id: str
    openid: str
    unionid: str
    phone: str
    tags: str
    status: str
    problem_id: int | None
    notes: str


_COLUMNS = _Staged._fields
_INSERT = "INSERT INTO {table} ({columns}) VALUES ({marks})".format(
    table=ImportRow._meta.db_table, columns=", ".join(_COLUMNS), marks=", ".join(["%s"] * len(_COLUMNS))
)


def stage(job: ImportJob, still_mine: StillMine) -> None:
    """Replace the job's rows by those of its file. Afterwards `counts`, `blank_rows` and `summary` are true.

    `still_mine` is asked in each transaction before it writes. Raises: sheets.errors.Unreadable; Interrupted.
    """
    if not drop_rows(job, still_mine):
        raise Interrupted
    sums = _Sums()
    problems = ProblemIndex(job)
    with closing(read_rows(local_path(job), job.sheet)) as source:
        staged = _staged_rows(job, source, sums, problems)
        while chunk := list(islice(staged, ROWS_PER_COMMIT)):
            _commit(job, chunk, sums, still_mine)
    _commit(job, [], sums, still_mine)


class _Sums:
    """What is counted on the way."""

    def __init__(self) -> None:
        self.statuses: Counter[str] = Counter()
        self.blank = 0
        self.tag_cells: Counter[str] = Counter()
        self.identifier_sets: Counter[tuple[str, ...]] = Counter()

    def sent_row(self, values: dict[str, str]) -> None:
        self.tag_cells[values["tags"]] += 1
        self.identifier_sets[tuple(key for key in IDENTIFIERS if values[key])] += 1

    def summary(self) -> dict[str, object]:
        tags: Counter[str] = Counter()
        for cell, rows in self.tag_cells.items():
            for tag in cell.split(","):
                tags[tag] += rows
        return {
            "tags": [[tag, rows] for tag, rows in tags.most_common(TAGS_SHOWN)],
            "tag_count": len(tags),
            # every combination of identifiers with its rows: each order of identification can be computed from it
            "identifiers": [[list(keys), rows] for keys, rows in self.identifier_sets.items()],
        }


def _staged_rows(job: ImportJob, source: Iterable[Row], sums: _Sums, problems: ProblemIndex) -> Iterator[_Staged]:
    columns = job.mapped_columns()
    first_seen: dict[bytes, int] = {}
    for row in source:
        if row.number <= (job.header_row or 0):
            continue
        if is_blank(row):
            sums.blank += 1
            continue
        checked = check_row(row, columns)
        staged = _to_fix(job, checked, problems) if checked.notes else _sendable(job, checked, first_seen)
        sums.statuses[staged.status] += 1
        if staged.status == RowStatus.WAITING:
            sums.sent_row(checked.values)
        yield staged


def _to_fix(job: ImportJob, checked: Checked, problems: ProblemIndex) -> _Staged:
    first = checked.notes[0]
    problem_id = problems.id_of(Origin.CHECK, first.code, {"field": first.field or "", **first.params})
    notes = json.dumps([_note(note) for note in checked.notes], ensure_ascii=False)
    return _row(job, checked, RowStatus.TO_FIX, problem_id, notes)


def _sendable(job: ImportJob, checked: Checked, first_seen: dict[bytes, int]) -> _Staged:
    """Waiting, unless all five clean values equal those of an earlier row."""
    key = blake2b("\x1f".join(checked.values.values()).encode(), digest_size=16).digest()
    earlier = first_seen.setdefault(key, checked.row_number)
    if earlier == checked.row_number:
        return _row(job, checked, RowStatus.WAITING, None, "[]")
    notes = json.dumps([_note(Note("duplicate_of", None, None, "", {"row": earlier}))])
    return _row(job, checked, RowStatus.DUPLICATE, None, notes)


def _row(job: ImportJob, checked: Checked, status: RowStatus, problem_id: int | None, notes: str) -> _Staged:
    values = {column: checked.values[field] for field, column in VALUE_COLUMNS.items()}
    return _Staged(job.pk, checked.row_number, **values, status=status.value, problem_id=problem_id, notes=notes)


def _note(note: Note) -> dict[str, object]:
    column = "" if note.column is None else column_letter(note.column)
    return {"code": note.code, "field": note.field, "column": column, "value": note.value, "params": note.params}


def _commit(job: ImportJob, chunk: list[_Staged], sums: _Sums, still_mine: StillMine) -> None:
    """Rows and sums in one transaction, so that the progress shown is always true."""
    with transaction.atomic():
        if not still_mine():
            raise Interrupted
        if chunk:
            with connection.cursor() as cursor:
                cursor.executemany(_INSERT, chunk)
        summary = {} if chunk else sums.summary()
        ImportJob.objects.filter(pk=job.pk).update(counts=dict(sums.statuses), blank_rows=sums.blank, summary=summary)
