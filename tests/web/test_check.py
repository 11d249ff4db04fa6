from pathlib import Path
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tagsync.accounts.models import Person
from tagsync.imports.drafts import drafts
from tagsync.imports.models import ImportJob
from tagsync.imports.states import Act, JobStatus
from tagsync.queueing.health import QueueHealth
from tagsync.web.record.whereabouts import last_change
from tests.making import finish_check, small_workbook
from tests.web.conftest import MakeDraft

Rings = list[tuple[str, int]]


def url(job: ImportJob, page: str = "check") -> str:
    return f"/imports/{job.pk}/{page}/"


def html_of(client: Client, job: ImportJob) -> str:
    answer = client.get(url(job))
    assert answer.status_code == 200
    return answer.content.decode()


def start(client: Client, job: ImportJob, **more: Any) -> Any:
    return client.post(url(job, "start"), {"seen": last_change(job), **more})


@pytest.fixture
def checking(draft: ImportJob) -> ImportJob:
    draft.begin_check(draft.owner)
    return draft


@pytest.fixture
def deleting(draft: ImportJob) -> ImportJob:
    draft.operation = "delete"
    draft.save()
    draft.begin_check(draft.owner)
    return finish_check(draft)


# While the file is read


def test_it_shows_how_far_the_check_got(checking: ImportJob, signed: Client) -> None:
    ImportJob.objects.filter(pk=checking.pk).update(counts={"waiting": 4990, "to_fix": 10}, blank_rows=234)
    page = html_of(signed, checking)
    assert "5,234 rows read so far" in page
    assert f'hx-get="{url(checking)}live/"' in page
    assert '<noscript><meta http-equiv="refresh"' in page
    fragment = signed.get(f"{url(checking)}live/").content.decode()
    assert "5,234 rows read so far" in fragment
    assert "<html" not in fragment


def test_it_brings_the_whole_page_when_the_check_is_over(ready: ImportJob, signed: Client) -> None:
    answer = signed.get(f"{url(ready)}live/")
    assert answer["HX-Refresh"] == "true"


@pytest.mark.parametrize("health", [QueueHealth(False, 0, 0), QueueHealth(True, 0, 1)])
def test_it_says_when_nobody_checks(
    checking: ImportJob, signed: Client, monkeypatch: pytest.MonkeyPatch, health: QueueHealth
) -> None:
    monkeypatch.setattr("tagsync.queueing.health._look", lambda: health)
    page = html_of(signed, checking)
    assert "The check is waiting for a worker" in page
    assert "tell an admin" in page


def test_it_says_why_a_file_is_unreadable(checking: ImportJob, signed: Client) -> None:
    checking.move(Act.UNREADABLE, cause="too_many_columns", cause_params={"cell": "XFD9", "max_columns": 200})
    page = html_of(signed, checking)
    assert "Cell XFD9 is not empty" in page
    assert url(checking, "change") in page
    assert "send" not in page.split('class="formbar"')[1]


def test_it_leads_to_the_page_of_the_state(draft: ImportJob, ready: ImportJob, signed: Client) -> None:
    drafts.back_to_draft(ready, ready.owner)
    assert signed.get(url(ready))["Location"] == f"/imports/{ready.pk}/columns/"
    ready.begin_check(ready.owner)
    finish_check(ready).start(ready.owner)
    assert signed.get(url(ready))["Location"] == f"/imports/{ready.pk}/"


# The result


def test_it_balances(make_draft: MakeDraft, signed: Client) -> None:
    rows = [
        ("13800138000", "林", "新客"),
        ("13800138000", "林", "新客"),
        ("", "", ""),
        ("138", "王", "新客"),
        ("13800138001", "李", "会员"),
    ]
    job = make_draft(small_workbook(rows=rows))
    job.begin_check(job.owner)
    finish_check(job)
    page = " ".join(html_of(signed, job).split())
    numbers = [part.split("</dd>")[0] for part in page.split('class="balance"')[1].split("</dl>")[0].split("<dd>")[1:]]
    total, *parts = (int(number) for number in numbers)
    assert total == sum(parts)
    assert "header row (row 1)" in page
    assert (total, parts) in [(6, [1, 2, 1, 1, 1]), (5, [1, 2, 1, 1])]  # whether the blank row is in the file at all


