"""The workbook that an export becomes: the sheet's own columns in their places, and behind them what became of each
row. Reads the database and the uploaded file side by side; knows no page and no worker."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from django.db.models import QuerySet
from django.utils import translation
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from tagsync.exports.models import Export
from tagsync.imports.drafts import returned_workbooks
from tagsync.imports.fixed_rows import without_taken_up
from tagsync.imports.local_files import local_file
from tagsync.imports.models import ImportJob, ImportRow, Problem, Repair
from tagsync.imports.permissions import sees_invalid_values
from tagsync.imports.problems import Sentence, sentence
from tagsync.imports.restores import hold
from tagsync.imports.sending.attempts import TriesInOrder, made_calls
from tagsync.imports.sending.remarks import RowRemarks, remark_with_words
from tagsync.imports.sending.unanswered import needs_remark, remark_with_date
from tagsync.imports.states import ENDED, RowStatus
from tagsync.mapping import formatted
from tagsync.mapping.fields import IDENTIFIERS
from tagsync.mapping.masking import HIDDEN, mask, mask_cell
from tagsync.mapping.matching import column_name
from tagsync.mapping.rows import Note
from tagsync.sheets.cells import FormattedCell, Kind, Row, column_letter
from tagsync.sheets.guard import DEFAULT_LIMITS, Limits
from tagsync.sheets.reader import rows as read_rows
from tagsync.sheets.writer import Sheet, Wrong, write

ROWS_AT_ONCE = 2000
QUOTED_CHARACTERS = 60
VALUE_WIDTH, NUMBER_WIDTH, TEXT_WIDTH = 20, 10, 44

Progress = Callable[[int], None]


def rows_of(job: ImportJob, filters: Mapping[str, Any]) -> QuerySet[ImportRow]:
    """The rows that a filter means: `statuses`, `problem`, `unsent` for those that no call of unknown fate carried, and
    `open` for those that no correction has fixed."""
    rows = ImportRow.objects.filter(job=job)
    if statuses := filters.get("statuses"):
        rows = rows.filter(status__in=statuses)
    if problem := filters.get("problem"):
        rows = rows.filter(problem=problem)
    if filters.get("unsent"):
        rows = rows.filter(unanswered_at=None)
    return without_taken_up(rows, job) if filters.get("open") else rows


def write_workbook(export: Export, path: Path, progress: Progress, limits: Limits = DEFAULT_LIMITS) -> None:
    """`progress` is told how many rows are written, every few thousand that are read. `limits`: of the reading.

    Raises: Unreadable, what `progress` raises.
    """
    with translation.override(export.language), local_file(export.job.file, lambda: progress(0)) as source:
        sheet = _Lines(export)
        key = returned_workbooks.written(returned_workbooks.Key(export.job_id, sheet.number_header))
        hidden = Sheet(returned_workbooks.KEY_SHEET, [key], hidden=True)
        name, added = _sheet_name(export.job), len(returned_workbooks.added_headers())
        lines = sheet.lines(source, limits, progress)
        write(path, Sheet(name, sheet.header, lines, sheet.widths, added, sheet.wrapped), hidden)


def _sheet_name(job: ImportJob) -> str:
    """The name the sheet had, unless it is that of our key."""
    return job.sheet if job.sheet and job.sheet.casefold() != returned_workbooks.KEY_SHEET else _("Rows")


class _Lines:
    """The header and the lines of one export, in the active language."""

    def __init__(self, export: Export) -> None:
        self._export, self._job = export, export.job
        self._fields = self._job.mapped_columns()
        names = {column["column"]: column["header"] for column in self._job.columns}
        # What an earlier export has added gives way to what this one adds.
        before = {column["column"] for column in self._job.columns if column.get("added")}
        width = max(max(names, default=-1) + 1, self._job.check_summary.get("width", 0))
        # Where each column of the file stands here.
        self._places = {column: place for place, column in enumerate(c for c in range(width) if c not in before)}
        self._unsure = bool(hold.unsure([self._job]))
        self._shows_invalid = sees_invalid_values(export.by, self._job)
        self._problems = {problem.pk: problem for problem in Problem.objects.filter(job=self._job)}
        self._repaired = self._repaired_fields()
        self._tries = TriesInOrder(self._job)
        self._remarks = RowRemarks(made_calls(self._job))
        added = returned_workbooks.added_headers()
        self.number_header = added[0]
        self.header = [*(column_name(names.get(column, ""), column) for column in self._places), *added]
        own = len(self._places)
        self.widths = [VALUE_WIDTH] * own + [NUMBER_WIDTH, VALUE_WIDTH, TEXT_WIDTH, TEXT_WIDTH, NUMBER_WIDTH]
        self.wrapped = (own + 2, own + 3)  # the reason, and what to do

    def lines(self, path: Path, limits: Limits, progress: Progress) -> Iterator[list[str]]:
        rows = rows_of(self._job, self._export.filters).order_by("row_number")
        written = 0

        def told(source: Iterable[Row]) -> Iterator[Row]:
            # By what is read: the few rows that are wanted may be far from each other.
            for number, row in enumerate(source, start=1):
                if number % ROWS_AT_ONCE == 0:
                    progress(written)
                yield row

        with closing(read_rows(path, self._job.sheet, self._job.reading, limits=limits)) as source:
            for row, typed in _side_by_side(rows.iterator(ROWS_AT_ONCE), told(source)):
                yield self._line(row, typed)
                written += 1

    def _line(self, row: ImportRow, typed: Row | None) -> list[str]:
        wrong = self._wrong_columns(row)
        values = [self._value(row, typed, column) for column in self._places]
        said = self._said(row)
        remarks = self._remarks.of(row.job_id, row.row_number) if row.status == RowStatus.ACCEPTED else ""
        if remarks:
            said.append(_Said(remark_with_words(remarks)))
        return [
            *(Wrong(value) if column in wrong else value for column, value in zip(self._places, values, strict=True)),
            str(row.row_number),
            self._state(row),
            "\n".join(one.reason for one in said),
            "\n".join(dict.fromkeys([*(one.sentence.advice for one in said), *_remark(row)])),
            str(self._tries_of(row)),
        ]

    def _wrong_columns(self, row: ImportRow) -> set[int]:
        """Those whose cell has to be corrected; where an identifier is missing, any of those that hold one."""
        if row.status != RowStatus.TO_FIX:
            return set()
        found = {note.column for note in row.noted if note.column is not None}
        if any(note.code == "no_identifier" for note in row.noted):
            found |= {column for column, field in self._fields.items() if field in IDENTIFIERS}
        return found

    def _value(self, row: ImportRow, typed: Row | None, column: int) -> str:
        cell = typed.cells.get(column) if typed else None
        text, field = cell.text if cell else "", self._fields.get(column, "")
        if field and isinstance(cell, FormattedCell) and cell.kind is Kind.FORMATTED:
            text = formatted.without_grouping(cell)  # as text, 1,200 would come back as two tags
        if field in self._repaired.get(row.row_number, ()):
            text = row.values_by_field()[field]
        if self._shows(row, field):
            return text
        # What is stored and not what is typed: by this mask the value is found again when the workbook comes back.
        return mask_cell(field, row.values_by_field()[field] or text if field in IDENTIFIERS else text)

    def _shows(self, row: ImportRow, field: str) -> bool:
        """Whether the value of this field stands there as it is."""
        return self._export.clear or field == "tags" or (self._shows_invalid and field in row.invalid_fields)

    def _said(self, row: ImportRow) -> list[_Said]:
        """Everything that is wrong with the row."""
        found = [
            _Said(
                sentence(note.code, {"field": note.field or "", **note.params}),
                "" if note.column is None else column_letter(self._places.get(note.column, note.column)),
                self._quoted(row, note),
            )
            for note in row.noted
        ]
        if not found and row.problem_id:
            problem = self._problems[row.problem_id]
            found = [_Said(sentence(problem.code, problem.params))]
        return found

    def _quoted(self, row: ImportRow, note: Note) -> str:
        """The value that is wrong, as far as the cell shows it; "" of a row as a whole, which holds all its values."""
        if note.field is None or self._shows(row, note.field):
            return note.value if note.field else ""
        masked = mask(note.field, note.value)
        return "" if masked == HIDDEN else masked

    def _state(self, row: ImportRow) -> str:
        if self._was_not_sent(row):
            return _("Not sent")
        if row.status == RowStatus.WAITING and self._job.status in ENDED:
            return str(RowStatus.IN_DOUBT.label)
        return str(RowStatus(row.status).label)

    def _tries_of(self, row: ImportRow) -> int:
        tries = self._tries.of(row.row_number)
        # That a refused batch held it, whose halves were not sent any more, is no try of it.
        return 0 if self._was_not_sent(row) else tries

    def _was_not_sent(self, row: ImportRow) -> bool:
        left = row.status == RowStatus.WAITING and self._job.status in ENDED
        return left and not self._unsure and row.unanswered_at is None

    def _repaired_fields(self) -> dict[int, set[str]]:
        """Row number → fields whose value a person changed on the check page."""
        found: dict[int, set[str]] = {}
        repairs = Repair.objects.filter(job=self._job).exclude(field="")
        for number, field in repairs.values_list("touched__row_number", "field"):
            if number is not None:
                found.setdefault(number, set()).add(field)
        return found


def _side_by_side(rows: Iterable[ImportRow], source: Iterator[Row]) -> Iterator[tuple[ImportRow, Row | None]]:
    """Each row with what the file holds there; both come in the order of the sheet."""
    typed = next(source, None)
    for row in rows:
        while typed is not None and typed.number < row.row_number:
            typed = next(source, None)
        yield row, typed if typed is not None and typed.number == row.row_number else None


def _remark(row: ImportRow) -> tuple[str, ...]:
    """That it may have been applied, of a row whose state does not say so."""
    if not needs_remark(row):
        return ()
    said = remark_with_date(row)
    return (_("%(sentence)s.") % {"sentence": said.title}, said.advice)


class _Said(NamedTuple):
    """What is wrong, where (the letter of the column, or ""), and what stands there."""

    sentence: Sentence
    letter: str = ""
    value: str = ""

    @property
    def reason(self) -> str:
        problem, value = self.sentence.title, Truncator(" ".join(self.value.split())).chars(QUOTED_CHARACTERS)
        if value and f"“{value}”" not in problem:
            problem = pgettext("problem and value", "%(problem)s (“%(value)s”)") % {"problem": problem, "value": value}
        if not self.letter:
            return problem
        return pgettext("column and problem", "%(column)s: %(problem)s") % {"column": self.letter, "problem": problem}
