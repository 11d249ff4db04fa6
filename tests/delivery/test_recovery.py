"""Whatever the platform did once, the connection is as before a while later, with nobody's help."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.imports.models import ImportJob
from tagsync.sandbox import Sandbox
from tests.making import customer, run_to_end, started
from tests.matrix import one_in

pytestmark = pytest.mark.django_db(transaction=True)
LATER = timedelta(seconds=30)
LASTING = (
    "slow_factor",
    "silent_since",
    "next_probe_at",
    "probes_unclear_since",
    "token_refusals",
    "max_body_bytes",
    "state",
    "rows_per_call",
    "parallel_calls",
)


def lasting(connection: Connection) -> dict[str, object]:
    return dict(Connection.objects.filter(pk=connection.pk).values(*LASTING).get())


def healthy(marketer: Person, connection: Connection, count: int, first: int = 1000) -> ImportJob:
    job = run_to_end(started(marketer, connection, [customer(number) for number in range(first, first + count)]))
    assert job.counts == {"accepted": count}
    return job


@pytest.fixture
def app(connection: Connection) -> Connection:
    """One that fetches its tokens, with room for many calls."""
    connection.set_app("sandbox", "sandbox-secret")
    connection.calls_per_period, connection.period_seconds, connection.rows_per_call = 1000, 1, 10
    connection.save()
    return connection


def test_the_pace_comes_back(
    marketer: Person, app: Connection, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = lasting(app)
    Connection.objects.update(slow_factor=32, slowed_at=Now() - LATER)
    monkeypatch.setattr("tagsync.connections.pace.RECOVER_AFTER", timedelta(0))
    healthy(marketer, app, 100)
    assert lasting(app) == before


@pytest.mark.parametrize(
    "fault",
    one_in(
        4,
        [
            ("apply_then_cut", {}),
            ("close_before_read", {}),
            ("status", {"http_status": 503}),
            ("token_expired", {}),
            ("status", {"http_status": 413}),
            ("status", {"http_status": 401}),
            ("html", {}),
            ("busy", {"retry_after": "1"}),
        ],
    ),
)
def test_it_is_as_before_after_anything_that_happens_once(
    marketer: Person,
    app: Connection,
    sandbox: Sandbox,
    quick: None,
    monkeypatch: pytest.MonkeyPatch,
    fault: tuple[str, dict[str, object]],
) -> None:
    before = lasting(app)
    kind, options = fault
    monkeypatch.setattr("tagsync.connections.pace.RECOVER_AFTER", timedelta(0))
    sandbox.faults.add(kind, times=1, **options)
    job = started(marketer, app, [customer(number) for number in range(40)])
    # What it waits for is another test's business.
    for _ in range(20):
        run_to_end(job, slices=2)
        ImportJob.objects.update(wait_until=None)
        Connection.objects.update(next_slot_at=None, asked_to_wait_until=None)
        if job.status == "finished":
            break
    assert job.counts == {"accepted": 40}
    healthy(marketer, app, 60)
    assert lasting(app) == before


@pytest.mark.slow
def test_a_second_refusal_of_a_token_long_after_the_first_blocks_nothing(
    marketer: Person, app: Connection, sandbox: Sandbox
) -> None:
    for first in (1000, 2000, 3000):
        sandbox.faults.add("token_expired", times=1)
        healthy(marketer, app, 20, first)
    assert lasting(app)["state"] == "ready" and lasting(app)["token_refusals"] == 0
