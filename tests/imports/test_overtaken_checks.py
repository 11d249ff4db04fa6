"""A check that somebody has overtaken with a change, or with a new check, writes nothing more and ends nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.db import InterfaceError, connection, transaction
from django.db import connection as database

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.delivery import actions, tasks
from tagsync.delivery.leases import claim_check
from tagsync.imports.check import damaged_ids, repairs, staging
from tagsync.imports.drafts import drafts
from tagsync.imports.models import ImportJob, ImportRow, JobTag, Repair
from tagsync.imports.models.repair import RepairKind
from tagsync.imports.sending.counts import counted
from tagsync.imports.states import JobStatus, MoveRefused, RowStatus
from tagsync.queueing import doorbell
from tests.making import checked, customer, draft, workbook

pytestmark = pytest.mark.django_db

OLD, NEW = 4, 5  # the columns of the old and of the new tags
HEADER = ("客户ID", "微信openid", "微信unionid", "手机号", "旧标签", "新标签")
ROWS = [(*customer(number, "旧"), "新") for number in range(20)]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("check.staging", "check.damaged_ids", "drafts.deletion"):
        monkeypatch.setattr(f"tagsync.imports.{module}.ROWS_PER_COMMIT", 5)
    monkeypatch.setattr(doorbell, "ring", lambda queue_name, job_id: True)


@pytest.fixture
def job(marketer: Person, sandbox_connection: Connection) -> ImportJob:
    """Being checked, with the tags of the old column; its last row is to fix."""
    made = drafts.create(marketer, workbook([*ROWS, ("", "", "", "12", "旧", "新")], HEADER))
    assert isinstance(made, ImportJob)
    drafts.choose_columns(
        made, {**dict(enumerate(("audienceUserId", "openid", "unionid", "phone", "tags"))), NEW: None}
    )
    drafts.choose_settings(made, drafts.Choices(sandbox_connection, "add", "fuzzy", 1))
    actions.check(made, marketer)
    return made


def change_and_check(job: ImportJob, by: Person) -> None:
    """In another tab: the tags are those of the new column."""
    there = ImportJob.objects.get(pk=job.pk)
    drafts.back_to_draft(there, by)
    drafts.choose_columns(there, {OLD: None, NEW: "tags"})
    actions.check(there, by)


def once(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, meanwhile: Callable[[], object], nth: int = 1) -> None:
    """Before the nth call of a function something else happens."""
    real, calls = getattr(owner, name), []

    def held(*args: Any, **kwargs: Any) -> Any:
        calls.append(name)
        if len(calls) == nth:
            meanwhile()
        return real(*args, **kwargs)

    monkeypatch.setattr(owner, name, held)


def assert_whole(job: ImportJob, tags: str) -> None:
    job.refresh_from_db()
    assert (job.status, job.counts) == ("ready", {"waiting": 20, "to_fix": 1})
    assert counted(job) == job.counts
    assert set(job.rows.filter(status="waiting").values_list("tags", flat=True)) == {tags}
    assert job.summary["tags"] == [[tags, 20]]


STEPS = [
    (staging, "drop_rows", 1),
    (staging, "_commit", 1),
    (staging, "_commit", 3),
    (staging, "_commit", 5),
    (staging, "look_again", 1),
    (staging, "_finish", 1),
    (repairs, "make_again", 1),
    (tasks, "end_check", 1),
]


@pytest.mark.parametrize(("where", "name", "nth"), STEPS)
def test_it_ends_no_check_but_its_own(
    job: ImportJob, marketer: Person, monkeypatch: pytest.MonkeyPatch, where: Any, name: str, nth: int
) -> None:
    once(monkeypatch, where, name, lambda: change_and_check(job, marketer), nth)
    tasks.run_check(job.pk)
    job.refresh_from_db()
    assert (job.status, job.counts) == ("checking", {})
    tasks.run_check(job.pk)
    assert_whole(job, "新")


@pytest.mark.parametrize(("where", "name", "nth"), STEPS)
def test_it_leaves_alone_what_a_newer_check_has_staged(
    job: ImportJob, marketer: Person, monkeypatch: pytest.MonkeyPatch, where: Any, name: str, nth: int
) -> None:
    def meanwhile() -> None:
        change_and_check(job, marketer)
        tasks.run_check(job.pk)

    once(monkeypatch, where, name, meanwhile, nth)
    tasks.run_check(job.pk)
    assert_whole(job, "新")


def test_it_stops_no_row_of_a_newer_check(
    marketer: Person, sandbox_connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second look at IDs that Excel has ruined."""
    job = draft(marketer, sandbox_connection, [(f"1234567890123{n:02d}000", "", "", "", "VIP") for n in range(20)])
    actions.check(job, marketer)
    once(monkeypatch, damaged_ids, "_candidates", lambda: drafts.back_to_draft(job, marketer), 2)
    tasks.run_check(job.pk)
    job.refresh_from_db()
    assert (job.status, job.counts) == ("draft", {})


# -- the claim


