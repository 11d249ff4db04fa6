import json
import re
from html import unescape
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection, WayTwoOrder
from tagsync.imports.drafts import drafts
from tagsync.imports.drafts.saved_mappings import remember
from tagsync.imports.models import ImportJob
from tagsync.imports.states import JobStatus
from tagsync.web.columns import views as columns
from tests.making import finish_check, small_workbook
from tests.web.conftest import MakeDraft

Rings = list[tuple[str, int]]


def url(job: ImportJob, page: str = "columns") -> str:
    return f"/imports/{job.pk}/{page}/"


def choices(job: ImportJob, **changes: Any) -> dict[str, Any]:
    assert job.connection is not None
    return {
        "column_0": "phone",
        "column_1": "",
        "column_2": "tags",
        "connection": job.connection.pk,
        "operation": "add",
        "matching": "fuzzy-1",
        **changes,
    }


def request_shown(html: str) -> Any:
    found = re.search(r'<pre class="code"[^>]*>(.*?)</pre>', html, re.DOTALL)
    return json.loads(unescape(found[1])) if found else None


def test_it_shows_every_column_with_its_values(draft: ImportJob, signed: Client) -> None:
    page = signed.get(url(draft)).content.decode()
    for text in ("手机号", "13800138000", "姓名", "林晓雨", "标签", "Matched by its header", "Will not be sent"):
        assert text in page
    assert "100% filled" in page
    assert "Customers are found by: Phone. The tags come from column C." in page


def test_it_goes_on_to_the_check(draft: ImportJob, signed: Client, quiet_queue: Rings, marketer: Person) -> None:
    answer = signed.post(url(draft), choices(draft, operation="delete", matching="exact"))
    draft.refresh_from_db()
    assert answer.status_code == 302
    assert answer["Location"] == url(draft, "check")
    assert draft.status == JobStatus.CHECKING
    assert (draft.operation, draft.match, draft.identify_way) == ("delete", "exact", None)
    assert draft.events.get().by == marketer


@pytest.mark.django_db(transaction=True)
def test_it_rings_for_the_check(draft: ImportJob, signed: Client, quiet_queue: Rings) -> None:
    signed.post(url(draft), choices(draft))
    assert quiet_queue == [("checks", draft.pk)]


def test_it_keeps_the_identify_way_of_fuzzy_matching(draft: ImportJob, signed: Client) -> None:
    signed.post(url(draft), choices(draft, matching="fuzzy-2"))
    draft.refresh_from_db()
    assert (draft.match, draft.identify_way) == ("fuzzy", 2)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"column_0": ""}, "No column says who the customer is."),
        ({"column_2": ""}, "No column holds the tags."),
        ({"column_1": "phone"}, "“Phone” is already taken by column A."),
        ({"column_1": "shoe_size"}, "Choose one of the fields."),
        ({"connection": ""}, "Choose a connection."),
        ({"connection": "987654"}, "This connection can no longer be used."),
        ({"connection": "drop table"}, "This connection can no longer be used."),
        ({"operation": "replace"}, "not one of the available choices"),
        ({"matching": ""}, "Choose how customers are found."),
    ],
)
def test_it_says_what_is_wrong_and_checks_nothing(
    draft: ImportJob, signed: Client, changes: dict[str, str], sentence: str
) -> None:
    before = (draft.connection_id, draft.operation, draft.match)
    answer = signed.post(url(draft), choices(draft, **changes))
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    draft.refresh_from_db()
    assert draft.status == JobStatus.DRAFT
    assert not draft.events.exists()
    assert (draft.connection_id, draft.operation, draft.match) == before


def test_it_puts_the_message_at_the_second_column(draft: ImportJob, signed: Client) -> None:
    page = signed.post(url(draft), choices(draft, column_1="phone")).content.decode()
    second = page[page.index('id="id_column_1"') - 200 : page.index('id="note-2"')]
    assert 'aria-invalid="true"' in second
    assert "already taken by column A" in second


def test_it_drops_a_finished_check_before_a_change(ready: ImportJob, signed: Client) -> None:
    assert ready.rows.count() == 3
    signed.post(url(ready), choices(ready, column_1="unionid"))
    ready.refresh_from_db()
    assert (ready.status, ready.counts, ready.summary) == (JobStatus.CHECKING, {}, {})
    finish_check(ready)
    assert ready.rows.count() == 3
    assert [event.act for event in ready.events.order_by("pk")][:4] == ["check", "checked", "change", "check"]