def test_it_tells_what_stands_beside_the_customers(make_draft: MakeDraft, signed: Client) -> None:
    rows = [("手机号", "姓名", "标签"), ("13800138000", "林", "新客"), ("13800138001", "王", "新客", "", "回访")]
    job = make_draft(small_workbook(("五月名单",), rows))
    job.begin_check(job.owner)
    finish_check(job)
    page = " ".join(html_of(signed, job).split())
    assert "above the header row (row 1)" in page and "header row (row 2)" in page
    assert "Column E has no name but holds values, and is not sent" in page
    assert "E4<b>回访</b>" in page


def test_it_shows_all_cells_of_a_row_that_was_cut_apart(
    make_draft: MakeDraft, signed: Client, signed_admin: Client
) -> None:
    job = make_draft("手机号,标签\n13800138000,新客\n13800138001,新客,会员\n13800138002,新客\n".encode())
    job.begin_check(job.owner)
    finish_check(job)
    page = html_of(signed, job)
    assert "C3<b>13800138001 | 新客 | 会员</b>" in page
    opened = signed.get(url(job), {"open": job.problems.get().pk}).content.decode()
    assert "13800138001 | 新客 | 会员" in opened
    assert 'name="cell-3-phone"' in opened and 'name="cell-3-tags"' in opened
    for answer in (signed_admin.get(url(job)), signed_admin.get(url(job), {"open": job.problems.get().pk})):
        assert "13800138001" not in answer.content.decode()


def test_it_names_the_cell_and_the_value_to_fix(ready: ImportJob, signed: Client) -> None:
    page = html_of(signed, ready)
    assert "Phone: not a phone number" in page
    assert "Give 11 digits" in page
    assert "You: fix the sheet" in page
    assert "A4<b>138</b>" in page
    assert f"/imports/{ready.pk}/rows/?problem={ready.problems.get().pk}" in page


def test_it_masks_the_values_for_anybody_but_the_owner(make_draft: MakeDraft, signed_admin: Client) -> None:
    job = make_draft(small_workbook(rows=[("1380013800012345", "林", "新客"), ("13800138000", "林", "新客")]))
    job.begin_check(job.owner)
    page = html_of(signed_admin, finish_check(job))
    assert "A2<b>****</b>" in page
    assert "1380013800012345" not in page


def test_it_shows_tags_identifiers_and_settings(ready: ImportJob, signed: Client) -> None:
    page = html_of(signed, ready)
    assert '新客<span class="chip__count">1</span>' in page
    assert "<dt>Phone</dt><dd>2 rows</dd>" in page
    assert "Fuzzy matching, way 1: unionid → openid → Phone → Customer ID" in page
    assert "Test platform: nothing reaches 兔展." in page
    assert "Add tags to 2 rows" in page


MESSY = [
    ("+86 138-0013-8001", "林", "VIP；春季"),
    ("13800138002", "王", "v i p"),
    ("13800138002", "王", "春季"),
]


def test_it_tells_warnings_and_changes_apart_from_problems(make_draft: MakeDraft, signed: Client) -> None:
    job = make_draft(small_workbook(rows=MESSY))
    job.begin_check(job.owner)
    page = html_of(signed, finish_check(job))
    assert "The same customer is in several rows (same Phone)" in page
    assert "Phone: +86 removed" in page
    assert "<b>+86 138-0013-8001</b>→<b>13800138001</b>" in page
    assert "Spelt differently, but probably the same tag:" in page
    assert "Nothing to fix" in page


def test_it_masks_warnings_and_changes_for_anybody_but_the_owner(make_draft: MakeDraft, signed_admin: Client) -> None:
    job = make_draft(small_workbook(rows=MESSY))
    job.begin_check(job.owner)
    page = html_of(signed_admin, finish_check(job))
    assert "The same customer is in several rows" in page
    assert "138001380" not in page
    assert "138-0013" not in page


def test_it_marks_tags_that_were_never_sent(make_draft: MakeDraft, ready: ImportJob, signed: Client) -> None:
    job = make_draft(small_workbook(rows=[("13800138001", "林", "VIP"), ("13800138002", "王", "Vlp")]))
    job.begin_check(job.owner)
    finish_check(job)
    assert "never sent over this connection" not in html_of(signed, job)
    ready.tags.all().delete()
    ready.tags.create(tag="VIP", rows=1)
    ready.start(ready.owner)
    assert html_of(signed, job).count(">new</span>") == 1


