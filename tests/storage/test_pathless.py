"""Whatever people do works on a storage without paths, and leaves nothing on the machine through which it went."""

from __future__ import annotations

import os
import re
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.delivery import actions, tasks
from tagsync.delivery.management.commands.keeper import Rounds
from tagsync.exports import lifecycle
from tagsync.exports.models import ExportState
from tagsync.imports import local_files
from tagsync.imports.drafts import drafts, sheet_view
from tagsync.imports.drafts.drafts import Refusal
from tagsync.imports.local_files import NotNow, free_bytes, local_file, partial_file
from tagsync.imports.locking import Interrupted
from tagsync.imports.models import ImportJob
from tagsync.imports.states import JobStatus
from tagsync.sheets import reader
from tagsync.sheets.errors import Unreadable
from tests.making import S, checked, customers, draft, make_import, small_workbook, upload_of, workbook
from tests.storage.main_job import do_main_job, partial_files, uploaded
from tests.storage.pathless import Pathless

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def storage(settings: Any, tmp_path: Path) -> Pathless:
    options = {"location": str(tmp_path / "elsewhere")}
    backend = {"BACKEND": "tests.storage.pathless.Pathless", "OPTIONS": options}
    settings.STORAGES = {**settings.STORAGES, "default": backend}
    default_storage.exists("")  # it is made when it is asked first
    used = default_storage._wrapped
    assert isinstance(used, Pathless)
    return used


@pytest.mark.django_db(transaction=True)
def test_the_whole_main_job(signed: Client, connection: Connection) -> None:
    do_main_job(signed)


# -- what is fetched when


def requests(storage: Pathless, act: Callable[[], object]) -> list[tuple[str, str]]:
    storage.asked.clear()
    act()
    return [(what, Path(name).suffix) for what, name in storage.asked]


def uploads_opened(asked: list[tuple[str, str]]) -> int:
    return asked.count(("open", ".upload"))


@pytest.mark.parametrize("bytes_in_memory", [0, 10**6])
def test_an_upload_is_not_fetched_back(
    storage: Pathless, signed: Client, sandbox_connection: Connection, bytes_in_memory: int
) -> None:
    with override_settings(FILE_UPLOAD_MAX_MEMORY_SIZE=bytes_in_memory):
        asked = requests(storage, lambda: uploaded(signed, small_workbook()))
    assert asked.count(("save", ".upload")) == 1 and uploads_opened(asked) == 0
    assert not partial_files()


def test_the_columns_page_fetches_the_preview_alone(
    storage: Pathless, signed: Client, sandbox_connection: Connection
) -> None:
    job = uploaded(signed, small_workbook())
    asked = requests(storage, lambda: signed.get(f"/imports/{job.pk}/columns/"))
    assert asked == [("size", ".upload"), ("get_modified_time", ".upload"), ("open", ".preview")]


def test_another_sheet_is_fetched_once(storage: Pathless, marketer: Person, sandbox_connection: Connection) -> None:
    job = drafts.create(marketer, workbook(customers(2)))
    assert isinstance(job, ImportJob)
    again = requests(storage, lambda: [sheet_view.preview(job.file, "Sheet1", max_rows=5) for _time in range(2)])
    assert uploads_opened(again) == 1 and not partial_files()


def test_check_and_export_fetch_it_once_each(
    storage: Pathless, marketer: Person, sandbox_connection: Connection
) -> None:
    job = draft(marketer, sandbox_connection, customers(3))
    actions.check(job, marketer)
    assert uploads_opened(requests(storage, lambda: tasks.run_check(job.pk))) == 1
    export = lifecycle.ask(job, marketer, {}, language="en", file_name="a.xlsx")
    asked = requests(storage, lambda: lifecycle.make(export.pk))
    assert (uploads_opened(asked), asked.count(("save", ".export"))) == (1, 1)
    assert not partial_files()


def test_pages_about_workbooks_ask_nothing(
    storage: Pathless, signed: Client, marketer: Person, sandbox_connection: Connection
) -> None:
    job = checked(marketer, sandbox_connection, customers(2))
    for _time in range(2):
        export = lifecycle.ask(job, marketer, {}, language="en", file_name="a.xlsx")
        lifecycle.make(export.pk)
    pages: list[str] = []
    for page in ("/exports/", f"/exports/{export.pk}/"):
        asked = requests(storage, lambda page=page: pages.append(signed.get(page).content.decode()))
        assert asked == []
    export.refresh_from_db()
    assert export.file_bytes == export.file.size > 0
    assert all(re.search(r"Download \(\d", page) for page in pages)


# -- while it is fetched


