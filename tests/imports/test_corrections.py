"""The round trip: failed rows go out, come back corrected, and become an import that corrects the first."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any
from unittest.mock import DEFAULT, Mock

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import override_settings
from openpyxl import Workbook, load_workbook

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.exports import lifecycle, upkeep
from tagsync.exports.models import Export, ExportState
from tagsync.imports import fixed_rows
from tagsync.imports.check import staging
from tagsync.imports.drafts import drafts, returned_workbooks, sheet_view
from tagsync.imports.drafts.previews import NoTurn
from tagsync.imports.followups import retry
from tagsync.imports.models import ImportJob, ImportRow
from tagsync.imports.models.row import Origin
from tagsync.imports.problems.groups import problem_for
from tagsync.imports.states import Act, JobStatus, RowStatus

S = RowStatus
OPENID = "oABCDEFGHIJKLMNOPQRSTUVWXY01"
LONG = 123456789012345678
HEADER = ["客户ID", "openid", "手机号", "备注", "标签"]
ROWS: list[list[Any]] = [
    ["C-1", None, "13800138000", "好", "新客"],
    ["C-2", OPENID, "138 0013 8001", "=1+1", "新客"],
    [LONG, None, None, "13900139000", "新客"],  # a number: Excel has lost its last digits
    ["C-4", None, "138", "", "会员，新客"],
    ["C-5", None, None, "x", None],
]
FAILED = {"statuses": [S.REJECTED, S.IN_DOUBT, S.TO_FIX], "open": True}


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("tagsync.queueing.doorbell.ring", lambda *_: True)
    with override_settings(MEDIA_ROOT=tmp_path / "uploads"):
        yield


def book(rows: list[list[Any]]) -> bytes:
    workbook, file = Workbook(), BytesIO()
    for row in [HEADER, *rows]:
        workbook.active.append(row)
    workbook.active["D3"].data_type = "s"
    workbook.save(file)
    return file.getvalue()


def uploaded(owner: Person, content: bytes) -> ImportJob:
    job = drafts.create(owner, SimpleUploadedFile("会员.xlsx", content))
    assert isinstance(job, ImportJob)
    return job


def checked(job: ImportJob) -> ImportJob:
    job.begin_check(job.owner)
    staging.stage(job, lambda: True)
    job.move(Act.CHECKED)
    return job


def settle(job: ImportJob, statuses: dict[int, RowStatus]) -> ImportJob:
    """As if it had been sent, with these results."""
    problem = problem_for(job, Origin.PLATFORM, "refused", {"message": "no"})
    for number, status in statuses.items():
        bad = None if status == S.ACCEPTED else problem
        ImportRow.objects.filter(job=job, row_number=number).update(status=status, problem=bad)
    ImportJob.objects.filter(pk=job.pk).update(status=JobStatus.FINISHED, first_confirmed_at=job.created_at)
    job.refresh_from_db()
    from tagsync.imports.sending import counts

    counts.verify(job)
    job.refresh_from_db()
    return job


@pytest.fixture
def first(marketer: Person, sandbox_connection: Connection) -> ImportJob:
    """Rows 2 and 3 were sent: 2 accepted, 3 rejected; 4 to 6 are to fix."""
    return settle(checked(uploaded(marketer, book(ROWS))), {2: S.ACCEPTED, 3: S.REJECTED})


Made = Callable[..., bytes]


@pytest.fixture
def made() -> Made:
    def make(job: ImportJob, by: Person, filters: dict[str, Any] | None = None, clear: bool = False) -> bytes:
        export = lifecycle.ask(job, by, filters or {}, language="en", file_name="a.xlsx", clear=clear)
        lifecycle.make(export.pk)
        export.refresh_from_db()
        assert export.state == ExportState.DONE, export.cause
        with export.file.open() as file:
            return bytes(file.read())

    return make


def changed(content: bytes, **cells: Any) -> bytes:
    """As a person would: opened, cells typed over, saved."""
    workbook, file = load_workbook(BytesIO(content)), BytesIO()
    for name, value in cells.items():
        workbook.worksheets[0][name] = value
    workbook.save(file)
    return file.getvalue()


def lines(content: bytes) -> list[list[Any]]:
    return [[cell.value for cell in row] for row in load_workbook(BytesIO(content)).worksheets[0].iter_rows()]


def states(job: ImportJob) -> dict[int, str]:
    return dict(job.rows.order_by("row_number").values_list("row_number", "status"))


def test_it_writes_the_sheet_and_what_became_of_it(first: ImportJob, marketer: Person, made: Made) -> None:
    header, *found = lines(made(first, marketer, clear=True))
    assert header == [*HEADER, "Row in the sheet", "State", "Reason", "What to do", "Tries"]
    assert found[1][:7] == ["C-2", OPENID, "138 0013 8001", "=1+1", "新客", "3", "Rejected by the platform"]
    assert found[1][7].startswith("The platform rejected this row")
    assert [row[5] for row in found] == ["2", "3", "4", "5", "6"]
    assert "C: Phone: not a phone number" in found[3][7]


def book_of_formats() -> bytes:
    workbook, file = Workbook(), BytesIO()
    workbook.active.append(["手机号", "标签", "标签"])
    workbook.active.append([13800138000, 1200, 5])
    for name, code in {"A2": "#,##0", "B2": "#,##0", "C2": "0.0"}.items():
        workbook.active[name].number_format = code
    workbook.save(file)
    return file.getvalue()


@pytest.mark.parametrize("fixed_tags", ["", "春季"])
@pytest.mark.parametrize("clear", [True, False])
def test_what_number_formats_show_comes_back_as_it_went_out(
    marketer: Person, sandbox_connection: Connection, made: Made, clear: bool, fixed_tags: str
) -> None:
    job = uploaded(marketer, book_of_formats())
    drafts.choose_columns(job, {0: "phone", 1: "tags", 2: "tags"}, fixed_tags)
    first = settle(checked(job), {2: S.REJECTED})
    second = checked(uploaded(marketer, made(first, marketer, FAILED, clear)))

    assert second.corrects == first
    assert states(second) == {2: S.WAITING}
    assert second.rows.get().values_by_field() == first.rows.get().values_by_field()
    assert first.rows.get().tags == ",".join(("1200", "5.0", *filter(None, [fixed_tags])))


def test_it_masks_what_the_viewer_may_not_see(first: ImportJob, marketer: Person, made: Made) -> None:
    found = lines(made(first, marketer))
    shown = {str(value) for row in found for value in row if value}
    assert not shown & {"13800138000", OPENID, str(LONG), "13900139000", "C-2"}
    assert found[1][2] == "138****8000"
    assert found[3][3] == "139****9000"  # a column that is not sent, but plainly a phone


def test_no_cell_is_a_formula_or_a_number(first: ImportJob, marketer: Person, made: Made) -> None:
    workbook = load_workbook(BytesIO(made(first, marketer, clear=True)))
    cells = [cell for sheet in workbook for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert {cell.data_type for cell in cells} == {"s"} and {cell.number_format for cell in cells} == {"@"}


@pytest.mark.parametrize("clear", [True, False])
def test_a_corrected_workbook_is_recognised(first: ImportJob, marketer: Person, made: Made, clear: bool) -> None:
    content = changed(made(first, marketer, FAILED, clear), C4="13800138009")  # the row of the phone "138"
    second = uploaded(marketer, content)
    assert second.corrects == first and drafts.is_complete(second)
    assert second.mapped_columns() == first.mapped_columns()
    checked(second)
    # row 3 goes again as it is, the ruined number stays wrong although it is text now, no tags stay no tags
    assert states(second) == {2: S.WAITING, 3: S.TO_FIX, 4: S.WAITING, 5: S.TO_FIX}
    again = {row.corrects_row: row for row in second.rows.all()}
    assert again.keys() == {3, 4, 5, 6}
    assert again[3].values_by_field() == first.rows.get(row_number=3).values_by_field()
    assert again[5].phone == "13800138009" and again[5].customer_id == "C-4"
    assert [note["code"] for note in again[4].notes] == ["number_too_long"]


def test_a_placeholder_is_looked_at_anew_beside_what_was_filled_in(marketer: Person, made: Made) -> None:
    rows = [["NULL", None, None, "", "新客"], ["N/A", None, "-", "", "新客"], ["C-3", None, None, "", "VIP,NULL"]]
    first = settle(checked(uploaded(marketer, book(rows))), {})
    assert set(states(first).values()) == {S.TO_FIX}
    second = checked(uploaded(marketer, changed(made(first, marketer, FAILED), C2="13800138009", E4="VIP")))
    assert second.corrects == first
    assert states(second) == {2: S.WAITING, 3: S.TO_FIX, 4: S.WAITING}
    assert second.rows.get(row_number=2).customer_id == ""


def test_rows_that_did_not_fail_are_left_out(first: ImportJob, marketer: Person, made: Made) -> None:
    second = checked(uploaded(marketer, made(first, marketer)))
    assert states(second)[2] == S.LEFT_OUT
    assert second.rows.get(row_number=2).notes[0]["code"] == "did_not_fail"


def test_a_row_that_did_not_fail_is_sent_when_it_was_changed(first: ImportJob, marketer: Person, made: Made) -> None:
    second = checked(uploaded(marketer, changed(made(first, marketer), E2="老客")))
    assert states(second)[2] == S.WAITING


def test_what_a_correction_fixed_drops_out_of_the_retry(first: ImportJob, marketer: Person, made: Made) -> None:
    second = checked(uploaded(marketer, changed(made(first, marketer, FAILED), C4="13800138009")))
    everything = retry.Selection(frozenset({S.REJECTED, S.IN_DOUBT}))
    assert retry.counted_by_status(first, everything) == {S.REJECTED: 1}  # nothing was started yet
    settle(second, {2: S.ACCEPTED, 4: S.ACCEPTED})
    assert retry.counted_by_status(first, everything) == {}
    assert fixed_rows.taken_up_by_status(first) == {S.REJECTED: 1, S.TO_FIX: 1}
    with pytest.raises(retry.NothingToRetry):
        retry.queue_selected(first, everything, marketer)


def test_a_correction_of_a_correction_fixes_the_first(first: ImportJob, marketer: Person, made: Made) -> None:
    second = checked(uploaded(marketer, made(first, marketer, FAILED)))
    settle(second, {2: S.REJECTED})
    third = checked(uploaded(marketer, made(second, marketer, FAILED)))
    assert third.corrects == second
    settle(third, {2: S.ACCEPTED})
    assert fixed_rows.taken_up_by_status(first) == {S.REJECTED: 1}


def test_what_was_fixed_meanwhile_is_left_out(first: ImportJob, marketer: Person, made: Made) -> None:
    content = changed(made(first, marketer, FAILED), C4="13800138009")
    settle(checked(uploaded(marketer, content)), {2: S.ACCEPTED, 4: S.ACCEPTED})
    again = checked(uploaded(marketer, content))
    assert states(again) == {2: S.LEFT_OUT, 3: S.TO_FIX, 4: S.LEFT_OUT, 5: S.TO_FIX}


def test_a_number_that_stands_there_twice_counts_once(first: ImportJob, marketer: Person, made: Made) -> None:
    content = changed(made(first, marketer, FAILED, True), F4="3", A4="C-9", C4="13800138009")
    second = checked(uploaded(marketer, content))
    assert second.rows.get(row_number=2).corrects_row == 3
    assert second.rows.get(row_number=4).corrects_row is None


@pytest.mark.parametrize(
    "key",
    ["", "nonsense", returned_workbooks.written(returned_workbooks.Key(10**6, "Row"))[:-2] + "xx"],
    ids=["empty", "nonsense", "forged"],
)
def test_a_tampered_key_is_an_ordinary_upload(first: ImportJob, marketer: Person, made: Made, key: str) -> None:
    workbook, file = load_workbook(BytesIO(made(first, marketer, FAILED))), BytesIO()
    workbook["tagsync"]["A1"] = key
    workbook.save(file)
    assert uploaded(marketer, file.getvalue()).corrects is None


def test_the_key_of_another_s_import_says_nothing(
    first: ImportJob, marketer: Person, other_marketer: Person, made: Made
) -> None:
    job = uploaded(other_marketer, made(first, marketer, FAILED))
    assert job.corrects is None
    # and what was masked there is not told to her
    checked(job)
    assert not job.rows.filter(customer_id__startswith="C-").exists()


def test_an_export_is_written_once_and_deleted_in_time(first: ImportJob, marketer: Person, made: Made) -> None:
    made(first, marketer)
    export = Export.objects.get()
    assert lifecycle._claim(export.pk) is None and upkeep.nobody_works_on() == []
    Export.objects.update(expires_at=export.asked_at)
    path = Path(export.file.path)
    assert path.exists()
    upkeep.delete_expired()
    assert not Export.objects.exists() and not path.exists()


def test_an_export_without_its_file_says_so(first: ImportJob, marketer: Person) -> None:
    Path(first.file.path).unlink()
    export = lifecycle.ask(first, marketer, {}, language="en", file_name="a.xlsx")
    lifecycle.make(export.pk)
    export.refresh_from_db()
    assert (export.state, export.cause) == (ExportState.FAILED, "file_gone")


# -- text files whose rows were cut apart, and sheets without column names


def of_text(owner: Person, text: str, fields: dict[int, str | None] | None = None) -> ImportJob:
    job = drafts.create(owner, SimpleUploadedFile("会员.csv", text.encode()))
    assert isinstance(job, ImportJob)
    if fields:
        drafts.choose_columns(job, fields)
    return checked(job)


@pytest.mark.parametrize(
    ("cells", "state", "tags"),
    [
        ({}, S.TO_FIX, "VIP"),
        ({"B2": "VIP,新客"}, S.WAITING, "VIP,新客"),
        ({"C2": None}, S.WAITING, "VIP"),
    ],
)
@pytest.mark.parametrize("clear", [True, False])
def test_it_asks_again_for_a_row_that_was_cut_apart(
    marketer: Person,
    sandbox_connection: Connection,
    made: Made,
    cells: dict[str, Any],
    state: str,
    tags: str,
    clear: bool,
) -> None:
    whole = "".join(f"1390013900{n},会员\n" for n in range(4))
    job = of_text(marketer, f"手机号,标签\n13800138000,VIP,新客\n{whole}")
    content = made(job, marketer, FAILED, clear)
    assert lines(content)[0][:4] == ["手机号", "标签", "C", "Row in the sheet"]
    assert lines(content)[1][1:4] == ["VIP", "新客", "2"]
    again = checked(uploaded(marketer, changed(content, **cells)))
    assert (again.corrects, states(again)) == (job, {2: state})
    assert again.rows.get().tags == tags


def test_it_knows_a_sheet_without_column_names_again(
    marketer: Person, sandbox_connection: Connection, made: Made
) -> None:
    job = of_text(marketer, "138,VIP\n13800138001,新客\n无,手机号必填\n", {0: "phone", 1: "tags"})
    assert (job.header_row, states(job)) == (0, {1: S.TO_FIX, 2: S.WAITING, 3: S.TO_FIX})
    content = made(job, marketer, FAILED, clear=True)
    assert lines(content)[0][:3] == ["A", "B", "Row in the sheet"]
    again = uploaded(marketer, changed(content, A2="13800138002"))
    assert (again.corrects, again.header_row, again.mapped_columns()) == (job, 1, {0: "phone", 1: "tags"})
    assert states(checked(again)) == {2: S.WAITING, 3: S.TO_FIX}
    assert [row.corrects_row for row in again.rows.order_by("row_number")] == [1, 3]


def test_one_that_nobody_had_a_turn_to_look_at_is_known_later(
    marketer: Person, sandbox_connection: Connection, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The turn can be missed at the second look too, the one at the row of names that our own workbook has."""
    job = of_text(marketer, "138,VIP\n13800138001,新客\n", {0: "phone", 1: "tags"})
    workbook, file = load_workbook(BytesIO(made(job, marketer, FAILED, clear=True))), BytesIO()
    workbook.worksheets[0].insert_rows(1)
    workbook.worksheets[0]["A1"], workbook.worksheets[0]["B1"] = "手机号", "标签"
    workbook.save(file)
    with monkeypatch.context() as busy:
        busy.setattr(sheet_view, "look", Mock(wraps=sheet_view.look, side_effect=[DEFAULT, NoTurn()]))
        again = uploaded(marketer, file.getvalue())
    assert drafts.is_unseen(again)
    drafts.look_first(again)
    assert (again.corrects, again.header_row, again.mapped_columns()) == (job, 2, {0: "phone", 1: "tags"})


def test_a_tag_that_shows_decimals_comes_back_as_it_was(
    marketer: Person, sandbox_connection: Connection, made: Made
) -> None:
    """As text in our workbook it would be the whole number of an export."""
    workbook, file = load_workbook(BytesIO(book(ROWS))), BytesIO()
    tag = workbook.worksheets[0]["E2"]
    tag.value, tag.number_format = 5, "0.00"
    workbook.save(file)
    job = settle(checked(uploaded(marketer, file.getvalue())), {2: S.REJECTED})
    assert job.rows.get(row_number=2).tags == "5.00"

    again = checked(uploaded(marketer, made(job, marketer, FAILED, clear=True)))

    row = again.rows.get(corrects_row=2)
    assert (row.tags, row.status) == ("5.00", S.WAITING)
