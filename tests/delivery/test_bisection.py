"""Refused batches are halved until the refused rows are found, within a budget, also across crashes."""

from __future__ import annotations

import random
from math import log2

import pytest

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.delivery import actions, tasks
from tagsync.imports.models import Delivery
from tagsync.imports.sending import bisection
from tagsync.sandbox import Sandbox
from tests.invariants import check_invariants
from tests.making import customers, run_to_end, started
from tests.matrix import most_slow

pytestmark = pytest.mark.django_db(transaction=True)


def refuse(sandbox: Sandbox, rows: list[tuple[str, ...]], bad: list[int]) -> None:
    for number in bad:
        sandbox.faults.add("refuse_rows", field="phone", equals=rows[number][3])


@pytest.mark.parametrize("k", most_slow((1, 2, 5, 20), at_once=(2,)))
def test_it_finds_exactly_the_bad_rows_within_the_bound(
    marketer: Person, connection: Connection, sandbox: Sandbox, k: int
) -> None:
    rows = customers(500)
    bad = sorted(random.Random(k).sample(range(500), k))
    refuse(sandbox, rows, bad)
    job = run_to_end(started(marketer, connection, rows))
    rejected = list(job.rows.filter(status="rejected").order_by("row_number").values_list("row_number", flat=True))
    assert rejected == [number + 2 for number in bad]
    assert job.counts == {"accepted": 500 - k, "rejected": k}
    assert len(sandbox.ledger) <= 2 * k * (log2(500 / k) + 1) - 1 + 1
    check_invariants(job, sandbox.ledger, 500)


@pytest.mark.slow
def test_it_goes_on_with_the_planned_halves_after_a_crash(
    marketer: Person, connection: Connection, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = customers(64)
    refuse(sandbox, rows, [5, 40])
    monkeypatch.setattr("tagsync.delivery.runner.SLICE_SECONDS", 0.05)
    job = started(marketer, connection, rows)
    # On a busy machine a slice may be over before its first call.
    for _ in range(50):
        tasks.run_import(job.pk)
        job.refresh_from_db()
        if bisection.planned(job):
            break
    assert job.status == "queued"
    assert bisection.planned(job)
    monkeypatch.setattr("tagsync.delivery.runner.SLICE_SECONDS", 20.0)
    assert run_to_end(job).counts == {"accepted": 62, "rejected": 2}
    assert Delivery.objects.filter(job=job, parent=None).count() == 1
    check_invariants(job, sandbox.ledger, 64)


def test_it_says_honestly_when_the_budget_is_used_up(
    marketer: Person, connection: Connection, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bisection, "BUDGET", 20)
    rows = customers(100)
    refuse(sandbox, rows, list(range(0, 100, 2)))
    # Something was accepted before, so this is no refusal of everything.
    job = started(marketer, connection, rows)
    job.refusals_seen = True
    job.save(update_fields=["refusals_seen"])
    job = run_to_end(job)
    assert job.counts["rejected"] + job.counts.get("accepted", 0) == 100
    assert Delivery.objects.filter(job=job).count() <= 21
    assert "not_isolated" in job.problems.values_list("code", flat=True)
    check_invariants(job, sandbox.ledger, 100)


def test_it_asks_a_person_when_everything_is_refused_alike(
    marketer: Person, connection: Connection, sandbox: Sandbox
) -> None:
    sandbox.faults.add("refuse_all")
    job = run_to_end(started(marketer, connection, customers(40)))
    assert (job.status, job.cause) == ("blocked", "refuses_everything")
    assert job.counts["rejected"] >= 8
    assert job.counts["waiting"] > 0
    sandbox.faults.clear()
    actions.resume(job, marketer)
    job = run_to_end(job)
    assert (job.status, sum(job.counts.values())) == ("finished", 40)
    check_invariants(job, sandbox.ledger, 40)


@pytest.mark.slow
def test_it_stops_instead_when_the_person_wants_that(
    marketer: Person, connection: Connection, sandbox: Sandbox
) -> None:
    sandbox.faults.add("refuse_all")
    job = run_to_end(started(marketer, connection, customers(40)))
    actions.stop(job, marketer)
    assert (job.status, job.counts["rejected"] + job.counts["waiting"]) == ("stopped", 40)
    check_invariants(job, sandbox.ledger, 40)


@pytest.mark.slow
def test_it_does_not_blame_rows_for_a_refusal_after_something_was_accepted(
    marketer: Person, connection: Connection, sandbox: Sandbox
) -> None:
    connection.rows_per_call = 20
    connection.save()
    rows = customers(60)
    refuse(sandbox, rows, list(range(20, 60)))
    job = run_to_end(started(marketer, connection, rows))
    assert (job.status, job.counts) == ("finished", {"accepted": 20, "rejected": 40})
