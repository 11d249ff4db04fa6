"""Rows that are hidden in the sheet: a person says whether they are meant, before anything is checked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tagsync.accounts.models import Person
from tagsync.delivery import tasks
from tagsync.imports.drafts import drafts, sheet_view
from tagsync.imports.models import ImportJob
from tagsync.imports.states import JobStatus
from tests import workbooks
from tests.making import finish_check, small_workbook
from tests.web.conftest import MakeDraft

ROWS = [
    ("手机号", "姓名", "客户标签"),
    ("13800138000", "林晓雨", "春季活动"),
    ("13800138001", "王子涵", "新客"),
    ("13800138002", "赵一鸣", "新客"),
    ("13800138003", "周若溪", "新客"),
    ("", "", ""),
    ("13800138004", "陈思远", "新客"),
]
HIDDEN = (3, 5, 6, 7)


@pytest.fixture
def filtered(make_draft: MakeDraft, tmp_path: Path) -> ImportJob:
    return make_draft(workbooks.filtered(tmp_path / "filtered.xlsx", ROWS, HIDDEN, "B").read_bytes())


def address(job: ImportJob) -> str:
    return f"/imports/{job.pk}/columns/"


def said(job: ImportJob, **more: Any) -> dict[str, Any]:
    settings = {"connection": job.connection_id, "operation": "add", "matching": "fuzzy-1"}
    return {"column_0": "phone", "column_1": "", "column_2": "tags", **settings, **more}


def test_it_asks_and_checks_nothing_before_an_answer(filtered: ImportJob, signed: Client) -> None:
    page = signed.get(address(filtered)).content.decode()
    assert "3 rows are hidden in this sheet" in page
    assert "Only the 2 rows that are shown" in page
    assert "All 5 rows, including hidden ones" in page

    answer = signed.post(address(filtered), said(filtered))
    assert answer.status_code == 422
    assert "Choose which rows to send." in answer.content.decode()
    filtered.refresh_from_db()
    assert filtered.status == JobStatus.DRAFT


@pytest.mark.parametrize(
    ("choice", "rows", "hidden", "blank"), [("skip", [2, 4], 3, 1), ("send", [2, 3, 4, 5, 7], 0, 1)]
)
def test_it_checks_the_rows_that_are_meant(
    filtered: ImportJob, signed: Client, choice: str, rows: list[int], hidden: int, blank: int
) -> None:
    assert signed.post(address(filtered), said(filtered, hidden_rows=choice)).status_code == 302
    filtered.refresh_from_db()
    finish_check(filtered)
    filtered.refresh_from_db()

    assert list(filtered.rows.order_by("row_number").values_list("row_number", flat=True)) == rows
    assert filtered.check_summary["hidden_rows"] == hidden
    assert filtered.rows_in_file == 7
    assert filtered.blank_rows == blank


def test_another_answer_is_another_check(filtered: ImportJob, signed: Client) -> None:
    signed.post(address(filtered), said(filtered, hidden_rows="skip"))
    before = ImportJob.objects.get(pk=filtered.pk).choices_sha256()
    signed.post(address(filtered), said(filtered, hidden_rows="send"))
    assert ImportJob.objects.get(pk=filtered.pk).choices_sha256() != before


def test_it_marks_what_is_hidden(filtered: ImportJob, signed: Client) -> None:
    page = signed.get(address(filtered)).content.decode()
    assert page.count("hidden in the sheet") == 1  # the column
    assert page.count('visually-hidden">Hidden in the sheet') == 3  # blank rows stand in no preview


def test_it_asks_nothing_without_hidden_rows(draft: ImportJob, signed: Client) -> None:
    assert "hidden_rows" not in signed.get(address(draft)).content.decode()


def test_it_asks_nothing_where_a_command_has_said_it_in_vain(draft: ImportJob, signed: Client) -> None:
    ImportJob.objects.filter(pk=draft.pk).update(hidden_rows="skip")
    assert "Some rows are hidden" not in signed.get(address(draft)).content.decode()


def test_hidden_rows_above_the_column_names_are_nothing(make_draft: MakeDraft, signed: Client, tmp_path: Path) -> None:
    titled = workbooks.filtered(tmp_path / "titled.xlsx", [("会员名单",), *ROWS], [1])
    job = make_draft(titled.read_bytes())
    assert job.header_row == 2
    assert "hidden_rows" not in signed.get(address(job)).content.decode()


def test_what_only_the_check_finds_is_asked_afterwards(
    filtered: ImportJob, signed: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sheet in which nobody looked for hidden rows beforehand."""
    look = sheet_view.preview
    monkeypatch.setattr(
        sheet_view, "preview", lambda *args, **options: look(*args, **options).__class__(**_without_count(look(*args)))
    )
    assert signed.post(address(filtered), said(filtered)).status_code == 302
    tasks.run_check(filtered.pk)
    filtered.refresh_from_db()
    assert (filtered.status, filtered.cause) == (JobStatus.UNREADABLE, "hidden_rows_undecided")

    page = signed.get(address(filtered)).content.decode()
    assert "Some rows are hidden in this sheet" in page
    assert signed.post(address(filtered), said(filtered)).status_code == 422
    assert signed.post(address(filtered), said(filtered, hidden_rows="skip")).status_code == 302
    tasks.run_check(filtered.pk)
    filtered.refresh_from_db()
    assert (filtered.status, filtered.total) == (JobStatus.READY, 2)


def _without_count(seen: Any) -> dict[str, Any]:
    return {**vars(seen), "hidden_rows": seen.hidden_rows._replace(hidden=0, whole=False)}


def test_another_sheet_is_asked_about_anew(filtered: ImportJob, marketer: Person) -> None:
    drafts.choose_columns(filtered, {}, hidden_rows="skip")
    drafts.choose_sheet(filtered, filtered.sheet, 1, marketer)
    assert filtered.hidden_rows == "skip"
    filtered.sheet = "another"
    filtered.save()
    drafts.choose_sheet(filtered, "Sheet", 1, marketer)
    assert filtered.hidden_rows == ""


def test_a_draft_of_shown_rows_is_not_asked(make_draft: MakeDraft, signed: Client) -> None:
    job = make_draft(small_workbook(("手机号", "姓名", "标签")))
    assert signed.post(address(job), said(job)).status_code == 302
