"""Calls per period, shared through the database; slowed when the platform asks, and back again."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection as database
from django.utils import timezone

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.connections.pace import slow_down, speed_up, take_slot
from tagsync.sandbox import Sandbox
from tests.making import customers, run_to_end, started

pytestmark = pytest.mark.django_db(transaction=True)


def paced(connection: Connection, calls: int, seconds: float) -> Connection:
    connection.calls_per_period, connection.period_seconds = calls, seconds
    connection.save()
    return connection


def test_it_spaces_slots_evenly(connection: Connection) -> None:
    paced(connection, 10, 5)
    waits = [take_slot(connection).wait_seconds for _ in range(4)]
    assert waits == pytest.approx([0, 0.5, 1.0, 1.5], abs=0.1)


def test_it_takes_no_slot_that_is_far_away(connection: Connection) -> None:
    paced(connection, 1, 3)
    assert take_slot(connection).taken
    before = Connection.objects.get(pk=connection.pk).next_slot_at
    slot = take_slot(connection)
    assert not slot.taken
    assert slot.wait_seconds == pytest.approx(3, abs=0.2)
    assert Connection.objects.get(pk=connection.pk).next_slot_at == before


def test_it_gives_no_slot_twice(connection: Connection) -> None:
    paced(connection, 100, 1)
    taken: list[float] = []

    def take() -> None:
        for _ in range(5):
            taken.append(time.monotonic() + take_slot(connection).wait_seconds)
        database.close()

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    connection.refresh_from_db()
    assert len(taken) == 20
    assert connection.next_slot_at is not None


def test_it_slows_the_whole_connection_once_and_recovers(connection: Connection) -> None:
    paced(connection, 10, 1)
    slow_down(connection, 1.0)
    slow_down(connection, 1.0)  # a second call in flight heard the same
    connection.refresh_from_db()
    assert connection.slow_factor == 2
    assert take_slot(connection).wait_seconds == pytest.approx(1.0, abs=0.2)
    speed_up(connection)
    assert connection.slow_factor == 2
    Connection.objects.update(slowed_at=timezone.now() - timedelta(seconds=6))
    speed_up(connection)
    assert connection.slow_factor == 1


@pytest.mark.slow
def test_it_never_fails_a_row_for_being_throttled(
    marketer: Person, connection: Connection, sandbox: Sandbox, quick: None
) -> None:
    sandbox.faults.add("status", http_status=429, retry_after="1", times=2)
    sandbox.faults.add("busy", times=2, retry_after="1")
    connection.rows_per_call = 5
    connection.save()
    job = started(marketer, connection, customers(40))
    deadline = time.monotonic() + 60
    while job.status != "finished":
        assert time.monotonic() < deadline
        job = run_to_end(job, slices=1)
    assert job.counts == {"accepted": 40}


@pytest.mark.slow
def test_it_keeps_the_pace_over_a_whole_import(marketer: Person, connection: Connection, sandbox: Sandbox) -> None:
    paced(connection, 10, 1).rows_per_call = 1
    connection.save()
    began = time.monotonic()
    assert run_to_end(started(marketer, connection, customers(21))).counts == {"accepted": 21}
    assert time.monotonic() - began >= 1.9
