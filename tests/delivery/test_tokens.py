"""Tokens that are fetched: renewed in time, by one worker, after refusals, and never for ever."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection as database
from django.utils import timezone

from tagsync.accounts.models import Person
from tagsync.connections import tokens
from tagsync.connections.models import Connection
from tagsync.delivery.clients import client_for
from tagsync.sandbox import DEFAULT_APP_ID, DEFAULT_APP_SECRET, Sandbox
from tests.invariants import check_invariants
from tests.making import customers, run_to_end, started

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def app(connection: Connection) -> Connection:
    connection.set_app(DEFAULT_APP_ID, DEFAULT_APP_SECRET)
    connection.save()
    return connection


@pytest.mark.slow
def test_it_outlives_many_short_tokens_without_a_person(marketer: Person, sandbox_connection: Connection) -> None:
    with Sandbox(token_lifetime_seconds=2) as short:
        sandbox_connection.base_url, sandbox_connection.rows_per_call = short.url, 10
        sandbox_connection.set_app(DEFAULT_APP_ID, DEFAULT_APP_SECRET)
        sandbox_connection.save()
        short.faults.add("latency", seconds=0.25)
        job = run_to_end(started(marketer, sandbox_connection, customers(400)))
        assert job.counts == {"accepted": 400}
        assert 3 <= short.token_calls <= 15
        # Renewed before its end, so no call was ever refused for it.
        assert {entry.token_ok for entry in short.ledger} == {True}
        check_invariants(job, short.ledger, 400)


def test_it_lets_exactly_one_of_many_workers_fetch(app: Connection, sandbox: Sandbox) -> None:
    sandbox.faults.add("latency", seconds=0.3, on="token")
    gate, found = threading.Barrier(6), []

    def ask() -> None:
        mine = Connection.objects.get(pk=app.pk)
        with client_for(mine) as client:
            # A client takes longer to make than the call for a token.
            gate.wait(30)
            try:
                found.append(tokens.token_for(mine, client))
            except tokens.NoToken as error:
                found.append(error.outcome)
        database.close()

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sandbox.token_calls == 1
    assert [one for one in found if not isinstance(one, str)] == [None] * 5


def test_it_goes_on_with_the_old_token_while_another_renews(app: Connection, sandbox: Sandbox) -> None:
    with client_for(app) as client:
        first = tokens.token_for(app, client)
        now = timezone.now()
        Connection.objects.update(token_renew_at=now, token_lease_until=now + timedelta(seconds=30))
        assert tokens.token_for(app, client) == first
    assert sandbox.token_calls == 1


def test_it_takes_over_when_the_renewing_worker_died(app: Connection, sandbox: Sandbox) -> None:
    Connection.objects.update(token_lease_until=timezone.now() - timedelta(seconds=1))
    with client_for(app) as client:
        assert tokens.token_for(app, client)


def test_it_resends_with_the_new_token_when_an_old_one_was_refused(app: Connection, sandbox: Sandbox) -> None:
    with client_for(app) as client:
        old = tokens.token_for(app, client)
        assert not tokens.refused(app, old)
        new = tokens.token_for(app, client)
        # A late answer to a call with the old token says nothing about the new one.
        assert new != old
        assert not tokens.refused(app, old)
        assert tokens.token_for(app, client) == new
        # The new one is refused on its first use: fetching more is no use.
        assert tokens.refused(app, new)


def test_it_renews_again_once_a_token_was_proven(app: Connection, sandbox: Sandbox) -> None:
    with client_for(app) as client:
        for _ in range(3):
            token = tokens.token_for(app, client)
            assert not tokens.refused(app, token)
            token = tokens.token_for(app, client)
            app.refresh_from_db()
            tokens.proven(app)


def test_it_blocks_when_fresh_tokens_are_refused(marketer: Person, app: Connection, sandbox: Sandbox) -> None:
    sandbox.faults.add("token_expired")
    job = run_to_end(started(marketer, app, customers(3)), slices=3)
    app.refresh_from_db()
    assert (app.state, app.blocked_reason) == ("blocked", "token_rejected")
    assert job.counts == {"waiting": 3}
    assert len(sandbox.ledger) <= 4
    sandbox.faults.clear()
    app.unblock()
    assert run_to_end(job).counts == {"accepted": 3}


def test_it_goes_on_after_a_repair_although_the_last_token_is_dead(
    marketer: Person, app: Connection, sandbox: Sandbox
) -> None:
    sandbox.faults.add("token_expired")
    job = run_to_end(started(marketer, app, customers(3)), slices=3)
    # Whatever was fetched while it was broken is worth nothing on the repaired platform.
    sandbox.expire_tokens()
    sandbox.faults.clear()
    app.unblock()
    assert run_to_end(job, slices=3).counts == {"accepted": 3}
    app.refresh_from_db()
    assert (app.state, app.token_refusals) == ("ready", 0)


def test_it_waits_when_the_token_call_is_not_answered(
    marketer: Person, app: Connection, sandbox: Sandbox, quick: None
) -> None:
    sandbox.faults.add("status", http_status=503, on="token", times=3)
    job = run_to_end(started(marketer, app, customers(3)))
    assert job.counts == {"accepted": 3}
    app.refresh_from_db()
    assert app.state == "ready"
