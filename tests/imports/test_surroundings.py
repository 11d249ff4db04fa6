"""Every row is looked at: cells where no column has a name, rows above the customers, sheets without column names."""

from __future__ import annotations

import os
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.imports.check import repairs, surroundings
from tagsync.imports.check.staging import stage
from tagsync.imports.drafts import drafts
from tagsync.imports.models import ImportJob, Repair
from tagsync.imports.models.repair import RepairKind
from tagsync.imports.sending.counts import counted
from tests import workbooks
from tests.making import workbook

pytestmark = pytest.mark.django_db

Fields = dict[int, str | None]


def phone(number: int) -> str:
    return f"138{number:08d}"


def text_of(rows: Sequence[Sequence[str]], between: str = ",") -> SimpleUploadedFile:
    return SimpleUploadedFile("名单.csv", "\n".join(between.join(row) for row in rows).encode())


def book_of(rows: Sequence[Sequence[str]]) -> SimpleUploadedFile:
    return workbook(rows[1:], header=rows[0])


def checked(
    owner: Person,
    connection: Connection,
    upload: SimpleUploadedFile,
    fields: Fields | None = None,
    row: int | None = None,
) -> ImportJob:
    job = drafts.create(owner, upload)
    assert isinstance(job, ImportJob), job
    if row is not None:
        assert drafts.choose_sheet(job, job.sheet, row, owner) is None
    drafts.choose_settings(job, drafts.Choices(connection, "add", "fuzzy", 1))
    if fields:
        drafts.choose_columns(job, fields)
    stage(job, lambda: True)
    job.refresh_from_db()
    assert counted(job) == job.counts
    return job


def stopped(job: ImportJob) -> list[int]:
    return [row.row_number for row in job.rows.order_by("row_number") if _is_longer(row.notes)]


def _is_longer(notes: list[dict[str, Any]]) -> bool:
    return any(note["code"] == "row_longer_than_header" for note in notes)


def told(job: ImportJob, code: str) -> list[tuple[str, int, list[int]]]:
    return [
        (one["params"].get("column", ""), one["rows"], [example[0] for example in one["examples"]])
        for one in job.summary["warnings"]
        if one["code"] == code
    ]


# -- cells where no column has a name: text files


@pytest.mark.parametrize("between", [",", "\t", ";", "|"])
def test_it_stops_rows_with_a_cell_too_many(marketer: Person, sandbox_connection: Connection, between: str) -> None:
    rows = [["手机号", "标签"], *([phone(n), "VIP"] for n in range(400))]
    rows[350], rows[351] = [phone(349), "VIP", "新客"], [phone(350), "VIP", "新客", "春季"]
    job = checked(marketer, sandbox_connection, text_of(rows, between))
    assert stopped(job) == [351, 352]
    assert job.counts == {"waiting": 398, "to_fix": 2}
    note = job.rows.get(row_number=352).notes[0]
    assert (note["column"], note["value"]) == ("C", f"{phone(350)} | VIP | 新客 | 春季")
    assert not told(job, "unnamed_column")


def test_it_stops_rows_whose_tags_have_slipped(marketer: Person, sandbox_connection: Connection) -> None:
    rows = [["手机号", "城市", "标签"], *([phone(n), "北京", "VIP"] for n in range(9))]
    rows[5] = [phone(4), "北京", "朝阳", "VIP"]
    job = checked(marketer, sandbox_connection, text_of(rows))
    assert stopped(job) == [6]


@pytest.mark.parametrize(
    ("header", "row"),
    [
        (["手机号", "标签"], [phone(4), "VIP", "", ""]),
        (["手机号", "标签"], [phone(4), "VIP", "  "]),
        (["手机号", "标签", "", ""], [phone(4), "VIP"]),
        (["手机号", "标签", ""], [phone(4), "VIP", ""]),
        (["手机号", "标签", "备注"], [phone(4), "VIP"]),
        (["手机号", "", "标签"], [phone(4), "", "VIP"]),
    ],
)
def test_it_counts_no_empty_cells(
    marketer: Person, sandbox_connection: Connection, header: list[str], row: list[str]
) -> None:
    job = checked(marketer, sandbox_connection, text_of([header, [phone(3), *header[1:]], row]))
    assert job.counts == {"waiting": 2}


