"""SIGSTOP past the end of the lease, another takes over, SIGCONT: the sleeper sends nothing and records nothing."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from django.db import connection as database

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.delivery import actions
from tagsync.imports.models import Delivery
from tagsync.sandbox import Sandbox
from tests.faults.conftest import ROWS_PER_CALL, ended
from tests.faults.senders import LEASE_SECONDS, Sender, Senders
from tests.making import customers, draft, started

pytestmark = pytest.mark.django_db(transaction=True)

Check = Callable[[], None]
ROWS = 4 * ROWS_PER_CALL
STEPS = (
    "after the claim",
    "before a call is written down",
    "before the send",
    "after the send",
    "before the record",
    "after the record",
    "before superseding",
    "before the finish",
    "between check and send",
)
# Here the sleeper holds a lock of the database.
LOCKED = (
    "inside the writing down",
    "after the renewal",
    "inside the record",
)


@pytest.fixture(autouse=True)
def one_call_at_a_time(connection: Connection) -> None:
    """Or the sleeper's other threads would be caught somewhere else, with a lock perhaps."""
    connection.parallel_calls = 1
    connection.save()


def wake(sleeper: Sender) -> None:
    """And let it do whatever it still wants to do."""
    sleeper.wake()
    time.sleep(0.7)
    assert sleeper.runs


@pytest.mark.parametrize("step", STEPS)
def test_a_sleeper_changes_nothing(
    owner: Person, connection: Connection, sandbox: Sandbox, senders: Senders, all_is_well: Check, step: str
) -> None:
    job = started(owner, connection, customers(ROWS))
    sleeper = senders.start(step, how="SIGSTOP")
    sleeper.wait_until_struck()
    senders.start()
    assert ended(job).counts == {"accepted": ROWS}
    calls, known = len(sandbox.ledger), Delivery.objects.count()
    wake(sleeper)
    job.refresh_from_db()
    assert (len(sandbox.ledger), Delivery.objects.count()) == (calls, known)
    assert (job.status, job.counts) == ("finished", {"accepted": ROWS})
    all_is_well()


@pytest.mark.parametrize(
    "step", ["before rows are dropped", "before rows are staged", "before the last look of the check"]
)
def test_a_sleeper_drops_nothing_of_a_newer_check(
    owner: Person, connection: Connection, senders: Senders, all_is_well: Check, step: str
) -> None:
    job = draft(owner, connection, customers(ROWS))
    actions.check(job, owner)
    sleeper = senders.start(step, how="SIGSTOP")
    sleeper.wait_until_struck()
    senders.start()
    assert ended(job).counts == {"waiting": ROWS}
    wake(sleeper)
    job.refresh_from_db()
    assert (job.status, job.counts, job.rows.count()) == ("ready", {"waiting": ROWS}, ROWS)
    all_is_well()


@pytest.mark.parametrize("step", ["after the claim", "before the send", "after the record"])
def test_a_sleeper_does_not_undo_a_newer_delete(
    owner: Person, connection: Connection, sandbox: Sandbox, senders: Senders, all_is_well: Check, step: str
) -> None:
    add = started(owner, connection, customers(ROWS))
    sleeper = senders.start(step, how="SIGSTOP")
    sleeper.wait_until_struck()
    senders.start()
    ended(add)
    delete = started(owner, connection, customers(ROWS), operation="delete")
    ended(delete)
    wake(sleeper)
    assert not any(sandbox.tags.values())
    assert add.counts == {"accepted": ROWS}
    all_is_well()


def test_a_short_nap_harms_nobody(
    owner: Person, connection: Connection, sandbox: Sandbox, senders: Senders, all_is_well: Check
) -> None:
    job = started(owner, connection, customers(ROWS))
    sleeper = senders.start("before the send", how="SIGSTOP")
    sleeper.wait_until_struck()
    senders.start()
    time.sleep(LEASE_SECONDS / 8)
    sleeper.wake()
    assert ended(job).counts == {"accepted": ROWS}
    all_is_well()


@pytest.mark.skipif(database.vendor != "sqlite", reason="PostgreSQL ends who sleeps over a lock: test_frozen")
@pytest.mark.parametrize("step", LOCKED)
def test_a_sleeper_that_holds_a_lock_holds_others_up_and_nothing_else(
    owner: Person, connection: Connection, sandbox: Sandbox, senders: Senders, all_is_well: Check, step: str
) -> None:
    job = started(owner, connection, customers(ROWS))
    sleeper = senders.start(step, how="SIGSTOP")
    sleeper.wait_until_struck()
    senders.start()
    time.sleep(LEASE_SECONDS + 1)
    sleeper.wake()
    assert ended(job).counts == {"accepted": ROWS}
    all_is_well()
