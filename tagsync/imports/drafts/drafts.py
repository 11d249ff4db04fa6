"""An import before its start: made from an upload, its sheet, header, columns and settings changed, then checked."""

from __future__ import annotations

import copy
import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.imports.drafts import returned_workbooks
from tagsync.imports.drafts.deletion import ROWS_IN_REQUEST, drop_rows
from tagsync.imports.drafts.previews import NoTurn, preview
from tagsync.imports.drafts.saved_mappings import fields_of, first_remembered, recall, recall_by_look
from tagsync.imports.locking import lease_in, locked_for_act
from tagsync.imports.models import ImportJob, SavedMapping
from tagsync.imports.states import Act, JobStatus, MoveRefused
from tagsync.imports.stored_files import storing
from tagsync.imports.titles import title_kept
from tagsync.mapping.fields import FIELDS, IDENTIFIERS
from tagsync.mapping.matching import (
    HEADER_SEARCH_ROWS,
    Suggestion,
    customer_column,
    guess_header,
    header_key,
    headers,
    suggest,
)
from tagsync.sheets.cells import Row
from tagsync.sheets.errors import Unreadable
from tagsync.sheets.names import on_one_line
from tagsync.sheets.reader import HiddenCount, Preview
from tagsync.sheets.reading import Question
from tagsync.sheets.reading import Reading as Reading

# What another look at the sheet may change.
READ_AS = ("sheet", "header_row", "columns", "encoding", "delimiter", "hidden_rows")
FILLED_IN = (*READ_AS, "connection", "operation", "match", "identify_way", "fixed_tags", "corrects")


class SheetChanged(Exception):
    """Somebody has chosen another sheet or header row meanwhile: choices for the columns of this one mean nothing."""


@dataclass(frozen=True)
class Refusal:
    """Why an upload made no import: a code of `imports.problems` with its parameters."""

    code: str
    params: dict[str, str | int]


@dataclass(frozen=True)
class SheetView:
    """What the columns page shows of the sheet: its first rows, its columns and what each probably is."""

    preview: Preview
    header_row: int  # 0 when the sheet has no header
    suggestions: list[Suggestion]
    remembered: SavedMapping | None = None

    @property
    def body(self) -> list[Row]:
        return [row for row in self.preview.rows if row.number > self.header_row]

    @property
    def hidden_rows(self) -> HiddenCount:
        """Of the rows below the column names."""
        above = Counter(row.hidden for row in self.preview.rows if row.number <= self.header_row)
        hidden, shown, whole = self.preview.hidden_rows
        return HiddenCount(max(0, hidden - above[True]), max(0, shown - above[False]), whole)


def local_path(job: ImportJob) -> Path:
    return Path(job.file.path)


def create(
    owner: Person, upload: UploadedFile[bytes], title: str = "", like: ImportJob | None = None
) -> ImportJob | Refusal:
    """A draft from an upload, or the reason why not; a refused file leaves nothing behind.

    `like`: an import whose settings are taken over, and its columns as far as the sheet has the same names. Where too
    many others are being read, the draft is as `is_unseen` says.
    """
    job = ImportJob(owner=owner, title=title_kept(title), file_name=_file_name(upload), file_sha256=_sha256(upload))
    job.file_bytes = upload.size or 0
    _start_from_last_settings(job)
    if like:
        _take_settings(job, like)
        job.columns = like.columns
    try:
        with storing(job.file, upload):
            with suppress(NoTurn):
                _fill_in(job)
            with transaction.atomic():
                job.save()
    except Unreadable as error:
        return Refusal(error.code, error.params)
    return job


def is_unseen(job: ImportJob) -> bool:
    """Whether its file has not been looked at: there was no turn for it. Its columns are those of another import."""
    return job.header_row is None


