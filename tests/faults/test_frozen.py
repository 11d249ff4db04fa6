"""PostgreSQL ends a transaction whose worker is frozen, before a lease is over: nobody else stands still meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from django.db import connection as database
from django.test import Client

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.imports.models import ImportJob
from tagsync.sandbox import Sandbox
from tagsync.timeouts import Role, timeouts_of
from tests.faults.conftest import ROWS_PER_CALL, ended
from tests.faults.senders import LEASE_SECONDS, Sender, Senders
from tests.faults.test_pause import LOCKED
from tests.installation import wait_for
from tests.making import customers, started

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(database.vendor != "postgresql", reason="SQLite has one lock and no time-outs of its own"),
]

Check = Callable[..., None]
ROWS = 4 * ROWS_PER_CALL
# What a busy machine adds.
ALLOWANCE_SECONDS = 3


@pytest.fixture(autouse=True)
def time_outs_of_a_page() -> Iterator[None]:
    found = timeouts_of(Role.WEB, LEASE_SECONDS)
    assert found is not None
    with database.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = {found.lock * 1000:.0f}")
    yield
    with database.cursor() as cursor:
        cursor.execute("RESET lock_timeout")


@pytest.fixture
def elsewhere(connection: Connection) -> Iterator[Connection]:
    other = Connection.objects.get(pk=connection.pk)
    other.pk, other.name = None, "Elsewhere"
    with Sandbox() as platform:
        other.base_url = platform.url
        other.save()
        yield other


def freeze(senders: Senders, step: str) -> Sender:
    frozen = senders.start(step, how="SIGSTOP")
    frozen.wait_until_struck()
    return frozen


def open_transactions() -> int:
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND state LIKE 'idle in transaction%%'"
        )
        return int(cursor.fetchone()[0])


@pytest.mark.parametrize("step", LOCKED)
def test_others_go_on_while_one_is_frozen(
    owner: Person,
    connection: Connection,
    elsewhere: Connection,
    sandbox: Sandbox,
    senders: Senders,
    all_is_well: Check,
    step: str,
) -> None:
    connection.parallel_calls = 1
    connection.save()
    job = started(owner, connection, customers(ROWS))
    frozen = freeze(senders, step)
    other = started(owner, elsewhere, customers(ROWS))
    began = time.monotonic()
    senders.start()
    assert ended(other).counts == {"accepted": ROWS}
    assert time.monotonic() - began < LEASE_SECONDS + ALLOWANCE_SECONDS
    # Its own import too is taken over by others, long before it wakes.
    assert ended(job).counts == {"accepted": ROWS}
    assert frozen.is_paused
    frozen.wake()
    wait_for(lambda: "idle-in-transaction timeout" in frozen.output.read_text())
    assert frozen.runs
    all_is_well(may_fail=True)


def test_its_locks_are_taken_from_it_within_a_lease(
    owner: Person, connection: Connection, sandbox: Sandbox, senders: Senders
) -> None:
    started(owner, connection, customers(ROWS))
    freeze(senders, "inside the record")
    began = time.monotonic()
    wait_for(lambda: not open_transactions())
    assert time.monotonic() - began < LEASE_SECONDS


def test_a_page_does_not_wait_for_it(owner: Person, connection: Connection, sandbox: Sandbox, senders: Senders) -> None:
    """And what was pressed then is not done by half: it is done later, at the second press, whole."""
    job = started(owner, connection, customers(ROWS))
    client = Client(raise_request_exception=False)
    client.force_login(owner)
    # Whatever the first request of a process loads is loaded.
    assert client.get(f"/imports/{job.pk}/").status_code == 200
    frozen = freeze(senders, "inside the record")
    before, events = ImportJob.objects.values().get(pk=job.pk), job.events.count()
    began = time.monotonic()
    answer = client.post(f"/imports/{job.pk}/stop/")
    assert time.monotonic() - began < LEASE_SECONDS
    assert (answer.status_code, answer["X-Busy"]) == (503, "1")
    assert (ImportJob.objects.values().get(pk=job.pk), job.events.count()) == (before, events)
    wait_for(lambda: not open_transactions())
    assert client.post(f"/imports/{job.pk}/stop/").status_code == 302
    job.refresh_from_db()
    assert job.status == "stopping"
    assert frozen.is_paused