@pytest.mark.django_db(transaction=True)
def test_a_claim_holds_the_import_that_it_has_read(job: ImportJob, marketer: Person) -> None:
    before = job.columns
    changed: list[bool] = []

    def after_the_update(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        found = execute(sql, params, many, context)
        if sql.startswith("UPDATE") and '"lease_until"' in sql and not changed and not connection.in_atomic_block:
            changed.append(True)
            change_and_check(job, marketer)
        return found

    with connection.execute_wrapper(after_the_update):
        claimed = claim_check(job.pk)
    assert claimed is not None and claimed.columns == before
    assert (claimed.fence, bool(claimed.lease_until)) == (job.fence + 1, True)


@pytest.mark.skipif(database.vendor != "postgresql", reason="SQLite has no locks of single rows")
@pytest.mark.django_db(transaction=True)
def test_a_claim_waits_for_nobody(job: ImportJob) -> None:
    locked, done = threading.Event(), threading.Event()

    def holds() -> None:
        with transaction.atomic():
            ImportJob.objects.select_for_update().get(pk=job.pk)
            locked.set()
            done.wait(20)
        connection.close()

    thread = threading.Thread(target=holds)
    thread.start()
    assert locked.wait(20)
    assert claim_check(job.pk) is None
    done.set()
    thread.join(20)
    assert claim_check(job.pk) is not None


# -- ready, and the start


def another_row(job: ImportJob) -> None:
    ImportRow.objects.create(job=job, row_number=99, phone="13800138000", tags="旧", status=RowStatus.WAITING)


def another_tag(job: ImportJob) -> None:
    JobTag.objects.create(job=job, tag="新", rows=1)


def other_columns(job: ImportJob) -> None:
    """Whatever way they were written without a move."""
    columns = [{**one, "field": {OLD: None, NEW: "tags"}.get(one["column"], one["field"])} for one in job.columns]
    ImportJob.objects.filter(pk=job.pk).update(columns=columns)


@pytest.mark.parametrize("wrong", [another_row, another_tag, other_columns])
def test_nothing_is_ready_that_does_not_agree(
    job: ImportJob, marketer: Person, monkeypatch: pytest.MonkeyPatch, wrong: Callable[[ImportJob], None]
) -> None:
    once(monkeypatch, tasks, "end_check", lambda: wrong(job))
    tasks.run_check(job.pk)
    job.refresh_from_db()
    assert (job.status, job.lease_until) == ("checking", None)


def test_nothing_is_started_but_what_was_checked(job: ImportJob, marketer: Person) -> None:
    tasks.run_check(job.pk)
    other_columns(job)
    with pytest.raises(actions.NotAsChecked):
        actions.start(job, marketer)
    job.refresh_from_db()
    assert job.status == "ready"


def test_nothing_is_started_but_what_was_seen(job: ImportJob, marketer: Person) -> None:
    tasks.run_check(job.pk)
    seen = job.events.latest("pk").pk
    change_and_check(job, marketer)
    tasks.run_check(job.pk)
    with pytest.raises(actions.NotAsSeen):
        actions.start(job, marketer, seen=seen)
    actions.start(job, marketer, seen=job.events.latest("pk").pk)


# -- repairs


@pytest.mark.django_db(transaction=True)
def test_a_repair_ends_with_the_check_that_it_repairs(
    job: ImportJob, marketer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two of its pieces the import was changed, checked anew, and is ready again."""
    tasks.run_check(job.pk)
    job.refresh_from_db()
    repairs.make(job, Repair(kind=RepairKind.VALUE, field="phone", before="12", after="13900000012"), marketer)
    monkeypatch.setattr(repairs, "ROWS_AT_ONCE", 4)
    real, calls = repairs._write, []

    def piece(*arguments: Any) -> Any:
        calls.append(1)
        found = real(*arguments)
        if len(calls) == 2:
            transaction.on_commit(meanwhile)
        return found

    def meanwhile() -> None:
        monkeypatch.setattr(repairs, "_write", real)
        change_and_check(job, marketer)
        tasks.run_check(job.pk)

    earlier = checked(marketer, job.connection, [row[:5] for row in ROWS])
    earlier.rows.update(status="accepted", tags="旧")
    monkeypatch.setattr(repairs, "_write", piece)
    repair = Repair(kind=RepairKind.ACCEPTED_BEFORE, earlier=earlier)
    with pytest.raises(MoveRefused):
        repairs.make(job, repair, marketer)
    job.refresh_from_db()
    assert job.status == JobStatus.READY and counted(job) == job.counts


# -- the database goes away


class _Cause(RuntimeError):
    """Something that another library raised over an error of the database."""


def errors() -> list[Exception]:
    caused = _Cause()
    caused.__cause__ = psycopg.OperationalError("gone")
    return [psycopg.OperationalError("gone"), psycopg.errors.AdminShutdown(), InterfaceError("closed"), caused]


@pytest.mark.parametrize("error", errors(), ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("name", ["_insert", "read_rows", "look_again", "_finish"])
def test_an_error_of_the_database_says_nothing_about_the_file(
    job: ImportJob, monkeypatch: pytest.MonkeyPatch, name: str, error: Exception
) -> None:
    def fails() -> None:
        raise error

    with monkeypatch.context() as patched:
        once(patched, staging, name, fails)
        tasks.run_check(job.pk)
    job.refresh_from_db()
    assert (job.status, job.cause, job.lease_until) == ("checking", "", None)
    tasks.run_check(job.pk)
    assert_whole(job, "旧")


@pytest.mark.skipif(database.vendor != "postgresql", reason="no COPY elsewhere")
@pytest.mark.django_db(transaction=True)
def test_errors_of_copy_are_djangos(job: ImportJob, monkeypatch: pytest.MonkeyPatch) -> None:
    def ended(self: Any, row: Any) -> None:
        with psycopg.connect(**_parameters()) as other:
            other.execute("SELECT pg_terminate_backend(%s)", [connection.connection.info.backend_pid])
        monkeypatch.undo()
        for _ in range(10_000):
            self.write_row(row)

    monkeypatch.setattr(psycopg.Copy, "write_row", ended)
    tasks.run_check(job.pk)
    job.refresh_from_db()
    assert (job.status, job.cause, job.lease_until) == ("checking", "", None)
    tasks.run_check(job.pk)
    assert_whole(job, "旧")


def _parameters() -> dict[str, Any]:
    found = connection.get_connection_params()
    return {name: found[name] for name in ("dbname", "user", "host", "port") if name in found}
