"""Where only a person can go on: a trial that was sent, a platform that refuses everything, a day of silence."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.imports.models import ImportJob, JobEvent
from tagsync.imports.states import JobStatus
from tagsync.web.record.alerts import clock
from tagsync.web.record.whereabouts import last_change
from tagsync.web.ui.sentences import listed, sentences
from tests.making import S, add_call, finish_check, make_import, small_workbook
from tests.web.conftest import MakeDraft
from tests.web.layout import text_of

pytestmark = pytest.mark.django_db


def blocked(owner: Person, connection: Connection, cause: str, **params: Any) -> ImportJob:
    rows = [S.ACCEPTED] * 9 + [S.REJECTED] + [S.WAITING] * 20
    job = make_import(owner, connection, JobStatus.BLOCKED, rows, cause=cause, cause_params=params)
    JobEvent.objects.create(job=job, act="block", before="running", after="blocked", why=cause)
    return job


def page_of(client: Client, job: ImportJob) -> str:
    return text_of(client.get(reverse("import_detail", args=[job.pk])))


def buttons(page: str) -> list[str]:
    return re.findall(r'<form method="post" action="/imports/\d+/(\w+)/"', page)


# -- a trial first


def many(make_draft: MakeDraft, rows: int, **changes: Any) -> ImportJob:
    job = make_draft(small_workbook(rows=[(f"138{number:08d}", "林", "新客") for number in range(rows)]))
    ImportJob.objects.filter(pk=job.pk).update(**changes)
    job.refresh_from_db()
    job.begin_check(job.owner)
    return finish_check(job)


def test_it_starts_with_a_trial(make_draft: MakeDraft, signed: Client) -> None:
    job = many(make_draft, 12)
    assert "Send the first 10 rows, then wait for me" in text_of(signed.get(f"/imports/{job.pk}/check/"))
    response = signed.post(f"/imports/{job.pk}/start/", {"seen": last_change(job), "trial": "1"}, follow=True)
    assert "Started: 10 rows will be sent." in text_of(response)
    assert "Trial: after the first 10 rows it waits for you." in text_of(response)
    job.refresh_from_db()
    assert (job.status, job.trial_rows) == (JobStatus.QUEUED, 10)


def test_it_starts_everything_without_the_tick(make_draft: MakeDraft, signed: Client) -> None:
    job = many(make_draft, 12)
    signed.post(f"/imports/{job.pk}/start/", {"seen": last_change(job)})
    job.refresh_from_db()
    assert (job.status, job.trial_rows) == (JobStatus.QUEUED, None)


def test_it_offers_no_trial_of_everything(make_draft: MakeDraft, signed: Client) -> None:
    job = many(make_draft, 10)
    assert 'name="trial"' not in text_of(signed.get(f"/imports/{job.pk}/check/"))
    signed.post(f"/imports/{job.pk}/start/", {"seen": last_change(job), "trial": "1"})
    job.refresh_from_db()
    assert job.trial_rows is None


def test_it_keeps_the_tick_when_the_number_is_wrong(make_draft: MakeDraft, signed: Client) -> None:
    job = many(make_draft, 12, operation="delete")
    response = signed.post(f"/imports/{job.pk}/start/", {"seen": last_change(job), "trial": "1", "confirm_count": "1"})
    assert response.status_code == 422
    assert 'name="trial" value="1" checked' in text_of(response)


def test_it_waits_calmly_after_a_trial(signed: Client, marketer: Person, sandbox_connection: Connection) -> None:
    job = blocked(marketer, sandbox_connection, "trial_done", rows=10)
    page = page_of(signed, job)
    assert "notice--danger" not in page and "badge--danger" not in page.split("What happened")[0].split("<h2>")[0]
    assert "The first rows were sent as a trial" in page
    assert "9 of 10 rows were accepted by the platform." in page
    assert "Continue with the remaining 20 rows" in page
    assert buttons(page) == ["resume", "restart", "stop"]
    assert "Trial sent: waiting for you" in page


def test_it_goes_on_after_a_trial(signed: Client, marketer: Person, sandbox_connection: Connection) -> None:
    job = blocked(marketer, sandbox_connection, "trial_done", rows=10)
    signed.post(reverse("import_resume", args=[job.pk]))
    job.refresh_from_db()
    assert (job.status, job.trial_rows, job.cause) == (JobStatus.QUEUED, None, "")


def test_it_stops_after_a_trial(signed: Client, marketer: Person, sandbox_connection: Connection) -> None:
    job = blocked(marketer, sandbox_connection, "trial_done", rows=10)
    page = text_of(signed.post(reverse("import_stop", args=[job.pk]), follow=True))
    job.refresh_from_db()
    assert job.status == JobStatus.STOPPED
    assert "Import stopped." in page and "20 were not sent" in page


# -- everything refused alike


def test_it_shows_why_everything_is_refused(signed: Client, marketer: Person, sandbox_connection: Connection) -> None:
    job = blocked(
        marketer, sandbox_connection, "refuses_everything", code="100500", error_code="E1", message="<b>标签不存在</b>"
    )
    page = page_of(signed, job)
    assert "The platform rejects every row in the same way" in page and "notice--danger" in page
    assert "100500 · E1 · &lt;b&gt;标签不存在" in page and "<b>标签" not in page
    assert "Leave these rejected and send the other 20 rows" in page and buttons(page) == ["resume", "restart", "stop"]


def test_it_finds_the_words_in_the_last_refusal(
    signed: Client, marketer: Person, sandbox_connection: Connection
) -> None:
    job = blocked(marketer, sandbox_connection, "refuses_everything")
    add_call(job, [2, 3], outcome="batch_refused", code="1", message="too early")
    add_call(job, [2], batch=2, outcome="batch_refused", code="100500", message="标签不存在")
    assert "100500 · 标签不存在" in page_of(signed, job)


def test_it_resumes_after_a_day_of_silence(signed: Client, marketer: Person, sandbox_connection: Connection) -> None:
    page = page_of(signed, blocked(marketer, sandbox_connection, "no_answer_for_a_day"))
    assert "has not answered for 24 hours" in page
    assert "Resume: send 20 rows" in page and buttons(page) == ["resume", "stop"]


def test_it_offers_only_to_stop_when_nothing_waits(
    signed: Client, marketer: Person, sandbox_connection: Connection
) -> None:
    job = make_import(marketer, sandbox_connection, JobStatus.BLOCKED, [S.IN_DOUBT], cause="no_answer_for_a_day")
    assert buttons(page_of(signed, job)) == ["stop"]


# -- waiting


@pytest.mark.parametrize(
    ("away", "pattern"), [(90, r"Next try at \d\d:\d\d:\d\d\."), (600, r"Next try at (\d{4}-\d\d-\d\d )?\d\d:\d\d\.")]
)
def test_it_says_when_it_tries_again(
    signed: Client, marketer: Person, sandbox_connection: Connection, away: int, pattern: str
) -> None:
    until = timezone.now() + timedelta(seconds=away)
    job = make_import(
        marketer, sandbox_connection, JobStatus.QUEUED, [S.WAITING], wait_until=until, wait_reason="unanswered"
    )
    Connection.objects.update(silent_since=timezone.now() - timedelta(minutes=5))
    page = text_of(signed.get(reverse("import_live", args=[job.pk])))
    assert re.search(pattern, page) and clock(until) in page
    assert "Waiting for the platform: it does not answer" in page and "It has not answered since" in page
    assert "notice--danger" not in page and "notice--warning" not in page


def test_it_tells_of_silence_while_it_tries(signed: Client, marketer: Person, sandbox_connection: Connection) -> None:
    job = make_import(marketer, sandbox_connection, JobStatus.RUNNING, [S.WAITING])
    Connection.objects.update(silent_since=timezone.now())
    assert "It has not answered since" in text_of(signed.get(reverse("import_live", args=[job.pk])))


def test_it_joins_sentences_as_the_language_does() -> None:
    with translation.override("en"):
        assert sentences("One.", "", "Two.", "Three.") == "One. Two. Three."
        assert listed([2, 3, "5 %"]) == "2, 3, 5 %" and listed([]) == sentences() == ""
