"""Archiving ends sending: imports under way stop, none begins, and all of it can go on after the connection is back."""

from __future__ import annotations

import threading

import pytest

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.delivery import actions, connection_actions, leases, tasks
from tagsync.imports.followups.retry import Selection
from tagsync.imports.models import ImportJob
from tagsync.imports.states import Act, JobStatus, MoveRefused
from tagsync.sandbox import Sandbox
from tests.installation import wait_for
from tests.invariants import check_invariants
from tests.making import S, beside, checked, customers, make_import, run_to_end, started

pytestmark = pytest.mark.django_db(transaction=True)
ALL_SEEN = 10**6


def archive(connection: Connection, by: Person) -> list[ImportJob] | None:
    return connection_actions.archive(connection, by, ALL_SEEN)


@pytest.mark.slow
def test_it_stops_a_running_import_and_makes_no_further_call(
    marketer: Person, admin_person: Person, connection: Connection, sandbox: Sandbox
) -> None:
    sandbox.faults.add("latency", seconds=0.1)
    connection.rows_per_call = 1
    connection.save()
    job, made = started(marketer, connection, customers(60)), []

    def act() -> None:
        wait_for(lambda: len(sandbox.ledger) > 5)
        archive(Connection.objects.get(pk=connection.pk), admin_person)
        # What is under way at this moment is written down already.
        made.append(job.deliveries.count())

    admin = beside(act)
    run_to_end(job)
    admin.join(30)
    job.refresh_from_db()
    assert job.status == "stopped"
    assert job.deliveries.count() == made[0] < 20
    assert job.counts == {"accepted": made[0], "waiting": 60 - made[0]}
    stop = job.events.get(act=Act.STOP)
    assert stop.by == admin_person
    check_invariants(job, sandbox.ledger, 60)
    with pytest.raises(actions.ConnectionArchived):
        actions.resume(job, marketer)
    connection.restore()
    actions.resume(job, marketer)
    assert run_to_end(job).counts == {"accepted": 60}


def test_it_stops_what_is_queued_at_once_and_leaves_the_rest(
    marketer: Person, admin_person: Person, connection: Connection
) -> None:
    other = Connection.objects.create(name="other", base_url=connection.base_url)
    S_, kept = JobStatus, {}
    queued = [make_import(marketer, connection, S_.QUEUED, [S.WAITING]) for _ in range(2)]
    for status in (S_.READY, S_.STOPPING, S_.STOPPED, S_.BLOCKED, S_.FINISHED):
        kept[make_import(marketer, connection, status, [S.WAITING]).pk] = status
    kept[make_import(marketer, other, S_.QUEUED, [S.WAITING]).pk] = S_.QUEUED
    assert archive(connection, admin_person) == queued
    assert {job.status for job in ImportJob.objects.filter(pk__in=[job.pk for job in queued])} == {"stopped"}
    assert dict(ImportJob.objects.filter(pk__in=kept).values_list("pk", "status")) == kept


def test_it_stops_nothing_that_the_admin_was_not_told_of(
    marketer: Person, admin_person: Person, connection: Connection
) -> None:
    told = make_import(marketer, connection, JobStatus.QUEUED, [S.WAITING])
    connection.refresh_from_db()
    seen = connection.queue_number
    late = make_import(marketer, connection, JobStatus.QUEUED, [S.WAITING])
    assert connection_actions.archive(connection, admin_person, seen) is None
    connection.refresh_from_db()
    assert connection.archived_at is None
    assert set(ImportJob.objects.values_list("status", flat=True)) == {"queued"}
    assert connection_actions.archive(connection, admin_person, connection.queue_number) == [told, late]


def test_it_lets_no_import_be_claimed(marketer: Person, connection: Connection, sandbox: Sandbox) -> None:
    job = started(marketer, connection, customers(3))
    connection.archive()
    assert leases.claimable() == []
    tasks.run_import(job.pk)
    job.refresh_from_db()
    assert (job.status, job.counts, sandbox.ledger) == ("queued", {"waiting": 3}, [])


def test_it_lets_nothing_start_resume_or_be_retried(
    marketer: Person, admin_person: Person, connection: Connection
) -> None:
    ready = checked(marketer, connection, customers(3))
    stopped = make_import(marketer, connection, JobStatus.STOPPED, [S.WAITING])
    failed = make_import(marketer, connection, JobStatus.FINISHED, [S.REJECTED])
    archive(connection, admin_person)
    for act in (
        lambda: actions.start(ready, marketer),
        lambda: actions.resume(stopped, marketer),
        lambda: actions.retry(failed, Selection(), admin_person),
    ):
        with pytest.raises(actions.ConnectionArchived):
            act()
    assert not ImportJob.objects.filter(status="queued").exists()
    connection.restore()
    for job in (ready, stopped, failed):
        job.refresh_from_db()
    actions.start(ready, marketer)
    actions.resume(stopped, marketer)
    actions.retry(failed, Selection(), admin_person)
    assert {job.status for job in ImportJob.objects.all()} == {"queued"}


def test_it_leaves_no_import_queued_whoever_comes_first(
    marketer: Person, admin_person: Person, connection: Connection
) -> None:
    """Starts and the archiving at the same moment."""
    jobs = [make_import(marketer, connection, JobStatus.READY, [S.WAITING]) for _ in range(6)]
    for _ in range(5):
        gate = threading.Barrier(len(jobs) + 1)

        def start(job: ImportJob, gate: threading.Barrier = gate) -> None:
            gate.wait(30)
            try:
                act = actions.start if job.status == JobStatus.READY else actions.resume
                act(job, marketer)
            except (actions.ConnectionArchived, MoveRefused):
                pass

        threads = [beside(lambda job=job: start(job)) for job in jobs]
        gate.wait(30)
        archive(Connection.objects.get(pk=connection.pk), admin_person)
        for thread in threads:
            thread.join(60)
        assert not ImportJob.objects.filter(status="queued").exists()
        connection.restore()
        jobs = list(ImportJob.objects.all())