def test_it_takes_a_second_post_while_checking(draft: ImportJob, signed: Client) -> None:
    for _time in range(2):
        assert signed.post(url(draft), choices(draft))["Location"] == url(draft, "check")
    draft.refresh_from_db()
    assert draft.status == JobStatus.CHECKING


def test_it_leaves_a_started_import_alone(ready: ImportJob, signed: Client) -> None:
    ready.start(ready.owner)
    assert signed.get(url(ready))["Location"] == f"/imports/{ready.pk}/"
    for page in ("columns", "sheet", "change"):
        answer = signed.post(url(ready, page), choices(ready, column_1="unionid", sheet="客户"))
        assert answer["Location"] == f"/imports/{ready.pk}/"
    assert signed.post(url(ready, "save"))["HX-Redirect"] == f"/imports/{ready.pk}/"
    ready.refresh_from_db()
    assert ready.status == JobStatus.QUEUED
    assert [column["field"] for column in ready.columns] == ["phone", None, "tags"]


def test_it_does_not_change_an_import_started_in_another_tab(
    ready: ImportJob, signed: Client, monkeypatch: pytest.MonkeyPatch
) -> None:

    look = columns.sheet_view.look

    def look_while_another_tab_starts(job: ImportJob) -> object:
        ImportJob.objects.get(pk=ready.pk).start(ready.owner)
        return look(job)

    monkeypatch.setattr(columns.sheet_view, "look", look_while_another_tab_starts)
    answer = signed.post(url(ready), choices(ready, column_1="unionid"), follow=False)
    assert answer["Location"] == f"/imports/{ready.pk}/"
    ready.refresh_from_db()
    assert ready.status == JobStatus.QUEUED
    assert [column["field"] for column in ready.columns] == ["phone", None, "tags"]
    assert ready.rows.count() == 3


def test_it_shows_the_exact_request_of_the_first_rows(draft: ImportJob, signed: Client) -> None:
    assert request_shown(signed.get(url(draft)).content.decode()) == {
        "publicParams": {"isMatching": True, "matchingType": 2, "identifyWay": 1, "optType": "add"},
        "data": [
            {"phone": "13800138000", "tags": "春季活动,会员"},
            {"phone": "13800138001", "tags": "新客"},
        ],
    }


def test_it_shows_the_request_that_a_change_makes(draft: ImportJob, signed: Client) -> None:
    Connection.objects.update(customer_id_key="thirdId")
    changed = choices(draft, column_0="audienceUserId", operation="delete", matching="none")
    html = signed.post(url(draft, "save"), changed).content.decode()
    assert "<html" not in html
    assert request_shown(html) == {
        "publicParams": {"isMatching": False, "optType": "delete"},
        "data": [
            {"thirdId": "13800138000", "tags": "春季活动,会员"},
            {"thirdId": "13800138001", "tags": "新客"},
        ],
    }


def test_it_tells_while_choosing_what_is_taken_and_missing(draft: ImportJob, signed: Client) -> None:
    html = signed.post(url(draft, "save"), choices(draft, column_1="phone", column_2="")).content.decode()
    assert "“Phone” is already taken by column A." in html
    assert "No column holds the tags." in html
    assert request_shown(html) is None
    assert 'hx-swap-oob="true"' in html


@pytest.mark.parametrize(
    ("order", "spelt_out"),
    [
        (WayTwoOrder.PHONE_FIRST, "Phone → unionid → openid → Customer ID"),
        (WayTwoOrder.CUSTOMER_ID_FIRST, "Customer ID → Phone → openid → unionid"),
    ],
)
def test_it_spells_out_way_two_as_the_connection_means_it(
    draft: ImportJob, signed: Client, order: WayTwoOrder, spelt_out: str
) -> None:
    Connection.objects.update(way_two_order=order)
    assert spelt_out in signed.get(url(draft)).content.decode()
    assert spelt_out in signed.post(url(draft, "save"), choices(draft)).content.decode()


@pytest.fixture
def suggested(make_draft: MakeDraft) -> ImportJob:
    header = ("手机号（必填）", "姓名", "标签")
    return make_draft(small_workbook(header, [("13800138000", "林", "新客")]))


