"""The list of imports: who sees which, search, filters, pages."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.imports.followups import dismissals
from tagsync.imports.models import ImportJob
from tagsync.imports.models.row import JobTag, Origin
from tagsync.imports.states import JobStatus
from tagsync.web.history.finding import BY_STATUS, STATUS_WORDS, found
from tests.making import S, blame, corrected, make_import
from tests.web.layout import text_of

pytestmark = pytest.mark.django_db
URL = "/imports/"
QUERIES = 20
# The names of connections and of people, which no database folds as we do.
MORE_FOR_A_SEARCH = 2


@pytest.fixture
def signed_in(client: Client, marketer: Person) -> Client:
    client.force_login(marketer)
    return client


def listed(response: Any) -> list[int]:
    return [line.job.pk for line in response.context["page"].lines]


def one_of_each(owner: Person, connection: Connection, blocked: Connection) -> list[ImportJob]:
    later, past = timezone.now() + timedelta(minutes=5), timezone.now() - timedelta(minutes=5)
    made = [make_import(owner, connection, status, [S.ACCEPTED]) for status in JobStatus]
    made += [
        make_import(owner, connection, JobStatus.FINISHED, [S.ACCEPTED, state])
        for state in (S.REJECTED, S.IN_DOUBT, S.TO_FIX, S.SUPERSEDED)
    ]
    fixed, settled = (make_import(owner, connection, JobStatus.FINISHED, [S.TO_FIX]) for _ in range(2))
    corrected(fixed, 2)
    dismissals.settle(blame(settled, S.TO_FIX, "no_tags", Origin.CHECK), owner)
    made += [fixed, settled]
    made += [make_import(owner, connection, JobStatus.QUEUED, wait_until=until) for until in (later, past)]
    made += [
        make_import(owner, blocked, status, wait_until=later)
        for status in (JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.FINISHED, JobStatus.STOPPING)
    ]
    return made


def tag(job: ImportJob, *tags: str) -> None:
    JobTag.objects.bulk_create([JobTag(job=job, tag=one, rows=1) for one in tags])
    job.summary = {"tags": [[one, 1] for one in tags], "tag_count": len(tags)}
    job.save(update_fields=["summary"])


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
    assert 'name="person"' not in text_of(response)


def test_it_shows_admins_everybodys_and_filters_by_person(
    client: Client, admin_person: Person, marketer: Person, other_marketer: Person, sandbox_connection: Connection
) -> None:
    hers = make_import(marketer, sandbox_connection, JobStatus.FINISHED)
    his = make_import(other_marketer, sandbox_connection, JobStatus.FINISHED)
    client.force_login(admin_person)
    assert listed(client.get(URL)) == [his.pk, hers.pk]
    response = client.get(URL, {"person": marketer.pk})
    assert listed(response) == [hers.pk] and [chip.value for chip in response.context["chips"]] == ["lin"]


def test_it_does_not_widen_a_marketers_list_by_person(
    signed_in: Client, other_marketer: Person, sandbox_connection: Connection
) -> None:
    make_import(other_marketer, sandbox_connection, JobStatus.FINISHED)
    response = signed_in.get(URL, {"person": other_marketer.pk})
    assert listed(response) == [] and "wang" not in text_of(response)
    assert listed(signed_in.get(URL, {"q": "wang"})) == []


def test_it_finds_by_whatever_names_an_import(
    client: Client, admin_person: Person, marketer: Person, other_marketer: Person, sandbox_connection: Connection
) -> None:
    client.force_login(admin_person)
    by_name = make_import(marketer, sandbox_connection, JobStatus.FINISHED, file_name="华南门店.xlsx")
    by_title = make_import(other_marketer, sandbox_connection, JobStatus.FINISHED, title="Spring VIP")
    tag(by_name, "高价值", "老客")
    for text, job in (
        ("华南", by_name),
        ("华南 门店", by_name),
        ("spring", by_title),
        ("高价值", by_name),
        ("lin 老客", by_name),
        ("wang", by_title),
        (f"#{by_title.pk}", by_title),
    ):
        assert listed(client.get(URL, {"q": text})) == [job.pk], text
    page = text_of(client.get(URL, {"q": "nothing of the kind"}))
    assert "No imports match" in page and "Clear filters" in page and "0 imports" in page


@pytest.mark.parametrize("status", BY_STATUS)
def test_it_filters_by_the_word_that_is_shown(
    marketer: Person, sandbox_connection: Connection, blocked_connection: Connection, status: str
) -> None:
    one_of_each(marketer, sandbox_connection, blocked_connection)
    jobs = ImportJob.objects.select_related("connection")
    shown = {job.pk for job in jobs if job.shown_status == status}
    assert shown and {job.pk for job in found(marketer, {"status": status})} == shown


def test_it_filters_by_tag_operation_and_connection(
    signed_in: Client, marketer: Person, sandbox_connection: Connection, blocked_connection: Connection
) -> None:
    add = make_import(marketer, sandbox_connection, JobStatus.FINISHED)
    delete = make_import(marketer, blocked_connection, JobStatus.FINISHED, operation="delete")
    tag(add, "VIP")
    assert listed(signed_in.get(URL, {"tag": "vip"})) == [add.pk]
    assert listed(signed_in.get(URL, {"operation": "delete"})) == [delete.pk]
    assert listed(signed_in.get(URL, {"connection": sandbox_connection.pk})) == [add.pk]
    assert listed(signed_in.get(URL, {"connection": sandbox_connection.pk, "operation": "delete"})) == []


def test_it_filters_by_the_days_of_the_company(
    signed_in: Client, marketer: Person, sandbox_connection: Connection
) -> None:
    shanghai = ZoneInfo("Asia/Shanghai")
    early, late = (datetime(2026, 11, 20, *time, tzinfo=shanghai) for time in ((0, 1), (23, 59)))
    first = make_import(marketer, sandbox_connection, JobStatus.FINISHED, first_confirmed_at=early)
    last = make_import(marketer, sandbox_connection, JobStatus.FINISHED, first_confirmed_at=late)
    draft = make_import(marketer, sandbox_connection, JobStatus.DRAFT)
    ImportJob.objects.filter(pk=draft.pk).update(created_at=late + timedelta(minutes=2))
    day = {"since": "2026-11-20", "until": "2026-11-20"}
    assert listed(signed_in.get(URL, day)) == [last.pk, first.pk]
    assert listed(signed_in.get(URL, {"since": "2026-11-21"})) == [draft.pk]
    assert listed(signed_in.get(URL, {"until": "2026-11-19"})) == []


def test_it_finds_failures_that_nobody_settled(
    signed_in: Client, marketer: Person, sandbox_connection: Connection
) -> None:
    def failed(status: JobStatus = JobStatus.FINISHED, rows: Any = (S.ACCEPTED, S.REJECTED)) -> ImportJob:
        return make_import(marketer, sandbox_connection, status, rows)

    opened, settled, half, retried = failed(), failed(), failed(rows=[S.REJECTED, S.IN_DOUBT]), failed()
    failed(JobStatus.RUNNING), failed(rows=[S.ACCEPTED]), failed(JobStatus.READY, rows=[S.TO_FIX])
    blame(opened, S.REJECTED, "row_refused")
    dismissals.settle(blame(settled, S.REJECTED, "row_refused"), marketer)
    dismissals.settle(blame(half, S.REJECTED, "row_refused"), marketer)
    blame(half, S.IN_DOUBT, "no_answer")
    # Its other cause holds no failed row any more.
    dismissals.settle(blame(retried, S.REJECTED, "row_refused"), marketer)
    blame(retried, S.ACCEPTED, "no_answer")
    assert listed(signed_in.get(URL, {"status": "open_failures"})) == [half.pk, opened.pk]


def test_it_counts_what_wants_an_eye(
    signed_in: Client, marketer: Person, sandbox_connection: Connection, blocked_connection: Connection
) -> None:
    one_of_each(marketer, sandbox_connection, blocked_connection)
    tabs = {tab.status: tab.number for tab in signed_in.get(URL).context["tabs"]}
    assert tabs["needs_action"] == 8 and tabs["under_way"] == 6
    shown = signed_in.get(URL, {"status": "waiting_for_platform"}).context["tabs"]
    assert [tab.label for tab in shown if tab.current] == ["Waiting for the platform"]


@pytest.mark.parametrize("status", STATUS_WORDS)
def test_it_offers_every_state_as_a_filter(signed_in: Client, status: str) -> None:
    response = signed_in.get(URL, {"status": status})
    assert [chip.value for chip in response.context["chips"]] == [str(STATUS_WORDS[status])]


def test_a_chip_takes_its_filter_away_and_keeps_the_others(signed_in: Client) -> None:
    response = signed_in.get(URL, {"q": "a b", "operation": "add", "since": "2026-11-20", "before": 5, "person": "x"})
    urls = {chip.label: chip.url for chip in response.context["chips"]}
    assert urls == {
        "Search": "/imports/?operation=add&since=2026-11-20",
        "Operation": "/imports/?q=a+b&since=2026-11-20",
        "Since": "/imports/?q=a+b&operation=add",
    }
    assert text_of(response).count("Remove this filter") == 3


def test_the_form_leads_to_an_address_without_what_is_empty(signed_in: Client) -> None:
    typed = {"q": "VIP", "status": "", "operation": "add", "tag": "", "since": "2026-11-20", "until": "gestern"}
    answer = signed_in.post("/imports/find/", typed)
    assert answer["Location"] == "/imports/?q=VIP&operation=add&since=2026-11-20"
    assert signed_in.get("/imports/find/").status_code == 405


@pytest.mark.parametrize(
    "text",
    [
        "13800138000",
        "138 0013 8000",
        "+8613800138000",
        "o" + "x" * 27,
        "8" * 18,
        "VIP 13800138000",
        "张伟13800138000。",
    ],
)
def test_an_identifier_leads_to_the_customer(signed_in: Client, text: str) -> None:
    answer = signed_in.post("/imports/find/", {"q": text, "operation": "add"})
    assert answer["Location"].startswith("/customers/?search=") and text not in answer["Location"]


@pytest.mark.parametrize("text", ["13800138000", "138 0013 8000", "o" + "x" * 27, "VIP 13800138000"])
def test_no_identifier_gets_into_an_address(signed_in: Client, text: str) -> None:
    answer = signed_in.post("/imports/find/", {"tag": text, "operation": "add"}, follow=True)
    assert answer.redirect_chain[-1][0] == "/imports/?operation=add"
    assert "identifier of a customer" in text_of(answer) and text not in text_of(answer)


def test_it_leads_drafts_to_their_step(signed_in: Client, marketer: Person, sandbox_connection: Connection) -> None:
    draft = make_import(marketer, sandbox_connection, JobStatus.DRAFT)
    ready = make_import(marketer, sandbox_connection, JobStatus.READY, [S.WAITING])
    page = text_of(signed_in.get(URL))
    assert reverse("import_columns", args=[draft.pk]) in page
    assert reverse("import_check", args=[ready.pk]) in page


def test_it_shows_the_first_tags_and_how_many_more(
    signed_in: Client, marketer: Person, sandbox_connection: Connection
) -> None:
    tag(make_import(marketer, sandbox_connection, JobStatus.FINISHED), "a", "b", "c", "d", "e")
    (line,) = signed_in.get(URL).context["page"].lines
    assert (line.tags, line.more_tags) == (["a", "b"], 3)


def test_it_shows_the_way_when_there_is_none_yet(signed_in: Client) -> None:
    page = text_of(signed_in.get(URL))
    assert "No import yet" in page and reverse("import_new") in page and "Last 30 days" not in page


def test_it_asks_the_database_the_same_for_one_or_twenty(
    client: Client,
    admin_person: Person,
    marketer: Person,
    sandbox_connection: Connection,
    django_assert_num_queries: Any,
) -> None:
    def failed() -> ImportJob:
        states = [S.ACCEPTED, S.REJECTED, S.TO_FIX, S.WAITING]
        job = make_import(marketer, sandbox_connection, JobStatus.STOPPED, states)
        blame(job, S.REJECTED, "refused", message="x")
        blame(job, S.TO_FIX, "no_tags", Origin.CHECK)
        return job

    failed()
    client.force_login(admin_person)
    client.get(URL)
    with django_assert_num_queries(QUERIES):
        client.get(URL)
    for _ in range(20):
        tag(failed(), "VIP", "新客")
        make_import(marketer, sandbox_connection, JobStatus.QUEUED, [S.WAITING])
    with django_assert_num_queries(QUERIES):
        client.get(URL)
    with django_assert_num_queries(QUERIES + MORE_FOR_A_SEARCH):
        client.get(URL, {"q": "VIP", "status": "open_failures", "tag": "新客", "since": "2026-01-01"})


def test_it_turns_pages_both_ways(signed_in: Client, marketer: Person, sandbox_connection: Connection) -> None:
    made = [make_import(marketer, sandbox_connection, JobStatus.FINISHED).pk for _ in range(57)][::-1]
    first = signed_in.get(URL)
    assert listed(first) == made[:25] and first.context["page"].newer is None
    assert first.context["page"].number == 57
    second = signed_in.get(URL, {"before": first.context["page"].older})
    third = signed_in.get(URL, {"before": second.context["page"].older})
    assert listed(second) == made[25:50] and listed(third) == made[50:] and third.context["page"].older is None
    back = signed_in.get(URL, {"after": third.context["page"].newer})
    assert listed(back) == made[25:50] and back.context["page"].newer and back.context["page"].older
    assert signed_in.get(URL, {"after": back.context["page"].newer}).context["page"].newer is None
    # What is uploaded meanwhile moves nothing.
    make_import(marketer, sandbox_connection, JobStatus.DRAFT)
    assert listed(signed_in.get(URL, {"before": first.context["page"].older})) == made[25:50]
    assert len(listed(signed_in.get(URL, {"before": 1}))) == 25


def test_it_reads_any_address_without_failing(signed_in: Client) -> None:
    for query in (
        {"q": "\0"},
        {"person": "9" * 30},
        {"person": "x"},
        {"status": "x"},
        {"before": "-1", "after": "x"},
        {"q": "%_'\""},
        {"since": "0001-01-01", "until": "9999-12-31"},
        {"since": "2026-02-30"},
        {"q": "#" + "9" * 40},
        {"operation": "burn", "connection": "1; DROP"},
    ):
        assert signed_in.get(URL, query).status_code == 200


def test_it_only_reads(signed_in: Client) -> None:
    assert signed_in.post(URL).status_code == 405


def test_it_sends_strangers_to_the_sign_in(client: Client) -> None:
    assert client.get(URL).headers["Location"].startswith(reverse("login"))
    assert client.post("/imports/find/", {"q": "x"}).headers["Location"].startswith(reverse("login"))
