"""Adding and deleting on one connection: the order of first starts decides, also after stops and retries."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.delivery import acts, tasks
from tagsync.imports.models import Delivery, ImportJob
from tagsync.imports.retrying import Selection
from tagsync.sandbox import Sandbox
from tests.invariants import check_invariants
from tests.making import customer, customers, run_to_end, started

pytestmark = pytest.mark.django_db(transaction=True)


def let_hold_back_pass() -> None:
    Delivery.objects.update(answered_at=timezone.now() - timedelta(seconds=1000))


def test_it_does_not_send_an_old_row_that_a_newer_import_undid(
    marketer: Person, admin_person: Person, connection: Connection, sandbox: Sandbox
) -> None:
    rows = [*customers(3), customer(7, "other")]
    for bad in (1, 3):
        sandbox.faults.add("refuse_rows", field="phone", equals=rows[bad][3])
    old = run_to_end(started(marketer, connection, rows))
    assert old.counts == {"accepted": 2, "rejected": 2}
    sandbox.faults.clear()
    newer = run_to_end(
        started(marketer, connection, [("", "", "", rows[1][3], "春季活动"), customer(7, "third")], operation="delete")
    )
    assert newer.counts == {"accepted": 2}
    acts.retry(old, Selection(), admin_person)
    old = run_to_end(old)
    assert old.counts == {"accepted": 3, "superseded": 1}
    row = old.rows.get(status="superseded")
    assert row.row_number == 3
    assert row.notes[0]["params"] == {"import": newer.pk, "row": 2}
    check_invariants(old, sandbox.ledger, 4)


def test_it_does_not_resume_rows_that_a_newer_import_undid(
    marketer: Person, connection: Connection, sandbox: Sandbox
) -> None:
    old = started(marketer, connection, customers(3))
    acts.stop(old, marketer)
    run_to_end(started(marketer, connection, customers(2), operation="delete"))
    acts.resume(old, marketer)
    assert run_to_end(old).counts == {"accepted": 1, "superseded": 2}


def test_it_supersedes_nothing_between_imports_of_one_operation(
    marketer: Person, connection: Connection, sandbox: Sandbox
) -> None:
    old = started(marketer, connection, customers(3))
    acts.stop(old, marketer)
    run_to_end(started(marketer, connection, customers(3)))
    acts.resume(old, marketer)
    assert run_to_end(old).counts == {"accepted": 3}


def test_it_holds_the_opposite_back_after_an_unanswered_call(
    marketer: Person, connection: Connection, sandbox: Sandbox
) -> None:
    sandbox.faults.add("apply_then_cut", times=1)
    first = run_to_end(started(marketer, connection, customers(2)))
    assert first.counts == {"accepted": 2}
    second = started(marketer, connection, customers(2), operation="delete")
    tasks.run_import(second.pk)
    second.refresh_from_db()
    assert (second.status, second.counts) == ("queued", {"waiting": 2})
    let_hold_back_pass()
    assert run_to_end(second).counts == {"accepted": 2}
    assert not any(sandbox.tags.values())


def test_it_lets_the_same_operation_overlap(marketer: Person, connection: Connection, sandbox: Sandbox) -> None:
    first = started(marketer, connection, customers(2))
    ImportJob.objects.filter(pk=first.pk).update(wait_until=timezone.now() + timedelta(seconds=60))
    assert run_to_end(started(marketer, connection, customers(2))).counts == {"accepted": 2}