def look_first(job: ImportJob) -> None:
    """Make of an unseen draft what `create` would have made of it. Raises Unreadable, MoveRefused."""
    seen = copy.copy(job)
    _fill_in(seen)
    with _locked_draft(job) as locked:
        if is_unseen(locked):
            for name in FILLED_IN:
                setattr(locked, name, getattr(seen, name))
            locked.save(update_fields=FILLED_IN)
    job.refresh_from_db()


def _fill_in(job: ImportJob) -> None:
    """What a first look says of sheet, columns and settings; before that nothing is changed. Raises Unreadable."""
    view = _first_look(job)
    key = _key_in(job, view)
    view = _named_as_written(job, view, key) if key else view
    like = job.columns
    _remember(job, view)
    if like:
        _take_columns(job, like, view)
    if key:
        _recognise(job, view, key)


def _take_settings(job: ImportJob, like: ImportJob) -> None:
    if like.connection in Connection.objects.usable():
        job.connection = like.connection
    job.operation, job.match, job.identify_way = like.operation, like.match, like.identify_way
    job.fixed_tags = like.fixed_tags


def _take_columns(job: ImportJob, like: list[dict[str, Any]], view: SheetView) -> None:
    names = {header_key(column["header"]) for column in like if column["header"]}
    if not (names or job.header_row) and len(like) == len(view.suggestions):
        names = {""}  # no column has a name: each is what stands in its place
    same = {s.column: s.header for s in view.suggestions if header_key(s.header) in names}
    known = fields_of(SavedMapping(columns=like), same)
    for column in job.columns:
        if column["column"] in known:
            column["field"] = known[column["column"]]
        elif column["field"] in known.values() and column["field"] != "tags":
            column["field"] = None


def _recognise(job: ImportJob, view: SheetView, key: returned_workbooks.Key) -> None:
    """A workbook of ours that comes back brings its columns and settings along. Any other is left as it is."""
    original = returned_workbooks.import_of(key, job.owner)
    if original is None:
        return
    fields = returned_workbooks.fields(key, original, {s.column: s.header for s in view.suggestions})
    job.corrects, job.fixed_tags = original, original.fixed_tags
    job.columns = [{"column": s.column, "header": s.header, **fields[s.column]} for s in view.suggestions]
    if original.connection in Connection.objects.usable():
        job.connection = original.connection
    job.operation, job.match, job.identify_way = original.operation, original.match, original.identify_way


def _named_as_written(job: ImportJob, view: SheetView, key: returned_workbooks.Key) -> SheetView:
    """Where the names of the columns stand in our own workbook is known: they may be letters, or no names at all."""
    row = returned_workbooks.header_row(key, view.preview.rows)
    if row in (None, view.header_row):
        return view
    job.sheet, job.header_row = view.preview.sheet, row
    return look(job)


def _key_in(job: ImportJob, view: SheetView) -> returned_workbooks.Key | None:
    """Raises NoTurn."""
    hidden = next((sheet for sheet in view.preview.sheets if sheet.name == returned_workbooks.KEY_SHEET), None)
    if hidden is None or view.preview.sheet == returned_workbooks.KEY_SHEET:
        return None
    try:
        rows = preview(local_path(job), returned_workbooks.KEY_SHEET, max_rows=1, whole_cells=True).rows
    except NoTurn:
        raise
    except Unreadable:
        return None
    return returned_workbooks.read(rows[0].cells[0].text) if rows and 0 in rows[0].cells else None


def is_complete(job: ImportJob) -> bool:
    """Whether columns and settings need no choosing: it can be checked at once."""
    if job.connection is None or job.connection not in Connection.objects.usable():
        return False
    return not column_problems([column["field"] for column in job.columns], job.fixed_tags)


