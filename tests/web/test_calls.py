"""The calls of an import, as the platform answered them."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.imports.models import ImportJob
from tagsync.imports.states import JobStatus
from tests.web.records import S, add_call, make_import, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def job(marketer: Person, sandbox_connection: Connection) -> ImportJob:
    return make_import(marketer, sandbox_connection, JobStatus.FINISHED, [S.ACCEPTED] * 4)


def url(job: ImportJob) -> str:
    return reverse("import_calls", args=[job.pk])


def test_it_shows_what_the_platform_answered(client: Client, marketer: Person, job: ImportJob) -> None:
    add_call(job, [2, 3], message="<i>成功</i>", data="ref-1", duration_ms=1402)
    add_call(
        job, [4, 5], batch=2, state="broken_off", outcome="unanswered", code="", excerpt="<html>502", http_status=502
    )
    client.force_login(marketer)
    page = text_of(client.get(url(job)))
    assert "&lt;i&gt;成功" in page and "<i>成功" not in page
    for words in ("ref-1", "1,402 ms", "No readable answer", "&lt;html&gt;502", "4–5"):
        assert words in page


def test_it_names_calls_under_way(client: Client, marketer: Person, job: ImportJob) -> None:
    add_call(job, [2], state="sending", outcome="", http_status=None, code="", answered_at=None)
    client.force_login(marketer)
    page = text_of(client.get(url(job)))
    assert "Sending" in page and "Under way" in page


def test_it_is_paged(client: Client, marketer: Person, job: ImportJob) -> None:
    for batch in range(1, 53):
        add_call(job, [2], batch=batch)
    client.force_login(marketer)
    assert len(client.get(url(job)).context["page"]) == 50
    assert len(client.get(url(job), {"page": 2}).context["page"]) == 2
    assert client.get(url(job), {"page": "x"}).status_code == 200


def test_it_says_when_there_is_none(client: Client, marketer: Person, job: ImportJob) -> None:
    client.force_login(marketer)
    assert "No call was made yet." in text_of(client.get(url(job)))


def test_it_only_reads(client: Client, marketer: Person, job: ImportJob) -> None:
    client.force_login(marketer)
    assert client.post(url(job)).status_code == 405


def test_it_is_for_nobody_else(client: Client, other_marketer: Person, job: ImportJob) -> None:
    assert client.get(url(job)).headers["Location"].startswith(reverse("login"))
    client.force_login(other_marketer)
    assert client.get(url(job)).status_code == 404
    assert client.get(reverse("import_calls", args=[job.pk + 1000])).status_code == 404
