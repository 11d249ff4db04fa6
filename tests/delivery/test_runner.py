"""Slices against the sandbox on a real socket; after each test the invariants hold."""

from __future__ import annotations

import json

import pytest

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.delivery import actions, tasks
from tagsync.imports.followups.retry import Selection
from tagsync.imports.models import Delivery
from tagsync.imports.states import RowStatus
from tagsync.sandbox.running import Sandbox
from tests.invariants import applied_rows, check_invariants
from tests.making import FIELDS, customer, customers, run_to_end, started
from tests.matrix import one_in

pytestmark = pytest.mark.django_db(transaction=True)


def test_it_sends_every_row_and_finishes(marketer: Person, connection: Connection, sandbox: Sandbox) -> None:
    job = run_to_end(started(marketer, connection, customers(1203)))
    assert job.status == "finished"
    assert job.counts == {"accepted": 1203}
    assert len(sandbox.ledger) == 3
    assert sum(applied_rows(sandbox.ledger).values()) == 1203
    check_invariants(job, sandbox.ledger, 1203)


def test_it_sends_exactly_the_contract(marketer: Person, connection: Connection, sandbox: Sandbox) -> None:
    run_to_end(started(marketer, connection, [customer(1, "a，b")], operation="delete", identify_way=2))
    assert json.loads(sandbox.ledger[0].body) == {
        "publicParams": {"isMatching": True, "matchingType": 2, "identifyWay": 2, "optType": "delete"},
        "data": [dict(zip(FIELDS, (*customer(1)[:4], "a,b"), strict=True))],
    }


def test_it_never_puts_one_customer_twice_in_a_call(marketer: Person, connection: Connection, sandbox: Sandbox) -> None:
    rows = [customer(number % 7, f"tag{number}") for number in range(30)]
    job = run_to_end(started(marketer, connection, rows))
    for entry in sandbox.ledger:
        phones = [row["phone"] for row in entry.rows]
        assert len(phones) == len(set(phones))
    check_invariants(job, sandbox.ledger, 30)
    assert job.counts == {"accepted": 30}


def test_it_finds_the_refused_rows_and_has_the_rest_accepted(
    marketer: Person, connection: Connection, sandbox: Sandbox
) -> None:
    rows = customers(500)
    for bad in (7, 8, 300):
        sandbox.faults.add("refuse_rows", field="phone", equals=rows[bad][3])
    job = run_to_end(started(marketer, connection, rows))
    assert job.shown_status == "finished_with_failures"
    assert job.counts == {"accepted": 497, "rejected": 3}
    assert list(job.rows.filter(status="rejected").values_list("row_number", flat=True)) == [9, 10, 302]
    problem = job.problems.get()
    assert problem.code == "refused"
    assert problem.params["message"]
    check_invariants(job, sandbox.ledger, 500)


def test_it_retries_what_was_rejected_and_nothing_else(
    marketer: Person, admin_person: Person, connection: Connection, sandbox: Sandbox
) -> None:
    rows = customers(6)
    for bad in (1, 2):
        sandbox.faults.add("refuse_rows", field="phone", equals=rows[bad][3])
    job = run_to_end(started(marketer, connection, rows))
    assert job.counts == {"accepted": 4, "rejected": 2}
    sandbox.faults.clear()
    assert actions.retry(job, Selection(), admin_person) == 2
    job = run_to_end(job)
    assert (job.status, job.run, job.counts) == ("finished", 2, {"accepted": 6})
    assert max(applied_rows(sandbox.ledger).values()) == 1
    check_invariants(job, sandbox.ledger, 6)


@pytest.mark.parametrize("kind", one_in(2, ["cut", "html", "apply_then_cut", "truncated_json"]))
def test_it_sends_an_unanswered_batch_again_as_it_was(
    marketer: Person, connection: Connection, sandbox: Sandbox, kind: str
) -> None:
    sandbox.faults.add(kind, times=1)
    job = run_to_end(started(marketer, connection, customers(4)))
    assert job.counts == {"accepted": 4}
    first, second = Delivery.objects.filter(job=job).order_by("id")
    assert (first.outcome, first.batch, second.batch, second.attempt) == ("unanswered", 1, 1, 2)
    assert first.body_sha256 == second.body_sha256
    check_invariants(job, sandbox.ledger, 4)


def test_it_is_in_doubt_when_only_this_batch_is_never_answered(
    marketer: Person, connection: Connection, sandbox: Sandbox, quick: None
) -> None:
    """The stand-in breaks at every call with such a row, and answers the ones without."""
    sandbox.faults.add("refuse_rows", field="tags", equals="春季活动", http_status=503)
    job = run_to_end(started(marketer, connection, customers(4)))
    assert job.counts == {"in_doubt": 4}
    # After five sends a call without rows is answered: the platform is there, and the batch gets one more chance.
    # The last one asks before anything else would be begun.
    assert [len(entry.rows) for entry in sandbox.ledger] == [4, 4, 4, 4, 4, 0, 4, 0]
    check_invariants(job, sandbox.ledger, 4)


@pytest.mark.slow
def test_it_leaves_nothing_in_doubt_while_the_platform_answers_nobody(
    marketer: Person, connection: Connection, sandbox: Sandbox, quick: None
) -> None:
    sandbox.faults.add("cut")
    job = started(marketer, connection, customers(1500))
    for _ in range(12):
        tasks.run_import(job.pk)
    job.refresh_from_db()
    assert job.counts == {"waiting": 1500}
    assert Delivery.objects.filter(job=job).values("batch").distinct().count() <= connection.parallel_calls
    sandbox.faults.clear()
    # Whoever was to look next may have been cut off; the time until another may is not waited for.
    Connection.objects.update(next_probe_at=None)
    run_to_end(job)
    assert job.counts == {"accepted": 1500}
    check_invariants(job, sandbox.ledger, 1500)


