"""A success that speaks of failures: from the platform's answer to the record and the pages, in both languages."""

from __future__ import annotations

import json

import pytest
from django.test import Client
from django.urls import reverse

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.delivery.calls import their_answer
from tagsync.imports.sending.remarks import remarked
from tagsync.sandbox.running import Sandbox
from tagsync.tuzhan.outcomes import classify
from tests.invariants import check_invariants
from tests.making import customers, run_to_end, started

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_rows_stay_accepted_and_the_call_keeps_the_words(
    marketer: Person, connection: Connection, sandbox: Sandbox
) -> None:
    connection.rows_per_call = 10
    connection.save()
    sandbox.faults.add("remarks", failed=0, times=2)
    job = run_to_end(started(marketer, connection, customers(30)))
    assert (job.status, job.counts) == ("finished", {"accepted": 30})
    assert remarked(job) == (2, 20, ("errorCode: PARTIAL_FAIL",))
    assert [call.outcome for call in job.deliveries.all()] == ["accepted"] * 3
    check_invariants(job, sandbox.ledger, 30)


def test_an_ordinary_success_leaves_none(marketer: Person, connection: Connection, sandbox: Sandbox) -> None:
    job = run_to_end(started(marketer, connection, customers(3)))
    assert [(call.remarks, call.excerpt) for call in job.deliveries.all()] == [("", "")]


@pytest.mark.parametrize(
    ("language", "said", "row"),
    [
        ("en", "The platform accepted 5 rows, but its answers mention failures.", "Accepted with remarks"),
        ("zh-hans", "平台已接收 5 行，但其响应中提到了失败。", "平台已接收，附有备注"),
    ],
)
def test_the_pages_say_it_without_a_name(
    client: Client, marketer: Person, connection: Connection, sandbox: Sandbox, language: str, said: str, row: str
) -> None:
    Person.objects.filter(pk=marketer.pk).update(language=language)
    sandbox.faults.add("remarks", failed=2, success=False)
    rows = customers(5)
    job = run_to_end(started(marketer, connection, rows))
    client.force_login(marketer)
    pages = [
        client.get(reverse("import_detail", args=[job.pk])),
        client.get(reverse("import_calls", args=[job.pk]), {"call": job.deliveries.get().pk}),
        client.get(reverse("import_rows", args=[job.pk]), {"row": 2}),
        client.get(client.post(reverse("customer_search"), {"typed": rows[0][3]})["Location"]),
    ]
    texts = [page.content.decode() for page in pages]
    assert said in texts[0]
    assert all("PARTIAL_FAIL" in text for text in texts[:3])
    assert row in texts[2] and row in texts[3]
    for value in rows[3][:4]:
        assert not any(value in text for text in texts), "only what the platform wrote of others stands there"


def test_it_hides_the_identifiers_of_the_call_also_in_the_data() -> None:
    """Short identifiers look like nothing that redaction knows by itself."""
    known = frozenset({"CUST-77", "CUST-78"})
    for data in ({"failList": ["CUST-77"]}, "no such customer: CUST-77", {"CUST-78": "error"}, "CUST-77"):
        body = json.dumps({"code": "200", "data": data, "hint": "CUST-78", "error": "CUST-77"}).encode()
        kept = their_answer(classify(200, {}, body, known=known))
        assert kept.remarks
        for text in (kept.remarks, kept.data, kept.excerpt):
            assert "CUST" not in text
