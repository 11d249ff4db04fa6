"""The rows of an import: filters, pages, the opened row, masking."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.imports.models import ImportJob
from tagsync.imports.models.row import Origin
from tagsync.imports.states import JobStatus, RowStatus
from tests.making import S, add_call, blame, make_import
from tests.web.layout import outside_search, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def signed_in(client: Client, marketer: Person) -> Client:
    client.force_login(marketer)
    return client


@pytest.fixture
def job(marketer: Person, sandbox_connection: Connection) -> ImportJob:
    rows = [S.ACCEPTED] * 3 + [S.REJECTED] * 2 + [S.TO_FIX, S.IN_DOUBT] + [S.WAITING] * 2
    return make_import(marketer, sandbox_connection, JobStatus.STOPPED, rows)


def look(client: Client, job: ImportJob, **query: Any) -> Any:
    return client.get(reverse("import_rows", args=[job.pk]), query)


def numbers(response: Any) -> list[int]:
    return [line.number for line in response.context["page"].lines]


def test_it_lists_all_rows_in_the_order_of_the_sheet(signed_in: Client, job: ImportJob) -> None:
    assert numbers(look(signed_in, job)) == list(range(2, 11))


def test_it_filters_by_state(signed_in: Client, job: ImportJob) -> None:
    assert numbers(look(signed_in, job, status="rejected")) == [5, 6]
    assert numbers(look(signed_in, job, status="not_sent")) == [9, 10]
    assert numbers(look(signed_in, job, status="nonsense")) == list(range(2, 11))


def test_it_filters_by_problem(signed_in: Client, job: ImportJob) -> None:
    problem = blame(job, S.REJECTED, "not_isolated", message="客户不存在")
    response = look(signed_in, job, problem=problem.pk)
    assert numbers(response) == [5, 6]
    assert "客户不存在" in text_of(response)


def test_its_tabs_count_the_rows_of_the_cause(signed_in: Client, job: ImportJob) -> None:
    """What a retry has queued again keeps its cause until it is settled; stopped, some of it was not sent."""
    problem = blame(job, S.REJECTED, "refused", message="x")
    job.rows.filter(row_number__in=[9, 10]).update(problem=problem)
    job.rows.filter(row_number=10).update(unanswered_at=timezone.now())
    response = look(signed_in, job, problem=problem.pk)
    assert dict(response.context["tabs"]) == {"rejected": 2, "in_doubt": 1, "not_sent": 1}
    assert response.context["all_rows"] == 4 and "Download 4 rows" in text_of(response)
    for status, rows in response.context["tabs"]:
        narrowed = look(signed_in, job, problem=problem.pk, status=status)
        assert len(numbers(narrowed)) == rows == narrowed.context["shown_rows"], status


def test_it_knows_no_problem_of_another_import(signed_in: Client, job: ImportJob, marketer: Person) -> None:
    assert job.connection
    other = make_import(marketer, job.connection, JobStatus.FINISHED, [S.REJECTED])
    problem = blame(other, S.REJECTED, "batch_refused", message="x")
    assert look(signed_in, job, problem=problem.pk).status_code == 404


def test_it_calls_unsent_rows_of_an_ended_import_not_sent(signed_in: Client, job: ImportJob) -> None:
    lines = look(signed_in, job).context["page"].lines
    assert [line.status for line in lines[-2:]] == ["not_sent", "not_sent"]


def test_it_pages_both_ways_without_losing_a_row(
    signed_in: Client, marketer: Person, sandbox_connection: Connection
) -> None:
    job = make_import(marketer, sandbox_connection, JobStatus.FINISHED, [S.ACCEPTED] * 120)
    first = look(signed_in, job)
    second = look(signed_in, job, after=first.context["page"].next)
    third = look(signed_in, job, after=second.context["page"].next)
    assert numbers(first) + numbers(second) + numbers(third) == list(range(2, 122))
    assert first.context["page"].previous is None and third.context["page"].next is None
    back = look(signed_in, job, before=third.context["page"].previous)
    assert numbers(back) == numbers(second)
    assert numbers(look(signed_in, job, before=back.context["page"].previous)) == numbers(first)


def test_it_counts_the_tries_of_each_row(signed_in: Client, job: ImportJob) -> None:
    add_call(job, [2, 3, 5], state="broken_off", outcome="unanswered")
    add_call(job, [2, 3, 5], attempt=2)
    add_call(job, [5], batch=2, state="planned", outcome="")
    add_call(job, [4], batch=3, state="broken_off", outcome="not_sent")
    tries = {line.number: line.tries for line in look(signed_in, job).context["page"].lines}
    assert tries == {2: 2, 3: 2, 4: 0, 5: 2, 6: 0, 7: 0, 8: 0, 9: 0, 10: 0}


def test_it_asks_the_database_the_same_however_many_rows(
    signed_in: Client, job: ImportJob, django_assert_max_num_queries: Any
) -> None:
    blame(job, S.REJECTED, "batch_refused", message="x")
    with django_assert_max_num_queries(14):
        look(signed_in, job)


def test_it_opens_one_row_with_its_tries(signed_in: Client, job: ImportJob) -> None:
    blame(job, S.REJECTED, "not_isolated", message="客户不存在", code="100404")
    add_call(job, [5, 6], outcome="batch_refused", code="100404", message="客户不存在", data="ref-77")
    response = look(signed_in, job, row=5)
    page = text_of(response)
    assert "1 try" in page and "ref-77" in page and "100404" in page
    assert [flaw.sentence.title for flaw in response.context["opened"].line.flaws] == [
        "The platform refused the batch with this row: 客户不存在"
    ]
    assert look(signed_in, job, row=99).status_code == 404


def without_tokens(html: str) -> str:
    return re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", html)


def test_it_opens_one_row_alone_for_the_panel(signed_in: Client, job: ImportJob) -> None:
    blame(job, S.REJECTED, "not_isolated", message="客户不存在", code="100404")
    add_call(job, range(2, 12), outcome="batch_refused", code="100404", message="客户不存在")
    add_call(job, [5], batch=2, outcome="batch_refused", code="100404", message="客户不存在")
    url = reverse("import_rows", args=[job.pk])
    response = signed_in.get(url, {"row": 5}, headers={"HX-Request": "true", "HX-Target": "row"})
    panel = text_of(response)
    assert panel.lstrip().startswith("<header")
    assert without_tokens(panel) in without_tokens(text_of(look(signed_in, job, row=5)))
    assert "together with 9 other rows" in panel and "this row alone" in panel
    assert "&quot;phone&quot;: &quot;138****0005&quot;" in panel and "13800000005" not in panel
    assert "手机号" in panel and "All rows with this cause" in panel and "Retry this row" not in panel


def test_it_leads_from_row_to_row_as_the_table_goes(signed_in: Client, job: ImportJob) -> None:
    opened = look(signed_in, job, row=6).context["opened"]
    assert (opened.previous, opened.following) == (5, 7)
    opened = look(signed_in, job, row=6, status="rejected").context["opened"]
    assert (opened.previous, opened.following) == (5, None)


def test_it_lets_an_admin_retry_the_opened_row(client: Client, admin_person: Person, job: ImportJob) -> None:
    client.force_login(admin_person)
    assert f"/imports/{job.pk}/retry/?choice=rows&amp;row=5" in text_of(look(client, job, row=5))
    assert f"/imports/{job.pk}/retry/?choice=rows&amp;row=8&amp;in_doubt=1" in text_of(look(client, job, row=8))
    assert "Retry this row" not in text_of(look(client, job, row=2))


@pytest.mark.parametrize(
    ("row", "words"), [(2, "The platform has accepted this row."), (9, "“Resume” sends it."), (7, "What to do next")]
)
def test_it_says_what_to_do_with_a_row(signed_in: Client, job: ImportJob, row: int, words: str) -> None:
    assert words in text_of(look(signed_in, job, row=row))


def test_it_shows_the_cells_with_their_columns(signed_in: Client, job: ImportJob) -> None:
    cells = look(signed_in, job, row=2).context["opened"].cells
    assert [(cell.columns, cell.headers, cell.text) for cell in cells] == [
        ([0], ["手机号"], "138****0002"),
        ([2], ["客户标签"], "华东,VIP"),
    ]


def test_it_shows_every_problem_of_a_row_with_its_cell(signed_in: Client, job: ImportJob) -> None:
    blame(job, S.TO_FIX, "phone_invalid", Origin.CHECK, field="phone")
    notes = [
        {"code": "phone_invalid", "field": "phone", "column": "A", "value": "138<i>", "params": {}},
        {"code": "no_tags", "field": "tags", "column": "C", "value": "", "params": {}},
    ]
    job.rows.filter(row_number=7).update(notes=notes)
    page = text_of(look(signed_in, job, row=7))
    assert "Phone: not a phone number" in page and "No tag in the row" in page
    assert "138&lt;i&gt;" not in page and "138<i>" not in page  # masked entirely: it is no clean phone


# -- who sees what


def test_it_masks_for_the_owner_after_the_start(signed_in: Client, job: ImportJob) -> None:
    for query in ({}, {"unmasked": 1}, {"row": 2, "unmasked": 1}):
        page = text_of(look(signed_in, job, **query))
        assert "13800000002" not in page and "138****0002" in page
        assert "Show identifiers" not in page


def test_it_unmasks_for_an_admin_who_asks(client: Client, admin_person: Person, job: ImportJob) -> None:
    client.force_login(admin_person)
    assert "13800000002" not in text_of(look(client, job))
    assert "13800000002" in text_of(look(client, job, unmasked=1))


def test_it_shows_the_owner_her_own_sheet_before_the_start(
    client: Client, marketer: Person, admin_person: Person, sandbox_connection: Connection
) -> None:
    job = make_import(marketer, sandbox_connection, JobStatus.READY, [S.WAITING, S.TO_FIX])
    client.force_login(marketer)
    page = text_of(look(client, job))
    assert "13800000002" in page and "Ready to send" in page and "Tries" not in page
    client.force_login(admin_person)
    assert "13800000002" not in text_of(look(client, job))


def test_it_lets_only_admins_choose_rows(
    client: Client, marketer: Person, admin_person: Person, job: ImportJob
) -> None:
    client.force_login(marketer)
    assert 'name="row"' not in text_of(look(client, job))
    client.force_login(admin_person)
    page = text_of(look(client, job))
    assert page.count('name="row"') == 3  # two rejected, one in doubt
    ImportJob.objects.filter(pk=job.pk).update(status="running")
    assert 'name="row"' not in text_of(look(client, job))


def test_it_reads_any_address_without_failing(signed_in: Client, job: ImportJob) -> None:
    for query in ({"after": "x"}, {"after": "9" * 40}, {"row": "-1"}, {"problem": "1.5"}, {"before": "\0"}):
        assert look(signed_in, job, **query).status_code == 200


def test_it_only_reads(signed_in: Client, job: ImportJob) -> None:
    assert signed_in.post(reverse("import_rows", args=[job.pk])).status_code == 405


def test_it_sends_strangers_to_the_sign_in(client: Client, job: ImportJob) -> None:
    assert look(client, job).headers["Location"].startswith(reverse("login"))


def test_it_does_not_exist_for_other_marketers(client: Client, other_marketer: Person, job: ImportJob) -> None:
    client.force_login(other_marketer)
    assert look(client, job).status_code == 404
    assert client.get(reverse("import_rows", args=[job.pk + 1000])).status_code == 404


# -- why a row was not accepted


def overtaken(job: ImportJob, other: ImportJob) -> None:
    params = {"import": other.pk, "row": 7}
    note = {"code": "superseded_by", "field": None, "column": "", "value": "", "params": params}
    job.rows.filter(row_number=2).update(status="superseded", notes=[note])


def test_it_leads_to_the_row_that_overtook_it(
    signed_in: Client, job: ImportJob, marketer: Person, sandbox_connection: Connection
) -> None:
    other = make_import(marketer, sandbox_connection, JobStatus.FINISHED, [S.ACCEPTED], operation="delete")
    overtaken(job, other)
    link = f'<a href="/imports/{other.pk}/rows/?row=7#row">Superseded by import #{other.pk}, row 7</a>'
    assert text_of(look(signed_in, job)).count(link) == 1
    assert text_of(look(signed_in, job, row=2)).count(link) == 2


def test_it_leads_nobody_to_imports_of_others(
    signed_in: Client, job: ImportJob, other_marketer: Person, sandbox_connection: Connection
) -> None:
    other = make_import(other_marketer, sandbox_connection, JobStatus.FINISHED, [S.ACCEPTED], operation="delete")
    overtaken(job, other)
    page = text_of(look(signed_in, job, row=2))
    assert f"Superseded by import #{other.pk}, row 7" in page and f"/imports/{other.pk}/" not in page


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (S.IN_DOUBT, "no_answer", "Sent, but no readable answer came"),
        (S.IN_DOUBT, "worker_died", "The worker ended three times while sending these rows"),
        (S.REJECTED, "not_isolated", "The platform refused the batch with this row: 太多"),
        (S.REJECTED, "refused", "The platform rejected this row: 太多"),
    ],
)
def test_it_says_why_a_row_was_not_accepted(
    signed_in: Client, job: ImportJob, status: RowStatus, code: str, words: str
) -> None:
    blame(job, status, code, Origin.US, message="太多")
    assert words in text_of(look(signed_in, job, status=status))


# -- search within the import


def search(client: Client, job: ImportJob, typed: str) -> Any:
    answer = client.post(reverse("import_row_search", args=[job.pk]), {"typed": typed})
    assert typed not in answer["Location"].partition("?")[2] or len(typed) < 3
    return client.get(answer["Location"])


def test_it_finds_a_customer_in_the_import(signed_in: Client, job: ImportJob, marketer: Person) -> None:
    assert job.connection
    make_import(marketer, job.connection, JobStatus.FINISHED, [S.ACCEPTED] * 3)
    response = search(signed_in, job, "+86 138 0000 0004")
    assert numbers(response) == [4] and response.context["opened"].line.number == 4
    page = outside_search(response)
    assert "138****0004" in page and "13800000004" not in page and "0000 0004" not in page
    assert 'value="+86 138 0000 0004"' in text_of(response)


def test_it_finds_a_row_number_or_an_identifier_that_looks_like_one(signed_in: Client, job: ImportJob) -> None:
    assert numbers(search(signed_in, job, "7")) == numbers(search(signed_in, job, "７ ")) == [7]
    job.rows.filter(row_number=9).update(customer_id="7")
    response = search(signed_in, job, "7")
    assert numbers(response) == [7, 9] and response.context["opened"] is None


def test_it_narrows_what_was_found_by_state(signed_in: Client, job: ImportJob) -> None:
    job.rows.filter(row_number__gte=4).update(openid="oAbC1234567890")
    response = search(signed_in, job, "oAbC1234567890")
    assert numbers(response) == list(range(4, 11)) and "Download" not in text_of(response)
    key = response.request["QUERY_STRING"].removeprefix("search=")
    assert numbers(look(signed_in, job, search=key, status="rejected")) == [5, 6]


def test_it_pages_through_what_was_found(signed_in: Client, marketer: Person, sandbox_connection: Connection) -> None:
    job = make_import(marketer, sandbox_connection, JobStatus.FINISHED, [S.ACCEPTED] * 120)
    job.rows.filter(row_number__gt=20).update(openid="oAbC1234567890")
    first = search(signed_in, job, "oAbC1234567890")
    key = first.request["QUERY_STRING"].removeprefix("search=")
    second = look(signed_in, job, search=key, after=first.context["page"].next)
    third = look(signed_in, job, search=key, after=second.context["page"].next)
    assert numbers(first) + numbers(second) + numbers(third) == list(range(21, 122))
    assert numbers(look(signed_in, job, search=key, before=third.context["page"].previous)) == numbers(second)
    assert f"search={key}" in text_of(second)


def test_it_says_when_nothing_was_found(signed_in: Client, job: ImportJob) -> None:
    assert "Nothing in this import has this identifier" in text_of(search(signed_in, job, "13912345678"))
    assert "Nothing in this import" in text_of(search(signed_in, job, "1048577"))


def test_it_refuses_what_nobody_can_be_found_by(signed_in: Client, job: ImportJob) -> None:
    for typed in ("", "138****0002", "x" * 201):
        answer = signed_in.post(reverse("import_row_search", args=[job.pk]), {"typed": typed}, follow=True)
        assert answer.status_code == 200 and len(numbers(answer)) == 9 and len(answer.context["messages"]) == 1


def test_it_forgets_a_search_of_another_session(signed_in: Client, job: ImportJob) -> None:
    assert look(signed_in, job, search="x").headers["Location"] == reverse("import_rows", args=[job.pk])


def test_it_searches_for_nobody_else(client: Client, other_marketer: Person, job: ImportJob) -> None:
    address = reverse("import_row_search", args=[job.pk])
    assert client.post(address, {"typed": "7"}).headers["Location"].startswith(reverse("login"))
    client.force_login(other_marketer)
    assert client.post(address, {"typed": "7"}).status_code == 404
    assert client.get(address).status_code == 405


def test_what_was_never_sent_shows_no_tries(
    signed_in: Client, marketer: Person, sandbox_connection: Connection
) -> None:
    """A refused batch held all four; it was halved, and the import was stopped before the second half was sent."""
    rows = [S.ACCEPTED, S.REJECTED, S.WAITING, S.WAITING]
    job = make_import(marketer, sandbox_connection, JobStatus.STOPPED, rows)
    add_call(job, [2, 3, 4, 5], outcome="batch_refused")
    add_call(job, [2, 3], batch=2)
    tries = {line.number: line.tries for line in look(signed_in, job).context["page"].lines}
    assert tries == {2: 2, 3: 2, 4: 0, 5: 0}
    page = text_of(look(signed_in, job, row=4))
    assert "Never sent alone: it was only in batches that were refused as a whole." in page and "1 try" not in page
