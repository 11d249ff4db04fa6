"""Adding and deleting on one connection: the order of first starts decides, also after stops and retries."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.delivery import actions, keeper, tasks
from tagsync.delivery.leases import claim_import
from tagsync.imports.followups import retry
from tagsync.imports.followups.retry import Selection
from tagsync.imports.models import Delivery, ImportJob
from tagsync.imports.sending import superseded
from tagsync.imports.states import RowStatus
from tagsync.sandbox import Sandbox
from tests.invariants import check_invariants
from tests.making import customer, customers, run_to_end, started

pytestmark = pytest.mark.django_db(transaction=True)


def let_hold_back_pass() -> None:
    Delivery.objects.update(answered_at=timezone.now() - timedelta(seconds=1000))


@pytest.mark.slow
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
    actions.retry(old, Selection(), admin_person)
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
    actions.stop(old, marketer)
    run_to_end(started(marketer, connection, customers(2), operation="delete"))
    actions.resume(old, marketer)
    assert run_to_end(old).counts == {"accepted": 1, "superseded": 2}


def test_it_supersedes_nothing_between_imports_of_one_operation(
    marketer: Person, connection: Connection, sandbox: Sandbox
) -> None:
    old = started(marketer, connection, customers(3))
    actions.stop(old, marketer)
    run_to_end(started(marketer, connection, customers(3)))
    actions.resume(old, marketer)
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


def test_it_is_not_superseded_by_what_was_never_sent(
    marketer: Person, connection: Connection, sandbox: Sandbox
) -> None:
    """Both are stopped before their first call; the older one goes on, and the newer one has done nothing."""
    old = started(marketer, connection, customers(3))
    actions.stop(old, marketer)
    newer = started(marketer, connection, customers(3), operation="delete")
    actions.stop(newer, marketer)
    actions.resume(old, marketer)
    assert run_to_end(old).counts == {"accepted": 3}


def test_it_is_superseded_by_what_may_have_been_applied(
    marketer: Person, connection: Connection, sandbox: Sandbox
) -> None:
    """A refused row of the newer import that an earlier call of unknown fate had carried."""
    old = started(marketer, connection, customers(3))
    actions.stop(old, marketer)
    newer = run_to_end(started(marketer, connection, customers(3), operation="delete"))
    newer.rows.update(status="rejected")
    newer.rows.filter(row_number=2).update(unanswered_at=timezone.now())
    actions.resume(old, marketer)
    assert run_to_end(old).counts == {"accepted": 2, "superseded": 1}
    assert old.rows.get(status="superseded").row_number == 2


def test_it_decides_by_places_in_line_and_not_by_times(
    marketer: Person, connection: Connection, sandbox: Sandbox
) -> None:
    """The clock of the machine that confirmed the older import ran ahead."""
    old = started(marketer, connection, customers(3))
    ImportJob.objects.filter(pk=old.pk).update(first_confirmed_at=timezone.now() + timedelta(hours=1))
    actions.stop(old, marketer)
    run_to_end(started(marketer, connection, customers(3), operation="delete"))
    actions.resume(old, marketer)
    assert run_to_end(old).counts == {"superseded": 3}


def test_it_sends_superseded_rows_that_an_admin_wants_sent_after_all(
    marketer: Person, admin_person: Person, connection: Connection, sandbox: Sandbox
) -> None:
    old = started(marketer, connection, customers(3))
    actions.stop(old, marketer)
    newer = run_to_end(started(marketer, connection, customers(2), operation="delete"))
    actions.resume(old, marketer)
    assert run_to_end(old).counts == {"accepted": 1, "superseded": 2}
    actions.retry(old, Selection(frozenset({RowStatus.SUPERSEDED}), row_numbers=[2]), admin_person)
    assert run_to_end(old).counts == {"accepted": 2, "superseded": 1}
    # From now on it is the newer one: what it undid is not sent again without a word.
    newer.rows.update(status="rejected")
    newer.refresh_from_db()
    ImportJob.objects.filter(pk=newer.pk).update(counts={"rejected": 2})
    newer.refresh_from_db()
    actions.retry(newer, Selection(), admin_person)
    newer = run_to_end(newer)
    assert newer.rows.get(row_number=2).status == "superseded"
    assert newer.rows.get(row_number=3).status == "accepted"


def test_it_supersedes_in_pieces_and_goes_on_where_it_stopped(
    marketer: Person, connection: Connection, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(superseded, "ROWS_COMPARED", 2)
    monkeypatch.setattr(superseded, "ROWS_PER_COMMIT", 1)
    old = started(marketer, connection, customers(5))
    actions.stop(old, marketer)
    run_to_end(started(marketer, connection, customers(5), operation="delete"))
    actions.resume(old, marketer)
    mine = claim_import(old.pk)
    assert mine is not None
    answers = iter([True, True, False])
    assert not superseded.mark(mine, lambda: next(answers, False))
    old.refresh_from_db()
    assert 0 < old.count(RowStatus.SUPERSEDED) < 5
    before = old.superseded_to
    assert superseded.mark(mine, lambda: True)
    old.refresh_from_db()
    assert (old.counts, old.superseded_to, old.superseded_for) == ({"superseded": 5}, 0, old.queue_number)
    assert before > 0


def test_it_takes_up_a_retry_of_many_rows_in_pieces(
    marketer: Person, admin_person: Person, connection: Connection, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The press holds one piece; the worker takes up the rest before it sends anything."""
    monkeypatch.setattr(retry, "ROWS_PER_COMMIT", 2)
    sandbox.faults.add("refuse_all", times=None)
    job = run_to_end(started(marketer, connection, customers(5)))
    assert job.counts == {"rejected": 5}
    sandbox.faults.clear()
    assert actions.retry(job, Selection(), admin_person) == 5
    assert job.counts == {"rejected": 3, "waiting": 2}
    calls = job.deliveries.count()
    mine = claim_import(job.pk)
    assert mine is not None
    assert not retry.take_up(mine, lambda: False)
    job.refresh_from_db()
    assert (job.counts, job.deliveries.count()) == ({"rejected": 1, "waiting": 4}, calls)
    assert retry.take_up(mine, lambda: True)
    ImportJob.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    keeper.keep()
    assert run_to_end(job).counts == {"accepted": 5}


def test_it_leaves_the_rest_of_a_stopped_retry_as_it_was(
    marketer: Person, admin_person: Person, connection: Connection, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "ROWS_PER_COMMIT", 2)
    sandbox.faults.add("refuse_all", times=None)
    job = run_to_end(started(marketer, connection, customers(5)))
    sandbox.faults.clear()
    actions.retry(job, Selection(), admin_person)
    actions.stop(job, admin_person)
    actions.resume(job, admin_person)
    assert run_to_end(job).counts == {"accepted": 2, "rejected": 3}