def test_it_applies_no_suggestion_by_itself(suggested: ImportJob, signed: Client) -> None:
    page = signed.get(url(suggested)).content.decode()
    assert "Is this “Phone”? The header contains “手机号”." in page
    assert "No column says who the customer is." in page
    assert [column["field"] for column in suggested.columns] == [None, None, "tags"]


@pytest.mark.parametrize("path", ["columns", "save"])
def test_it_uses_a_suggestion_on_demand(suggested: ImportJob, signed: Client, path: str) -> None:
    answer = signed.post(url(suggested, path), choices(suggested, column_0="", use="0"))
    html = answer.content.decode()
    assert answer.status_code == 200
    assert "Suggestion used" in html
    select = html[html.index('<select name="column_0"') :]
    assert '<option value="phone" selected>' in select[: select.index("</select>")]
    suggested.refresh_from_db()
    assert suggested.status == JobStatus.DRAFT


def test_it_says_when_the_platform_is_only_a_test(draft: ImportJob, signed: Client) -> None:
    assert "Test platform: nothing reaches 兔展." in signed.get(url(draft)).content.decode()


def test_it_offers_a_blocked_connection_with_a_warning(draft: ImportJob, signed: Client) -> None:
    assert draft.connection is not None
    draft.connection.block("forbidden")
    page = signed.get(url(draft)).content.decode()
    assert "Sandbox (blocked)" in page
    assert "The platform forbids the call" in page
    assert signed.post(url(draft), choices(draft))["Location"] == url(draft, "check")


def test_it_works_without_any_connection(draft: ImportJob, signed: Client) -> None:
    ImportJob.objects.update(connection=None)
    Connection.objects.all().delete()
    assert "ask an admin" in signed.get(url(draft)).content.decode()
    answer = signed.post(url(draft), choices(draft))
    assert answer.status_code == 422


def test_it_reads_another_header_row(draft: ImportJob, signed: Client) -> None:
    answer = signed.post(url(draft, "sheet"), {"sheet": "客户", "header_row": "2"})
    assert answer["Location"] == url(draft)
    draft.refresh_from_db()
    assert draft.header_row == 2
    assert [column["header"] for column in draft.columns] == ["13800138000", "林晓雨", "春季活动,会员"]
    signed.post(url(draft, "sheet"), {"sheet": "客户", "header_row": "2", "use_header_row": "1"})
    draft.refresh_from_db()
    assert draft.header_row == 1
    assert [column["field"] for column in draft.columns] == ["phone", None, "tags"]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"sheet": "没有", "header_row": "1"}, "There is no sheet “没有” in the file."),
        ({"sheet": "客户", "header_row": "99"}, "Row 99 is blank or not among the first rows"),
        ({"sheet": "客户", "header_row": "zero"}, "Row zero is blank"),
        ({}, "is blank or not among"),
    ],
)
def test_it_says_why_a_sheet_cannot_be_read(
    draft: ImportJob, signed: Client, data: dict[str, str], sentence: str
) -> None:
    answer = signed.post(url(draft, "sheet"), data, follow=True)
    assert sentence in answer.content.decode()
    draft.refresh_from_db()
    assert (draft.sheet, draft.header_row) == ("客户", 1)


def test_it_says_when_the_file_is_gone(draft: ImportJob, signed: Client) -> None:
    draft.file.delete(save=False)
    answer = signed.get(url(draft))
    assert answer.status_code == 422
    assert "no longer stored" in answer.content.decode()


def test_it_shows_what_stands_in_the_sheet_as_text(make_draft: MakeDraft, signed: Client) -> None:
    nasty = "<img src=x onerror=alert(1)>"
    job = make_draft(small_workbook(("手机号", nasty, "标签"), [("13800138000", nasty, "{{ 7|add:7 }}{% now 'Y' %}")]))
    page = signed.get(url(job)).content.decode()
    assert "<img" not in page.replace('<img class="brand__mark"', "")
    assert "{{ 7|add:7 }}" in page


@pytest.mark.slow
def test_its_queries_do_not_grow_with_the_columns(make_draft: MakeDraft, signed: Client) -> None:
    def queries(columns: int) -> int:
        header = ("手机号", "标签", *(f"列{number}" for number in range(columns)))
        job = make_draft(small_workbook(header, [("13800138000", "新客", *["x"] * columns)]))
        signed.get(url(job))
        with CaptureQueriesContext(database) as captured:
            assert signed.get(url(job)).status_code == 200
        return len(captured)

    assert queries(60) == queries(2)