def look(job: ImportJob) -> SheetView:
    """Read the first rows of the draft's sheet. Raises Unreadable."""
    try:
        seen = preview(local_path(job), job.sheet or None, job.reading)
    except FileNotFoundError:
        raise Unreadable("file_gone") from None
    header_row = _header_row(seen) if job.header_row is None else job.header_row
    if header_row is None:
        raise Unreadable("empty_sheet", sheet=seen.sheet)
    names = _all_columns(_names(seen, header_row), seen.rows, header_row)
    below = [row for row in seen.rows if row.number > header_row]
    suggestions = suggest(names, below)
    remembered = recall(job.owner, names.values()) if header_row else recall_by_look(job.owner, suggestions)
    return SheetView(seen, header_row, suggestions, remembered)


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


def _first_look(job: ImportJob) -> SheetView:
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
        except NoTurn:
            raise
        except Unreadable:
            continue
    raise first_empty


def _visible_sheets(job: ImportJob) -> list[str]:
    return [sheet.name for sheet in preview(local_path(job)).sheets if not sheet.hidden]


def open_questions(job: ImportJob, view: SheetView) -> list[Question]:
    """What the file does not tell by itself and nobody has said yet: without it the file is not read."""
    said = job.reading._asdict()
    return [question for question in view.preview.questions if not (question.found or said[question.code])]


def asks_for_hidden_rows(job: ImportJob, view: SheetView) -> bool:
    """Whether a person has to say what becomes of hidden rows; also where only reading all rows has found one."""
    return bool(view.hidden_rows.hidden or job.hidden_rows or job.cause == "hidden_rows_undecided")


def is_same_sheet(job: ImportJob, other: ImportJob) -> bool:
    """Whether choices for the columns of one are choices for those of the other."""
    return (job.sheet, job.header_row, job.reading) == (other.sheet, other.header_row, other.reading)


def choose_sheet(
    job: ImportJob, sheet: str, header_row: int | None, by: Person, reading: Reading | None = None
) -> Refusal | None:
    """Another sheet, header row or `reading` (None: as before): the columns are suggested anew.

    A refusal when it can't be read; nothing is changed.

    Raises SheetChanged, MoveRefused.
    """
    wanted = copy.copy(job)
    wanted.sheet, wanted.header_row = sheet, header_row
    wanted.encoding, wanted.delimiter = reading or job.reading
    if sheet != job.sheet:
        wanted.hidden_rows = ""
    try:
        view = look(wanted)
    except Unreadable as error:
        return Refusal(error.code, error.params)
    _remember(wanted, view)
    # The look may have taken a while.
    with locked_for_act(job, Act.CHANGE) as locked:
        if not (is_same_sheet(locked, job) or is_same_sheet(locked, wanted)):
            raise SheetChanged
        open_for_change(locked, by)
        for name in READ_AS:
            setattr(locked, name, getattr(wanted, name))
        locked.save(update_fields=READ_AS)
        job.refresh_from_db()
    _drop_staged(job)
    return None


def choose_columns(job: ImportJob, fields: dict[int, str | None], fixed_tags: str = "", hidden_rows: str = "") -> None:
    """Give columns of a draft their fields (None: will not be sent). Columns not named keep what they have.

    `job` as it was when the choice was made: its sheet and header row say what the numbers mean. `fixed_tags`: clean
    tags for every row, joined with a comma. `hidden_rows`: of `HiddenRows`. Raises SheetChanged, MoveRefused.
    """
    with _locked_draft(job) as locked:
        if not is_same_sheet(locked, job):
            raise SheetChanged
        for column in locked.columns:
            column["field"] = fields.get(column["column"], column["field"])
        locked.fixed_tags, locked.hidden_rows = fixed_tags, hidden_rows
        locked.save(update_fields=["columns", "fixed_tags", "hidden_rows"])
    job.columns, job.fixed_tags, job.hidden_rows = locked.columns, fixed_tags, hidden_rows


@contextmanager
def _locked_draft(job: ImportJob) -> Iterator[ImportJob]:
    with locked_for_act(job, Act.CHANGE) as locked:
        if locked.status != JobStatus.DRAFT:
            raise MoveRefused(Act.CHANGE, locked.status)
        yield locked


