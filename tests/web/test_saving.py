"""A draft saves itself: as it was typed, complete or not, never over newer choices, and never without saying so."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.db.models.functions import Now
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.imports.drafts import drafts, retention
from tagsync.imports.models import ImportJob
from tagsync.imports.states import JobStatus
from tests.making import finish_check, small_workbook
from tests.web.conftest import MakeDraft
from tests.web.test_columns import choices, url
from tests.web.test_sessions import Later, hers, is_in, later  # noqa: F401 - fixtures
from tests.web.test_sheet_changes import hidden_fields

OVERTAKEN = "This import was changed in another tab or by somebody else."


class Tab:
    """A page that is open in a browser: it sends what it holds, as its script does."""

    def __init__(self, client: Client, job: ImportJob) -> None:
        self.client, self.job = client, job
        page = client.get(url(job)).content.decode()
        self.said: dict[str, Any] = {**choices(job), **hidden_fields(page)}
        self.turn = 0

    def save(self, headers: dict[str, str] | None = None, **changes: Any) -> HttpResponse:
        self.turn += 1
        self.said |= {**changes, "turn": self.turn}
        answer = self.client.post(url(self.job, "save"), self.said, headers=headers)
        self.said |= hidden_fields(answer.content.decode())
        return answer

    def check(self, **changes: Any) -> HttpResponse:
        return self.client.post(url(self.job), {**self.said, **changes, "turn": self.turn + 1})


@pytest.fixture
def tab(signed: Client, draft: ImportJob) -> Tab:
    return Tab(signed, draft)


@pytest.fixture
def other(signed: Client, draft: ImportJob, tab: Tab) -> Tab:
    return Tab(signed, draft)


def kept(job: ImportJob) -> tuple[list[str | None], str, str, str]:
    job.refresh_from_db()
    return [one["field"] for one in job.columns], job.fixed_tags, job.operation, job.match


# -- what is kept


def test_it_keeps_each_choice(tab: Tab, draft: ImportJob) -> None:
    answer = tab.save(column_1="openid", fixed_tags="双11", operation="delete", matching="exact")
    assert answer.status_code == 200
    assert kept(draft) == (["phone", "openid", "tags"], "双11", "delete", "exact")
    assert (draft.status, draft.identify_way) == (JobStatus.DRAFT, None)
    page = tab.client.get(url(draft)).content.decode()
    assert '<option value="openid" selected>' in page
    assert 'value="delete" checked' in page
    assert re.search(r"Saved \d\d:\d\d", page)


def test_it_says_the_day_of_an_older_save(tab: Tab, draft: ImportJob) -> None:
    tab.save(column_1="openid")
    ImportJob.objects.update(saved_at=Now() - timedelta(days=1))
    assert re.search(r"Saved \d{4}-\d\d-\d\d \d\d:\d\d", tab.client.get(url(draft)).content.decode())


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"column_0": ""}, [None, None, "tags"]),
        ({"column_2": ""}, ["phone", None, None]),
        ({"column_1": "phone"}, ["phone", "phone", "tags"]),
        ({"column_1": "shoe_size"}, ["phone", None, "tags"]),
    ],
)
def test_it_keeps_what_is_not_complete(tab: Tab, draft: ImportJob, changes: dict[str, str], fields: list[Any]) -> None:
    assert re.search(r"Saved \d\d:\d\d", tab.save(**changes).content.decode())
    assert kept(draft)[0] == fields
    assert tab.client.get(url(draft)).status_code == 200


def test_it_says_what_it_could_not_keep_and_keeps_the_rest(tab: Tab, draft: ImportJob) -> None:
    page = unescape(tab.save(fixed_tags="x" * 300, column_1="openid").content.decode())
    assert "Not saved: Tags for every row: Tags: a tag has more than 255 characters" in page
    assert kept(draft) == (["phone", "openid", "tags"], "", "add", "fuzzy")
    assert "Not saved:" not in tab.save(fixed_tags="VIP").content.decode()
    assert kept(draft)[1] == "VIP"


def test_it_keeps_no_connection_that_nobody_can_use(tab: Tab, draft: ImportJob) -> None:
    before = draft.connection_id
    assert "This connection can no longer be used." in tab.save(connection="987654").content.decode()
    draft.refresh_from_db()
    assert draft.connection_id == before


def test_a_suggestion_that_is_taken_is_kept(make_draft: MakeDraft, signed: Client) -> None:
    job = make_draft(small_workbook(("手机号（必填）", "姓名", "标签"), [("13800138000", "林", "新客")]))
    Tab(signed, job).save(column_0="", use="0")
    assert kept(job)[0] == ["phone", None, "tags"]


def test_the_button_keeps_what_cannot_be_checked_yet(signed: Client, draft: ImportJob) -> None:
    """Without script nothing else saves."""
    signed.post(url(draft), choices(draft, column_0="", operation="delete"))
    assert kept(draft) == ([None, None, "tags"], "", "delete", "fuzzy")


# -- against whom


def test_a_save_from_an_older_page_is_refused_with_a_word(tab: Tab, other: Tab, draft: ImportJob) -> None:
    tab.save(column_1="openid")
    answer = other.save(column_1="unionid", operation="delete")
    page = answer.content.decode()
    assert answer.status_code == 409
    assert OVERTAKEN in page and "Load the latest choices" in page
    assert kept(draft) == (["phone", "openid", "tags"], "", "add", "fuzzy")
    # and once more: nothing is forgotten over it
    assert other.save().status_code == 409


def test_whoever_is_told_may_keep_hers(tab: Tab, other: Tab, draft: ImportJob) -> None:
    tab.save(column_1="openid")
    page = other.save(column_1="unionid").content.decode()
    newest = re.search(r'name="over" value="(\w+)"', page)
    assert newest
    assert other.save(over=newest[1]).status_code == 200
    assert kept(draft)[0] == ["phone", "unionid", "tags"]
    assert tab.save(operation="delete").status_code == 409


def test_what_was_seen_of_it_is_not_enough_for_what_came_later(tab: Tab, other: Tab, draft: ImportJob) -> None:
    tab.save(column_1="openid")
    newest = re.search(r'name="over" value="(\w+)"', other.save(column_1="unionid").content.decode())
    tab.save(operation="delete")
    assert newest and other.save(over=newest[1]).status_code == 409


def test_the_button_of_an_older_page_is_refused_and_its_choices_stay(tab: Tab, other: Tab, draft: ImportJob) -> None:
    tab.save(column_1="openid")
    answer = other.check(column_1="unionid")
    page = answer.content.decode()
    assert answer.status_code == 409
    assert OVERTAKEN in page and '<option value="unionid" selected>' in page
    assert kept(draft)[0] == ["phone", "openid", "tags"]
    assert draft.status == JobStatus.DRAFT
    newest = re.search(r'name="over" value="(\w+)"', page)
    assert newest and other.check(column_1="unionid", over=newest[1])["Location"] == url(draft, "check")
    assert kept(draft)[0] == ["phone", "unionid", "tags"]


def test_a_page_goes_on_after_an_answer_that_was_lost(tab: Tab, draft: ImportJob) -> None:
    before = dict(tab.said)
    tab.save(column_1="openid")
    tab.said["of_version"] = before["of_version"]
    assert tab.save(column_1="unionid").status_code == 200
    assert kept(draft)[0] == ["phone", "unionid", "tags"]


def test_what_arrives_late_does_not_undo_what_came_after_it(tab: Tab, draft: ImportJob) -> None:
    late = {**tab.said, "column_1": "openid", "turn": 1}
    tab.turn = 1
    tab.save(column_1="unionid")
    assert tab.client.post(url(draft, "save"), late).status_code == 200
    assert kept(draft)[0] == ["phone", "unionid", "tags"]


def test_what_arrives_after_the_button_ends_no_check(tab: Tab, draft: ImportJob) -> None:
    late = {**tab.said, "column_1": "openid", "turn": 1}
    tab.turn = 1
    tab.check(column_1="unionid")
    tab.client.post(url(draft, "save"), late)
    assert kept(draft)[0] == ["phone", "unionid", "tags"]
    assert draft.status == JobStatus.CHECKING


@pytest.mark.parametrize("page", ["x" * 200, "\x00", "<b>", "页"])
def test_what_no_page_of_ours_says_is_passed_over(tab: Tab, draft: ImportJob, page: str) -> None:
    assert tab.save(of_page=page, column_1="openid").status_code == 200
    answer = tab.client.post(url(draft, "save"), {**tab.said, "turn": "9" * 30})
    assert answer.status_code == 200


def test_an_admin_s_save_is_another_page_s(tab: Tab, signed_admin: Client, draft: ImportJob) -> None:
    Tab(signed_admin, draft).save(operation="delete")
    assert tab.save(column_1="openid").status_code == 409


# -- what was checked


def test_a_change_makes_a_draft_of_what_was_checked(ready: ImportJob, signed: Client, marketer: Person) -> None:
    tab = Tab(signed, ready)
    tab.save()
    ready.refresh_from_db()
    assert ready.status == JobStatus.READY  # nothing is different
    page = tab.save(column_1="openid").content.decode()
    ready.refresh_from_db()
    assert (ready.status, ready.counts, ready.rows.count()) == (JobStatus.DRAFT, {}, 0)
    assert ready.events.latest("pk").by == marketer
    assert "Ready to start" not in page and 'id="draft-status"' in page


def test_it_goes_to_the_check_with_what_was_saved(tab: Tab, draft: ImportJob) -> None:
    tab.save(column_1="openid", operation="delete")
    assert tab.check()["Location"] == url(draft, "check")
    assert kept(draft) == (["phone", "openid", "tags"], "", "delete", "fuzzy")
    assert finish_check(draft).status == JobStatus.READY


def test_what_was_started_is_not_changed(tab: Tab, draft: ImportJob) -> None:
    draft.begin_check(draft.owner)
    finish_check(draft).start(draft.owner)
    answer = tab.save(column_1="openid")
    assert (answer.status_code, answer["HX-Redirect"]) == (204, f"/imports/{draft.pk}/")
    assert kept(draft)[0] == ["phone", None, "tags"]


# -- sessions and how long it is kept


def test_a_save_is_a_press_and_its_repetition_is_none(
    hers: Client,  # noqa: F811 - the fixture
    later: Later,  # noqa: F811 - likewise
    draft: ImportJob,
) -> None:
    tab = Tab(hers, draft)
    later(hours=7)
    assert tab.save(column_1="openid").status_code == 200
    later(hours=7)
    assert tab.save(headers={"X-Repeated": "1"}).status_code == 200
    later(hours=2)
    assert not is_in(hers)


def test_after_the_session_nothing_is_kept_and_the_page_is_told(client: Client, tab: Tab, draft: ImportJob) -> None:
    tab.client = client
    answer = tab.save(column_1="openid", headers={"HX-Request": "true"})
    assert answer.status_code == 204
    assert answer["HX-Redirect"].startswith(reverse("login"))
    assert kept(draft)[0] == ["phone", None, "tags"]


def test_a_save_is_a_touch(tab: Tab, draft: ImportJob, marketer: Person) -> None:
    ImportJob.objects.update(created_at=Now() - timedelta(days=8))
    assert draft in retention.overdue()
    tab.save(column_1="openid")
    assert draft not in retention.overdue()
    draft.refresh_from_db()
    assert retention.unstarted_of(marketer, 5)[0].touched_at == draft.saved_at
    ImportJob.objects.update(saved_at=Now() - timedelta(days=8))
    assert draft in retention.overdue()


# -- the page


def bar(page: str) -> list[tuple[str, str]]:
    """The parts of the bar's sentence: (what it leads to, text)."""
    found = re.search(r'id="summary".*?</p>', page, re.DOTALL)
    assert found
    parts = re.findall(r'<a href="#([\w-]+)"[^>]*>(.*?)</a>', found[0], re.DOTALL)
    return [(field, re.sub(r"<svg.*?</svg>|\s+", " ", text).strip()) for field, text in parts]


