"""Which row holds the names of the columns, and which sheet is taken: shown, asked about, chosen."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.test import Client

from tagsync.imports.models import ImportJob
from tests import workbooks
from tests.making import small_workbook
from tests.web.conftest import MakeDraft
from tests.web.test_columns import url


def test_it_reads_a_sheet_without_column_names(draft: ImportJob, signed: Client) -> None:
    answer = signed.post(url(draft, "sheet"), {"sheet": draft.sheet, "header_row": "1", "use_header_row": "0"})
    assert answer.status_code == 302
    draft.refresh_from_db()
    assert draft.header_row == 0
    assert {column["header"] for column in draft.columns} == {""}
    page = signed.get(url(draft)).content.decode()
    assert "There is no header row" in page
    assert "Use row 1 as the header row" in page
    assert '<option value="0" selected>There is no header row</option>' in page
    assert '<option value="2">Row 2: 13800138000 · 林晓雨 · 春季活动,会员</option>' in page
    assert "Column A" in page and "Column C" in page


@pytest.mark.parametrize(
    ("first", "tone"), [(("13800138009", "林", "VIP"), "info"), (("某某", "林", "新客"), "warning")]
)
def test_it_asks_whether_the_first_row_is_a_customer(
    make_draft: MakeDraft, signed: Client, first: tuple[str, ...], tone: str
) -> None:
    job = make_draft(small_workbook(first, [("王某", "王", "老客"), ("李某", "李", "老客")]))
    assert job.header_row == 0
    page = signed.get(url(job)).content.decode()
    assert f'<div class="notice notice--{tone}" id="header-question">' in page
    assert "row 1 is treated as a customer and sent like the others" in page
    assert f"Row 1 says: {' · '.join(first)}." in page
    signed.post(url(job, "sheet"), {"sheet": job.sheet, "header_row": "0", "use_header_row": "1"})
    job.refresh_from_db()
    assert job.header_row == 1


@pytest.mark.parametrize(("row", "number"), [(2, 1), (3, 2)])
def test_it_asks_about_customers_that_would_not_be_sent(
    draft: ImportJob, signed: Client, row: int, number: int
) -> None:
    assert "header-question" not in signed.get(url(draft)).content.decode()
    signed.post(url(draft, "sheet"), {"sheet": draft.sheet, "header_row": str(row)})
    page = signed.get(url(draft)).content.decode()
    assert "Row 2 says: 13800138000 · 林晓雨 · 春季活动,会员." in page
    told = {
        1: "A row that looks like a customer will not be sent",
        2: "2 rows that look like customers will not be sent",
    }
    assert told[number] in page


def test_it_keeps_a_row_far_below_chosen(make_draft: MakeDraft, signed: Client) -> None:
    rows = [(f"1380013{n:04d}", "林", "VIP") for n in range(90)] + [
        ("手机号", "姓名", "标签"),
        ("13800138000", "林", "VIP"),
    ]
    job = make_draft(small_workbook(rows[0], rows[1:]))
    signed.post(url(job, "sheet"), {"sheet": job.sheet, "header_row": "91"})
    page = signed.get(url(job)).content.decode()
    assert '<option value="91" selected>Row 91: 手机号 · 姓名 · 标签</option>' in page
    assert "90 rows that look like customers will not be sent" in page


def test_it_shows_the_sheets_with_their_beginning(make_draft: MakeDraft, signed: Client, tmp_path: Path) -> None:
    content = workbooks.hidden_sheets(tmp_path / "a.xlsx").read_bytes()
    page = signed.get(url(make_draft(content))).content.decode()
    assert '<b class="data">深藏</b><span class="badge badge--outline">hidden</span>' in page
    assert "about 1 row" in page


def test_a_sheet_of_names_alone_has_one_message(make_draft: MakeDraft, signed: Client) -> None:
    job = make_draft(small_workbook(rows=[]))
    page = signed.get(url(job)).content.decode()
    shown = page[page.index("<main") : page.index("</main>")]
    assert shown.count('class="notice__title"') == 1
    assert "Sheet “客户” has a header row (row 1) but no rows below it" in page
    assert "Customers are found by" not in page and "Check the file" not in page and "columns-form" not in page
    # what can change it is there: another file, another row, no names
    assert "Upload another file" in page and 'name="header_row"' in page and "There is no header row" in page
    assert signed.post(url(job), {"of_sheet": job.sheet, "of_header_row": "1"}).status_code == 200
    job.refresh_from_db()
    assert job.status == "draft"
    signed.post(url(job, "sheet"), {"sheet": job.sheet, "header_row": "0"})
    assert "Check the file" in signed.get(url(job)).content.decode()
