"""The calls of an import, as the platform answered them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.imports.models import ImportJob
from tagsync.imports.states import JobStatus
from tests.making import S, add_call, make_import
from tests.web.layout import text_of

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


# -- the pieces of a refused batch


def tree(job: ImportJob) -> list[int]:
    """A refused batch, its halves, the right one halved again; then a batch that was accepted. Ids in page order."""
    whole = add_call(job, [2, 3, 4, 5], outcome="batch_refused", code="100500", message="有错误")
    left = add_call(job, [2, 3], batch=2, parent=whole, root=whole)
    after = add_call(job, [6], batch=3)
    right = add_call(job, [4, 5], batch=4, parent=whole, root=whole, outcome="batch_refused", code="100500")
    last = add_call(job, [5], batch=6, parent=right, root=whole, state="planned", outcome="", http_status=None, code="")
    first = add_call(job, [4], batch=5, parent=right, root=whole, outcome="batch_refused", code="100500")
    return [after.pk, whole.pk, left.pk, right.pk, first.pk, last.pk]


def test_it_shows_pieces_below_what_was_refused(client: Client, marketer: Person, job: ImportJob) -> None:
    expected = tree(job)
    client.force_login(marketer)
    response = client.get(url(job))
    lines = response.context["calls"]
    assert [line.call.pk for line in lines] == expected
    assert [line.depth for line in lines] == [0, 0, 1, 1, 2, 2]
    page = text_of(response)
    assert 'class="depth depth--2"' in page and "Piece, halved 2 times:" in page


def test_it_counts_no_planned_piece_as_a_call(client: Client, marketer: Person, job: ImportJob) -> None:
    tree(job)
    client.force_login(marketer)
    response = client.get(url(job))
    assert text_of(response).count("Planned, not sent yet") == 1
    assert {look.word: number for look, number in response.context["summary"]} == {"Accepted": 2, "Batch refused": 3}
    row = client.get(reverse("import_rows", args=[job.pk]), {"row": 5})
    assert "2 tries" in text_of(row)
    assert [(number, line.depth) for number, line in row.context["opened"].tries] == [(2, 1), (1, 0)]


def test_it_names_the_call_without_rows(client: Client, marketer: Person, job: ImportJob) -> None:
    call = add_call(job, [], outcome="sign_of_life")
    client.force_login(marketer)
    page = text_of(client.get(url(job), {"call": call.pk}))
    assert "Without rows: does the platform answer?" in page
    assert "&quot;data&quot;: []" in page
    assert client.get(reverse("import_rows", args=[job.pk]), {"row": 2}).status_code == 200


def test_it_asks_the_database_the_same_however_deep(
    client: Client, marketer: Person, job: ImportJob, django_assert_max_num_queries: Any
) -> None:
    for _time in range(8):
        tree(job)
    client.force_login(marketer)
    client.get(url(job))
    with django_assert_max_num_queries(11):
        client.get(url(job))


# -- one call opened


def test_it_opens_a_call_with_its_masked_request(client: Client, admin_person: Person, job: ImportJob) -> None:
    call = add_call(job, [2, 3], message="<i>成功</i>", data="ref-1", duration_ms=1402, error_code="E7")
    client.force_login(admin_person)
    response = client.get(url(job), {"call": call.pk})
    page = text_of(response)
    request = json.loads(response.context["opened"].request)
    assert [row["phone"] for row in request["data"]] == ["138****0002", "138****0003"]
    assert request["publicParams"]["optType"] == "add" and request["data"][0]["tags"] == "华东,VIP"
    assert "13800000002" not in page and "<i>成功" not in page
    assert "Rebuilt from the rows, identifiers masked." in page
    for words in ("0" * 64, "ref-1", "E7", "1,402 ms", "&lt;i&gt;成功"):
        assert words in page


def test_it_shows_only_the_first_rows_of_a_big_call(
    client: Client, marketer: Person, sandbox_connection: Connection
) -> None:
    job = make_import(marketer, sandbox_connection, JobStatus.FINISHED, [S.ACCEPTED] * 30)
    call = add_call(job, range(2, 32))
    client.force_login(marketer)
    response = client.get(url(job), {"call": call.pk})
    assert len(json.loads(response.context["opened"].request)["data"]) == 20
    assert "the first 20 of 30 rows" in text_of(response)


def test_it_opens_a_piece_that_was_not_sent(client: Client, marketer: Person, job: ImportJob) -> None:
    planned = tree(job)[-1]
    job.deliveries.filter(pk=planned).update(body_sha256="")
    client.force_login(marketer)
    page = text_of(client.get(url(job), {"call": planned}))
    assert "Planned, not sent yet" in page and "<dt>SHA-256 of the request</dt><dd>–</dd>" in page


def test_it_opens_no_call_of_another_import(
    client: Client, marketer: Person, job: ImportJob, sandbox_connection: Connection
) -> None:
    other = make_import(marketer, sandbox_connection, JobStatus.FINISHED, [S.ACCEPTED])
    call = add_call(other, [2])
    client.force_login(marketer)
    assert client.get(url(job), {"call": call.pk}).status_code == 404
    for nonsense in ("x", "-1", "9" * 40):
        assert client.get(url(job), {"call": nonsense}).status_code == 200