@dataclass(frozen=True)
class Choices:
    connection: Connection
    operation: str
    match: str
    identify_way: int | None


def choose_settings(job: ImportJob, choices: Choices) -> None:
    """Of a draft. Raises MoveRefused."""
    # Source: the user's document, publicParams: the way is needed for fuzzy matching, and only there.
    way = (choices.identify_way or 1) if choices.match == "fuzzy" else None
    chosen = {"connection": choices.connection, "operation": choices.operation, "match": choices.match}
    with _locked_draft(job) as locked:
        for one in (locked, job):
            for name, value in (*chosen.items(), ("identify_way", way)):
                setattr(one, name, value)
        locked.save(update_fields=[*chosen, "identify_way"])


def column_problems(fields: Sequence[str | None], fixed_tags: str = "") -> list[tuple[str, str]]:
    """What is wrong with a choice of columns, as (code, field): taken twice, no identifier, no tags."""
    chosen = [field for field in fields if field]
    problems = [("field_taken_twice", field) for field in FIELDS if chosen.count(field) > 1 and field != "tags"]
    if not any(field in chosen for field in IDENTIFIERS):
        problems.append(("no_identifier_column", ""))
    if "tags" not in chosen and not fixed_tags:
        problems.append(("no_tags_column", "tags"))
    return problems


def back_to_draft(job: ImportJob, by: Person) -> None:
    """Before a change: drop what was staged. Does nothing to a draft. Raises MoveRefused after the start."""
    with locked_for_act(job, Act.CHANGE) as locked:
        open_for_change(locked, by)
        job.refresh_from_db()
    _drop_staged(job)


def open_for_change(locked: ImportJob, by: Person) -> None:
    """The move alone, for whoever has locked the import and writes more: what was staged is dropped later."""
    if locked.status != JobStatus.DRAFT:
        locked.change(by)


def _drop_staged(job: ImportJob) -> None:
    """As much as a page has time for; of the rest, the next check or the keeper."""
    # When a check has begun meanwhile, in another tab, the rows are that one's to drop.
    with suppress(MoveRefused):
        drop_rows(job, lease_in(job, JobStatus.DRAFT, Act.CHANGE), ROWS_IN_REQUEST)


def _file_name(upload: UploadedFile[bytes]) -> str:
    return on_one_line((upload.name or "").replace("\\", "/").rpartition("/")[2])[-255:] or "upload.xlsx"


def _sha256(upload: UploadedFile[bytes]) -> str:
    digest = hashlib.sha256()
    for chunk in upload.chunks():
        digest.update(chunk)
    upload.seek(0)
    return digest.hexdigest()


def _all_columns(named: dict[int, str], rows: Sequence[Row], header_row: int) -> dict[int, str]:
    """Every column that holds anything below the header gets a decision, also one without a name."""
    filled = {column for row in rows if row.number > header_row for column in row.cells}
    return {column: named.get(column, "") for column in sorted(filled | named.keys())}


def _remember(job: ImportJob, view: SheetView) -> None:
    """What is remembered for these headers is applied, or else what is named exactly; nothing weaker."""
    job.sheet, job.header_row = view.preview.sheet, view.header_row
    fields = {s.column: s.field if s.exact else None for s in view.suggestions}
    if view.remembered:
        fields = fields_of(view.remembered, {s.column: s.header for s in view.suggestions})
    job.columns = [{"column": s.column, "header": s.header, "field": fields[s.column]} for s in view.suggestions]


def _start_from_last_settings(job: ImportJob) -> None:
    own = ImportJob.objects.visible_to(job.owner).filter(owner=job.owner)
    last = own.exclude(connection=None).order_by("-id").first()
    usable = Connection.objects.usable()
    if last is None or last.connection not in usable:
        job.connection = usable.first()
        return
    job.connection, job.match, job.identify_way = last.connection, last.match, last.identify_way
    # The operation is never remembered: a delete must be chosen each time.
