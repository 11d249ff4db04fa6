"""Repairs on the check page: what it offers, what its buttons do, and who may press them."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.imports.models import ImportJob, ImportRow, Problem
from tests.making import checked, customers, finish_check, small_workbook, started
from tests.web.conftest import MakeDraft

HEADER = ("客户ID", "手机号", "标签")
ROWS = (
    ("881000000000000001", "13800138000", "春季活动"),
    ("881000000000000002", "无手机", "新客"),  # 3
    ("881000000000000003", "无手机", "新客"),  # 4
    ("881000000000000004", "138", "新客"),  # 5
    ("", "", "新客"),  # 6
)


@pytest.fixture
def job(make_draft: MakeDraft) -> ImportJob:
    job = make_draft(small_workbook(HEADER, ROWS))
    job.begin_check(job.owner)
    return finish_check(job)


def phone(job: ImportJob) -> Problem:
    return job.problems.get(code="phone_invalid")


def url(job: ImportJob, more: str = "") -> str:
    return f"/imports/{job.pk}/repairs/{more}"


def page(client: Client, job: ImportJob, open: int = 0, after: int = 0) -> str:
    answer = client.get(f"/imports/{job.pk}/check/", {"open": open, "after": after})
    assert answer.status_code == 200
    return answer.content.decode()


def post(client: Client, job: ImportJob, **data: Any) -> str:
    answer = client.post(url(job), data, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def state(job: ImportJob, row: int) -> str:
    return job.rows.get(row_number=row).status


def test_it_offers_each_cause_its_repair(job: ImportJob, signed: Client) -> None:
    html = page(signed, job)
    assert f"?open={phone(job).pk}#cause-{phone(job).pk}" in html
    assert "Leave 3 out" in html and "Download 3" in html
    assert "Fix row by row" not in html


def test_it_opens_the_commonest_values_and_the_cells(job: ImportJob, signed: Client) -> None:
    html = page(signed, job, phone(job).pk)
    assert "无手机" in html and "Replace in 2 rows" in html and "Empty these cells" in html
    for row in (3, 4, 5):
        assert f'name="cell-{row}-phone"' in html
    assert 'name="cell-6-phone"' not in html


def test_it_offers_every_identifier_where_none_is(job: ImportJob, signed: Client) -> None:
    html = page(signed, job, job.problems.get(code="no_identifier").pk)
    assert 'name="cell-6-audienceUserId"' in html and 'name="cell-6-phone"' in html
    assert 'name="cell-6-openid"' not in html  # the sheet has no such column


def test_it_empties_a_value_in_all_rows(job: ImportJob, signed: Client) -> None:
    html = post(signed, job, act="clear", problem=phone(job).pk, row=3, field="phone")
    assert "2 rows can be sent now." in html
    assert (state(job, 3), state(job, 4), state(job, 5)) == ("waiting", "waiting", "to_fix")
    assert "Phone: “无手机” → (empty)" in html


def test_it_replaces_a_value_in_all_rows(job: ImportJob, signed: Client) -> None:
    html = post(signed, job, act="value", problem=phone(job).pk, row=3, field="phone", text="139 0000 0000")
    assert "2 rows can be sent now." in html
    assert set(job.rows.filter(row_number__in=(3, 4)).values_list("phone", flat=True)) == {"13900000000"}


def test_it_checks_the_cells_that_were_changed(job: ImportJob, signed: Client) -> None:
    cells = {"cell-3-phone": "13900000003", "cell-4-phone": "12", "cell-5-phone": "138"}
    html = post(signed, job, act="cells", problem=phone(job).pk, **cells)
    assert "1 row can be sent now. 1 row still has a problem." in html
    assert [job.rows.get(row_number=row).phone for row in (3, 4, 5)] == ["13900000003", "12", "138"]
    assert job.repairs.count() == 2  # what was not changed is no repair


def test_it_takes_two_cells_of_one_row(job: ImportJob, signed: Client) -> None:
    problem = job.problems.get(code="no_identifier")
    cells = {"cell-6-phone": "13900000006", "cell-6-audienceUserId": "881000000000000006"}
    post(signed, job, act="cells", problem=problem.pk, **cells)
    row = job.rows.get(row_number=6)
    assert (row.status, row.phone, row.customer_id) == ("waiting", "13900000006", "881000000000000006")


def test_it_leaves_rows_out(job: ImportJob, signed: Client) -> None:
    post(signed, job, act="leave_out", problem=phone(job).pk, row=5)
    assert state(job, 5) == "left_out"
    html = post(signed, job, act="leave_out_all", problem=phone(job).pk)
    assert "2 rows are left out." in html
    assert state(job, 3) == "left_out"


def test_it_takes_a_repair_back(job: ImportJob, signed: Client) -> None:
    post(signed, job, act="clear", problem=phone(job).pk, row=3, field="phone")
    answer = signed.post(url(job, f"{job.repairs.get().pk}/undo/"), follow=True)
    assert "Fix undone: 2 rows are as before." in answer.content.decode()
    assert state(job, 3) == "to_fix"


def test_taking_back_twice_says_so(job: ImportJob, signed: Client) -> None:
    post(signed, job, act="leave_out", row=5)
    repair = job.repairs.get().pk
    signed.post(url(job, f"{repair}/undo/"))
    answer = signed.post(url(job, f"{repair}/undo/"), follow=True)
    assert answer.status_code == 200 and state(job, 5) == "to_fix"
    assert job.events.filter(act="undo_repair").count() == 1


@pytest.mark.parametrize(
    "data",
    [
        {"act": "value", "row": "3", "field": "phone", "text": "无手机"},
        {"act": "value", "row": "3", "field": "phone", "text": " "},  # emptying has a button of its own
        {"act": "value", "row": "999", "field": "phone", "text": "1"},
        {"act": "value", "row": "2", "field": "phone", "text": "1"},  # nothing is wrong there
        {"act": "cells"},
        {"act": "cells", "cell-99999999999-phone": "1", "cell-3-status": "accepted", "cell-2-phone": "1"},
        {"act": "leave_out", "row": "2"},
        {"act": "leave_out_all", "problem": "999999"},
    ],
)
def test_what_fits_nothing_changes_nothing(job: ImportJob, signed: Client, data: dict[str, str]) -> None:
    before = list(job.rows.order_by("pk").values())
    assert "Nothing was changed" in post(signed, job, **data)
    assert list(job.rows.order_by("pk").values()) == before
    assert not job.repairs.exists()


def test_it_takes_whatever_is_typed(job: ImportJob, signed: Client) -> None:
    html = post(signed, job, act="cells", **{"cell-3-phone": "1\x00" + "长" * 9000, "cell-5-phone": "<b>x</b>"})
    assert "still have a problem" in html and "<b>x</b>" not in html


@pytest.mark.parametrize("data", [{}, {"act": "explode"}, {"act": "value", "row": "x"}, {"act": "value", "row": 9**20}])
def test_what_cannot_be_read_changes_nothing(job: ImportJob, signed: Client, data: dict[str, Any]) -> None:
    assert "nothing was changed" in post(signed, job, **data)
    assert not job.repairs.exists()


def test_an_admin_repairs_without_seeing_the_values(job: ImportJob, signed_admin: Client) -> None:
    html = page(signed_admin, job, phone(job).pk)
    assert "无手机" not in html and "881000000000000002" not in html
    html = post(
        signed_admin, job, act="cells", problem=phone(job).pk, **{"cell-3-phone": "", "cell-5-phone": "13900000005"}
    )
    assert (state(job, 3), state(job, 5)) == ("to_fix", "waiting")
    assert "13900000005" not in html


def test_strangers_get_nowhere(job: ImportJob, signed_other: Client) -> None:
    assert signed_other.post(url(job), {"act": "leave_out", "row": 5}).status_code == 404
    assert signed_other.post(url(job, "rest/")).status_code == 404
    assert signed_other.post(url(job, "1/undo/")).status_code == 404
    assert Client().post(url(job)).status_code == 302
    assert state(job, 5) == "to_fix"


def test_it_takes_no_get(job: ImportJob, signed: Client) -> None:
    for more in ("", "rest/", "1/undo/"):
        assert signed.get(url(job, more)).status_code == 405


def test_repairs_of_other_imports_are_not_there(job: ImportJob, signed: Client) -> None:
    assert signed.post(url(job, "999/undo/")).status_code == 404


def test_it_says_who_was_first_after_the_start(job: ImportJob, signed: Client, marketer: Person) -> None:
    job.start(marketer)
    answer = signed.post(url(job), {"act": "leave_out", "row": 5}, follow=True)
    assert "You started this import just now." in answer.content.decode()
    assert state(job, 5) == "to_fix"


def test_the_timeline_tells_repairs_with_values_masked(job: ImportJob, signed: Client) -> None:
    post(signed, job, act="cells", **{"cell-5-phone": "13900000005"})
    job.refresh_from_db()
    job.start(job.owner)
    html = signed.get(f"/imports/{job.pk}/").content.decode()
    assert "Rows fixed: Row 5, Phone: “****” → “139****0005”" in html


# The same content again


@pytest.fixture
def twice(marketer: Person, sandbox_connection: Connection, signed: Client) -> tuple[ImportJob, ImportJob]:
    """An import of which the platform took all but two rows, and the same rows uploaded once more."""
    first = started(marketer, sandbox_connection, customers(10))
    rows = ImportRow.objects.filter(job=first)
    rows.update(status="accepted")
    rows.filter(row_number__in=(3, 7)).update(status="rejected")
    ImportJob.objects.filter(pk=first.pk).update(status="finished", counts={"accepted": 8, "rejected": 2})
    return first, checked(marketer, sandbox_connection, customers(10))


def test_it_offers_to_send_only_the_rest(twice: tuple[ImportJob, ImportJob], signed: Client) -> None:
    _first, second = twice
    assert "Send only the 2 rows that were not accepted" in page(signed, second)
    html = signed.post(url(second, "rest/"), follow=True).content.decode()
    second.refresh_from_db()
    assert second.counts == {"waiting": 2, "left_out": 8}
    assert "that the platform has not accepted are sent" in html
    assert "Send only the" not in html
    assert "Add tags to 2 rows" in html


def test_it_is_not_offered_while_the_earlier_one_runs(twice: tuple[ImportJob, ImportJob], signed: Client) -> None:
    first, second = twice
    ImportJob.objects.filter(pk=first.pk).update(status="running")
    assert "Send only the" not in page(signed, second)
    signed.post(url(second, "rest/"))
    assert not second.repairs.exists()


# Placeholders among the tags


@pytest.fixture
def exported(make_draft: MakeDraft) -> ImportJob:
    rows = [("881000000000000001", "13800138000", "VIP,NULL"), ("881000000000000002", "NULL", "NULL，新客")]
    job = make_draft(small_workbook(HEADER, [*rows, ("NULL", "-", "VIP"), ("881000000000000003", "", "无")]))
    job.begin_check(job.owner)
    return finish_check(job)


def placeholder(job: ImportJob, word: str) -> Problem:
    return job.problems.get(code="placeholder_in_tags", params__placeholder=word)


def test_it_drops_a_placeholder_in_one_click(exported: ImportJob, signed: Client) -> None:
    html = " ".join(page(signed, exported).split())
    assert "Tags: “NULL” looks like a placeholder for an empty cell" in html
    assert "Drop “NULL” from 2 rows" in html and "“无” is a tag: send it" in html
    assert "Customer ID: “NULL” is a placeholder, and nothing else says who the customer is" in html
    html = post(signed, exported, act="drop_tag", problem=placeholder(exported, "NULL").pk)
    assert "2 rows can be sent now." in html
    assert "Tags: “NULL” → (empty)" in html
    assert list(exported.rows.filter(status="waiting").values_list("phone", "tags")) == [
        ("13800138000", "VIP"),
        ("", "新客"),
    ]


def test_it_sends_a_word_that_is_a_tag_in_one_click(exported: ImportJob, signed: Client) -> None:
    html = post(signed, exported, act="keep_tag", problem=placeholder(exported, "无").pk)
    assert "1 row can be sent now." in html
    assert "Tags: “无” is sent as it stands" in html
    assert exported.rows.get(row_number=5).tags == "无"


@pytest.mark.parametrize("act", ["drop_tag", "keep_tag"])
def test_only_a_placeholder_among_tags_is_dropped_or_kept(exported: ImportJob, signed: Client, act: str) -> None:
    other = exported.problems.get(code="placeholder_in_identifier")
    for problem in (other.pk, 999_999):
        assert "Nothing was changed" in post(signed, exported, act=act, problem=problem)
    assert "Nothing was changed" in post(signed, exported, act=act)
    assert not exported.repairs.exists()
