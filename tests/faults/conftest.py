"""The test platform in this process, senders as processes of their own on this test's database, and no Redis."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection as database
from django.db.backends.signals import connection_created

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.imports.models import ImportJob
from tagsync.imports.states import RESTING
from tagsync.queueing import doorbell
from tagsync.sandbox import Sandbox
from tests.faults.senders import Forker, Senders, forker, senders_of
from tests.installation import wait_for
from tests.invariants import check_connection, check_words, stored_words

ROWS_PER_CALL = 10
# Signals, /proc and handles of processes are Linux's here; what is tested is the same everywhere.
collect_ignore_glob = [] if sys.platform == "linux" else ["test_*.py"]


@pytest.fixture
def connection(sandbox_connection: Connection, sandbox: Sandbox) -> Connection:
    """One that people may lead elsewhere, as the test platform's own may not be."""
    sandbox_connection.base_url, sandbox_connection.is_sandbox = sandbox.url, False
    sandbox_connection.rows_per_call = ROWS_PER_CALL
    sandbox_connection.save()
    return sandbox_connection


@pytest.fixture(autouse=True)
def no_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    """Senders find their work in the database, as if every ring were lost."""
    monkeypatch.setattr(doorbell, "ring", lambda queue_name, job_id: True)


@pytest.fixture
def quick_commits(transactional_db: None) -> Iterator[None]:
    """Nothing here is about a power cut."""

    def quicken(connection: Any, **_signal: Any) -> None:
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET synchronous_commit = off")

    quicken(database)
    connection_created.connect(quicken)
    yield
    connection_created.disconnect(quicken)
    database.close()


@pytest.fixture(scope="session")
def one_forker(django_db_setup: None) -> Iterator[Forker]:
    with forker() as process:
        yield process


@pytest.fixture
def senders(transactional_db: None, one_forker: Forker, tmp_path: Path) -> Iterator[Senders]:
    with senders_of(one_forker, tmp_path) as found:
        yield found
    for text in found.said():
        print(text)
    found.forget()


@pytest.fixture
def all_is_well(connection: Connection, sandbox: Sandbox, senders: Senders) -> Callable[..., None]:
    """C1–C8 over all imports; senders are ended for it, so that nothing moves meanwhile."""

    def check(may_fail: bool = False) -> None:
        senders.end()
        check_connection(connection, sandbox.ledger, sandbox.tags)
        check_words([*senders.said(), *stored_words(ImportJob.objects.all())])
        for text in senders.said():
            assert may_fail or "UNFORESEEN" not in text, text
            assert "counts of import" not in text, text

    return check


def ended(job: ImportJob, seconds: float = 30) -> ImportJob:
    """Waits until the import rests."""

    def rests() -> bool:
        job.refresh_from_db()
        return job.status in RESTING

    wait_for(rests, seconds)
    return job


def resent_rows(sandbox: Sandbox) -> int:
    """Rows that reached the platform more than once."""
    distinct = {entry.body for entry in sandbox.ledger if entry.body}
    return sum(entry.row_count for entry in sandbox.ledger if entry.body) - sum(
        body.count(b'"tags"') for body in distinct
    )


@pytest.fixture
def owner(marketer: Person) -> Person:
    return marketer
