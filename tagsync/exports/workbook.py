"""The workbook that an export becomes: the sheet's own columns in their places, and behind them what became of each
row. Reads the database and the uploaded file side by side; knows no page and no worker."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from django.db.models import QuerySet
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from tagsync.exports.models import Export
from tagsync.imports.drafts import returned_workbooks
from tagsync.imports.fixed_rows import without_taken_up
from tagsync.imports.models import ImportJob, ImportRow, Problem, Repair
from tagsync.imports.notes import letter
from tagsync.imports.permissions import sees_invalid_values
from tagsync.imports.problems import Sentence, sentence
from tagsync.imports.sending.attempts import TriesInOrder, made_calls
from tagsync.imports.sending.remarks import RowRemarks, remark_with_words
from tagsync.imports.sending.unanswered import needs_remark, remark_with_date
from tagsync.imports.states import ENDED, RowStatus
from tagsync.mapping import formatted
from tagsync.mapping.fields import IDENTIFIERS
from tagsync.mapping.masking import mask_cell
from tagsync.mapping.matching import column_name
from tagsync.sheets.cells import FormattedCell, Kind, Row
from tagsync.sheets.reader import rows as read_rows
from tagsync.sheets.writer import Sheet, write

ROWS_AT_ONCE = 2000
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


def write_workbook(export: Export, path: Path, progress: Progress) -> None:
    """`progress` is told every few thousand rows how many are written. Raises: Unreadable, what `progress` raises."""
    with translation.override(export.language):
        sheet = _Lines(export)
        key = returned_workbooks.written(returned_workbooks.Key(export.job_id, sheet.number_header))
        hidden = Sheet(returned_workbooks.KEY_SHEET, [key], hidden=True)
        write(path, Sheet(_sheet_name(export.job), sheet.header, sheet.lines(progress), sheet.widths), hidden)


def _sheet_name(job: ImportJob) -> str:
    """The name the sheet had, unless it is that of our key."""
    return job.sheet if job.sheet and job.sheet.casefold() != returned_workbooks.KEY_SHEET else _("Rows")


class _Lines:
    """The header and the lines of one export, in the active language."""

    def __init__(self, export: Export) -> None:
        self._export, self._job = export, export.job
        self._fields = self._job.mapped_columns()
        names = {column["column"]: column["header"] for column in self._job.columns}
        self._width = max(max(names, default=-1) + 1, self._job.check_summary.get("width", 0))
        self._shows_invalid = sees_invalid_values(export.by, self._job)
        self._problems = {problem.pk: problem for problem in Problem.objects.filter(job=self._job)}
        self._repaired = self._repaired_fields()
        self._tries = TriesInOrder(self._job)
        self._remarks = RowRemarks(made_calls(self._job))
        added = (
            _("Row in the sheet"),
            _("State"),
            _("Reason"),
            pgettext("about a failed row", "What to do"),
            _("Tries"),
        )
        self.number_header = added[0]
        self.header = [column_name(names.get(column, ""), column) for column in range(self._width)] + list(added)
        self.widths = [VALUE_WIDTH] * self._width + [NUMBER_WIDTH, VALUE_WIDTH, TEXT_WIDTH, TEXT_WIDTH, NUMBER_WIDTH]

    def lines(self, progress: Progress) -> Iterator[list[str]]:
        rows = rows_of(self._job, self._export.filters).order_by("row_number")
        done = 0
        with closing(read_rows(self._job.local_path, self._job.sheet, self._job.reading)) as source:
            for row, typed in _side_by_side(rows.iterator(ROWS_AT_ONCE), source):
                yield self._line(row, typed)
                done += 1
                if done % ROWS_AT_ONCE == 0:
                    progress(done)

    def _line(self, row: ImportRow, typed: Row | None) -> list[str]:
        values = [self._value(row, typed, column) for column in range(self._width)]
        said = self._said(row)
        remarks = self._remarks.of(row.job_id, row.row_number) if row.status == RowStatus.ACCEPTED else ""
        if remarks:
            said.append(("", remark_with_words(remarks)))
        return [
            *values,
            str(row.row_number),
            self._state(row),
            "\n".join(_with_column(letter, one.title) for letter, one in said),
            "\n".join(dict.fromkeys([*(one.advice for _letter, one in said), *_remark(row)])),
            str(self._tries_of(row)),
        ]

    def _value(self, row: ImportRow, typed: Row | None, column: int) -> str:
        cell = typed.cells.get(column) if typed else None
        text, field = cell.text if cell else "", self._fields.get(column, "")
        if field and isinstance(cell, FormattedCell) and cell.kind is Kind.FORMATTED:
            text = formatted.without_grouping(cell)  # as text, 1,200 would come back as two tags
        if field in self._repaired.get(row.row_number, ()):
            text = row.values_by_field()[field]
        if self._export.clear or field == "tags" or (self._shows_invalid and field in row.invalid_fields):
            return text
        # What is stored and not what is typed: by this mask the value is found again when the workbook comes back.
        return mask_cell(field, row.values_by_field()[field] or text if field in IDENTIFIERS else text)

    def _said(self, row: ImportRow) -> list[tuple[str, Sentence]]:
        """(column letter or "", sentence) of everything that is wrong with the row."""
        found = [(letter(note), sentence(note.code, {"field": note.field or "", **note.params})) for note in row.noted]
        if not found and row.problem_id:
            problem = self._problems[row.problem_id]
            found = [("", sentence(problem.code, problem.params))]
        return found

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
        return row.status == RowStatus.WAITING and self._job.status in ENDED and row.unanswered_at is None

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


def _with_column(letter: str, text: str) -> str:
    return (
        pgettext("column and problem", "%(column)s: %(problem)s") % {"column": letter, "problem": text}
        if letter
        else text
    )
