"""The number on a button is the number of rows that reach the platform when it is pressed."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.imports.models import ImportJob
from tagsync.sandbox import Sandbox
from tests.making import checked, customers, run_to_end, started
from tests.web.layout import text_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def connection(sandbox_connection: Connection, sandbox: Sandbox) -> Connection:
    sandbox_connection.base_url = sandbox.url
    sandbox_connection.calls_per_period = 1000
    sandbox_connection.save()
    return sandbox_connection


@pytest.fixture
def blocked(marketer: Person, connection: Connection, sandbox: Sandbox) -> ImportJob:
    """60 rows: the first single ones were rejected, the others wait."""
    sandbox.faults.add("refuse_all")
    job = run_to_end(started(marketer, connection, customers(60)))
    assert job.status == "blocked" and job.counts["rejected"] < 15 and sum(job.counts.values()) == 60
    sandbox.reset()
    return job


def sent(job: ImportJob, sandbox: Sandbox) -> int:
    run_to_end(job)
    return sum(entry.applied_rows for entry in sandbox.ledger)


def test_the_retry_of_several_imports(signed_admin: Client, blocked: ImportJob, sandbox: Sandbox) -> None:
    page = text_of(signed_admin.get("/imports/selected/retry/", {"import": blocked.pk}))
    assert "Retry 60 rows" in page and "60 rows will be sent again" in page
    assert f"Without a result so far {blocked.counts['waiting']}" in page
    response = signed_admin.post("/imports/selected/retry/", {"import": blocked.pk}, follow=True)
    assert "60 rows queued again." in text_of(response)
    assert sent(blocked, sandbox) == 60
    assert blocked.events.get(act="retry").params == {"rows": 60}


def test_the_retry_of_one_import(signed_admin: Client, blocked: ImportJob, sandbox: Sandbox) -> None:
    rejected = blocked.counts["rejected"]
    for address in (f"/imports/{blocked.pk}/", f"/imports/{blocked.pk}/rows/?problem={blocked.problems.get().pk}"):
        assert f"Retry these {rejected}: 60 rows are sent" in text_of(signed_admin.get(address))
    address = f"/imports/{blocked.pk}/retry/"
    page = text_of(signed_admin.get(address))
    assert "Retry 60 rows" in page and "60 rows will be sent again" in page
    response = signed_admin.post(address, {"choice": "all"}, follow=True)
    assert "60 rows queued again." in text_of(response)
    assert sent(blocked, sandbox) == 60


def test_a_retry_of_nothing_names_no_row(signed_admin: Client, blocked: ImportJob) -> None:
    page = text_of(signed_admin.get(f"/imports/{blocked.pk}/retry/", {"choice": "rows"}))
    assert "0 rows will be sent again" in page


def test_going_on(signed: Client, blocked: ImportJob, sandbox: Sandbox) -> None:
    waiting = blocked.counts["waiting"]
    assert f"send the other {waiting} rows" in text_of(signed.get(f"/imports/{blocked.pk}/"))
    response = signed.post(f"/imports/{blocked.pk}/resume/", follow=True)
    assert f"{waiting} rows are queued." in text_of(response)
    assert sent(blocked, sandbox) == waiting


@pytest.mark.parametrize("trial", [True, False])
def test_the_start(signed: Client, marketer: Person, connection: Connection, sandbox: Sandbox, trial: bool) -> None:
    job = checked(marketer, connection, customers(30))
    page = text_of(signed.get(f"/imports/{job.pk}/check/"))
    assert '<span class="start-all">Add tags to 30 rows</span>' in page
    assert '<span class="start-trial">Send the first 10 rows as a trial</span>' in page
    seen = re.search(r'name="seen" value="(\d+)"', page)
    assert seen is not None
    ticked = {"trial": "1"} if trial else {}
    rows = 10 if trial else 30
    response = signed.post(f"/imports/{job.pk}/start/", {"seen": seen[1], **ticked}, follow=True)
    assert f"Started: {rows} rows will be sent." in text_of(response)
    assert sent(job, sandbox) == rows
