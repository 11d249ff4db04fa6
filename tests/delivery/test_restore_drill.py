"""A backup while a call is under way, more sent, the backup restored: nothing is sent twice by itself.

`tests.faults.restore_drill` is the same with the processes of an installation, at any moment.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection as database

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.delivery import actions, keeper, tasks
from tagsync.delivery.management.commands.keeper import Rounds
from tagsync.imports.followups.retry import Selection
from tagsync.imports.models import ImportJob
from tagsync.imports.models.restore import RestoreReason
from tagsync.imports.restores import confirmation, hold
from tagsync.imports.sending import outcomes
from tagsync.imports.states import Mark
from tagsync.sandbox import Sandbox
from tests.backups import back_up, restore
from tests.invariants import applied_rows, check_invariants, key_of
from tests.making import S, customers, run_to_end, started

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
ROWS, ROWS_PER_CALL = 4000, 100
CALLS_BEFORE, CALLS_IN_ALL = 10, 25


def in_the_middle(monkeypatch: pytest.MonkeyPatch, act: Callable[[], None]) -> None:
    """Do it when a call stands written down as under way, others before it are answered, and more are to come."""
    monkeypatch.setattr("tagsync.delivery.runner.SLICE_SECONDS", 100.0)
    begin, calls = outcomes.begin_call, []

    def begin_and_act(*args: Any) -> Any:
        delivery = begin(*args)
        calls.append(delivery)
        if len(calls) == CALLS_BEFORE:
            act()
        if len(calls) == CALLS_IN_ALL:
            monkeypatch.setattr("tagsync.delivery.runner.SLICE_SECONDS", 0.0)
        return delivery

    monkeypatch.setattr(outcomes, "begin_call", begin_and_act)


@pytest.mark.parametrize("told", [False, True], ids=["noticed", "told"])
def test_nothing_is_sent_twice_and_nothing_sent_is_called_unsent(
    marketer: Person,
    admin_person: Person,
    connection: Connection,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    told: bool,
) -> None:
    if database.vendor == "postgresql" and not shutil.which("pg_dump"):
        pytest.skip("no pg_dump")
    connection.rows_per_call = ROWS_PER_CALL
    connection.save()
    job = started(marketer, connection, customers(ROWS))
    Rounds()()
    in_the_middle(monkeypatch, lambda: back_up(tmp_path / "backup"))
    tasks.run_import(job.pk)
    if not told:
        Rounds()()
    sent = len(sandbox.ledger)
    assert sent == CALLS_IN_ALL
    monkeypatch.setattr("tagsync.delivery.runner.SLICE_SECONDS", 100.0)

    restore(tmp_path / "backup")
    job.refresh_from_db()
    assert job.status == "running" and job.counts["accepted"] < sent * ROWS_PER_CALL
    if told:
        hold.begin(RestoreReason.TOLD)
    # As `up` does it at its start, instead of waiting for the end of a lease of that time.
    keeper.end_all_leases()
    tasks.run_import(job.pk)
    Rounds()()
    assert hold.is_on() and len(sandbox.ledger) == sent

    held = hold.current()
    assert held is not None and confirmation.decide(held, admin_person, sent=True)
    assert keeper.go_on_after_restore()
    assert run_to_end(job).status == "finished"
    assert len(sandbox.ledger) == sent
    _nothing_is_belied(job, sandbox)
    assert job.events.get(act=Mark.RESTORE).params == {"rows": job.counts["in_doubt"]}

    actions.retry(job, Selection(frozenset({S.IN_DOUBT})), admin_person)
    assert run_to_end(job).counts == {"accepted": ROWS}


def _nothing_is_belied(job: ImportJob, sandbox: Sandbox) -> None:
    applied = applied_rows(sandbox.ledger)
    assert set(applied.values()) == {1}
    for row in job.rows.all():
        was_applied = bool(applied[key_of(row.values_by_field())])
        assert row.status == S.IN_DOUBT or (row.status == S.ACCEPTED and was_applied), row.row_number
        assert row.status != S.IN_DOUBT or (row.unanswered_at and row.problem)
    assert set(job.counts) == {"accepted", "in_doubt"} and sum(job.counts.values()) == ROWS


def test_when_nothing_was_sent_since_the_import_goes_on(
    marketer: Person, admin_person: Person, connection: Connection, sandbox: Sandbox, tmp_path: Path
) -> None:
    if database.vendor == "postgresql" and not shutil.which("pg_dump"):
        pytest.skip("no pg_dump")
    job = started(marketer, connection, customers(500))
    back_up(tmp_path / "backup")
    restore(tmp_path / "backup")
    held, _began = hold.begin(RestoreReason.TOLD)
    assert confirmation.decide(held, admin_person, sent=False) and keeper.go_on_after_restore()
    assert run_to_end(job).counts == {"accepted": 500}
    check_invariants(job, sandbox.ledger, 500)
