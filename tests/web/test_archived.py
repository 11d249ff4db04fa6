"""What pages and commands say of an archived connection, and the page that archives it."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.imports.models import ImportJob
from tagsync.imports.states import JobStatus
from tagsync.terminal import CouldNotRun
from tests.making import S, make_import
from tests.web.layout import text_of

pytestmark = pytest.mark.django_db

SAID = {
    "en": "The connection “Sandbox” is archived: nothing is sent through it",
    "zh-hans": "连接“Sandbox”已归档，不再通过它发送任何数据",
}


@pytest.fixture(params=["en", "zh-hans"])
def language(request: pytest.FixtureRequest, marketer: Person, admin_person: Person) -> str:
    for person in (marketer, admin_person):
        person.language = request.param
        person.save()
    return str(request.param)


def told(response: Any) -> str:
    return " ".join(str(message) for message in get_messages(response.wsgi_request))


def url(name: str, job: ImportJob) -> str:
    return reverse(f"import_{name}", args=[job.pk])


# -- before the start


def test_it_warns_on_the_check_page_and_leads_to_the_columns(ready: ImportJob, signed: Client, language: str) -> None:
    assert ready.connection
    ready.connection.archive()
    response = signed.get(url("check", ready))
    page = response.content.decode()
    assert SAID[language] in text_of(response)
    assert f'href="{url("columns", ready)}"' in page
    # Nothing is offered that would be refused.
    assert "Add tags to" not in page and "添加标签：" not in page
    # There another one can be chosen.
    assert signed.get(url("columns", ready)).status_code == 200


def test_it_starts_nothing(ready: ImportJob, signed: Client, language: str) -> None:
    assert ready.connection
    seen = ready.events.order_by("-pk")[0].pk
    ready.connection.archive()
    response = signed.post(url("start", ready), {"seen": seen})
    assert response["Location"] == url("check", ready)
    assert SAID[language] in told(response)
    ready.refresh_from_db()
    assert ready.status == "ready"


# -- after it


@pytest.fixture
def stopped(marketer: Person, sandbox_connection: Connection) -> ImportJob:
    job = make_import(marketer, sandbox_connection, JobStatus.STOPPED, [S.ACCEPTED, S.REJECTED, S.WAITING])
    sandbox_connection.archive()
    return job


def test_it_says_on_the_job_page_why_nothing_more_is_sent(
    stopped: ImportJob, signed: Client, signed_admin: Client, language: str
) -> None:
    page = text_of(signed.get(url("detail", stopped)))
    assert SAID[language] in page
    for client in (signed, signed_admin):
        levers = client.get(url("detail", stopped)).content.decode()
        assert 'id="lever-resume"' not in levers and 'id="lever-retry"' not in levers
    assert reverse("connection_edit", args=[stopped.connection_id]) in levers


def test_it_says_nothing_of_it_where_nothing_is_left(
    marketer: Person, sandbox_connection: Connection, signed: Client
) -> None:
    job = make_import(marketer, sandbox_connection, JobStatus.FINISHED, [S.ACCEPTED])
    sandbox_connection.archive()
    assert SAID["en"] not in text_of(signed.get(url("detail", job)))


@pytest.mark.parametrize("cause", ["trial_done", "refuses_everything"])
def test_it_offers_no_way_on_for_a_question(
    marketer: Person, sandbox_connection: Connection, signed: Client, cause: str
) -> None:
    job = make_import(marketer, sandbox_connection, JobStatus.BLOCKED, [S.ACCEPTED, S.WAITING], cause=cause)
    sandbox_connection.archive()
    page = signed.get(url("detail", job)).content.decode()
    assert url("resume", job) not in page and url("stop", job) in page


def test_it_resumes_nothing(stopped: ImportJob, signed: Client, language: str) -> None:
    response = signed.post(url("resume", stopped))
    assert SAID[language] in told(response)
    stopped.refresh_from_db()
    assert stopped.status == "stopped"


def test_it_retries_nothing(stopped: ImportJob, signed_admin: Client, language: str) -> None:
    review = signed_admin.get(url("retry", stopped))
    assert SAID[language] in text_of(review)
    assert "disabled" in review.content.decode()
    response = signed_admin.post(url("retry", stopped), {"choice": "rejected"})
    assert SAID[language] in told(response)
    stopped.refresh_from_db()
    assert (stopped.status, stopped.count(S.REJECTED)) == ("stopped", 1)


def test_it_leaves_it_out_of_several(stopped: ImportJob, signed_admin: Client, language: str) -> None:
    why = {"en": "its connection is archived", "zh-hans": "其连接已归档"}[language]
    data = {"import": [stopped.pk]}
    assert why in text_of(signed_admin.get("/imports/selected/retry/", data))
    assert why in told(signed_admin.post("/imports/selected/retry/", data))
    stopped.refresh_from_db()
    assert stopped.status == "stopped"


def test_it_is_sent_again_when_the_connection_is_back(stopped: ImportJob, signed: Client) -> None:
    assert stopped.connection
    stopped.connection.restore()
    signed.post(url("resume", stopped))
    stopped.refresh_from_db()
    assert stopped.status == "queued"


def test_it_says_so_on_the_command_line(stopped: ImportJob, admin_person: Person) -> None:
    with pytest.raises(CouldNotRun, match="is archived: nothing is sent through it"):
        call_command("retry_import", str(stopped.pk))


# -- archiving


def archive_url(connection: Connection) -> str:
    return reverse("connection_archive", args=[connection.pk])


def test_it_names_the_imports_under_way(
    marketer: Person, sandbox_connection: Connection, signed_admin: Client, language: str
) -> None:
    waiting = [S.ACCEPTED, S.WAITING, S.WAITING]
    running = make_import(marketer, sandbox_connection, JobStatus.RUNNING, waiting, title="Runs")
    make_import(marketer, sandbox_connection, JobStatus.QUEUED, [S.WAITING], title="Waits")
    make_import(marketer, sandbox_connection, JobStatus.FINISHED, [S.ACCEPTED], title="Over")
    response = signed_admin.get(archive_url(sandbox_connection))
    page = text_of(response)
    assert "Runs" in page and "Waits" in page and "Over" not in page
    numbers = {"en": "2 of 3 rows are still to be sent", "zh-hans": "共 3 行，还有 2 行待发送"}
    button = {"en": "Archive and stop 2 imports", "zh-hans": "归档并停止 2 个导入任务"}
    assert numbers[language] in page and button[language] in page
    sandbox_connection.refresh_from_db()
    running.refresh_from_db()
    assert (sandbox_connection.archived_at, running.status) == (None, "running")


def test_it_stops_what_it_named(
    marketer: Person, admin_person: Person, sandbox_connection: Connection, signed_admin: Client
) -> None:
    running = make_import(marketer, sandbox_connection, JobStatus.RUNNING, [S.WAITING])
    queued = make_import(marketer, sandbox_connection, JobStatus.QUEUED, [S.WAITING])
    shown = signed_admin.get(archive_url(sandbox_connection)).context["connection"]
    response = signed_admin.post(archive_url(sandbox_connection), {"seen": shown.queue_number})
    assert "2 imports were stopped." in told(response)
    for job, status in ((running, "stopping"), (queued, "stopped")):
        job.refresh_from_db()
        assert job.status == status
        assert job.events.get().by == admin_person
    sandbox_connection.refresh_from_db()
    assert sandbox_connection.archived_at


@pytest.mark.parametrize("seen", ["", "0", "x", "9" * 40])
def test_it_asks_again_when_another_was_started(
    marketer: Person, sandbox_connection: Connection, signed_admin: Client, seen: str
) -> None:
    make_import(marketer, sandbox_connection, JobStatus.QUEUED, [S.WAITING])
    response = signed_admin.post(archive_url(sandbox_connection), {"seen": seen})
    assert response["Location"] == archive_url(sandbox_connection)
    assert "Another import was started meanwhile" in told(response)
    sandbox_connection.refresh_from_db()
    assert sandbox_connection.archived_at is None