def test_who_loses_an_import_while_it_is_fetched_stops(
    marketer: Person, sandbox_connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lease of a check is renewed with each piece, or else others take it over."""
    job, renewed = draft(marketer, sandbox_connection, customers(3)), []
    monkeypatch.setattr(local_files, "FETCHED_BYTES", 1000)
    with pytest.raises(Interrupted):
        tasks.stage(job, lambda: renewed.append(partial_files()) or len(renewed) < 3)
    assert len(renewed) == 3 and all(len(files) == 1 for files in renewed)
    assert not partial_files()


def test_it_is_for_the_owner_of_the_process_alone(
    storage: Pathless, home: Path, marketer: Person, sandbox_connection: Connection
) -> None:
    job, before = draft(marketer, sandbox_connection, customers(1)), os.umask(0)
    try:
        with local_file(job.file) as path:
            modes = [path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777]
    finally:
        os.umask(before)
    assert (path.parent, modes, path.exists()) == (home / "partial", [0o600, 0o700], False)


@pytest.mark.parametrize("error", [Unreadable("damaged"), KeyboardInterrupt(), OSError()], ids=repr)
def test_nothing_is_left_whatever_happens(
    marketer: Person, sandbox_connection: Connection, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    job = draft(marketer, sandbox_connection, customers(1))
    with pytest.raises(type(error)), local_file(job.file):
        raise error

    def fails(*_arguments: object, **_named: object) -> None:
        raise error

    monkeypatch.setattr(reader, "first_answer", fails)
    with pytest.raises(type(error)):
        sheet_view.preview(job.file, "Sheet1", max_rows=5)
    assert not partial_files()


@pytest.mark.parametrize("bytes_in_memory", [0, 10**6])
def test_a_refused_upload_leaves_nothing(storage: Pathless, signed: Client, bytes_in_memory: int) -> None:
    with override_settings(FILE_UPLOAD_MAX_MEMORY_SIZE=bytes_in_memory):
        answer = signed.post("/imports/new/", {"file": upload_of(b"PK\x03\x04 no workbook")})
    assert answer.status_code == 422 and not partial_files()
    assert storage.listdir("")[1] == []


# -- a storage that fails

SILENT = "The storage for files cannot be reached at the moment."


def test_an_upload_that_is_not_taken_is_told(storage: Pathless, signed: Client) -> None:
    storage.broken = ConnectionError("http://10.0.0.7 is gone")
    page = signed.post("/imports/new/", {"file": upload_of(small_workbook())}).content.decode()
    assert SILENT in page and "10.0.0.7" not in page
    assert not ImportJob.objects.exists() and not partial_files()


def test_its_columns_wait_for_it(storage: Pathless, signed: Client, sandbox_connection: Connection) -> None:
    job = uploaded(signed, small_workbook())
    storage.broken = PermissionError()
    answer = signed.get(f"/imports/{job.pk}/columns/")
    assert answer.status_code == 503 and SILENT in answer.content.decode() and "Try again" in answer.content.decode()
    storage.broken = None
    assert signed.get(f"/imports/{job.pk}/columns/").status_code == 200


def test_a_check_says_that_it_is_not_the_file(
    storage: Pathless, signed: Client, marketer: Person, sandbox_connection: Connection
) -> None:
    job = draft(marketer, sandbox_connection, customers(2))
    for error, words in ((ConnectionError(), SILENT), (FileNotFoundError(), "no longer stored")):
        actions.check(job, marketer)
        storage.broken = error
        tasks.run_check(job.pk)
        storage.broken = None
        job.refresh_from_db()
        assert job.status == JobStatus.UNREADABLE
        assert words in signed.get(f"/imports/{job.pk}/check/").content.decode()
        drafts.back_to_draft(job, marketer)
    actions.check(job, marketer)
    tasks.run_check(job.pk)
    job.refresh_from_db()
    assert job.counts == {"waiting": 2}


def test_an_export_says_so_too(storage: Pathless, marketer: Person, sandbox_connection: Connection) -> None:
    job = checked(marketer, sandbox_connection, customers(2))
    export = lifecycle.ask(job, marketer, {}, language="en", file_name="a.xlsx")
    storage.broken = ConnectionError()
    lifecycle.make(export.pk)
    export.refresh_from_db()
    assert (export.state, export.cause) == (ExportState.FAILED, "storage_unreachable")
    assert not partial_files()


def test_a_download_says_so_and_can_be_tried_again(
    storage: Pathless, signed: Client, marketer: Person, sandbox_connection: Connection
) -> None:
    export = lifecycle.ask(
        checked(marketer, sandbox_connection, customers(2)), marketer, {}, language="en", file_name="a.xlsx"
    )
    lifecycle.make(export.pk)
    storage.broken = ConnectionError()
    assert SILENT in signed.get(f"/exports/{export.pk}/file/", follow=True).content.decode()
    storage.broken = None
    answer = signed.get(f"/exports/{export.pk}/file/")
    assert (answer.status_code, len(b"".join(answer.streaming_content))) == (200, int(answer["Content-Length"]))
    answer.close()


def test_an_undo_says_so_and_is_made_later(
    storage: Pathless, signed: Client, marketer: Person, sandbox_connection: Connection
) -> None:
    job = make_import(marketer, sandbox_connection, JobStatus.FINISHED, [S.ACCEPTED])
    storage.broken = ConnectionError()
    assert SILENT in signed.post(f"/imports/{job.pk}/undo/", follow=True).content.decode()
    assert not ImportJob.objects.filter(undoes=job).exists()
    storage.broken = None
    signed.post(f"/imports/{job.pk}/undo/")
    assert ImportJob.objects.filter(undoes=job).exists()


def test_a_full_disk_is_no_fault_of_the_storage(
    marketer: Person, sandbox_connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = draft(marketer, sandbox_connection, customers(1))

    def full(_file: object) -> Any:
        yield b"half"
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(local_files, "_fetched", full)
    with pytest.raises(OSError, match="No space left"), local_file(job.file):
        raise AssertionError
    assert not partial_files()


def test_the_keeper_goes_on_without_the_storage(storage: Pathless, caplog: pytest.LogCaptureFixture) -> None:
    storage.broken = ConnectionError()
    Rounds()()
    assert "stray files were not looked for: ConnectionError" in caplog.text


def test_there_is_room_where_uploads_lie_first(storage: Pathless, home: Path, marketer: Person, settings: Any) -> None:
    assert free_bytes(storage) > 0 and not home.exists()
    settings.TAGSYNC_LEAST_FREE_BYTES = 2**62
    refused = drafts.create(marketer, SimpleUploadedFile("a.xlsx", small_workbook()))
    assert isinstance(refused, Refusal) and refused.code == "no_room"


# -- what is left behind


@pytest.fixture
def left(home: Path) -> Path:
    """Of a process that was killed the day before."""
    folder = home / "partial"
    folder.mkdir(parents=True)
    path = folder / f"{uuid.uuid4().hex}abc_09z8.partial"
    path.write_text("13800138000")
    os.utime(path, (time.time() - 25 * 3600,) * 2)
    return path


def test_the_keeper_deletes_what_was_left_here(left: Path) -> None:
    Rounds()()
    assert not left.exists()


def test_so_does_who_makes_the_next_one(left: Path, storage: Pathless) -> None:
    young, other = left.with_name(f"{'b' * 32}abc_09z8.partial"), left.with_name("notes.txt")
    for path in (young, other):
        path.write_text("x")
    os.utime(other, (0, 0))
    with partial_file(storage):
        assert not left.exists()
    assert sorted(partial_files()) == sorted([young.name, other.name])


def test_the_keeper_deletes_what_no_record_names(
    storage: Pathless, tmp_path: Path, marketer: Person, sandbox_connection: Connection
) -> None:
    job = draft(marketer, sandbox_connection, customers(1))
    folder = tmp_path / "elsewhere"
    for ending in (".upload", ".preview", ".export", ".other"):
        (folder / f"{'a' * 32}{ending}").write_text("13800138000")
    (folder / f"{'b' * 32}.upload").write_text("young")
    for path in folder.iterdir():
        if not path.name.startswith("b"):
            os.utime(path, (time.time() - 25 * 3600,) * 2)
    storage.asked.clear()
    Rounds()()
    kept = {str(job.file.name), str(job.file.name).replace(".upload", ".preview")}
    ours = {path.name for path in folder.iterdir() if path.suffix in (".upload", ".preview", ".export", ".other")}
    assert ours == kept | {f"{'a' * 32}.other", f"{'b' * 32}.upload"}
    # Each is a request: it is not asked how old all the others are.
    assert {name for what, name in storage.asked if what == "get_modified_time"}.isdisjoint(kept)


def test_one_that_cannot_be_deleted_keeps_no_other(
    storage: Pathless, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir(exist_ok=True)
    for letter in "ab":
        (folder / f"{letter * 32}.upload").write_text("x")
        os.utime(folder / f"{letter * 32}.upload", (0, 0))
    real = storage.delete

    def delete(name: str) -> None:
        if name.startswith("a"):
            raise ConnectionError
        real(name)

    monkeypatch.setattr(storage, "delete", delete)
    Rounds()()
    assert [path.name for path in folder.iterdir() if path.suffix == ".upload"] == [f"{'a' * 32}.upload"]
    assert "can't be deleted: ConnectionError" in caplog.text


def test_a_stream_that_breaks_is_said_to_be_the_storage_s(
    marketer: Person, sandbox_connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = draft(marketer, sandbox_connection, customers(1))

    def breaks(_file: object) -> Any:
        yield b"PK"
        raise ConnectionResetError

    monkeypatch.setattr(local_files, "_fetched", breaks)
    with pytest.raises(NotNow, match="storage_unreachable"), local_file(job.file):
        raise AssertionError
    assert not partial_files()