def test_it_waits_for_a_platform_that_cannot_be_reached(
    marketer: Person, connection: Connection, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = started(marketer, connection, customers(4))
    sandbox.stop()
    for _ in range(5):
        tasks.run_import(job.pk)
        job.refresh_from_db()
    assert job.status == "queued"
    assert job.wait_reason == "not_reached"
    assert job.shown_status == "waiting_for_platform"
    assert job.counts == {"waiting": 4}


def test_it_waits_when_told_to_slow_down(marketer: Person, connection: Connection, sandbox: Sandbox) -> None:
    sandbox.faults.add("busy", times=1)
    job = started(marketer, connection, customers(4))
    tasks.run_import(job.pk)
    job.refresh_from_db()
    assert (job.status, job.wait_reason, job.counts) == ("queued", "throttled", {"waiting": 4})


def test_it_blocks_the_connection_when_a_fixed_token_is_refused(
    marketer: Person, connection: Connection, sandbox: Sandbox
) -> None:
    connection.set_fixed_token("wrong")
    connection.save()
    job = run_to_end(started(marketer, connection, customers(4)), slices=2)
    connection.refresh_from_db()
    assert (connection.state, connection.blocked_reason) == ("blocked", "token_rejected")
    assert (job.status, job.shown_status, job.counts) == ("queued", "blocked", {"waiting": 4})
    connection.set_fixed_token("sandbox-token")
    connection.save()
    connection.unblock()
    assert run_to_end(job).counts == {"accepted": 4}
    check_invariants(job, sandbox.ledger, 4)


def test_it_fetches_a_token_and_renews_a_refused_one(
    marketer: Person, connection: Connection, sandbox: Sandbox
) -> None:
    connection.set_app("sandbox", "sandbox-secret")
    connection.save()
    assert run_to_end(started(marketer, connection, customers(1))).counts == {"accepted": 1}
    sandbox.faults.add("token_expired", times=1)
    assert run_to_end(started(marketer, connection, customers(2))).counts == {"accepted": 2}
    assert sandbox.token_calls == 2


def test_it_blocks_when_app_id_or_secret_are_wrong(marketer: Person, connection: Connection, sandbox: Sandbox) -> None:
    connection.set_app("sandbox", "wrong")
    connection.save()
    job = run_to_end(started(marketer, connection, customers(1)), slices=2)
    connection.refresh_from_db()
    assert connection.blocked_reason == "app_id_or_secret"
    assert job.is_blocked
    assert sandbox.ledger == []


@pytest.mark.parametrize(("status", "reason"), [(403, "forbidden"), (404, "wrong_address"), (302, "redirected")])
def test_it_blocks_the_connection(
    marketer: Person, connection: Connection, sandbox: Sandbox, status: int, reason: str
) -> None:
    sandbox.faults.add("status", http_status=status, times=1)
    job = run_to_end(started(marketer, connection, customers(2)), slices=2)
    connection.refresh_from_db()
    assert connection.blocked_reason == reason
    assert job.counts == {"waiting": 2}


def test_it_sends_smaller_batches_after_a_413(marketer: Person, connection: Connection, sandbox: Sandbox) -> None:
    sandbox.faults.add("status", http_status=413, times=2)
    job = run_to_end(started(marketer, connection, customers(8)))
    assert job.counts == {"accepted": 8}
    taken = [len(entry.rows) for entry in sandbox.ledger if entry.http_status == 200]
    assert len(taken) > 1 and taken[0] < 4
    check_invariants(job, sandbox.ledger, 8)


def test_it_stops_a_queued_import_at_once_and_resumes(
    marketer: Person, connection: Connection, sandbox: Sandbox
) -> None:
    job = started(marketer, connection, customers(3))
    actions.stop(job, marketer)
    assert job.status == "stopped"
    tasks.run_import(job.pk)
    assert sandbox.ledger == []
    actions.resume(job, marketer)
    assert run_to_end(job).counts == {"accepted": 3}


def test_it_says_no_to_a_second_runner(marketer: Person, connection: Connection, sandbox: Sandbox) -> None:
    from tagsync.delivery.leases import claim_import

    job = started(marketer, connection, customers(3))
    assert claim_import(job.pk) is not None
    assert claim_import(job.pk) is None


def test_it_keeps_add_and_delete_in_the_order_of_their_start(
    marketer: Person, connection: Connection, sandbox: Sandbox
) -> None:
    first = started(marketer, connection, customers(3))
    second = started(marketer, connection, customers(3), operation="delete")
    tasks.run_import(second.pk)
    assert sandbox.ledger == []
    run_to_end(first)
    run_to_end(second)
    assert second.counts == {"accepted": 3}
    assert [json.loads(entry.body)["publicParams"]["optType"] for entry in sandbox.ledger] == ["add", "delete"]
    assert not any(sandbox.tags.values())


def test_it_leaves_what_needs_fixing_and_duplicates_unsent(
    marketer: Person, connection: Connection, sandbox: Sandbox
) -> None:
    rows = [*customers(3), customer(0), ("", "", "", "12", "x"), ("", "", "", "", "x"), customer(9, "")]
    job = run_to_end(started(marketer, connection, rows))
    assert job.counts == {"accepted": 3, "duplicate": 1, "to_fix": 3}
    assert job.shown_status == "finished_with_failures"
    assert job.rows.filter(status=RowStatus.TO_FIX, problem=None).count() == 0
    check_invariants(job, sandbox.ledger, 7)
