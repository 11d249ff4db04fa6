"""An import before its start: made from an upload, its sheet, header, columns and settings changed, then checked."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import Sum

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.imports.drafts import returned_workbooks, sheet_view
from tagsync.imports.drafts.deletion import ROWS_IN_REQUEST, drop_rows
from tagsync.imports.drafts.previews import preview
from tagsync.imports.drafts.saved_mappings import fields_of
from tagsync.imports.drafts.sheet_view import SheetView
from tagsync.imports.local_files import NotNow, free_bytes
from tagsync.imports.locking import lease_in, locked_for_act
from tagsync.imports.models import ImportJob, SavedMapping
from tagsync.imports.states import UNSTARTED, Act, JobStatus, MoveRefused
from tagsync.imports.stored_files import storing
from tagsync.imports.titles import title_kept
from tagsync.mapping.fields import FIELDS, IDENTIFIERS
from tagsync.mapping.matching import (
    header_key,
)
from tagsync.sheets.errors import Unreadable
from tagsync.sheets.names import on_one_line
from tagsync.sheets.reading import Reading as Reading

# What another look at the sheet may change.
READ_AS = ("sheet", "header_row", "columns", "encoding", "delimiter", "hidden_rows", "saved_page")
FILLED_IN = (*READ_AS, "connection", "operation", "match", "identify_way", "fixed_tags", "corrects")


class SheetChanged(Exception):
    """Somebody has chosen another sheet or header row meanwhile: choices for the columns of this one mean nothing."""


@dataclass(frozen=True)
class Refusal:
    """Why an upload made no import: a code of `imports.problems` with its parameters."""

    code: str
    params: dict[str, str | int]


def create(
    owner: Person, upload: UploadedFile[bytes], title: str = "", like: ImportJob | None = None
) -> ImportJob | Refusal:
    """A draft from an upload, or the reason why not; a refused file leaves nothing behind.

    `like`: an import whose settings are taken over, and its columns as far as the sheet has the same names. Where too
    many others are being read, the draft is as `is_unseen` says.
    """
    if refusal := over_a_limit(owner, upload.size or 0):
        return refusal
    job = ImportJob(owner=owner, title=title_kept(title), file_name=_file_name(upload), file_sha256=_sha256(upload))
    job.file_bytes = upload.size or 0
    _start_from_last_settings(job)
    if like:
        _take_settings(job, like)
        job.columns = like.columns
    try:
        with storing(job.file, upload):
            with suppress(NotNow):
                _fill_in(job)
            with transaction.atomic():
                job.save()
    except Unreadable as error:
        return Refusal(error.code, error.params)
    return job


def over_a_limit(owner: Person, size: int) -> Refusal | None:
    """`size`: of the new file, in bytes. What counts is what she can delete herself."""
    if free_bytes(default_storage) < settings.TAGSYNC_LEAST_FREE_BYTES:
        return Refusal("no_room", {"least_bytes": settings.TAGSYNC_LEAST_FREE_BYTES})
    drafts = ImportJob.objects.filter(owner=owner, status__in=UNSTARTED)
    if drafts.count() >= settings.TAGSYNC_MOST_DRAFTS:
        return Refusal("too_many_drafts", {"most": settings.TAGSYNC_MOST_DRAFTS})
    stored = drafts.aggregate(bytes=Sum("file_bytes"))["bytes"] or 0
    if stored and stored + size > settings.TAGSYNC_MOST_DRAFT_BYTES:
        return Refusal("drafts_too_large", {"max_bytes": settings.TAGSYNC_MOST_DRAFT_BYTES})
    return None


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
    view = sheet_view.first_look(job)
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
    headers = {s.column: s.header for s in view.suggestions}
    job.corrects, job.fixed_tags = original, original.fixed_tags
    job.columns = _columns(view, returned_workbooks.fields(original, headers))
    numbers = returned_workbooks.number_column(key, headers | view.added)
    for column in job.columns:
        if column["column"] == numbers:
            column |= {"field": None, "added": True, "row_numbers": True}
    if original.connection in Connection.objects.usable():
        job.connection = original.connection
    job.operation, job.match, job.identify_way = original.operation, original.match, original.identify_way


def _named_as_written(job: ImportJob, view: SheetView, key: returned_workbooks.Key) -> SheetView:
    """Where the names of the columns stand in our own workbook is known: they may be letters, or no names at all.

    Raises Unreadable, and has changed nothing then.
    """
    row = returned_workbooks.header_row(key, view.preview.rows)
    if row in (None, view.header_row):
        return view
    named = copy.copy(job)
    named.sheet, named.header_row = view.preview.sheet, row
    view = sheet_view.look(named)
    job.sheet, job.header_row = named.sheet, named.header_row
    return view


def _key_in(job: ImportJob, view: SheetView) -> returned_workbooks.Key | None:
    """Raises NotNow."""
    hidden = next((sheet for sheet in view.preview.sheets if sheet.name == returned_workbooks.KEY_SHEET), None)
    if hidden is None or view.preview.sheet == returned_workbooks.KEY_SHEET:
        return None
    try:
        rows = preview(job.file, returned_workbooks.KEY_SHEET, max_rows=1, whole_cells=True).rows
    except NotNow:
        raise
    except Unreadable:
        return None
    return returned_workbooks.read(rows[0].cells[0].text) if rows and 0 in rows[0].cells else None


def is_complete(job: ImportJob) -> bool:
    """Whether nothing has to be chosen, and nothing said about its file: it can be checked at once."""
    if job.connection is None or job.connection not in Connection.objects.usable():
        return False
    if column_problems([column["field"] for column in job.columns], job.fixed_tags):
        return False
    return job.undoes_id is not None or not _asks(job)  # a file that undoes another is our own


def _asks(job: ImportJob) -> bool:
    try:
        view = sheet_view.look(job)
    except Unreadable:
        return True  # also without a turn: its page waits for one
    waits = sheet_view.asks_for_hidden_rows(job, view) and not job.hidden_rows
    return waits or bool(sheet_view.open_questions(job, view))


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
    wanted.saved_page = ""  # no page that is open shows these columns
    if sheet != job.sheet:
        wanted.hidden_rows = ""
    try:
        view = sheet_view.look(wanted)
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
    drop_staged(job)
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
    drop_staged(job)


def open_for_change(locked: ImportJob, by: Person) -> None:
    """The move alone, for whoever has locked the import and writes more: what was staged is dropped later."""
    if locked.status != JobStatus.DRAFT:
        locked.change(by)


def drop_staged(job: ImportJob) -> None:
    """Of an import that is a draft again: as much as a page has time for; of the rest, the next check or the keeper."""
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


def _remember(job: ImportJob, view: SheetView) -> None:
    """What is remembered for these headers is applied, or else what is named exactly; nothing weaker."""
    job.sheet, job.header_row = view.preview.sheet, view.header_row
    fields = {s.column: s.field if s.exact else None for s in view.suggestions}
    if view.remembered:
        fields = fields_of(view.remembered, {s.column: s.header for s in view.suggestions})
    job.columns = _columns(view, fields)


def _columns(view: SheetView, fields: Mapping[int, str | None]) -> list[dict[str, Any]]:
    own = [{"column": s.column, "header": s.header, "field": fields[s.column]} for s in view.suggestions]
    added = [
        {"column": column, "header": header, "field": None, "added": True} for column, header in view.added.items()
    ]
    return sorted([*own, *added], key=lambda column: column["column"])


def _start_from_last_settings(job: ImportJob) -> None:
    own = ImportJob.objects.visible_to(job.owner).filter(owner=job.owner)
    last = own.exclude(connection=None).order_by("-id").first()
    usable = Connection.objects.usable()
    if last is None or last.connection not in usable:
        job.connection = usable.first()
        return
    job.connection, job.match, job.identify_way = last.connection, last.match, last.identify_way
    # The operation is never remembered: a delete must be chosen each time.
