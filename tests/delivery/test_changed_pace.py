"""A pace that an admin corrects: whoever waits for a slot of the old one goes on at the new one."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection as database

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.connections.pace import forget_slots, slow_down, take_slot
from tagsync.database import database_now
from tagsync.delivery import leases, tasks
from tagsync.delivery.finish import release
from tagsync.imports.models import ImportJob
from tagsync.sandbox import Sandbox
from tests.installation import wait_for
from tests.making import customers, run_to_end, started

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def hourly(connection: Connection) -> Connection:
    """The period was meant to be 5 s."""
    connection.calls_per_period, connection.period_seconds, connection.rows_per_call = 10, 36000, 1
    connection.save()
    return connection


def correct(connection: Connection, calls: int = 100, seconds: float = 1) -> None:
    """As the admin's form does, beside whoever holds `connection`."""
    fresh = Connection.objects.get(pk=connection.pk)
    fresh.calls_per_period, fresh.period_seconds = calls, seconds
    fresh.save(update_fields=["calls_per_period", "period_seconds"])
    forget_slots(fresh)


def test_it_goes_on_at_once_when_the_pace_is_corrected(marketer: Person, hourly: Connection, sandbox: Sandbox) -> None:
    waiting, new = started(marketer, hourly, customers(12)), started(marketer, hourly, customers(3))
    tasks.run_import(waiting.pk)
    waiting.refresh_from_db()
    assert (waiting.status, waiting.wait_reason) == ("queued", "pace")
    assert waiting.wait_until and waiting.wait_until > database_now() + timedelta(minutes=30)
    assert leases.claimable() == [new.pk]
    correct(hourly)
    assert leases.claimable() == [waiting.pk, new.pk]
    began = time.monotonic()
    assert run_to_end(waiting).counts == {"accepted": 12}
    assert run_to_end(new).counts == {"accepted": 3}
    assert time.monotonic() - began < 10


@pytest.mark.slow
def test_it_sees_a_corrected_pace_in_the_middle_of_a_slice(
    marketer: Person, connection: Connection, sandbox: Sandbox
) -> None:
    connection.calls_per_period, connection.period_seconds, connection.rows_per_call = 1, 1, 1
    connection.save()
    job = started(marketer, connection, customers(60))

    def hurry() -> None:
        wait_for(lambda: len(sandbox.ledger) > 1)
        correct(connection)
        database.close()

    admin = threading.Thread(target=hurry)
    began = time.monotonic()
    admin.start()
    assert run_to_end(job).counts == {"accepted": 60}
    admin.join(30)
    assert time.monotonic() - began < 30


def test_it_takes_no_slot_at_a_pace_that_it_remembers(connection: Connection) -> None:
    connection.calls_per_period, connection.period_seconds = 1, 3600
    connection.save()
    stale = Connection.objects.get(pk=connection.pk)
    correct(connection, calls=10)
    assert take_slot(stale).taken
    assert take_slot(stale).wait_seconds == pytest.approx(0.1, abs=0.1)


def test_it_does_not_wait_when_the_pace_is_corrected_while_it_gives_up(
    marketer: Person,
    hourly: Connection,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    rings: list[tuple[str, int]],
) -> None:
    """Between the slot that was too far away and the wait that is written down for it."""
    job = started(marketer, hourly, customers(3))
    take_slot(hourly)

    def corrected_meanwhile(*told: Any, **more: Any) -> None:
        correct(hourly)
        release(*told, **more)

    monkeypatch.setattr("tagsync.delivery.runner.release", corrected_meanwhile)
    rings.clear()
    tasks.run_import(job.pk)
    job.refresh_from_db()
    assert (job.status, job.wait_until, job.wait_reason) == ("queued", None, "")
    assert rings == [("sends", job.pk)]


def test_it_waits_out_what_the_platform_asked_for(marketer: Person, hourly: Connection) -> None:
    job = started(marketer, hourly, customers(3))
    slow_down(hourly, 60)
    later = database_now() + timedelta(hours=2)
    ImportJob.objects.filter(pk=job.pk).update(wait_until=later, wait_reason="throttled")
    correct(hourly)
    job.refresh_from_db()
    hourly.refresh_from_db()
    assert job.wait_until == hourly.asked_to_wait_until == hourly.next_slot_at
    assert hourly.slow_factor == 2
    slot = take_slot(hourly)
    assert not slot.taken and slot.wait_seconds == pytest.approx(60, abs=5)


@pytest.mark.parametrize("reason", ["unanswered", "not_reached", "token"])
def test_it_ends_no_wait_for_another_cause(marketer: Person, hourly: Connection, reason: str) -> None:
    job = started(marketer, hourly, customers(3))
    later = database_now() + timedelta(hours=2)
    ImportJob.objects.filter(pk=job.pk).update(wait_until=later, wait_reason=reason)
    correct(hourly)
    job.refresh_from_db()
    assert (job.wait_until, job.wait_reason) == (later, reason)


def test_it_ends_no_wait_on_another_connection(marketer: Person, hourly: Connection) -> None:
    other = Connection(name="other", base_url=hourly.base_url)
    other.set_fixed_token("other-token")
    other.save()
    job, later = started(marketer, other, customers(3)), database_now() + timedelta(hours=2)
    ImportJob.objects.filter(pk=job.pk).update(wait_until=later, wait_reason="pace")
    correct(hourly)
    job.refresh_from_db()
    assert job.wait_until == later
