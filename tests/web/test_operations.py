"""The page for admins, the probe without a sign-in, and metrics behind a token."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from prometheus_client.parser import text_string_to_metric_families

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.imports.states import JobStatus
from tagsync.operations import facts, processes
from tests.making import S, add_call, make_import

pytestmark = pytest.mark.django_db


def test_admins_see_what_runs(signed_admin: Client, signed: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts, "_redis", lambda: facts.Fact("redis", False, "Redis is gone", "Look at REDIS_URL"))
    processes.record("keeper")
    page = signed_admin.get("/operation/").content.decode()
    assert "The keeper is running." in page and "Workers for sends: 1" in page and "REDIS_URL" in page
    assert signed.get("/operation/").status_code == 404
    assert "/operation/" not in signed.get("/imports/").content.decode()


def test_the_probe_says_what_is_wrong_and_nothing_of_it(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts, "_redis", lambda: facts.Fact("redis", True, ""))
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (
        200,
        {"database": True, "migrations": True, "storage": True, "redis": True},
    )

    def gone() -> None:
        raise OperationalError("no route to host db.example.com")

    monkeypatch.setattr(connection, "ensure_connection", gone)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"database": False, "redis": True})


def test_metrics_are_for_who_knows_the_token(client: Client) -> None:
    assert client.get("/metrics").status_code == 404
    with override_settings(TAGSYNC_METRICS_TOKEN="the-token"):
        for given in ("", "the-token", "Bearer wrong", "Bearer ", "Bearer 令牌"):
            assert client.get("/metrics", headers={"Authorization": given}).status_code in (200, 401)
        assert client.get("/metrics").status_code == 401
        assert client.get("/metrics", headers={"Authorization": "Bearer the-token"}).status_code == 200


@override_settings(TAGSYNC_METRICS_TOKEN="t")
def test_metrics_count_what_there_is(
    client: Client, marketer: Person, sandbox_connection: Connection, django_assert_max_num_queries: object
) -> None:
    def figures() -> dict[tuple[str, ...], float]:
        text = client.get("/metrics", headers={"Authorization": "Bearer t"}).content.decode()
        families = text_string_to_metric_families(text)
        return {(one.name, *one.labels.values()): one.value for family in families for one in family.samples}

    make_import(marketer, sandbox_connection, JobStatus.FINISHED, [S.ACCEPTED, S.ACCEPTED, S.REJECTED])
    make_import(marketer, sandbox_connection, JobStatus.RUNNING, [S.WAITING])
    found = figures()
    assert (found["tagsync_rows", "accepted"], found["tagsync_rows", "rejected"]) == (2, 1)
    assert (found["tagsync_imports", "finished"], found["tagsync_imports", "running"]) == (1, 1)
    assert found["tagsync_blocked_connections",] == 0
    assert {"tagsync_workers", "tagsync_keeper_age_seconds", "tagsync_lease_expiries_total"} <= {
        name for name, *_ in found
    }
    with django_assert_max_num_queries(12):  # type: ignore[operator]  # a fixture that is a function
        figures()


@override_settings(TAGSYNC_METRICS_TOKEN="t")
def test_metrics_tell_how_long_calls_took(
    client: Client, marketer: Person, sandbox_connection: Connection, django_assert_num_queries: Any
) -> None:
    def figures() -> dict[tuple[str, ...], float]:
        text = client.get("/metrics", headers={"Authorization": "Bearer t"}).content.decode()
        [calls] = (one for one in text_string_to_metric_families(text) if one.name == "tagsync_call_seconds")
        assert calls.type == "histogram"
        return {(one.name, one.labels["outcome"], one.labels.get("le", "")): one.value for one in calls.samples}

    job = make_import(marketer, sandbox_connection, JobStatus.RUNNING, [S.WAITING])
    for outcome, durations in {"accepted": (80, 100, 101, 2500), "unanswered": (30_000, 61_000)}.items():
        for milliseconds in durations:
            add_call(job, [2], outcome=outcome, duration_ms=milliseconds)
    add_call(job, [2], outcome="worker_died", state="broken_off", answered_at=None)
    add_call(job, [2], outcome="", state="sending", answered_at=None)
    with CaptureQueriesContext(connection) as asked:
        found = figures()
    limits = ("0.1", "0.3", "1.0", "3.0", "10.0", "30.0", "60.0", "+Inf")
    for outcome, within, seconds in (
        ("accepted", (2, 3, 3, 4, 4, 4, 4, 4), 2.781),
        ("unanswered", (0, 0, 0, 0, 0, 1, 1, 2), 91),
        ("worker_died", (0, 0, 0, 0, 0, 0, 0, 1), 0),
    ):
        buckets = (found["tagsync_call_seconds_bucket", outcome, limit] for limit in limits)
        assert (*buckets, found["tagsync_call_seconds_count", outcome, ""]) == (*within, within[-1]), outcome
        assert found["tagsync_call_seconds_sum", outcome, ""] == seconds
    add_call(job, [2], outcome="too_large", duration_ms=5)
    with django_assert_num_queries(len(asked)):
        later = figures()
    assert all(later[name] >= value for name, value in found.items())


def test_the_web_process_says_that_it_runs(client: Client) -> None:
    middleware = "tagsync.web.middleware.SaysAlive"
    with override_settings(MIDDLEWARE=[middleware]):
        processes._said.clear()
        client.get("/healthz")
        client.get("/healthz")
    assert [one.role for one in processes.running()] == ["web"]
