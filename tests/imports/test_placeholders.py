"""Leftovers of exports from the file to the rows, and placeholders among tags repaired in all their rows."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.imports.check import repairs
from tagsync.imports.check.staging import stage
from tagsync.imports.drafts import drafts
from tagsync.imports.models import ImportJob, ImportRow, Repair
from tagsync.imports.models.repair import RepairKind
from tagsync.imports.sending.counts import counted
from tagsync.imports.states import Act
from tagsync.mapping.fields import CUSTOMER_ID
from tests.making import customer
from tests.making import draft as draft_of

from .test_repairs import assert_sums, cell, checked, snapshot, statuses

pytestmark = pytest.mark.django_db

LONG = "长" * 256
ROWS = [
    customer(0, "VIP"),
    customer(1, "NULL"),  # 3
    customer(2, "VIP,NULL"),  # 4
    customer(3, "NULL；-"),  # 5
    customer(4, "新客|-"),  # 6
    customer(5, "无"),  # 7
    customer(6, "VIP、无"),  # 8
    (*customer(2)[:4], "VIP"),  # 9: equal to row 4 without its placeholder
    (*customer(7)[:4], f"{LONG},NULL"),  # 10: something else is wrong too
]


@pytest.fixture
def job(marketer: Person, sandbox_connection: Connection) -> ImportJob:
    return checked(marketer, sandbox_connection, ROWS)


def of_all(job: ImportJob, word: str, keep: bool = False) -> Repair:
    """What the buttons of the cause ask for."""
    problem = job.problems.get(code="placeholder_in_tags", params__placeholder=word)
    how = {"code": problem.code, "params": problem.params, "before": word, "after": word if keep else ""}
    return Repair(kind=RepairKind.VALUE, field="tags", **how)


def rows_of(job: ImportJob) -> dict[int, tuple[str, str]]:
    return {row.row_number: (row.status, row.tags) for row in job.rows.order_by("row_number")}


def test_a_csv_of_an_export_sends_what_excel_shows(marketer: Person, sandbox_connection: Connection) -> None:
    content = """客户ID,手机号,标签
100234567.0,NULL,2024.0
`100234568`,`13800138000`,'VIP
="00123",\\N,="新客"
'100234569,13800138001.0,`VIP`
NULL,13800138002,VIP
N/A,-,VIP
880000000000000123.0,13800138003,VIP
100234570,nan,"VIP,N/A"
"""
    job = drafts.create(marketer, SimpleUploadedFile("export.csv", content.encode()))
    assert isinstance(job, ImportJob)
    stage(job, lambda: True)
    job.refresh_from_db()
    found = job.rows.order_by("row_number").values_list("customer_id", "phone", "tags", "problem__code")
    assert list(found) == [
        ("100234567", "", "2024", None),
        ("100234568", "13800138000", "VIP", None),
        ("00123", "", "新客", None),
        ("100234569", "13800138001", "VIP", None),
        ("", "13800138002", "VIP", None),
        ("N/A", "-", "VIP", "placeholder_in_identifier"),
        ("880000000000000123.0", "13800138003", "VIP", "number_too_long"),
        ("100234570", "", "VIP,N/A", "placeholder_in_tags"),
    ]
    tidied = {(one["field"], one["code"]): one["rows"] for one in job.summary["changes"]}
    assert tidied == {
        (CUSTOMER_ID, "decimals_removed"): 1,
        (CUSTOMER_ID, "apostrophe_removed"): 2,
        (CUSTOMER_ID, "placeholder_emptied"): 1,
        ("phone", "apostrophe_removed"): 1,
        ("phone", "decimals_removed"): 1,
        ("phone", "placeholder_emptied"): 2,
        ("tags", "decimals_removed"): 1,
        ("tags", "apostrophe_removed"): 2,
    }
    emptied = next(one for one in job.summary["changes"] if one["code"] == "placeholder_emptied")
    assert emptied["examples"] == [[2, "B2", "NULL", ""], [4, "B4", "\\N", ""]]


def test_it_drops_a_placeholder_in_all_rows_of_its_cause(job: ImportJob, marketer: Person) -> None:
    assert repairs.make(job, of_all(job, "NULL"), marketer) == {"duplicate": 1, "to_fix": 2}
    assert rows_of(job) == {
        2: ("waiting", "VIP"),
        3: ("to_fix", ""),
        4: ("duplicate", "VIP"),
        5: ("to_fix", "-"),
        6: ("to_fix", "新客|-"),
        7: ("to_fix", "无"),
        8: ("to_fix", "VIP、无"),
        9: ("waiting", "VIP"),
        10: ("to_fix", f"{LONG},NULL"),
    }
    assert job.rows.get(row_number=3).problem.code == "no_tags"
    assert job.rows.get(row_number=5).problem.params["placeholder"] == "-"
    assert job.counts == counted(job)
    assert_sums(job)


def test_it_sends_a_word_that_is_a_tag(job: ImportJob, marketer: Person) -> None:
    assert repairs.make(job, of_all(job, "无", keep=True), marketer) == {"waiting": 2}
    assert rows_of(job)[7] == ("waiting", "无")
    assert rows_of(job)[8] == ("waiting", "VIP,无")
    assert ["无", 2] in job.summary["tags"]
    assert_sums(job)


def test_what_is_dropped_or_kept_can_be_taken_back_and_is_made_again(job: ImportJob, marketer: Person) -> None:
    before = snapshot(job)
    for word, keep in (("NULL", False), ("-", False), ("无", True)):
        repairs.make(job, of_all(job, word, keep), marketer)
    after = snapshot(job)
    drafts.back_to_draft(job, marketer)
    job.begin_check(marketer)
    stage(job, lambda: True)
    job.move(Act.CHECKED)
    assert snapshot(job) == after
    for repair in job.repairs.order_by("pk"):
        repairs.undo(repair, marketer)
    assert snapshot(job) == before


def test_tags_for_every_row_stay(marketer: Person, sandbox_connection: Connection) -> None:
    job = draft_of(marketer, sandbox_connection, [customer(1, "NULL"), customer(2, "VIP,NULL")])
    drafts.choose_columns(job, {column["column"]: column["field"] for column in job.columns}, "双11")
    job.begin_check(marketer)
    stage(job, lambda: True)
    job.move(Act.CHECKED)
    assert repairs.make(job, of_all(job, "NULL"), marketer) == {"waiting": 2}
    assert [tags for _status, tags in rows_of(job).values()] == ["双11", "VIP,双11"]


def test_a_repaired_identifier_makes_the_placeholder_beside_it_empty(
    marketer: Person, sandbox_connection: Connection
) -> None:
    job = checked(marketer, sandbox_connection, [("NULL", "", "", "138", "VIP"), ("-", "", "", "", "VIP")])
    before = snapshot(job)
    assert [row.problem.code for row in job.rows.order_by("row_number") if row.problem] == [
        "phone_invalid",
        "placeholder_in_identifier",
    ]
    assert repairs.make(job, cell(2, "phone", "138", "13800138000"), marketer) == {"waiting": 1}
    row = ImportRow.objects.get(job=job, row_number=2)
    assert (row.customer_id, row.phone, row.notes) == ("", "13800138000", [])
    repairs.undo(job.repairs.get(), marketer)
    assert snapshot(job) == before
    assert statuses(job) == {2: "to_fix", 3: "to_fix"}
