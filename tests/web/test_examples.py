"""Each setting in a sentence about a row of the file at hand."""

from __future__ import annotations

import re
from html import unescape

from django.test import Client

from tagsync.connections.models import Connection, WayTwoOrder
from tests.making import small_workbook
from tests.web.conftest import MakeDraft
from tests.web.test_columns import choices

HEADER = ("客户ID", "openid", "手机号", "标签")
ROWS = [
    ("", "", "138", "新客"),
    ("", "", "13800138000", "新客"),
    ("880000000000000011", "o" + "x" * 23 + "0001", "13800138001", "甲,乙,丙,丁"),
    ("880000000000000012", "o" + "x" * 23 + "0002", "13800138002", "新客"),
]


def examples(page: str) -> dict[str, str]:
    found = re.findall(r'id="((?:operation|matching)-[\w-]+)".*?choice__example data">(.*?)</span>', page)
    return {name: unescape(text) for name, text in found}


def test_it_tells_what_each_choice_does_to_the_row_that_shows_most(signed: Client, make_draft: MakeDraft) -> None:
    job = make_draft(small_workbook(HEADER, ROWS))
    customer, openid, phone = "Customer ID 880000…0011", "openid oxxxxx…0001", "Phone 13800138001"
    assert examples(signed.get(f"/imports/{job.pk}/columns/").content.decode()) == {
        "operation-add": "Row 4: the customer gets “甲”, “乙”, “丙”….",
        "operation-delete": "Row 4: the customer loses “甲”, “乙”, “丙”….",
        "matching-fuzzy-1": f"Row 4: {openid} is looked up first; not found → {phone} → {customer}.",
        "matching-fuzzy-2": f"Row 4: {phone} is looked up first; not found → {openid} → {customer}.",
        "matching-exact": f"Row 4: only a customer that this matches exactly is taken: {customer}, {openid}, {phone}.",
        "matching-none": f"Row 4: {customer}, {openid}, {phone} is sent along and not looked up.",
    }


def test_it_follows_the_choices(signed: Client, make_draft: MakeDraft) -> None:
    job = make_draft(small_workbook(HEADER, ROWS))
    Connection.objects.update(way_two_order=WayTwoOrder.CUSTOMER_ID_FIRST)
    chosen = choices(job, column_0="audienceUserId", column_1="", column_2="phone", column_3="tags")
    page = signed.post(f"/imports/{job.pk}/save/", chosen).content.decode()
    shown = examples(page)
    assert shown["matching-fuzzy-2"].startswith("Row 4: Customer ID 880000…0011 is looked up first; not found → Phone")
    only_phone = signed.post(f"/imports/{job.pk}/save/", {**chosen, "column_0": ""}).content.decode()
    assert examples(only_phone)["matching-fuzzy-1"] == (
        "Row 3: Phone 13800138000 is looked up; there is nothing else in the row to try."
    )
    assert page.count("hx-swap-oob") > 6


def test_it_says_nothing_while_no_row_can_be_sent(signed: Client, make_draft: MakeDraft) -> None:
    job = make_draft(small_workbook(HEADER, ROWS[:1]))
    assert examples(signed.get(f"/imports/{job.pk}/columns/").content.decode()) == {}
