"""After a restore: nothing is sent before an admin confirms, and what may have been sent is in doubt from then on."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.management import call_command

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.delivery import actions, keeper, leases, tasks
from tagsync.delivery.health import wait_reason
from tagsync.delivery.management.commands.keeper import Rounds
from tagsync.imports.followups.retry import Selection
from tagsync.imports.models import HighWaterMark, ImportJob, RestoreHold
from tagsync.imports.models.restore import RestoreReason
from tagsync.imports.restores import confirmation, high_water, hold
from tagsync.imports.sending import outcomes
from tagsync.imports.states import JobStatus, Mark
from tagsync.sandbox import Sandbox
from tests.installation import wait_for
from tests.invariants import check_invariants
from tests.making import S, add_call, beside, checked, customers, make_import, run_to_end, started

pytestmark = pytest.mark.django_db(transaction=True)


def begin() -> RestoreHold:
    return hold.begin(RestoreReason.TOLD)[0]


def confirm(by: Person, *, sent: bool) -> bool:
    held = hold.current()
    assert held is not None and confirmation.decide(held, by, sent=sent)
    return keeper.go_on_after_restore()


def test_nothing_is_claimed_or_rung_for_while_it_is_on(
    marketer: Person, connection: Connection, sandbox: Sandbox, rings: list[tuple[str, int]]
) -> None:
    job = started(marketer, connection, customers(3))
    begin()
    rings.clear()
    tasks.run_import(job.pk)
    keeper.keep()
    job.refresh_from_db()
    assert (job.status, len(sandbox.ledger), rings, leases.claimable()) == ("queued", 0, [], [])
    assert wait_reason(job) == "wait_restored"


def test_a_slice_that_runs_makes_no_further_call(
    marketer: Person, admin_person: Person, connection: Connection, sandbox: Sandbox
) -> None:
    sandbox.faults.add("latency", seconds=0.1)
    connection.rows_per_call = 1
    connection.save()
    job, made = started(marketer, connection, customers(60)), []

    def act() -> None:
        wait_for(lambda: len(sandbox.ledger) > 5)
        begin()
        made.append(job.deliveries.count())

    other = beside(act)
    tasks.run_import(job.pk)
    other.join(30)
    job.refresh_from_db()
    assert (job.status, job.deliveries.count()) == ("queued", made[0])
    assert job.counts == {"accepted": made[0], "waiting": 60 - made[0]}
    assert confirm(admin_person, sent=False)
    assert run_to_end(job).counts == {"accepted": 60}
    check_invariants(job, sandbox.ledger, 60)


def test_checks_run(marketer: Person, connection: Connection) -> None:
    begin()
    assert checked(marketer, connection, customers(2)).status == "ready"


def test_rows_that_wait_are_in_doubt_in_pieces_and_the_import_ends(
    marketer: Person, admin_person: Person, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outcomes, "ROWS_PER_COMMIT", 2)
    job = make_import(marketer, connection, JobStatus.QUEUED, [S.ACCEPTED, S.REJECTED, *[S.WAITING] * 5])
    begin()
    assert confirm(admin_person, sent=True) and not hold.is_on()
    job.refresh_from_db()
    assert job.counts == {"accepted": 1, "rejected": 1, "in_doubt": 5}
    assert {row.problem.code for row in job.rows.filter(status=S.IN_DOUBT) if row.problem} == {"sent_after_backup"}
    assert not job.rows.filter(status=S.IN_DOUBT, unanswered_at=None).exists()
    event = job.events.get(act=Mark.RESTORE)
    assert (event.by, event.params) == (admin_person, {"rows": 5})
    assert run_to_end(job).status == "finished"
    held = RestoreHold.objects.get()
    assert (held.decided_by, held.may_have_sent, held.lifted_at is not None) == (admin_person, True, True)


@pytest.mark.parametrize("status", [JobStatus.RUNNING, JobStatus.STOPPING, JobStatus.STOPPED, JobStatus.BLOCKED])
def test_so_are_those_of_every_import_that_was_started(
    marketer: Person, admin_person: Person, connection: Connection, status: JobStatus
) -> None:
    job = make_import(marketer, connection, status, [S.WAITING, S.WAITING])
    if status in (JobStatus.RUNNING, JobStatus.STOPPING):
        add_call(job, [2], state="sending", outcome="", answered_at=None)
        ImportJob.objects.update(lease_until="2020-01-01T00:00:00Z")
    begin()
    assert confirm(admin_person, sent=True)
    job.refresh_from_db()
    assert job.counts == {"in_doubt": 2}
    assert not job.deliveries.filter(state="sending").exists()


def test_what_was_made_after_the_restore_or_never_started_stays_as_it_is(
    marketer: Person, admin_person: Person, connection: Connection
) -> None:
    ready = make_import(marketer, connection, JobStatus.READY, [S.WAITING])
    held = begin()
    later = make_import(marketer, connection, JobStatus.QUEUED, [S.WAITING])
    assert list(confirmation.may_have_started(held)) == [ready]
    assert confirm(admin_person, sent=True)
    assert [ImportJob.objects.get(pk=job.pk).counts for job in (ready, later)] == [{"waiting": 1}] * 2


def test_what_a_retry_had_chosen_is_in_doubt_too(
    marketer: Person, admin_person: Person, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_import(marketer, connection, JobStatus.FINISHED, [S.REJECTED] * 5)
    monkeypatch.setattr("tagsync.imports.followups.retry.ROWS_PER_COMMIT", 2)
    actions.retry(job, Selection(), admin_person)
    assert job.retry_selection is not None
    begin()
    assert confirm(admin_person, sent=True)
    job.refresh_from_db()
    assert (job.counts, job.retry_selection) == ({"in_doubt": 5}, None)


def test_it_waits_for_a_call_under_way(marketer: Person, admin_person: Person, connection: Connection) -> None:
    job = make_import(marketer, connection, JobStatus.RUNNING, [S.WAITING], lease_until="2099-01-01T00:00:00Z")
    begin()
    assert not confirm(admin_person, sent=True) and hold.is_on()
    ImportJob.objects.filter(pk=job.pk).update(lease_until="2020-01-01T00:00:00Z")
    keeper.keep()
    job.refresh_from_db()
    assert (job.counts, hold.is_on()) == ({"in_doubt": 1}, False)


def test_who_is_interrupted_is_gone_on_after(
    marketer: Person, admin_person: Person, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outcomes, "ROWS_PER_COMMIT", 2)
    job = make_import(marketer, connection, JobStatus.QUEUED, [S.WAITING] * 5)
    held = begin()
    assert confirmation.decide(held, admin_person, sent=True) and not confirmation.carry_out(0)
    assert not confirmation.decide(held, admin_person, sent=False)
    job.refresh_from_db()
    assert (job.counts, hold.is_on()) == ({"in_doubt": 2, "waiting": 3}, True)
    keeper.keep()
    job.refresh_from_db()
    assert (job.counts, hold.is_on()) == ({"in_doubt": 5}, False)
    assert [event.params for event in job.events.filter(act=Mark.RESTORE)] == [{"rows": 5}]


def test_the_command_says_what_it_did(marketer: Person, connection: Connection, capsys: Any) -> None:
    make_import(marketer, connection, JobStatus.QUEUED, [S.WAITING])
    call_command("restored")
    assert "Nothing is sent until" in (said := capsys.readouterr().out) and "after the backup: 1\n" in said
    call_command("restored")
    assert "Already" in capsys.readouterr().out
    assert RestoreHold.objects.count() == 1


# -- noticed without being told


def test_a_database_behind_the_storage_is_on_hold(
    marketer: Person, admin_person: Person, connection: Connection, sandbox: Sandbox
) -> None:
    job = started(marketer, connection, customers(2))
    Rounds()()
    backup = HighWaterMark.objects.get().number
    actions.stop(job, marketer)
    actions.resume(job, marketer)
    Rounds()()
    assert not hold.is_on() and HighWaterMark.objects.get().number == backup + 1
    HighWaterMark.objects.update(number=backup)
    tasks.run_import(job.pk)
    assert hold.is_on() and not len(sandbox.ledger)
    assert RestoreHold.objects.get().reason == RestoreReason.BEHIND
    assert confirm(admin_person, sent=False)
    Rounds()()
    assert run_to_end(job).counts == {"accepted": 2}


def test_the_keeper_notices_it_first(marketer: Person, connection: Connection) -> None:
    make_import(marketer, connection, JobStatus.QUEUED, [S.WAITING])
    high_water._store(7)
    Rounds()()
    assert hold.is_on() and HighWaterMark.objects.get().number == 7


def test_the_mark_grows_only_when_something_happens_and_never_shrinks(marketer: Person, connection: Connection) -> None:
    numbers = []
    job = checked(marketer, connection, customers(1))
    for act in (lambda: None, lambda: None, lambda: job.delete(), lambda: None):
        act()
        keeper.keep_mark()
        with default_storage.open(high_water.NAME) as file:
            numbers.append((HighWaterMark.objects.get().number, int(file.read())))
    assert numbers == [(1, 1), (1, 1), (2, 2), (2, 2)]


def test_a_new_database_in_a_used_folder_is_not_on_hold() -> None:
    high_water._store(7)
    assert not high_water.hold_if_behind() and not hold.is_on()
    assert HighWaterMark.objects.get().number == 7


@pytest.mark.parametrize("text", [b"", b"seven", "７".encode(), b"\xff"])
def test_what_is_no_number_tells_nothing(marketer: Person, connection: Connection, text: bytes) -> None:
    make_import(marketer, connection, JobStatus.QUEUED, [S.WAITING])
    high_water._store(7)
    with open(default_storage.path(high_water.NAME), "wb") as file:
        file.write(text)
    assert not high_water.hold_if_behind()


def test_a_storage_that_fails_ends_no_round(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("bucket")

    monkeypatch.setattr(high_water, "_stored", fails)
    Rounds()()
    assert "could not be kept: RuntimeError" in caplog.text


def test_two_begin_one_hold() -> None:
    threads = [beside(begin) for _ in range(4)]
    for thread in threads:
        thread.join(30)
    assert RestoreHold.objects.count() == 1
