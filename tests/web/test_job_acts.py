"""What the page of an import lets people do, and whom."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.imports.models import ImportJob
from tagsync.imports.states import JobStatus
from tests.making import S, make_import
from tests.web.layout import text_of

pytestmark = pytest.mark.django_db
PAGES = ("import_detail", "import_live")
LEVERS = ("import_stop", "import_resume")


@pytest.fixture
def running(marketer: Person, sandbox_connection: Connection) -> ImportJob:
    return make_import(marketer, sandbox_connection, JobStatus.RUNNING, [S.ACCEPTED, S.REJECTED, S.WAITING])


def test_it_stops_a_running_import(signed: Client, running: ImportJob) -> None:
    response = signed.post(reverse("import_stop", args=[running.pk]), follow=True)
    assert "Stopping after the calls under way." in text_of(response)
    running.refresh_from_db()
    assert running.status == JobStatus.STOPPING


def test_it_stops_once(signed: Client, running: ImportJob) -> None:
    signed.post(reverse("import_stop", args=[running.pk]))
    response = signed.post(reverse("import_stop", args=[running.pk]), follow=True)
    assert response.redirect_chain == [(reverse("import_detail", args=[running.pk]), 302)]
    assert "Stopping" in text_of(response) and "notice--warning" in text_of(response)
    assert running.events.filter(act="stop").count() == 1


def test_it_resumes_what_was_stopped(signed: Client, marketer: Person, sandbox_connection: Connection) -> None:
    job = make_import(marketer, sandbox_connection, JobStatus.STOPPED, [S.ACCEPTED] + [S.WAITING] * 3)
    url = reverse("import_resume", args=[job.pk])
    assert "3 rows are queued." in text_of(signed.post(url, follow=True))
    job.refresh_from_db()
    assert job.status == JobStatus.QUEUED
    again = text_of(signed.post(url, follow=True))
    assert "Queued" in again and "notice--warning" in again
    assert job.events.filter(act="resume").count() == 1


def test_it_does_not_resume_what_is_settled(signed: Client, marketer: Person, sandbox_connection: Connection) -> None:
    job = make_import(marketer, sandbox_connection, JobStatus.STOPPED, [S.ACCEPTED])
    response = signed.post(reverse("import_resume", args=[job.pk]), follow=True)
    assert "Nothing to resume" in text_of(response)


def test_it_lets_an_admin_stop(client: Client, admin_person: Person, running: ImportJob) -> None:
    client.force_login(admin_person)
    client.post(reverse("import_stop", args=[running.pk]))
    running.refresh_from_db()
    assert running.status == JobStatus.STOPPING


# -- who and how


@pytest.mark.parametrize("name", LEVERS)
def test_it_changes_nothing_by_a_link(signed: Client, running: ImportJob, name: str) -> None:
    assert signed.get(reverse(name, args=[running.pk])).status_code == 405


@pytest.mark.parametrize("name", PAGES)
def test_it_only_reads_by_get(signed: Client, running: ImportJob, name: str) -> None:
    assert signed.post(reverse(name, args=[running.pk])).status_code == 405


@pytest.mark.parametrize("name", PAGES + LEVERS)
def test_it_sends_strangers_to_the_sign_in(client: Client, running: ImportJob, name: str) -> None:
    response = client.post(reverse(name, args=[running.pk]))
    assert response.status_code == 302 and response.headers["Location"].startswith(reverse("login"))
    running.refresh_from_db()
    assert running.status == JobStatus.RUNNING


@pytest.mark.parametrize("name", PAGES + LEVERS)
def test_it_does_not_exist_for_other_marketers(
    client: Client, other_marketer: Person, running: ImportJob, name: str
) -> None:
    client.force_login(other_marketer)
    act = client.get if name in PAGES else client.post
    assert act(reverse(name, args=[running.pk])).status_code == 404
    assert act(reverse(name, args=[running.pk + 1000])).status_code == 404
    running.refresh_from_db()
    assert running.status == JobStatus.RUNNING
