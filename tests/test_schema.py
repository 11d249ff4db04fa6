"""A process works only on a database that has exactly its migrations."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from tagsync import schema
from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.delivery import keeper, tasks
from tagsync.delivery.management.commands.keeper import Rounds
from tagsync.imports.states import JobStatus
from tests.making import S, make_import

pytestmark = pytest.mark.django_db


def test_this_program_fits() -> None:
    assert schema.may_work()


def test_it_differs_when_the_database_is_newer_or_older(caplog: pytest.LogCaptureFixture) -> None:
    recorder = MigrationRecorder(connection)
    recorder.record_applied("imports", "9999_next")
    assert not schema.may_work() and "different migrations" in caplog.text
    recorder.record_unapplied("imports", "9999_next")
    assert schema.may_work()
    recorder.record_unapplied("imports", "0018_search_text")
    assert not schema.may_work()


def test_it_looks_at_no_app_of_others() -> None:
    MigrationRecorder(connection).record_applied("gone", "0001_initial")
    assert schema.may_work()


def test_whoever_differs_claims_nothing(
    marketer: Person, sandbox_connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[int] = []
    monkeypatch.setattr(keeper, "keep", lambda: kept.append(1))
    jobs = [make_import(marketer, sandbox_connection, status, [S.WAITING]) for status in ("queued", "checking")]
    MigrationRecorder(connection).record_applied("imports", "9999_next")
    tasks.run_import(jobs[0].pk)
    tasks.run_check(jobs[1].pk)
    Rounds()()
    for job in jobs:
        job.refresh_from_db()
    assert [job.status for job in jobs] == [JobStatus.QUEUED, JobStatus.CHECKING]
    assert [job.fence for job in jobs] == [0, 0] and not kept
