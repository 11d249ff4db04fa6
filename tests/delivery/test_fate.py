"""What a row may have done is a fact of all its calls: no later answer, and no stop, makes it "not sent"."""

from __future__ import annotations

import pytest

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.delivery import actions, keeper, tasks
from tagsync.delivery.leases import claim_import, renew
from tagsync.imports.followups.retry import Selection
from tagsync.imports.locking import FenceLost
from tagsync.imports.models import Delivery, ImportJob
from tagsync.imports.models.delivery import DeliveryOutcome, DeliveryState
from tagsync.imports.sending import outcomes
from tagsync.imports.sending.outcomes import KEEP_WAITING, Batch, TheirAnswer, Verdict
from tagsync.imports.states import RowStatus
from tagsync.sandbox import Sandbox
from tests.installation import wait_for
from tests.invariants import check_invariants
from tests.making import beside, customers, run_to_end, started

pytestmark = pytest.mark.django_db(transaction=True)

ACCEPTED, REFUSED = Verdict(RowStatus.ACCEPTED), Verdict(RowStatus.REJECTED, code="refused")


def send(job: ImportJob, numbers: list[int], outcome: DeliveryOutcome, verdict: Verdict = KEEP_WAITING) -> Delivery:
    """One call of these rows with this end, as a worker would write it down."""
    delivery = outcomes.begin_call(job, Batch(numbers, "0" * 64))
    outcomes.record(delivery, job, outcome, TheirAnswer(), verdict)
    return delivery


def claimed(job: ImportJob) -> ImportJob:
    found = claim_import(job.pk)
    assert found is not None
    return found


def stopped(job: ImportJob, by: Person) -> ImportJob:
    """Stopped while its worker is gone: the keeper finishes it."""
    actions.stop(job, by)
    ImportJob.objects.filter(pk=job.pk, lease_until__isnull=False).update(lease_until="2020-01-01T00:00:00Z")
    keeper.keep()
    job.refresh_from_db()
    assert job.status == "stopped"
    return job


@pytest.mark.parametrize("later", [DeliveryOutcome.TOO_LARGE, DeliveryOutcome.THROTTLED, DeliveryOutcome.NOT_SENT])
def test_it_is_in_doubt_again_whatever_a_later_call_said(
    marketer: Person, connection: Connection, later: DeliveryOutcome
) -> None:
    job = started(marketer, connection, customers(4))
    mine = claimed(job)
    send(mine, [2, 3], DeliveryOutcome.UNANSWERED)
    send(mine, [2, 3], later)
    assert stopped(job, marketer).counts == {"waiting": 2, "in_doubt": 2}


def test_it_is_in_doubt_although_its_halves_are_planned(marketer: Person, connection: Connection) -> None:
    job = started(marketer, connection, customers(4))
    mine = claimed(job)
    send(mine, [2, 3, 4, 5], DeliveryOutcome.UNANSWERED)
    send(mine, [2, 3, 4, 5], DeliveryOutcome.BATCH_REFUSED, Verdict(halve=True))
    assert stopped(job, marketer).counts == {"in_doubt": 4}
    assert not job.deliveries.filter(state=DeliveryState.PLANNED).exists()


def test_it_is_in_doubt_when_a_retry_is_stopped_before_its_call(
    marketer: Person, admin_person: Person, connection: Connection, sandbox: Sandbox
) -> None:
    Connection.objects.update(resend_unanswered=False)
    sandbox.faults.add("apply_then_cut", times=1)
    job = run_to_end(started(marketer, connection, customers(3)))
    assert job.counts == {"in_doubt": 3}
    actions.retry(job, Selection(frozenset({RowStatus.IN_DOUBT})), admin_person)
    actions.stop(job, admin_person)
    assert (job.status, job.counts) == ("stopped", {"in_doubt": 3})
    check_invariants(job, sandbox.ledger, 3)


def test_it_keeps_the_remark_of_a_row_that_is_refused_later(marketer: Person, connection: Connection) -> None:
    job = started(marketer, connection, customers(3))
    mine = claimed(job)
    send(mine, [2], DeliveryOutcome.UNANSWERED)
    send(mine, [2], DeliveryOutcome.BATCH_REFUSED, REFUSED)
    send(mine, [3], DeliveryOutcome.BATCH_REFUSED, REFUSED)
    unanswered = dict(job.rows.filter(status="rejected").values_list("row_number", "unanswered_at"))
    assert unanswered[2] is not None and unanswered[3] is None


def test_it_forgets_the_remark_when_the_platform_accepts(marketer: Person, connection: Connection) -> None:
    job = started(marketer, connection, customers(3))
    mine = claimed(job)
    send(mine, [2, 3, 4], DeliveryOutcome.UNANSWERED)
    assert job.rows.filter(unanswered_at__isnull=False).count() == 3
    send(mine, [2, 3, 4], DeliveryOutcome.ACCEPTED, ACCEPTED)
    assert not job.rows.filter(unanswered_at__isnull=False).exists()