def test_the_bar_says_all_choices_and_leads_to_them(tab: Tab, draft: ImportJob) -> None:
    page = tab.client.get(url(draft)).content.decode()
    assert bar(page) == [
        ("id_operation_add", "Add tags"),
        ("id_matching_fuzzy-1", "Fuzzy, way 1"),
        ("id_connection", "Sandbox"),
        ("columns", "2 columns sent, 1 not"),
    ]
    for field, _text in bar(page):
        assert f'id="{field}"' in page
    said = bar(tab.save(operation="delete", matching="exact", column_1="unionid", column_2="").content.decode())
    assert [text for _field, text in said] == [
        "Remove tags",
        "Exact matching",
        "Sandbox",
        "No column holds the tags.",
        "2 columns sent, 1 not",
    ]
    assert bar(tab.save(column_2="tags").content.decode())[-1] == ("columns", "3 columns sent")


def test_the_bar_says_that_no_connection_is_chosen(draft: ImportJob, signed: Client) -> None:
    ImportJob.objects.update(connection=None)
    Connection.objects.all().delete()
    assert ("id_connection", "Choose a connection") in bar(signed.get(url(draft)).content.decode())


@pytest.mark.parametrize(("more", "folds"), [(7, False), (8, True)])
def test_it_folds_columns_that_are_not_sent_when_they_are_many(
    make_draft: MakeDraft, signed: Client, more: int, folds: bool
) -> None:
    header = ("手机号", "姓名", "标签", *(f"列{number}" for number in range(more)))
    job = make_draft(small_workbook(header, [("13800138000", "林", "新客", *["x"] * more)]))
    page = signed.get(url(job)).content.decode()
    assert ("card__fold" in page) is folds
    if folds:
        shown, folded = page.split("card__fold")
        assert f"{more + 1} more columns" in folded
        assert "id_column_0" in shown and "id_column_1" not in shown and "id_column_2" in shown
        assert folded.count("<select") == more + 1