@pytest.mark.parametrize(
    ("header", "row"),
    [
        (["手机号", "标签", ""], [phone(4), "VIP", "新客"]),
        (["手机号", "标签", "备注"], [phone(4), "VIP", "", "新客"]),
        (["手机号", "", "标签"], [phone(4), "VIP", "新客"]),
        (["手机号", "标签"], ["", "", "新客"]),
    ],
)
def test_it_stops_what_stands_beside_the_names(
    marketer: Person, sandbox_connection: Connection, header: list[str], row: list[str]
) -> None:
    good = [[phone(n), *(name and "VIP" for name in header[1:])] for n in range(3)]
    job = checked(marketer, sandbox_connection, text_of([header, *good, row]))
    assert stopped(job) == [5]


def test_it_takes_what_most_rows_fill_for_a_column(marketer: Person, sandbox_connection: Connection) -> None:
    rows = [["手机号", "标签"], *([phone(n), "VIP", "x"] for n in range(6)), *([phone(n), "VIP"] for n in range(6, 11))]
    job = checked(marketer, sandbox_connection, text_of(rows))
    assert job.counts == {"waiting": 11}
    assert told(job, "unnamed_column") == [("C", 6, [2, 3, 4])]


def test_it_takes_a_chosen_column_for_one(marketer: Person, sandbox_connection: Connection) -> None:
    rows = [["手机号", "标签"], *([phone(n), "VIP"] for n in range(6)), [phone(7), "VIP", "新客"]]
    job = checked(marketer, sandbox_connection, text_of(rows), {0: "phone", 1: "tags", 2: "tags"})
    assert job.counts == {"waiting": 7}
    assert job.rows.get(row_number=8).tags == "VIP,新客"


@pytest.mark.parametrize(
    ("first", "then", "to_fix"),
    [([phone(1), "VIP"], [phone(2), "新客", "x"], 0), ([phone(1), "VIP", "x"], [phone(2), "新客"], 5)],
)
def test_it_reads_again_when_the_first_rows_mislead(
    marketer: Person,
    sandbox_connection: Connection,
    monkeypatch: pytest.MonkeyPatch,
    first: list[str],
    then: list[str],
    to_fix: int,
) -> None:
    monkeypatch.setattr(surroundings, "ROWS_TRIED", 5)
    job = checked(marketer, sandbox_connection, text_of([["手机号", "标签"], *[first] * 5, *[then] * 7]))
    # Those that are stopped are duplicates of nothing.
    assert (len(stopped(job)), job.total) == (to_fix, 12)
    assert job.counts.get("to_fix", 0) == to_fix


def test_it_sends_the_twin_of_a_stopped_row(marketer: Person, sandbox_connection: Connection) -> None:
    rows = [["手机号", "标签"], [phone(1), "VIP", "新客"], [phone(1), "VIP"], [phone(2), "VIP"], [phone(3), "VIP"]]
    job = checked(marketer, sandbox_connection, text_of(rows))
    assert job.counts == {"waiting": 3, "to_fix": 1}


def test_it_takes_what_is_typed_into_a_row_that_was_cut_apart(marketer: Person, sandbox_connection: Connection) -> None:
    rows = [["手机号", "标签"], *([phone(n), "VIP"] for n in range(5)), [phone(7), "VIP", "新客"]]
    job = checked(marketer, sandbox_connection, text_of(rows))
    ImportJob.objects.filter(pk=job.pk).update(status="ready")
    job.refresh_from_db()
    typed = Repair(kind=RepairKind.CELL, row_number=7, field="tags", before="VIP", after="VIP,新客")
    assert repairs.make(job, typed, marketer) == {"waiting": 1}
    assert job.rows.get(row_number=7).tags == "VIP,新客"
    repairs.undo(typed, marketer)
    assert stopped(job) == [7]


