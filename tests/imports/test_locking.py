"""Locks are taken in one order, and what only shows something waits for none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
import pytest
from django.db import connection as database
from django.db import connections, transaction

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.imports.locking import locked_for_act
from tagsync.imports.models import ImportJob
from tagsync.imports.states import Act, JobStatus
from tagsync.notifications.models import Notice, NoticeKind
from tagsync.notifications.seen import mark_seen, unseen
from tests.installation import wait_for
from tests.making import make_import

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(database.vendor != "postgresql", reason="SQLite locks no rows"),
]

Execute = Callable[..., object]


@contextmanager
def somebody_else() -> Iterator[Execute]:
    """In a transaction of her own that is still open."""
    with psycopg.connect(**database.get_connection_params(), autocommit=False) as other:
        yield other.execute
        other.rollback()


def waits_for_a_lock() -> bool:
    # A transaction sees one state of this view until its end: each look is one of its own.
    with psycopg.connect(**database.get_connection_params()) as other:
        found = other.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        ).fetchone()
    return bool(found and found[0])


def is_locked(table: str, pk: int) -> bool:
    with somebody_else() as execute:
        try:
            execute(f"SELECT 1 FROM {table} WHERE id = %s FOR NO KEY UPDATE NOWAIT", [pk])
        except psycopg.errors.LockNotAvailable:
            return True
    return False


def test_an_act_locks_the_connection_that_the_import_has_now(marketer: Person, sandbox_connection: Connection) -> None:
    """It was given another while the act waited for the lock of the first."""
    job = make_import(marketer, sandbox_connection, JobStatus.DRAFT)
    second = Connection.objects.create(name="Second", base_url="http://127.0.0.1:10")

    def act() -> tuple[int | None, bool, bool]:
        try:
            with locked_for_act(job, Act.CHECK) as locked:
                first = is_locked("connections_connection", sandbox_connection.pk)
                return locked.connection_id, first, is_locked("connections_connection", second.pk)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            list(Connection.objects.select_for_update(no_key=True).filter(pk=sandbox_connection.pk))
            done = pool.submit(act)
            wait_for(waits_for_a_lock)
            ImportJob.objects.filter(pk=job.pk).update(connection=second)
        assert done.result() == (second.pk, False, True)


def test_what_is_opened_does_not_wait_to_be_marked_as_seen(marketer: Person, sandbox_connection: Connection) -> None:
    job = make_import(marketer, sandbox_connection, JobStatus.FINISHED)
    held, free = (
        Notice.objects.create(person=marketer, kind=kind, job=job) for kind in (NoticeKind.STARTED, NoticeKind.FINISHED)
    )
    with somebody_else() as execute:
        execute("SELECT 1 FROM imports_notice WHERE id = %s FOR UPDATE", [held.pk])
        mark_seen(marketer, job=job)
        assert list(unseen(marketer)) == [held]
    mark_seen(marketer, job=job)
    assert not unseen(marketer).exists() and free.pk


def test_who_only_refers_to_an_import_does_not_wait_for_its_lock(
    marketer: Person, sandbox_connection: Connection
) -> None:
    job = make_import(marketer, sandbox_connection, JobStatus.READY)
    with locked_for_act(job, Act.START), somebody_else() as execute:
        execute("SET lock_timeout = 500")
        execute("SELECT 1 FROM imports_importjob WHERE id = %s FOR KEY SHARE", [job.pk])
        execute("SELECT 1 FROM connections_connection WHERE id = %s FOR KEY SHARE", [sandbox_connection.pk])
