"""What nobody works on is found again, whatever Redis remembers."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import OperationalError
from django.db import connection as database
from django.utils import timezone

from tagsync.accounts.models import Person
from tagsync.connections import silence
from tagsync.connections.models import Connection
from tagsync.delivery import actions, keeper, tasks
from tagsync.delivery.leases import claim_check, claim_import, renew
from tagsync.imports.locking import FenceLost
from tagsync.imports.models import Delivery, ImportJob
from tagsync.imports.sending import outcomes
from tagsync.imports.sending.outcomes import Batch
from tagsync.queueing import doorbell
from tagsync.sandbox import Sandbox
from tests.invariants import check_invariants
from tests.making import checked, customers, draft, run_to_end, started

pytestmark = pytest.mark.django_db(transaction=True)


def let_lease_expire(job: ImportJob) -> None:
    ImportJob.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


@pytest.fixture(autouse=True)
def empty_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doorbell, "rung", lambda queue_name: set())


def test_it_rings_for_checks_and_imports_that_wait(
    marketer: Person, connection: Connection, rings: list[tuple[str, int]]
) -> None:
    waiting = draft(marketer, connection, customers(1))
    actions.check(waiting, marketer)
    queued = started(marketer, connection, customers(1))
    rings.clear()
    keeper.keep()
    assert rings == [("checks", waiting.pk), ("sends", queued.pk)]


def test_it_does_not_ring_for_what_is_rung(
    marketer: Person, connection: Connection, rings: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = started(marketer, connection, customers(1))
    monkeypatch.setattr(doorbell, "rung", lambda queue_name: {job.pk})
    rings.clear()
    keeper.keep()
    assert rings == []


@pytest.mark.parametrize("why", ["blocked", "waits", "leased", "behind"])
def test_it_does_not_ring_for_what_may_not_run(
    marketer: Person, connection: Connection, rings: list[tuple[str, int]], why: str
) -> None:
    soon = timezone.now() + timedelta(seconds=60)
    if why == "behind":
        earlier = started(marketer, connection, customers(1))
        ImportJob.objects.filter(pk=earlier.pk).update(wait_until=soon)
    job = started(marketer, connection, customers(1), operation="delete")
    if why == "blocked":
        connection.block("forbidden")
    elif why == "waits":
        ImportJob.objects.filter(pk=job.pk).update(wait_until=soon)
    elif why == "leased":
        claim_import(job.pk)
    rings.clear()
    keeper.keep()
    assert rings == []


def test_it_gives_back_an_import_whose_worker_died_while_sending(
    marketer: Person, connection: Connection, sandbox: Sandbox, rings: list[tuple[str, int]]
) -> None:
    job = started(marketer, connection, customers(4))
    mine = claim_import(job.pk)
    assert mine is not None
    outcomes.begin_call(mine, Batch([2, 3, 4, 5], "0" * 64))
    let_lease_expire(job)
    keeper.keep()
    job.refresh_from_db()
    assert (job.status, job.lease_until) == ("queued", None)
    assert ("sends", job.pk) in rings
    assert run_to_end(job).counts == {"accepted": 4}
    assert list(Delivery.objects.order_by("id").values_list("batch", "attempt", "outcome")) == [
        (1, 1, "worker_died"),
        (1, 2, "accepted"),
    ]
    check_invariants(job, sandbox.ledger, 4)


def test_it_stops_an_import_whose_worker_died_while_stopping(
    marketer: Person, connection: Connection, sandbox: Sandbox
) -> None:
    job = started(marketer, connection, customers(6))
    mine = claim_import(job.pk)
    assert mine is not None
    outcomes.begin_call(mine, Batch([2, 3], "0" * 64))
    job.refresh_from_db()
    actions.stop(job, marketer)
    assert job.status == "stopping"
    let_lease_expire(job)
    keeper.keep()
    job.refresh_from_db()
    assert (job.status, job.counts) == ("stopped", {"waiting": 4, "in_doubt": 2})


def test_it_lets_the_old_runner_change_nothing_more(marketer: Person, connection: Connection) -> None:
    job = started(marketer, connection, customers(2))
    old = claim_import(job.pk)
    assert old is not None
    let_lease_expire(job)
    keeper.release_expired()
    new = claim_import(job.pk)
    assert new is not None and new.fence > old.fence
    assert renew(old) is None
    with pytest.raises(FenceLost):
        outcomes.begin_call(old, Batch([2], "0" * 64))
    assert renew(new) == "running"


def test_it_lets_another_worker_check_when_the_first_died(marketer: Person, connection: Connection) -> None:
    job = draft(marketer, connection, customers(3))
    actions.check(job, marketer)
    assert claim_check(job.pk) is not None
    assert claim_check(job.pk) is None
    let_lease_expire(job)
    tasks.run_check(job.pk)
    job.refresh_from_db()
    assert (job.status, job.counts) == ("ready", {"waiting": 3})


def test_it_ends_all_leases_when_a_machine_starts(marketer: Person, connection: Connection) -> None:
    sending = started(marketer, connection, customers(1))
    claim_import(sending.pk)
    checking = draft(marketer, connection, customers(1))
    actions.check(checking, marketer)
    claim_check(checking.pk)
    keeper.end_all_leases()
    sending.refresh_from_db()
    assert sending.status == "queued"
    assert claim_check(checking.pk) is not None


def test_it_deletes_drafts_that_nobody_touched(marketer: Person, connection: Connection) -> None:
    old, fresh = checked(marketer, connection, customers(1)), draft(marketer, connection, customers(1))
    long_ago = timezone.now() - timedelta(days=8)
    ImportJob.objects.filter(pk=old.pk).update(created_at=long_ago)
    old.events.update(at=long_ago)
    storage, name = old.file.storage, old.file.name
    keeper.delete_old_drafts()
    assert list(ImportJob.objects.all()) == [fresh]
    assert not storage.exists(name)


def test_it_keeps_an_import_that_was_started_however_old(marketer: Person, connection: Connection) -> None:
    job = started(marketer, connection, customers(1))
    ImportJob.objects.update(created_at=timezone.now() - timedelta(days=900))
    job.events.update(at=timezone.now() - timedelta(days=900))
    keeper.delete_old_drafts()
    assert ImportJob.objects.count() == 1


# -- one thing that can't be had


def test_a_locked_import_does_not_delay_the_others(marketer: Person, connection: Connection) -> None:
    locked, other, stopping = (started(marketer, connection, customers(1)) for _number in range(3))
    for job in (locked, other, stopping):
        assert claim_import(job.pk)
        silence.release_probe(connection)
    actions.stop(stopping, marketer)
    ImportJob.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    with held(locked):
        began = time.monotonic()
        keeper.release_expired()
        assert time.monotonic() - began < 2
        found = dict(ImportJob.objects.values_list("pk", "status"))
        assert found == {locked.pk: "running", other.pk: "queued", stopping.pk: "stopped"}
    keeper.release_expired()
    locked.refresh_from_db()
    assert locked.status == "queued"


@contextmanager
def held(job: ImportJob) -> Iterator[None]:
    """As by a worker that is frozen in the middle of a transaction; on SQLite only writers would be held up by it."""
    if database.vendor != "postgresql":
        pytest.skip("SQLite locks no rows")
    with psycopg.connect(**database.get_connection_params(), autocommit=False) as other:
        other.execute("SELECT 1 FROM imports_importjob WHERE id = %s FOR UPDATE", [job.pk])
        yield
        other.rollback()


@pytest.mark.parametrize("struck", ["release", "long_waits"])
def test_an_error_with_one_import_does_not_end_the_round(
    marketer: Person,
    connection: Connection,
    rings: list[tuple[str, int]],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    struck: str,
) -> None:
    first, second = (started(marketer, connection, customers(1)) for _number in range(2))
    queued = started(marketer, connection, customers(1))
    for job in (first, second):
        assert claim_import(job.pk)
        silence.release_probe(connection)
        let_lease_expire(job)
    real = ImportJob.move

    def move(job: ImportJob, *args: Any, **kwargs: Any) -> None:
        if job.pk == first.pk:
            raise OperationalError("canceling statement: 13800138000")
        real(job, *args, **kwargs)

    def fail(wait_reason: Any) -> None:
        raise OperationalError("canceling statement: 13800138000")

    if struck == "release":
        monkeypatch.setattr(ImportJob, "move", move)
    else:
        monkeypatch.setattr("tagsync.notifications.long_waits._tell", fail)
    rings.clear()
    with caplog.at_level(logging.WARNING):
        keeper.keep()
    assert {("sends", second.pk), ("sends", queued.pk)} <= set(rings)
    assert "left for the next round (OperationalError)" in caplog.text
    assert "13800138000" not in caplog.text