# -- the same in workbooks


def test_it_names_columns_without_a_name(marketer: Person, sandbox_connection: Connection) -> None:
    rows = [["手机号", "标签"], *([phone(n), "VIP"] for n in range(400))]
    for number in (250, 300, 301, 380):
        rows[number - 1] = [*rows[number - 1], "", "记得回访"]
    job = checked(marketer, sandbox_connection, book_of(rows))
    assert job.counts == {"waiting": 400}
    assert told(job, "unnamed_column") == [("D", 4, [250, 300, 301])]
    assert job.summary["width"] == 4


# -- sheets without column names


@pytest.mark.parametrize("upload", [text_of, book_of])
def test_it_sends_the_first_row_too(marketer: Person, sandbox_connection: Connection, upload: Any) -> None:
    rows = [["13800138010", "VIP"], ["13800138011", "新客"]]
    job = checked(marketer, sandbox_connection, upload(rows), {0: "phone", 1: "tags"})
    assert job.header_row == 0
    assert [(row.row_number, row.phone, row.tags) for row in job.rows.order_by("row_number")] == [
        (1, "13800138010", "VIP"),
        (2, "13800138011", "新客"),
    ]
    assert job.summary["heading"] == []


def test_it_stops_longer_rows_without_names_too(marketer: Person, sandbox_connection: Connection) -> None:
    rows = [[phone(n), "", "VIP"] for n in range(300)]
    rows[7], rows[250] = [phone(7), "备注", "VIP"], [phone(250), "", "VIP", "新客"]
    job = checked(marketer, sandbox_connection, text_of(rows), {0: "phone", 2: "tags"})
    assert stopped(job) == [251]
    assert job.counts == {"waiting": 299, "to_fix": 1}


def test_it_tells_of_columns_that_nobody_was_shown(marketer: Person, sandbox_connection: Connection) -> None:
    rows = [[phone(n), "VIP", "x"] for n in range(300)]
    rows[260] = [phone(260), "VIP", "x", "新客"]
    job = checked(marketer, sandbox_connection, book_of(rows), {0: "phone", 1: "tags"})
    assert told(job, "unnamed_column") == [("D", 1, [261])]


# -- rows above


def test_it_counts_the_rows_above(marketer: Person, sandbox_connection: Connection) -> None:
    rows = [
        ["五月名单"],
        ["导出时间", "2026-05-01"],
        [""],
        ["手机号", "标签"],
        [phone(1), "VIP"],
        [phone(2), "VIP"],
        ["合计", ""],
    ]
    job = checked(marketer, sandbox_connection, text_of(rows))
    assert (job.header_row, job.summary["heading"]) == (4, [1, 2, 4])
    assert job.counts == {"waiting": 2, "to_fix": 1}
    assert (job.blank_rows, job.rows_in_file) == (1, len(rows))


def test_it_warns_of_a_customer_that_is_no_row(marketer: Person, sandbox_connection: Connection) -> None:
    rows = [[phone(0), "VIP"], ["手机号", "标签"], [phone(1), "VIP"]]
    job = checked(marketer, sandbox_connection, text_of(rows))
    assert told(job, "customer_above") == [("", 1, [1])]
    job = checked(marketer, sandbox_connection, text_of(rows), {0: "phone", 1: "tags"}, row=3)
    assert told(job, "customer_above") == [("", 2, [1, 3])]


# -- odd shapes


