"""Discarding: gone for everybody with one move, deleted in pieces, never what was started."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.storage import FileSystemStorage
from django.db import OperationalError, connection
from django.utils import timezone

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.delivery import actions, keeper
from tagsync.exports import lifecycle, upkeep
from tagsync.exports.models import Export, ExportState
from tagsync.imports import customer_search as customer_search
from tagsync.imports.drafts import deletion, drafts, retention
from tagsync.imports.models import ImportJob, ImportRow, JobEvent
from tagsync.imports.states import Act, MoveRefused
from tagsync.notifications import seen
from tagsync.notifications.models import Notice
from tagsync.queueing import doorbell
from tests.making import checked, customer, customers

pytestmark = pytest.mark.django_db
ROWS = 30


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deletion, "ROWS_PER_COMMIT", 5)
    monkeypatch.setattr(deletion, "ROWS_IN_REQUEST", 10)
    monkeypatch.setattr(doorbell, "ring", lambda queue_name, job_id: True)


@pytest.fixture
def job(marketer: Person, sandbox_connection: Connection) -> ImportJob:
    return checked(marketer, sandbox_connection, customers(ROWS))


def found_by(person: Person) -> list[ImportRow]:
    search = customer_search.search_for(person, customer(ROWS - 1)[3])
    return customer_search.rows_of(customer_search.scan(search), 5)


@pytest.mark.django_db(transaction=True)
def test_it_is_gone_at_once_and_deleted_bit_by_bit(job: ImportJob, marketer: Person, admin_person: Person) -> None:
    storage, name = job.file.storage, str(job.file.name)
    deletion.discard(job, marketer)
    left = ImportJob.objects.get(pk=job.pk)
    assert (left.status, left.rows.count()) == ("discarded", ROWS - 10)
    for person in (marketer, admin_person):
        assert not ImportJob.objects.visible_to(person).exists()
        assert not found_by(person)
    with pytest.raises(ImportJob.DoesNotExist):
        lifecycle.ask(job, marketer, {}, language="en", file_name="a.xlsx")
    keeper.delete_the_rest()
    assert left.rows.count() == ROWS - 20
    assert storage.exists(name)
    for _round in range(3):
        keeper.delete_the_rest()
    assert not ImportJob.objects.exists() and not ImportRow.objects.exists()
    assert not storage.exists(name)


def rows_deleted_per_transaction(act: Callable[[], object]) -> list[int]:
    sizes: list[int] = []

    def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        found = execute(sql, params, many, context)
        if sql.startswith("DELETE"):
            sizes.append(context["cursor"].rowcount)
        return found

    with connection.execute_wrapper(watch):
        act()
    return sizes


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("act", ["discard", "change"])
def test_no_piece_is_large(job: ImportJob, marketer: Person, act: str) -> None:
    doing = deletion.discard if act == "discard" else drafts.back_to_draft
    assert max(rows_deleted_per_transaction(lambda: doing(job, marketer))) <= 5
    for _round in range(4):
        assert max([0, *rows_deleted_per_transaction(keeper.delete_the_rest)]) <= 5
    assert not ImportRow.objects.exists()


@pytest.mark.slow
def test_old_notices_go_in_pieces(marketer: Person) -> None:
    old = timezone.now() - timedelta(days=4000)
    Notice.objects.bulk_create(Notice(person=marketer, kind="finished") for _ in range(12))
    Notice.objects.update(at=old)
    Notice.objects.create(person=marketer, kind="finished")
    assert max(rows_deleted_per_transaction(seen.delete_old)) <= 5
    assert Notice.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_keeper_goes_on_where_somebody_was_interrupted(
    job: ImportJob, marketer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:

        def gone(*arguments: object) -> int:
            raise OperationalError

        patched.setattr(deletion, "delete_piece", gone)
        deletion.discard(job, marketer)
    assert ImportJob.objects.get().status == "discarded"
    monkeypatch.setattr(deletion, "ROWS_IN_REQUEST", 1000)
    keeper.delete_the_rest()
    assert not ImportJob.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_file_that_can_not_be_deleted_is_tried_again(
    job: ImportJob, marketer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deletion, "ROWS_IN_REQUEST", 1000)
    storage, name = job.file.storage, str(job.file.name)
    with monkeypatch.context() as patched:

        def read_only(self: object, name: str) -> None:
            raise OSError

        patched.setattr(FileSystemStorage, "delete", read_only)
        deletion.discard(job, marketer)
    assert ImportJob.objects.get().status == "discarded"
    keeper.delete_the_rest()
    assert not ImportJob.objects.exists() and not storage.exists(name)


# -- beside others


def test_it_deletes_nothing_that_was_started(job: ImportJob, marketer: Person) -> None:
    stale = ImportJob.objects.get(pk=job.pk)
    actions.start(job, marketer)
    with pytest.raises(MoveRefused):
        deletion.discard(stale, marketer)
    assert job.rows.count() == ROWS


def test_nothing_discarded_is_started(job: ImportJob, marketer: Person) -> None:
    stale = ImportJob.objects.get(pk=job.pk)
    deletion.discard(job, marketer)
    with pytest.raises(MoveRefused):
        actions.start(stale, marketer)
    for act in (actions.check, drafts.back_to_draft):
        with pytest.raises(MoveRefused):
            act(stale, marketer)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("attempt", range(5))
def test_of_discard_and_start_one_wins(
    job: ImportJob, marketer: Person, monkeypatch: pytest.MonkeyPatch, attempt: int
) -> None:
    monkeypatch.setattr(deletion, "ROWS_IN_REQUEST", 1000)
    gate, ends = threading.Barrier(2), dict[str, str]()

    def does(name: str, act: Callable[[ImportJob, Person], object]) -> None:
        mine = ImportJob.objects.get(pk=job.pk)
        gate.wait(10)
        try:
            act(mine, marketer)
            ends[name] = "won"
        except MoveRefused:
            ends[name] = "refused"
        except Exception as error:
            ends[name] = repr(error)
        finally:
            connection.close()

    pairs = {"start": actions.start, "discard": deletion.discard}
    threads = [threading.Thread(target=does, args=pair) for pair in pairs.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(ends.values()) == ["refused", "won"], ends
    if ends["start"] == "won":
        assert (ImportJob.objects.get().status, ImportRow.objects.count()) == ("queued", ROWS)
    else:
        # Whoever looked at it just then may have kept it locked for a moment.
        keeper.delete_the_rest()
        assert not ImportJob.objects.exists() and not ImportRow.objects.exists()


# -- by itself


def let_pass(days: int) -> None:
    long_ago = timezone.now() - timedelta(days=days)
    ImportJob.objects.update(created_at=long_ago)
    JobEvent.objects.update(at=long_ago)


def test_an_old_draft_goes(job: ImportJob) -> None:
    let_pass(30)
    keeper.delete_old_drafts()
    assert job.events.latest("pk").act == Act.DISCARD
    assert ImportJob.objects.get().status == "discarded"


def test_who_goes_on_with_an_old_draft_at_the_last_moment_keeps_it(
    job: ImportJob, marketer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_pass(30)
    found = list(retention.overdue())
    drafts.back_to_draft(job, marketer)
    monkeypatch.setattr(keeper, "overdue", lambda: found)
    keeper.delete_old_drafts()
    assert ImportJob.objects.get().status == "draft"


def test_an_export_goes_with_its_file_although_another_can_not(
    job: ImportJob, marketer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("first", "second"):
        Export.objects.create(
            job=job, by=marketer, language="en", rows=1, file=f"{name}.export", file_name="a.xlsx",
            state=ExportState.DONE, expires_at=timezone.now() - timedelta(days=1),
        )  # fmt: skip

    def delete(self: object, name: str) -> None:
        if "first" in name:
            raise OSError

    monkeypatch.setattr(FileSystemStorage, "delete", delete)
    upkeep.delete_expired()
    assert [str(export.file.name) for export in Export.objects.all()] == ["first.export"]
