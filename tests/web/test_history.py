"""The list of imports: who sees which, search, states, persons."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.imports.models import ImportJob
from tagsync.imports.states import JobStatus
from tagsync.web.record.history import BY_STATUS, found
from tests.web.records import S, make_import, text_of

pytestmark = pytest.mark.django_db
URL = "/imports/"


@pytest.fixture
def signed_in(client: Client, marketer: Person) -> Client:
    client.force_login(marketer)
    return client


def listed(response: Any) -> list[int]:
    return [line.job.pk for line in response.context["lines"]]


def one_of_each(owner: Person, connection: Connection, blocked: Connection) -> list[ImportJob]:
    later, past = timezone.now() + timedelta(minutes=5), timezone.now() - timedelta(minutes=5)
    made = [make_import(owner, connection, status, [S.ACCEPTED]) for status in JobStatus]
    made += [
        make_import(owner, connection, JobStatus.FINISHED, [S.ACCEPTED, state])
        for state in (S.REJECTED, S.IN_DOUBT, S.TO_FIX, S.SUPERSEDED)
    ]
    made += [make_import(owner, connection, JobStatus.QUEUED, wait_until=until) for until in (later, past)]
    made += [
        make_import(owner, blocked, status, wait_until=later)
        for status in (JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.FINISHED, JobStatus.STOPPING)
    ]
    return made


@pytest.fixture
def blocked_connection(sandbox_connection: Connection) -> Connection:
    connection = Connection(name="Blocked one", base_url="http://127.0.0.1:9")
    connection.set_fixed_token("token")
    connection.save()
    connection.block("forbidden")
    return connection


def test_it_lists_own_imports_newest_first(
    signed_in: Client, marketer: Person, other_marketer: Person, sandbox_connection: Connection
) -> None:
    first, second = (make_import(marketer, sandbox_connection, JobStatus.FINISHED, [S.ACCEPTED]) for _ in range(2))
    make_import(other_marketer, sandbox_connection, JobStatus.FINISHED)
    response = signed_in.get(URL)
    assert listed(response) == [second.pk, first.pk]
    assert "Person" not in text_of(response)


def test_it_shows_admins_everybodys_and_filters_by_person(
    client: Client, admin_person: Person, marketer: Person, other_marketer: Person, sandbox_connection: Connection
) -> None:
    hers = make_import(marketer, sandbox_connection, JobStatus.FINISHED)
    his = make_import(other_marketer, sandbox_connection, JobStatus.FINISHED)
    client.force_login(admin_person)
    assert listed(client.get(URL)) == [his.pk, hers.pk]
    assert listed(client.get(URL, {"person": marketer.pk})) == [hers.pk]


def test_it_does_not_widen_a_marketers_list_by_person(
    signed_in: Client, other_marketer: Person, sandbox_connection: Connection
) -> None:
    make_import(other_marketer, sandbox_connection, JobStatus.FINISHED)
    assert listed(signed_in.get(URL, {"person": other_marketer.pk})) == []


def test_it_finds_by_file_name_and_title(signed_in: Client, marketer: Person, sandbox_connection: Connection) -> None:
    by_name = make_import(marketer, sandbox_connection, JobStatus.FINISHED, file_name="华南门店.xlsx")
    by_title = make_import(marketer, sandbox_connection, JobStatus.FINISHED, title="Spring VIP")
    assert listed(signed_in.get(URL, {"q": "华南"})) == [by_name.pk]
    assert listed(signed_in.get(URL, {"q": "spring"})) == [by_title.pk]
    assert "No import fits" in text_of(signed_in.get(URL, {"q": "nothing of the kind"}))


@pytest.mark.parametrize("status", BY_STATUS)
def test_it_filters_by_the_word_that_is_shown(
    marketer: Person, sandbox_connection: Connection, blocked_connection: Connection, status: str
) -> None:
    one_of_each(marketer, sandbox_connection, blocked_connection)
    jobs = ImportJob.objects.select_related("connection")
    shown = {job.pk for job in jobs if job.shown_status == status}
    assert shown and {job.pk for job in found(marketer, {"status": status})} == shown


def test_it_counts_what_wants_an_eye(
    signed_in: Client, marketer: Person, sandbox_connection: Connection, blocked_connection: Connection
) -> None:
    one_of_each(marketer, sandbox_connection, blocked_connection)
    tabs = {tab.status: tab.number for tab in signed_in.get(URL).context["tabs"]}
    assert tabs["blocked"] == 3 and tabs["under_way"] == 6
    assert "Waiting for the platform" in text_of(signed_in.get(URL, {"status": "waiting_for_platform"}))


def test_it_leads_drafts_to_their_step(signed_in: Client, marketer: Person, sandbox_connection: Connection) -> None:
    draft = make_import(marketer, sandbox_connection, JobStatus.DRAFT)
    ready = make_import(marketer, sandbox_connection, JobStatus.READY, [S.WAITING])
    page = text_of(signed_in.get(URL))
    assert reverse("import_columns", args=[draft.pk]) in page
    assert reverse("import_check", args=[ready.pk]) in page


def test_it_shows_the_way_when_there_is_none_yet(signed_in: Client) -> None:
    page = text_of(signed_in.get(URL))
    assert "No import yet" in page and reverse("import_new") in page


def test_it_asks_the_database_the_same_for_one_or_twenty(
    client: Client,
    admin_person: Person,
    marketer: Person,
    sandbox_connection: Connection,
    django_assert_num_queries: Any,
) -> None:
    make_import(marketer, sandbox_connection, JobStatus.STOPPED, [S.ACCEPTED, S.WAITING])
    client.force_login(admin_person)
    client.get(URL)
    with django_assert_num_queries(9):
        client.get(URL)
    for _ in range(20):
        make_import(marketer, sandbox_connection, JobStatus.STOPPED, [S.ACCEPTED, S.WAITING])
    with django_assert_num_queries(9):
        client.get(URL)


def test_it_is_paged(signed_in: Client, marketer: Person, sandbox_connection: Connection) -> None:
    for _ in range(27):
        make_import(marketer, sandbox_connection, JobStatus.FINISHED)
    assert len(listed(signed_in.get(URL))) == 25
    assert len(listed(signed_in.get(URL, {"page": 2}))) == 2
    assert len(listed(signed_in.get(URL, {"page": "99"}))) == 2


def test_it_reads_any_address_without_failing(signed_in: Client) -> None:
    for query in ({"q": "\0"}, {"person": "9" * 30}, {"person": "x"}, {"status": "x"}, {"page": "-1"}, {"q": "%_'\""}):
        assert signed_in.get(URL, query).status_code == 200


def test_it_only_reads(signed_in: Client) -> None:
    assert signed_in.post(URL).status_code == 405


def test_it_sends_strangers_to_the_sign_in(client: Client) -> None:
    assert client.get(URL).headers["Location"].startswith(reverse("login"))