def test_an_admin_may_change_a_marketers_draft(draft: ImportJob, signed_admin: Client, admin_person: Person) -> None:
    assert signed_admin.get(url(draft)).status_code == 200
    signed_admin.post(url(draft), choices(draft))
    assert draft.events.get().by == admin_person
    assert finish_check(ImportJob.objects.get(pk=draft.pk)).status == JobStatus.READY


# -- tags of several columns and for every row


def test_it_joins_several_columns_of_tags(draft: ImportJob, signed: Client, quiet_queue: Rings) -> None:
    page = signed.post(url(draft, "save"), choices(draft, column_1="tags")).content.decode()
    assert "Joined with the tags of column B" in page
    assert "The tags come from the columns B, C, joined." in page
    assert request_shown(page)["data"][0]["tags"] == "林晓雨,春季活动,会员"
    assert signed.post(url(draft), choices(draft, column_1="tags")).status_code == 302


def test_it_gives_every_row_a_typed_tag(draft: ImportJob, signed: Client, quiet_queue: Rings) -> None:
    data = choices(draft, column_2="", fixed_tags=" 双11；ＶＩＰ ")
    page = signed.post(url(draft, "save"), data).content.decode()
    assert request_shown(page)["data"][0]["tags"] == "双11,VIP"
    assert "Every row gets: 双11,VIP" in page
    assert signed.post(url(draft), data).status_code == 302
    draft.refresh_from_db()
    assert draft.fixed_tags == "双11,VIP"


def test_it_refuses_a_typed_tag_that_cannot_be_sent(draft: ImportJob, signed: Client) -> None:
    answer = signed.post(url(draft), choices(draft, fixed_tags="x" * 300))
    assert answer.status_code == 422
    assert "Tags: a tag has more than 255 characters" in answer.content.decode()


# -- what is suggested and remembered


BY_CONTENT = [(f"1380013800{number}", f"o{number:027d}", "VIP") for number in range(5)]


def test_it_suggests_by_content_and_takes_all_at_once(make_draft: MakeDraft, signed: Client) -> None:
    job = make_draft(small_workbook(header=("A1", "B1", "标签"), rows=BY_CONTENT))
    page = unescape(signed.get(url(job)).content.decode())
    assert "Is this “Phone”? 5 of 5 values look like it." in page
    assert "Use the suggestions for the columns A, B" in page
    answer = signed.post(url(job, "save"), choices(job, column_0="", use="all")).content.decode()
    assert request_shown(answer)["data"][0]["openid"] == BY_CONTENT[0][1]
    assert answer.count("hx-swap-oob") > 4


def test_it_doubts_a_column_whose_values_are_something_else(make_draft: MakeDraft, signed: Client) -> None:
    job = make_draft(
        small_workbook(header=("openid", "姓名", "标签"), rows=[(f"1380013800{n}", "林", "VIP") for n in range(5)])
    )
    assert "Check this column: 5 of 5 values look like “Phone”." in unescape(signed.get(url(job)).content.decode())


def test_it_says_from_where_the_columns_are_remembered(make_draft: MakeDraft, draft: ImportJob, signed: Client) -> None:
    drafts.choose_columns(draft, {0: "phone", 1: "openid", 2: "tags"})
    remember(draft)
    page = signed.get(url(make_draft())).content.decode()
    assert "As you chose it for these columns on" in page
    assert "As saved" in page
    assert 'href="/mappings/"' in page


def test_it_names_columns_that_are_called_alike(make_draft: MakeDraft, signed: Client) -> None:
    job = make_draft(small_workbook(header=("手机号", "手机号", "标签")))
    assert "Several columns are called 手机号" in signed.get(url(job)).content.decode()


@pytest.mark.parametrize(("ids", "told"), [("M10020{}", True), ("88000000000000001{}", False)])
def test_it_doubts_ids_that_are_none_of_the_platform(
    signed: Client, make_draft: MakeDraft, ids: str, told: bool
) -> None:
    job = make_draft(small_workbook(["客户ID", "标签"], [(ids.format(number), "VIP") for number in range(5)]))
    html = signed.get(f"/imports/{job.pk}/columns/").content.decode()
    assert ("usually have 17 or 18 digits" in html) == told
