"""A trial first: so many rows, then a person looks at the platform before the rest goes."""

from __future__ import annotations

import pytest

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.delivery import actions
from tagsync.imports.followups.retry import Selection
from tagsync.sandbox import Sandbox
from tests.invariants import check_invariants
from tests.making import checked, customer, customers, run_to_end

pytestmark = pytest.mark.django_db(transaction=True)


def test_it_sends_the_first_rows_and_waits_then_the_rest(
    marketer: Person, connection: Connection, sandbox: Sandbox
) -> None:
    job = checked(marketer, connection, customers(700))
    actions.start(job, marketer, trial_rows=10)
    job = run_to_end(job)
    assert (job.status, job.cause, job.counts) == ("blocked", "trial_done", {"accepted": 10, "waiting": 690})
    assert [len(entry.rows) for entry in sandbox.ledger] == [10]
    actions.resume(job, marketer)
    assert run_to_end(job).counts == {"accepted": 700}
    check_invariants(job, sandbox.ledger, 700)


def test_it_can_be_stopped_after_the_trial(marketer: Person, connection: Connection, sandbox: Sandbox) -> None:
    job = checked(marketer, connection, customers(30))
    actions.start(job, marketer, trial_rows=10)
    job = run_to_end(job)
    actions.stop(job, marketer)
    assert (job.status, job.counts) == ("stopped", {"accepted": 10, "waiting": 20})


def test_it_just_finishes_when_there_is_nothing_after_the_trial(
    marketer: Person, connection: Connection, sandbox: Sandbox
) -> None:
    job = checked(marketer, connection, customers(4))
    actions.start(job, marketer, trial_rows=10)
    assert run_to_end(job).status == "finished"


def test_it_counts_rows_and_not_calls_when_a_customer_comes_twice(
    marketer: Person, connection: Connection, sandbox: Sandbox
) -> None:
    job = checked(marketer, connection, [customer(0, f"tag{number}") for number in range(30)])
    actions.start(job, marketer, trial_rows=10)
    assert run_to_end(job).counts == {"accepted": 10, "waiting": 20}


def test_it_is_no_trial_any_more_when_failed_rows_are_retried(
    marketer: Person, admin_person: Person, connection: Connection, sandbox: Sandbox
) -> None:
    rows = customers(30)
    sandbox.faults.add("refuse_rows", field="phone", equals=rows[2][3])
    job = checked(marketer, connection, rows)
    actions.start(job, marketer, trial_rows=10)
    job = run_to_end(job)
    assert job.counts == {"accepted": 9, "rejected": 1, "waiting": 20}
    sandbox.faults.clear()
    actions.retry(job, Selection(), admin_person)
    assert run_to_end(job).counts == {"accepted": 30}
