"""What a look at the beginning of an import's sheet shows: its rows, its columns with what each probably is, and what
only a person can say. Changes nothing."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from tagsync.imports.drafts import returned_workbooks
from tagsync.imports.drafts.previews import preview
from tagsync.imports.drafts.saved_mappings import first_remembered, recall, recall_by_look
from tagsync.imports.local_files import NotNow
from tagsync.imports.models import ImportJob, SavedMapping
from tagsync.mapping.matching import (
    HEADER_SEARCH_ROWS,
    Suggestion,
    customer_column,
    guess_header,
    headers,
    suggest,
)
from tagsync.sheets.cells import Row
from tagsync.sheets.errors import Unreadable
from tagsync.sheets.reader import HiddenCount, Preview
from tagsync.sheets.reading import Question


@dataclass(frozen=True)
class SheetView:
    """What the columns page shows of the sheet: its first rows, its columns and what each probably is.

    `added`: column → name of those that an export of ours has written there; nobody is asked about them.
    """

    preview: Preview
    header_row: int  # 0 when the sheet has no header
    suggestions: list[Suggestion]
    remembered: SavedMapping | None = None
    added: dict[int, str] = field(default_factory=dict)

    @property
    def body(self) -> list[Row]:
        return [row for row in self.preview.rows if row.number > self.header_row]

    @property
    def hidden_rows(self) -> HiddenCount:
        """Of the rows below the column names."""
        above = Counter(row.hidden for row in self.preview.rows if row.number <= self.header_row)
        hidden, shown, whole = self.preview.hidden_rows
        return HiddenCount(max(0, hidden - above[True]), max(0, shown - above[False]), whole)


def look(job: ImportJob) -> SheetView:
    """Read the first rows of the draft's sheet. Raises Unreadable."""
    seen = preview(job.file, job.sheet or None, job.reading)
    header_row = _header_row(seen) if job.header_row is None else job.header_row
    if header_row is None:
        raise Unreadable("empty_sheet", sheet=seen.sheet)
    found = _all_columns(_names(seen, header_row), seen.rows, header_row)
    added = returned_workbooks.added_columns(found)
    names = {column: name for column, name in found.items() if column not in added}
    below = [row for row in seen.rows if row.number > header_row]
    suggestions = suggest(names, below)
    remembered = recall(job.owner, names.values()) if header_row else recall_by_look(job.owner, suggestions)
    return SheetView(seen, header_row, suggestions, remembered, added)


def _header_row(seen: Preview) -> int | None:
    """As it is guessed; names that nobody would know for ones may be remembered."""
    guessed = guess_header(seen.rows)
    if guessed != 0:
        return guessed
    possible = [row for row in seen.rows[:HEADER_SEARCH_ROWS] if customer_column(row) is None]
    names = {row.number: _all_columns(_names(seen, row.number), seen.rows, row.number).values() for row in possible}
    return first_remembered(names) or 0


def _names(seen: Preview, header_row: int) -> dict[int, str]:
    """Column → its name in the header row; none when the sheet has no header. Raises Unreadable."""
    if not header_row:
        return {}
    rows = {row.number: row for row in seen.rows}
    if header_row not in rows:
        raise Unreadable("header_row_missing", row=header_row)
    return headers(rows[header_row], rows.get(header_row - 1))


def first_look(job: ImportJob) -> SheetView:
    """The first visible sheet that has rows. Raises Unreadable."""
    try:
        return look(job)
    except Unreadable as error:
        if error.code != "empty_sheet":
            raise
        first_empty = error
    other = copy.copy(job)
    for sheet in _visible_sheets(job):
        other.sheet = sheet
        try:
            return look(other)
        except NotNow:
            raise
        except Unreadable:
            continue
    raise first_empty


def _visible_sheets(job: ImportJob) -> list[str]:
    return [sheet.name for sheet in preview(job.file).sheets if not sheet.hidden]


def open_questions(job: ImportJob, view: SheetView) -> list[Question]:
    """What the file does not tell by itself and nobody has said yet: without it the file is not read."""
    said = job.reading._asdict()
    return [question for question in view.preview.questions if not (question.found or said[question.code])]


def asks_for_hidden_rows(job: ImportJob, view: SheetView) -> bool:
    """Whether a person has to say what becomes of hidden rows; also where only reading all rows has found one.

    A command may have said it of a sheet without any.
    """
    found_later = job.cause == "hidden_rows_undecided" or (job.hidden_rows and not view.hidden_rows.whole)
    return bool(view.hidden_rows.hidden or found_later)


def _all_columns(named: dict[int, str], rows: Sequence[Row], header_row: int) -> dict[int, str]:
    """Every column that holds anything below the header gets a decision, also one without a name."""
    filled = {column for row in rows if row.number > header_row for column in row.cells}
    return {column: named.get(column, "") for column in sorted(filled | named.keys())}