def test_what_asks_for_something_is_not_folded(make_draft: MakeDraft, signed: Client) -> None:
    header = ("手机号（必填）", "标签", *(f"列{number}" for number in range(9)))
    page = signed.get(url(make_draft(small_workbook(header, [("13800138000", "新客", *["x"] * 9)])))).content.decode()
    assert "id_column_0" in page.split("card__fold")[0]


def test_it_says_which_way_is_usual_and_when_to_take_the_other(draft: ImportJob, signed: Client) -> None:
    page = unescape(signed.get(url(draft)).content.decode())
    assert re.search(r"Fuzzy matching, way 1\s*<span[^>]*>Usual</span>", page)
    assert "only if “Phone” should be tried first" in page


def test_the_request_is_open_for_admins(draft: ImportJob, signed: Client, signed_admin: Client) -> None:
    for client, is_open in ((signed, False), (signed_admin, True)):
        found = re.search(
            r'<details class="card"( open)?>\s*<summary>\s*Technical', client.get(url(draft)).content.decode()
        )
        assert found and bool(found[1]) is is_open


def test_drafts_that_are_read_otherwise_are_other_drafts(draft: ImportJob, marketer: Person) -> None:
    before = draft.choices_sha256()
    drafts.choose_sheet(draft, "客户", 0, marketer)
    assert draft.choices_sha256() != before