def test_it_settles_many_rows_in_doubt_piece_by_piece(
    marketer: Person, admin_person: Person, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a queued import is stopped, each transaction holds few rows, and the counts are true after each."""
    monkeypatch.setattr(outcomes, "ROWS_PER_COMMIT", 2)
    job = started(marketer, connection, customers(5))
    mine = claimed(job)
    send(mine, [2, 3, 4, 5, 6], DeliveryOutcome.UNANSWERED)
    actions.stop(job, marketer)
    stopped_at = []
    real = outcomes.doubt_unanswered

    def look(locked: ImportJob) -> bool:
        done = real(locked)
        stopped_at.append(locked.count(RowStatus.IN_DOUBT))
        return done

    monkeypatch.setattr(outcomes, "doubt_unanswered", look)
    ImportJob.objects.filter(pk=job.pk).update(lease_until="2020-01-01T00:00:00Z")
    keeper.keep()
    job.refresh_from_db()
    assert (job.status, job.counts, stopped_at) == ("stopped", {"in_doubt": 5}, [2, 4, 5])


# -- an answer after the call was given up


def given_up(job: ImportJob, by: Person) -> tuple[ImportJob, Delivery]:
    """A worker that freezes after its call was answered; the import is stopped meanwhile."""
    mine = claimed(job)
    delivery = outcomes.begin_call(mine, Batch([2, 3], "0" * 64))
    stopped(job, by)
    assert job.counts == {"waiting": 1, "in_doubt": 2}
    assert renew(mine) is None
    return mine, delivery


def test_it_changes_nothing_under_a_lost_fence(marketer: Person, connection: Connection) -> None:
    job = started(marketer, connection, customers(3))
    mine, delivery = given_up(job, marketer)
    with pytest.raises(FenceLost):
        outcomes.record(delivery, mine, DeliveryOutcome.ACCEPTED, TheirAnswer(), ACCEPTED)
    with pytest.raises(FenceLost):
        outcomes.record(delivery, mine, DeliveryOutcome.BATCH_REFUSED, TheirAnswer(), Verdict(halve=True))
    kept = Delivery.objects.get(pk=delivery.pk)
    assert (kept.state, kept.outcome, kept.late_outcome) == ("broken_off", "unanswered", "")
    assert job.deliveries.count() == 1


def test_it_settles_what_was_in_doubt_for_a_late_acceptance(marketer: Person, connection: Connection) -> None:
    job = started(marketer, connection, customers(3))
    _, delivery = given_up(job, marketer)
    outcomes.record_late(delivery, DeliveryOutcome.ACCEPTED, TheirAnswer(http_status=200, code="200"))
    job.refresh_from_db()
    assert (job.status, job.counts) == ("stopped", {"waiting": 1, "accepted": 2})
    kept = Delivery.objects.get(pk=delivery.pk)
    assert (kept.state, kept.outcome, kept.late_outcome, kept.code) == ("broken_off", "unanswered", "accepted", "200")
    assert kept.late_at is not None and job.events.latest("id").act == "late_answer"
    assert not job.rows.filter(unanswered_at__isnull=False).exists()


def test_it_only_notes_a_late_refusal(marketer: Person, connection: Connection) -> None:
    job = started(marketer, connection, customers(3))
    _, delivery = given_up(job, marketer)
    outcomes.record_late(delivery, DeliveryOutcome.BATCH_REFUSED, TheirAnswer(http_status=200, code="500"))
    job.refresh_from_db()
    assert job.counts == {"waiting": 1, "in_doubt": 2}
    assert Delivery.objects.get(pk=delivery.pk).late_outcome == "batch_refused"
    assert not job.deliveries.filter(state=DeliveryState.PLANNED).exists()


def test_it_notes_what_comes_back_to_a_worker_that_lost_its_import(
    marketer: Person, connection: Connection, sandbox: Sandbox
) -> None:
    """The worker's own way: it wakes, its import is stopped, the call that it made was accepted."""
    sandbox.faults.add("latency", seconds=1.0)
    job = started(marketer, connection, customers(3))
    worker = beside(lambda: tasks.run_import(job.pk))
    try:
        wait_for(lambda: Delivery.objects.filter(job=job, state=DeliveryState.SENDING).exists())
        stopped(job, marketer)
        assert job.counts == {"in_doubt": 3}
    finally:
        worker.join()
    job.refresh_from_db()
    assert (job.status, job.counts) == ("stopped", {"accepted": 3})
    assert job.deliveries.get().late_outcome == "accepted"
    check_invariants(job, sandbox.ledger, 3)


# -- "do not send again"


def test_it_does_not_send_again_what_a_dead_worker_sent(
    marketer: Person, connection: Connection, sandbox: Sandbox
) -> None:
    Connection.objects.update(resend_unanswered=False)
    job = started(marketer, connection, customers(3))
    mine = claimed(job)
    outcomes.begin_call(mine, Batch([2, 3], "0" * 64))
    ImportJob.objects.update(lease_until="2020-01-01T00:00:00Z")
    keeper.keep()
    job = run_to_end(job)
    assert (job.status, job.counts) == ("finished", {"accepted": 1, "in_doubt": 2})
    assert [len(entry.rows) for entry in sandbox.ledger if entry.rows] == [1]


def test_it_does_not_send_again_when_the_switch_is_turned_while_a_batch_waits(
    marketer: Person, connection: Connection, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tagsync.delivery.runner.MAX_WAIT_SECONDS", 0.0)
    sandbox.faults.add("apply_then_cut", times=1)
    job = started(marketer, connection, customers(3))
    tasks.run_import(job.pk)
    job.refresh_from_db()
    assert (job.status, job.counts) == ("queued", {"waiting": 3})
    Connection.objects.update(resend_unanswered=False, next_probe_at=None)
    ImportJob.objects.update(wait_until=None)
    job = run_to_end(job)
    assert (job.status, job.counts) == ("finished", {"in_doubt": 3})
    assert len([entry for entry in sandbox.ledger if entry.rows]) == 1
