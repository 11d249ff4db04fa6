"""A platform that answers nobody: nothing new is begun, nothing is in doubt, and after a day a person is asked."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.delivery import acts, keeper, tasks
from tagsync.delivery.claims import claim_import
from tagsync.imports import outcomes
from tagsync.imports.models import Delivery, ImportJob
from tagsync.imports.outcomes import Batch
from tagsync.sandbox import Sandbox
from tests.invariants import check_invariants
from tests.making import customers, run_to_end, started

pytestmark = pytest.mark.django_db(transaction=True)


def slices(job: ImportJob, count: int) -> ImportJob:
    for _ in range(count):
        ImportJob.objects.filter(pk=job.pk).update(wait_until=None)
        Connection.objects.update(next_probe_at=None)
        tasks.run_import(job.pk)
    job.refresh_from_db()
    return job


def test_it_leaves_nothing_in_doubt_after_an_outage_in_the_middle(
    marketer: Person, connection: Connection, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An hour is as many slices as its back-off has tries; the wall clock is not waited for."""
    monkeypatch.setattr("tagsync.delivery.runner.SLICE_SECONDS", 0.2)
    monkeypatch.setattr("tagsync.delivery.runner.MAX_WAIT_SECONDS", 0.0)
    connection.rows_per_call = 50
    connection.save()
    job = slices(started(marketer, connection, customers(5_000)), 3)
    assert 0 < job.counts["accepted"] < 5_000
    sandbox.faults.add("apply_then_cut")
    before = len(sandbox.ledger)
    job = slices(job, 30)
    assert "in_doubt" not in job.counts
    tried = {entry.body for entry in sandbox.ledger[before:] if entry.rows}
    assert len(tried) <= connection.parallel_calls
    sandbox.faults.clear()
    for _ in range(200):
        job = slices(job, 1)
        if job.status == "finished":
            break
    assert job.counts == {"accepted": 5_000}
    check_invariants(job, sandbox.ledger, 5_000)


def test_it_begins_nothing_new_on_a_silent_connection(
    marketer: Person, connection: Connection, sandbox: Sandbox
) -> None:
    Connection.objects.update(silent_since=timezone.now() - timedelta(minutes=3))
    sandbox.faults.add("cut")
    job = slices(started(marketer, connection, customers(5)), 1)
    assert not Delivery.objects.exists()
    assert [len(entry.rows) for entry in sandbox.ledger] == [0]
    assert (job.status, job.wait_reason) == ("queued", "unanswered")
    # As long again as it was silent already.
    assert job.wait_until is not None
    assert 150 < (job.wait_until - timezone.now()).total_seconds() <= 200
    sandbox.faults.clear()
    assert slices(job, 1).counts == {"accepted": 5}
    connection.refresh_from_db()
    assert connection.silent_since is None


def test_it_asks_a_person_after_a_day(marketer: Person, connection: Connection, sandbox: Sandbox) -> None:
    Connection.objects.update(silent_since=timezone.now() - timedelta(hours=25))
    sandbox.faults.add("cut")
    job = slices(started(marketer, connection, customers(5)), 1)
    assert (job.status, job.cause, job.counts) == ("blocked", "no_answer_for_a_day", {"waiting": 5})
    sandbox.faults.clear()
    acts.resume(job, marketer)
    assert slices(job, 1).counts == {"accepted": 5}


def test_it_is_in_doubt_at_once_where_resending_is_switched_off(
    marketer: Person, connection: Connection, sandbox: Sandbox
) -> None:
    Connection.objects.update(resend_unanswered=False)
    sandbox.faults.add("apply_then_cut", times=1)
    job = run_to_end(started(marketer, connection, customers(5)))
    assert job.counts == {"in_doubt": 5}
    assert len([entry for entry in sandbox.ledger if entry.rows]) == 1


def test_it_does_not_take_a_call_that_was_not_sent_for_an_answer(
    marketer: Person, connection: Connection, sandbox: Sandbox
) -> None:
    """Unanswered, then not reached: what became of the first send is still unknown."""
    sandbox.faults.add("apply_then_cut", times=1)
    job = started(marketer, connection, customers(3))
    mine = claim_import(job.pk)
    assert mine is not None
    for outcome in ("unanswered", "not_sent"):
        again = Delivery.objects.filter(job=job).last()
        delivery = outcomes.begin_call(mine, Batch([2, 3, 4], "0" * 64, again))
        outcomes.record(
            delivery, mine, outcomes.DeliveryOutcome(outcome), outcomes.TheirAnswer(), outcomes.KEEP_WAITING
        )
    job.refresh_from_db()
    acts.stop(job, marketer)
    tasks.run_import(job.pk)
    ImportJob.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    keeper.keep()
    job.refresh_from_db()
    assert (job.status, job.counts) == ("stopped", {"in_doubt": 3})


def test_it_sets_aside_a_batch_that_ends_its_worker_three_times(
    marketer: Person, connection: Connection, sandbox: Sandbox
) -> None:
    connection.rows_per_call = 2
    connection.save()
    job = started(marketer, connection, customers(6))
    for _ in range(3):
        mine = claim_import(job.pk)
        assert mine is not None
        outcomes.break_off_orphans(mine)
        outcomes.settle_dead_batches(mine)
        outcomes.begin_call(mine, Batch([2, 3], "0" * 64, Delivery.objects.filter(job=job).last()))
        ImportJob.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
        keeper.give_back_expired()
    job = run_to_end(job)
    assert (job.status, job.counts) == ("finished", {"accepted": 4, "in_doubt": 2})
    assert job.problems.get().code == "worker_died"
    check_invariants(job, sandbox.ledger, 6)