def test_it_sees_the_same_in_an_old_workbook(marketer: Person, sandbox_connection: Connection, tmp_path: Path) -> None:
    rows = [["名单"], ["手机号", "标签"], *([phone(n), "VIP"] for n in range(300))]
    rows[270] = [phone(268), "VIP", "", "回访"]
    path = workbooks.old(tmp_path / "a.xls", rows)
    job = checked(marketer, sandbox_connection, SimpleUploadedFile("a.xls", path.read_bytes()))
    assert (job.summary["heading"], job.counts) == ([1, 2], {"waiting": 300})
    assert told(job, "unnamed_column") == [("D", 1, [271])]
    path = workbooks.old(tmp_path / "b.xls", rows[2:])
    job = checked(marketer, sandbox_connection, SimpleUploadedFile("b.xls", path.read_bytes()), {0: "phone", 1: "tags"})
    assert (job.header_row, job.counts) == (0, {"waiting": 300})


def test_it_counts_merged_titles_and_names_over_two_rows(marketer: Person, sandbox_connection: Connection) -> None:
    book = Workbook()
    for row in [["客户名单", None, None], [None], ["手机号", "运营信息", "运营信息"], [None, "城市", "标签"]]:
        book.active.append(row)
    for number in range(5):
        book.active.append([phone(number), "北京", "VIP"])
    book.active.merge_cells("A1:C1")
    book.active.merge_cells("A3:A4")
    book.active.merge_cells("B3:C3")
    file = BytesIO()
    book.save(file)
    upload = SimpleUploadedFile("a.xlsx", file.getvalue())
    job = checked(marketer, sandbox_connection, upload, {0: "phone", 1: None, 2: "tags"}, row=4)
    assert [column["header"] for column in job.columns] == ["手机号", "城市", "标签"]
    assert (job.summary["heading"], job.counts) == ([1, 3, 4], {"waiting": 5})
    assert not job.summary["warnings"]


@pytest.mark.parametrize(("header", "rows"), [(["手机号"], 2), ([phone(9)], 3)])
def test_it_reads_a_sheet_of_one_column(
    marketer: Person, sandbox_connection: Connection, header: list[str], rows: int
) -> None:
    job = drafts.create(marketer, text_of([header, [phone(1)], [phone(2)]]))
    assert isinstance(job, ImportJob)
    drafts.choose_settings(job, drafts.Choices(sandbox_connection, "add", "fuzzy", 1))
    drafts.choose_columns(job, {0: "phone"}, "VIP")
    stage(job, lambda: True)
    job.refresh_from_db()
    assert job.counts == {"waiting": rows}


def test_it_takes_columns_of_the_same_name_for_columns(marketer: Person, sandbox_connection: Connection) -> None:
    rows = [
        ["手机号", "标签", "标签", "标签"],
        [phone(1), "VIP", "", "新客"],
        [phone(2), "VIP", "春季"],
        [phone(3), "VIP"],
    ]
    job = checked(marketer, sandbox_connection, text_of(rows), {0: "phone", 1: "tags", 2: "tags", 3: "tags"})
    assert job.counts == {"waiting": 3}
    assert job.rows.get(row_number=2).tags == "VIP,新客"


@pytest.mark.slow
@given(
    st.integers(0, 3),
    st.lists(st.lists(st.sampled_from(["", " ", "VIP", "新客", "13800138000"]), max_size=5), min_size=1, max_size=8),
    st.booleans(),
)
@settings(
    max_examples=60 if os.environ.get("CI") else 8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_it_puts_every_row_into_the_balance(
    marketer: Person, sandbox_connection: Connection, titles: int, body: list[list[str]], is_text: bool
) -> None:
    rows = [*[["名单"]] * titles, ["手机号", "标签"], *([phone(n), "VIP"] for n in range(12)), *body]
    job = checked(marketer, sandbox_connection, text_of(rows) if is_text else book_of(rows))
    filled = [number for number, row in enumerate(rows, 1) if any(cell.strip() for cell in row)]
    seen = sorted([*job.heading, *job.rows.values_list("row_number", flat=True)])
    assert seen == filled
    assert job.rows_in_file == len(filled) + job.blank_rows