def test_it_says_when_nobody_sends_and_lets_start(
    ready: ImportJob, signed: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tagsync.queueing.health._look", lambda: QueueHealth(True, 1, 0))
    assert "no worker for sending is running" in html_of(signed, ready)
    assert start(signed, ready)["Location"] == f"/imports/{ready.pk}/"


def test_it_says_when_the_connection_is_blocked(ready: ImportJob, signed: Client) -> None:
    assert ready.connection is not None
    ready.connection.block("forbidden")
    assert "The connection “Sandbox” is blocked: The platform forbids the call" in html_of(signed, ready)


def test_it_knows_the_same_rows_in_another_file(make_draft: MakeDraft, ready: ImportJob, signed: Client) -> None:
    ready.start(ready.owner)
    rows = list(ready.rows.order_by("row_number").values_list("phone", "tags"))
    again = make_draft(
        small_workbook(header=("手机号", "姓名", "标签"), rows=[(phone, "？", tags) for phone, tags in rows[:2]])
    )
    again.begin_check(again.owner)
    page = html_of(signed, finish_check(again))
    assert "The same rows were imported before in the same way: lin" in page
    assert f'href="/imports/{ready.pk}/"' in page
    ImportJob.objects.filter(pk=ready.pk).update(status=JobStatus.FINISHED)
    undo = make_draft()
    ImportJob.objects.filter(pk=undo.pk).update(
        undoes=ready, first_confirmed_at=timezone.now(), status=JobStatus.FINISHED, counts={"accepted": 2}
    )
    assert f"Import #{undo.pk} has undone 2 rows of it." in html_of(signed, again)


def test_it_knows_the_same_file_for_another_purpose(make_draft: MakeDraft, ready: ImportJob, signed: Client) -> None:
    content = Path(ready.file.path).read_bytes()
    ready.start(ready.owner)
    again = make_draft(content)
    again.operation = "delete"
    again.save()
    again.begin_check(again.owner)
    assert "The very same file was imported before" in html_of(signed, finish_check(again))


def test_it_says_how_many_failed_the_last_time(make_draft: MakeDraft, ready: ImportJob, signed: Client) -> None:
    content = Path(ready.file.path).read_bytes()
    ready.start(ready.owner)
    ImportJob.objects.filter(pk=ready.pk).update(counts={"accepted": 1, "rejected": 1, "to_fix": 1})
    again = make_draft(content)
    again.begin_check(again.owner)
    assert "Accepted by the platform: 1. Failed: 1." in html_of(signed, finish_check(again))


def test_it_does_not_tell_of_other_peoples_files(
    make_draft: MakeDraft, ready: ImportJob, signed_other: Client, other_marketer: Person
) -> None:
    content = Path(ready.file.path).read_bytes()
    ready.start(ready.owner)
    again = make_draft(content, owner=other_marketer)
    again.begin_check(again.owner)
    assert "imported before" not in html_of(signed_other, finish_check(again))


def test_its_queries_do_not_grow_with_the_rows(make_draft: MakeDraft, signed: Client) -> None:
    def queries(rows: int) -> int:
        job = make_draft(small_workbook(rows=[("138", "林", "新客")] * rows))
        job.begin_check(job.owner)
        finish_check(job)
        with CaptureQueriesContext(database) as captured:
            html_of(signed, job)
        return len(captured)

    assert queries(40) == queries(2)


# The last button


def test_it_starts(ready: ImportJob, signed: Client, marketer: Person) -> None:
    answer = start(signed, ready)
    assert answer["Location"] == f"/imports/{ready.pk}/"
    ready.refresh_from_db()
    assert (ready.status, ready.run) == (JobStatus.QUEUED, 1)
    assert ready.events.get(act="start").by == marketer


@pytest.mark.django_db(transaction=True)
def test_it_rings_for_the_start(ready: ImportJob, signed: Client, quiet_queue: Rings) -> None:
    start(signed, ready)
    assert quiet_queue == [("sends", ready.pk)]


def test_a_second_click_lands_on_the_job_page(ready: ImportJob, signed: Client) -> None:
    seen = last_change(ready)
    for _time in range(2):
        answer = signed.post(url(ready, "start"), {"seen": seen})
        assert answer["Location"] == f"/imports/{ready.pk}/"
    ready.refresh_from_db()
    assert ready.run == 1
    assert ready.events.filter(act="start").count() == 1


def test_it_starts_nothing_that_was_not_looked_at(ready: ImportJob, signed: Client) -> None:
    seen = last_change(ready)
    drafts.back_to_draft(ready, ready.owner)
    ready.operation = "delete"
    ready.save()
    ready.begin_check(ready.owner)
    finish_check(ready)
    answer = signed.post(url(ready, "start"), {"seen": seen, "confirm_count": "2"}, follow=True)
    assert "has been checked again in the meantime" in answer.content.decode()
    ready.refresh_from_db()
    assert ready.status == JobStatus.READY


def test_it_does_not_start_a_draft(draft: ImportJob, signed: Client) -> None:
    assert start(signed, draft)["Location"] == f"/imports/{draft.pk}/columns/"
    draft.refresh_from_db()
    assert draft.status == JobStatus.DRAFT


@pytest.mark.parametrize("typed", ["", "3", "two", "22"])
def test_a_delete_needs_the_number(deleting: ImportJob, signed: Client, typed: str) -> None:
    answer = start(signed, deleting, confirm_count=typed)
    assert answer.status_code == 422
    assert "Type the number of rows exactly" in answer.content.decode()
    deleting.refresh_from_db()
    assert deleting.status == JobStatus.READY


@pytest.mark.parametrize("typed", ["2", " 2 ", "２"])
def test_a_delete_starts_with_the_number(deleting: ImportJob, signed: Client, typed: str) -> None:
    page = html_of(signed, deleting)
    assert "Remove tags from 2 rows" in page
    assert 'data-confirm-count="2"' in page
    assert start(signed, deleting, confirm_count=typed)["Location"] == f"/imports/{deleting.pk}/"
    deleting.refresh_from_db()
    assert deleting.status == JobStatus.QUEUED


def test_there_is_no_button_when_nothing_can_be_sent(make_draft: MakeDraft, signed: Client) -> None:
    job = make_draft(small_workbook(rows=[("138", "林", "新客")]))
    job.begin_check(job.owner)
    page = html_of(signed, finish_check(job))
    assert "No row of this file can be sent." in page
    assert "Add tags to" not in page
    start(signed, job)
    job.refresh_from_db()
    assert job.status == JobStatus.READY


# Back, and away


def test_it_goes_back_to_the_columns(ready: ImportJob, signed: Client) -> None:
    for _time in range(2):
        assert signed.post(url(ready, "change"))["Location"] == f"/imports/{ready.pk}/columns/"
    ready.refresh_from_db()
    assert ready.status == JobStatus.DRAFT
    assert not ready.rows.exists()


def test_it_discards_a_draft_with_its_file(ready: ImportJob, signed: Client) -> None:
    storage, name = ready.file.storage, str(ready.file.name)
    answer = signed.post(url(ready, "delete"))
    assert answer["Location"] == "/imports/"
    assert not ImportJob.objects.exists()
    assert signed.post(url(ready, "delete")).status_code == 404
    assert storage.exists(name)  # gone after the commit, which a test's transaction never reaches


@pytest.mark.django_db(transaction=True)
def test_it_removes_the_file_after_the_commit(ready: ImportJob, signed: Client) -> None:
    storage, name = ready.file.storage, str(ready.file.name)
    signed.post(url(ready, "delete"))
    assert not storage.exists(name)


@pytest.mark.parametrize("path", ["delete", "change"])
def test_what_was_started_is_neither_discarded_nor_changed(
    ready: ImportJob, signed: Client, admin_person: Person, path: str
) -> None:
    ready.start(admin_person)
    answer = signed.post(url(ready, path))
    assert answer["Location"] == f"/imports/{ready.pk}/"
    said = [str(message) for message in answer.wsgi_request._messages]
    assert said == ["ada started this import just now. It is now: Queued."]
    ready.refresh_from_db()
    assert ready.status == JobStatus.QUEUED
