"""The workbook made for fixing: what is wrong stands in its cell and is coloured, and however often it goes round, one
set of columns is added, which nobody is asked about and nothing remembers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import pytest
from django.test import override_settings
from django.utils import translation
from openpyxl import Workbook, load_workbook
from openpyxl.cell.cell import Cell

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.exports import lifecycle
from tagsync.exports.models import ExportState
from tagsync.imports.drafts import drafts, sheet_view
from tagsync.imports.drafts.returned_workbooks import KEY_SHEET, added_headers
from tagsync.imports.drafts.saved_mappings import remember
from tagsync.imports.models import ImportJob, SavedMapping
from tagsync.imports.models.row import Origin
from tagsync.imports.problems.groups import problem_for
from tagsync.imports.sending import counts
from tagsync.imports.states import JobStatus, RowStatus
from tests.making import finish_check, upload_of
from tests.read_once import read_once

HEADER = ["手机号", "姓名", "标签", "客户ID"]
RIGHT = "13800138000"
ROWS = [[RIGHT, "林", "新客", "C-10000000"], ["138-wrong", "王", "新客", "C-20000000"], [None, "赵", "新客", None]]
PINK = "00FFC7CE"
FAILED = {"statuses": [RowStatus.REJECTED, RowStatus.TO_FIX], "open": True}
ADDED = {"en": ["Row in the sheet", "State", "Reason", "What to do", "Tries"]}
ADDED["zh-hans"] = ["原表行号", "状态", "原因", "处理建议", "尝试次数"]
LANGUAGES = pytest.mark.parametrize("language", ["en", "zh-hans"])

Make = Callable[..., bytes]


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    read_once(monkeypatch)
    monkeypatch.setattr("tagsync.queueing.doorbell.ring", lambda *_: True)
    with override_settings(MEDIA_ROOT=tmp_path / "uploads"):
        yield


def book(*rows: list[str | None]) -> bytes:
    workbook, file = Workbook(), BytesIO()
    for row in rows:
        workbook.active.append(row)
    workbook.save(file)
    return file.getvalue()


def checked(owner: Person, content: bytes) -> ImportJob:
    job = drafts.create(owner, upload_of(content))
    assert isinstance(job, ImportJob)
    job.begin_check(owner)
    return finish_check(job)


def ended(job: ImportJob) -> ImportJob:
    """Every row that could be sent was refused."""
    problem = problem_for(job, Origin.PLATFORM, "refused", {"message": "no"})
    job.rows.filter(status=RowStatus.WAITING).update(status=RowStatus.REJECTED, problem=problem)
    ImportJob.objects.filter(pk=job.pk).update(
        status=JobStatus.FINISHED, first_confirmed_at=job.created_at, counts=counts.counted(job)
    )
    job.refresh_from_db()
    return job


@pytest.fixture
def first(marketer: Person, sandbox_connection: Connection) -> ImportJob:
    return ended(checked(marketer, book(HEADER, *ROWS)))


@pytest.fixture
def made() -> Make:
    def make(job: ImportJob, by: Person, language: str = "en", clear: bool = False) -> bytes:
        export = lifecycle.ask(job, by, FAILED, language=language, file_name="a.xlsx", clear=clear)
        assert export is not None
        lifecycle.make(export.pk)
        export.refresh_from_db()
        assert export.state == ExportState.DONE, export.cause
        with export.file.open() as file:
            return bytes(file.read())

    return make


def cells(content: bytes) -> list[list[Cell]]:
    return [list(row) for row in load_workbook(BytesIO(content)).worksheets[0].iter_rows()]


def texts(content: bytes) -> list[list[str | None]]:
    return [[cell.value for cell in row] for row in cells(content)]


def without_key(content: bytes) -> bytes:
    workbook, file = load_workbook(BytesIO(content)), BytesIO()
    workbook.remove(workbook[KEY_SHEET])
    workbook.save(file)
    return file.getvalue()


# -- for fixing


def test_the_wrong_value_stands_in_its_cell_coloured_and_in_the_reason(
    first: ImportJob, marketer: Person, made: Make
) -> None:
    _header, refused, wrong, nobody = cells(made(first, marketer))
    assert wrong[0].value == "138-wrong" and wrong[6].value == "A: Phone: not a phone number (“138-wrong”)"
    assert refused[0].value == "138****8000" and wrong[3].value != "C-20000000"  # what is right stays masked
    coloured = [[cell.column_letter for cell in row if cell.fill.fgColor.rgb == PINK] for row in (refused, wrong)]
    assert coloured == [[], ["A"]]
    # No identifier at all: either of the two may be filled in, and both are empty.
    assert [cell.column_letter for cell in nobody if cell.fill.fgColor.rgb == PINK] == ["A", "D"]
    assert nobody[0].value is None and nobody[0].number_format == "@"


def test_who_did_not_upload_it_sees_no_wrong_value_either(
    first: ImportJob, admin_person: Person, marketer: Person, made: Make
) -> None:
    assert "138-wrong" not in str(texts(made(first, admin_person)))
    assert "138-wrong" in str(texts(made(first, admin_person, clear=True)))
    wrong = cells(made(first, admin_person))[2]
    assert wrong[6].value == "A: Phone: not a phone number" and wrong[0].fill.fgColor.rgb == PINK


def test_what_takes_several_lines_is_wrapped_and_what_was_added_looks_so(
    first: ImportJob, marketer: Person, made: Make
) -> None:
    header, row, *_rest = cells(made(first, marketer))
    assert [cell.fill.fill_type for cell in header] == [None] * 4 + ["solid"] * 5
    assert [bool(cell.alignment.wrap_text) for cell in row] == [False] * 6 + [True, True, False]


def test_it_never_quotes_a_row_that_was_cut_apart(marketer: Person, sandbox_connection: Connection, made: Make) -> None:
    """There the note holds all the cells of the row."""
    content = "手机号,标签\n13800138000,新客\n13800138001,新客\n13800138002,新客,老客\n".encode()
    job = drafts.create(marketer, upload_of(content, "a.csv"))
    assert isinstance(job, ImportJob)
    job.begin_check(marketer)
    longer = texts(made(ended(finish_check(job)), marketer))[-1]
    assert "13800138002" not in str(longer) and "more cells than there are columns" in str(longer)


# -- round after round


@LANGUAGES
@pytest.mark.parametrize("before", ["en", "zh-hans"])
def test_it_adds_its_columns_once_however_often_it_goes_round(
    first: ImportJob, marketer: Person, made: Make, before: str, language: str
) -> None:
    second = checked(marketer, made(first, marketer, before))
    assert second.corrects == first
    content = made(ended(second), marketer, language)
    assert texts(content)[0] == [*HEADER, *ADDED[language]]
    third = checked(marketer, content)
    assert third.corrects == second
    # The same masks stand for the same values, and what is wrong is still wrong.
    assert third.rows.get(row_number=2).phone == RIGHT
    assert texts(made(ended(third), marketer, before))[0] == [*HEADER, *ADDED[before]]


def test_a_column_typed_behind_them_keeps_its_place_in_what_is_said(
    first: ImportJob, marketer: Person, made: Make
) -> None:
    """A reason names the column of the workbook that it stands in."""
    workbook, file = load_workbook(BytesIO(made(first, marketer))), BytesIO()
    sheet = workbook.worksheets[0]
    for number, text in enumerate(["unionid", "bad id", "bad id", "bad id"], start=1):
        sheet.cell(number, 10).value = text
    workbook.save(file)
    draft = drafts.create(marketer, upload_of(file.getvalue()))
    assert isinstance(draft, ImportJob)
    drafts.choose_columns(draft, {9: "unionid"})
    draft.begin_check(marketer)
    found = cells(made(ended(finish_check(draft)), marketer))
    assert [cell.value for cell in found[0]] == [*HEADER, "unionid", *ADDED["en"]]
    assert str(found[1][7].value) == "E: unionid: not a usable value (“bad id”)"
    assert found[1][4].fill.fgColor.rgb == PINK


# -- never columns


@LANGUAGES
@pytest.mark.parametrize("known", [True, False], ids=["known by its key", "without its key"])
def test_what_was_added_is_neither_asked_about_nor_remembered(
    first: ImportJob, marketer: Person, made: Make, language: str, known: bool
) -> None:
    remember(first)
    content = made(first, marketer, language)
    draft = drafts.create(marketer, upload_of(content if known else without_key(content)))
    assert isinstance(draft, ImportJob) and (draft.corrects == first) is known
    view = sheet_view.look(draft)
    assert [suggestion.header for suggestion in view.suggestions] == HEADER
    assert list(view.added.values()) == ADDED[language]
    assert draft.mapped_columns() == first.mapped_columns()
    drafts.choose_columns(draft, {0: "phone", 3: None})
    remember(draft)
    kept = SavedMapping.objects.get()
    assert [column["header"] for column in kept.columns] == HEADER and kept.times_used == 2


def test_columns_of_her_own_are_hers(marketer: Person, sandbox_connection: Connection) -> None:
    draft = drafts.create(marketer, upload_of(book(["手机号", "状态", "原表行号", "标签"], [RIGHT, "好", "7", "新客"])))
    assert isinstance(draft, ImportJob)
    view = sheet_view.look(draft)
    assert [suggestion.header for suggestion in view.suggestions] == ["手机号", "状态", "原表行号", "标签"]
    assert not view.added


@LANGUAGES
def test_the_names_tried_here_are_those_that_are_written(language: str) -> None:
    with translation.override(language):
        assert list(added_headers()) == ADDED[language]
