"""A platform that answers nobody: nothing new is begun, nothing is in doubt, and after a day a person is asked."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.delivery import actions, keeper, tasks
from tagsync.delivery.leases import claim_import, claimable
from tagsync.imports.models import Delivery, ImportJob
from tagsync.imports.sending import outcomes
from tagsync.imports.sending.outcomes import Batch
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


@pytest.mark.slow
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
    actions.resume(job, marketer)
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
    actions.stop(job, marketer)
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
        keeper.release_expired()
    job = run_to_end(job)
    assert (job.status, job.counts) == ("finished", {"accepted": 4, "in_doubt": 2})
    assert job.problems.get().code == "worker_died"
    check_invariants(job, sandbox.ledger, 6)


# -- signs of life


@pytest.mark.parametrize("http_status", [200, 400, 500])
def test_it_takes_any_json_object_for_a_sign_of_life(
    marketer: Person, connection: Connection, sandbox: Sandbox, http_status: int
) -> None:
    """What the platform says to a call without rows is not documented; that it says something is enough."""
    Connection.objects.update(silent_since=timezone.now() - timedelta(minutes=3))
    sandbox.faults.add("refuse_empty", http_status=http_status)
    assert slices(started(marketer, connection, customers(5)), 1).counts == {"accepted": 5}


@pytest.mark.parametrize("http_status", [502, 503, 504])
def test_it_takes_no_gateway_for_the_platform(
    marketer: Person, connection: Connection, sandbox: Sandbox, http_status: int
) -> None:
    Connection.objects.update(silent_since=timezone.now() - timedelta(minutes=3))
    sandbox.faults.add("refuse_empty", http_status=http_status)
    assert slices(started(marketer, connection, customers(5)), 1).counts == {"waiting": 5}


def test_it_tries_a_batch_when_calls_without_rows_stay_unclear(
    marketer: Person, connection: Connection, sandbox: Sandbox
) -> None:
    """The oldest import's, after a minute; another import's batch may not."""
    Connection.objects.update(silent_since=timezone.now() - timedelta(minutes=3))
    sandbox.faults.add("refuse_empty", json=False)
    oldest, other = (started(marketer, connection, customers(5)) for _number in range(2))
    assert slices(oldest, 1).counts == {"waiting": 5}
    Connection.objects.update(probes_unclear_since=timezone.now() - timedelta(seconds=61))
    ImportJob.objects.update(wait_until=None)
    assert slices(other, 1).counts == {"waiting": 5}
    ImportJob.objects.update(wait_until=None)
    assert slices(oldest, 1).counts == {"accepted": 5}
    connection.refresh_from_db()
    assert (connection.silent_since, connection.probes_unclear_since) == (None, None)


# -- workers that a hanging platform holds


def test_it_holds_one_worker_on_a_connection_that_is_not_known_to_answer(
    marketer: Person, connection: Connection, sandbox: Sandbox
) -> None:
    jobs = [started(marketer, connection, customers(2)) for _number in range(3)]
    assert claim_import(jobs[0].pk) is not None
    assert [claim_import(job.pk) for job in jobs[1:]] == [None, None]


def test_it_lets_the_others_go_on_at_the_first_answer(
    marketer: Person, connection: Connection, sandbox: Sandbox, rings: list[tuple[str, int]]
) -> None:
    first, second = (started(marketer, connection, customers(2)) for _number in range(2))
    rings.clear()
    assert run_to_end(first).counts == {"accepted": 2}
    assert ("sends", second.pk) in rings
    assert claim_import(second.pk) is not None


def test_it_claims_a_silent_connection_only_with_its_probe(
    marketer: Person, connection: Connection, sandbox: Sandbox
) -> None:
    sandbox.faults.add("cut")
    jobs = [started(marketer, connection, customers(2)) for _number in range(2)]
    Connection.objects.update(silent_since=timezone.now() - timedelta(minutes=3))
    tasks.run_import(jobs[0].pk)
    tasks.run_import(jobs[1].pk)
    assert len(sandbox.ledger) == 1
    connection.refresh_from_db()
    assert connection.next_probe_at is not None and connection.next_probe_at > timezone.now()
    assert keeper_rings_for(jobs) == []


def keeper_rings_for(jobs: list[ImportJob]) -> list[int]:
    ImportJob.objects.update(wait_until=None)
    return [pk for pk in claimable() if pk in {job.pk for job in jobs}]


def test_it_gives_the_probe_back_that_it_did_not_use(
    marketer: Person, connection: Connection, sandbox: Sandbox
) -> None:
    job = started(marketer, connection, customers(2))
    ImportJob.objects.filter(pk=job.pk).update(wait_until=timezone.now() + timedelta(hours=1))
    assert claim_import(job.pk) is None
    connection.refresh_from_db()
    assert connection.next_probe_at is None


# -- one batch that never gets an answer


def test_it_goes_on_with_other_batches_while_one_gets_no_answer(
    marketer: Person, connection: Connection, sandbox: Sandbox, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tagsync.delivery.runner.SLICE_SECONDS", 20.0)
    connection.rows_per_call, connection.parallel_calls = 2, 1
    connection.save()
    sandbox.faults.add("refuse_rows", field="phone", equals=customers(1)[0][3], http_status=503)
    job = run_to_end(started(marketer, connection, customers(20)))
    assert (job.status, job.counts) == ("finished", {"accepted": 18, "in_doubt": 2})
    # In doubt with its fifth send, or the one after that when nothing else was answered in between.
    lost = [entry for entry in sandbox.ledger if entry.rows and entry.http_status == 503]
    assert outcomes.UNANSWERED_SENDS <= len(lost) <= outcomes.UNANSWERED_SENDS + 1
    assert all(call.outcome == "unanswered" for call in job.deliveries.filter(batch=1))
    check_invariants(job, sandbox.ledger, 20)


def test_it_is_in_doubt_although_another_import_is_answered_all_the_time(
    marketer: Person, connection: Connection, sandbox: Sandbox, quick: None
) -> None:
    """Answers after its last send are no reason to send it for ever."""
    job, other = (started(marketer, connection, customers(count)) for count in (4, 2))
    sandbox.faults.add("refuse_rows", field="phone", equals=customers(4)[3][3], http_status=503)
    sends = 0
    for _ in range(12):
        job = slices(job, 1)
        other.refresh_from_db()
        send_one(other)
        sends = len([entry for entry in sandbox.ledger if entry.http_status == 503])
        if job.status == "finished":
            break
    assert (job.status, job.counts) == ("finished", {"in_doubt": 4})
    assert sends <= outcomes.UNANSWERED_SENDS + 1


def send_one(job: ImportJob) -> None:
    """A call of another import that is answered now."""
    Delivery.objects.create(
        job=job, run=1, batch=1, row_ranges=[], row_count=0, fence=0, state="answered", outcome="accepted",
        answered_at=Now(),
    )  # fmt: skip
