"""A file is stored before the record that names it: whatever breaks in between, none is left that nobody knows of."""

from __future__ import annotations

import logging
import os
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, OperationalError, connection

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.delivery.management.commands.keeper import Rounds
from tagsync.exports import lifecycle
from tagsync.exports.models import Export, ExportState
from tagsync.imports import stored_files
from tagsync.imports.drafts import drafts
from tagsync.imports.drafts.drafts import Refusal
from tagsync.imports.followups.undo import undo_draft
from tagsync.imports.models import ImportJob
from tagsync.imports.models.restore import RestoreReason
from tagsync.imports.restores import high_water, hold
from tests.making import checked, customers, draft, workbook

pytestmark = pytest.mark.django_db
OLD_SECONDS = 25 * 3600


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path / "uploads"
    return tmp_path / "uploads"


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def raising(error: BaseException) -> Callable[..., Any]:
    def act(*arguments: object, **named: object) -> None:
        raise error

    return act


ERRORS = [ZeroDivisionError(), OperationalError(), IntegrityError(), KeyboardInterrupt(), SystemExit(1), MemoryError()]
STEPS = [
    "tagsync.imports.drafts.sheet_view.look",
    "tagsync.imports.drafts.drafts._remember",
    "tagsync.imports.drafts.drafts._key_in",
    "tagsync.imports.models.ImportJob.save",
]


@pytest.mark.parametrize("error", ERRORS, ids=repr)
@pytest.mark.parametrize("step", STEPS)
def test_no_upload_is_left_without_its_import(
    marketer: Person, folder: Path, monkeypatch: pytest.MonkeyPatch, step: str, error: BaseException
) -> None:
    monkeypatch.setattr(step, raising(error))
    with pytest.raises(type(error)):
        drafts.create(marketer, workbook(customers(1)))
    assert not files(folder) and not ImportJob.objects.exists()


def test_a_refused_upload_leaves_nothing(marketer: Person, folder: Path) -> None:
    assert isinstance(drafts.create(marketer, SimpleUploadedFile("a.xlsx", b"PK\x03\x04")), Refusal)
    assert not files(folder)


def test_a_full_disk_leaves_no_half_of_an_upload(
    marketer: Person, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = workbook(customers(1))

    def chunks(*arguments: object) -> Any:
        yield b"half"
        assert len(files(folder)) == 1
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tagsync.imports.drafts.drafts._sha256", lambda _upload: "")
    monkeypatch.setattr(upload, "chunks", chunks)
    with pytest.raises(OSError, match="No space left"):
        drafts.create(marketer, upload)
    assert not files(folder)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_kept", [False, True])
def test_the_record_decides_when_its_commit_fails(
    marketer: Person, folder: Path, monkeypatch: pytest.MonkeyPatch, is_kept: bool
) -> None:
    """The connection may break before the database has committed, or before it has said so."""
    real = connection.commit

    def commit() -> None:
        if is_kept:
            real()
        else:
            connection.rollback()
        raise OperationalError("server closed the connection")

    with monkeypatch.context() as patched, pytest.raises(OperationalError):
        patched.setattr(connection, "commit", commit)
        drafts.create(marketer, workbook(customers(1)))
    kept = [str(job.file.name) for job in ImportJob.objects.all()]
    assert len(kept) == is_kept
    assert [name for name in files(folder) if name.endswith(".upload")] == kept


@pytest.mark.django_db(transaction=True)
def test_a_file_stays_while_nobody_can_say(
    marketer: Person, folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def saved(job: ImportJob) -> None:
        job.pk = 1
        monkeypatch.setattr("django.db.models.query.QuerySet.exists", raising(OperationalError()))
        raise OperationalError

    monkeypatch.setattr(ImportJob, "save", saved)
    with pytest.raises(OperationalError):
        drafts.create(marketer, workbook(customers(1)))
    assert [name for name in files(folder) if name.endswith(".upload")]


def test_what_can_not_be_deleted_hides_no_error(
    marketer: Person, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("tagsync.imports.models.ImportJob.save", raising(ZeroDivisionError()))
    monkeypatch.setattr("django.core.files.storage.FileSystemStorage.delete", raising(PermissionError()))
    with caplog.at_level(logging.WARNING), pytest.raises(ZeroDivisionError):
        drafts.create(marketer, workbook(customers(1)))
    assert "can't be deleted: PermissionError" in caplog.text


@pytest.mark.parametrize("step", ["tagsync.imports.followups.undo._applied", "tagsync.imports.models.ImportJob.save"])
def test_no_file_of_an_undo_is_left(
    marketer: Person, sandbox_connection: Connection, folder: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    job = draft(marketer, sandbox_connection, customers(1))
    before = files(folder)
    monkeypatch.setattr(step, raising(OperationalError()))
    with pytest.raises(OperationalError):
        undo_draft(job, marketer)
    assert files(folder) == before


@pytest.fixture
def export(marketer: Person, sandbox_connection: Connection, monkeypatch: pytest.MonkeyPatch) -> Export:
    monkeypatch.setattr("tagsync.queueing.doorbell.ring", lambda queue_name, job_id: True)
    job = checked(marketer, sandbox_connection, customers(3))
    return lifecycle.ask(job, marketer, {}, language="en", file_name="a.xlsx")


@pytest.mark.slow
@pytest.mark.parametrize("error", [ZeroDivisionError(), OperationalError(), KeyboardInterrupt()], ids=repr)
@pytest.mark.parametrize("step", ["write_workbook", "storing"])
def test_no_export_is_left_half_written(
    export: Export, folder: Path, monkeypatch: pytest.MonkeyPatch, step: str, error: BaseException
) -> None:
    before = files(folder)
    monkeypatch.setattr(f"tagsync.exports.lifecycle.{step}", raising(error))
    try:
        lifecycle.make(export.pk)
    except KeyboardInterrupt:
        assert isinstance(error, KeyboardInterrupt)
    assert files(folder) == before


def test_an_export_taken_over_leaves_no_file(export: Export, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, real = files(folder), lifecycle.write_workbook

    def write(export: Export, *arguments: Any) -> None:
        real(export, *arguments)
        Export.objects.update(fence=export.fence + 1)

    monkeypatch.setattr(lifecycle, "write_workbook", write)
    lifecycle.make(export.pk)
    assert files(folder) == before
    assert Export.objects.get().state == ExportState.WAITING


def test_an_export_is_for_its_owner_alone_while_it_is_written(
    export: Export, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes, real = [], lifecycle.write_workbook

    def write(export: Export, path: Path, *arguments: Any) -> None:
        real(export, path, *arguments)
        modes.append((path.parent, path.stat().st_mode & 0o777))

    monkeypatch.setattr(lifecycle, "write_workbook", write)
    lifecycle.make(export.pk)
    export.refresh_from_db()
    assert modes == [(folder, 0o600)]
    assert Path(export.file.path).stat().st_mode & 0o777 == 0o600
    assert not [name for name in files(folder) if name.endswith(".partial")]


# -- what the keeper finds


def left(folder: Path, name: str, seconds: int = OLD_SECONDS) -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("13800138000")
    os.utime(path, (time.time() - seconds,) * 2)
    return path


def stem() -> str:
    return uuid.uuid4().hex


def test_the_keeper_deletes_old_files_that_no_record_names(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    gone = [left(folder, f"{stem()}{ending}") for ending in (".upload", ".export", ".preview", "abc_09z8.partial")]
    with caplog.at_level(logging.WARNING):
        Rounds()()
    assert not [path for path in gone if path.exists()]
    assert gone[0].name in caplog.text


@pytest.mark.parametrize(
    "name",
    [
        "notes.upload",
        f"{'A' * 32}.upload",
        f"{'a' * 31}.upload",
        f"{'a' * 33}.upload",
        f"{'a' * 32}.upload.bak",
        f"{'a' * 32}.xlsx",
        f"{'a' * 32}",
        f".{'a' * 32}.upload",
        f"{'a' * 32}.upload\n",
        f"{'a' * 32}.partial",
        f"{'a' * 32}abc_09z8.upload",
        "maintenance",
    ],
)
def test_the_keeper_leaves_what_is_not_ours(folder: Path, name: str) -> None:
    path = left(folder, name)
    Rounds()()
    assert path.exists()


def test_the_keeper_leaves_what_is_young_or_no_file_or_further_down(folder: Path) -> None:
    endings = (".upload", ".export", "abc_09z8.partial")
    young = [left(folder, f"{stem()}{ending}", seconds=23 * 3600) for ending in endings]
    target = left(folder, "target")
    link = folder / f"{stem()}abc_09z8.partial"
    link.symlink_to(target)
    os.utime(link, (0, 0), follow_symlinks=False)
    below = left(folder / f"{stem()}.upload", f"{stem()}.upload")
    os.utime(below.parent, (0, 0))
    Rounds()()
    assert all(path.exists() for path in (*young, link, target, below))


def test_the_keeper_leaves_what_a_record_names(
    export: Export, marketer: Person, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored_files, "NAMES_PER_QUERY", 2)
    lifecycle.make(export.pk)
    discarded = drafts.create(marketer, workbook(customers(1)))
    assert isinstance(discarded, ImportJob)
    ImportJob.objects.filter(pk=discarded.pk).update(status="discarded")
    known = files(folder)
    strays = [left(folder, f"{stem()}.upload") for _number in range(5)]
    for name in known:
        os.utime(folder / name, (0, 0))
    monkeypatch.setattr("tagsync.delivery.keeper.deletion.discard_the_rest", lambda: None)
    Rounds()()
    assert [name for name in files(folder) if name != high_water.NAME] == known
    assert not [path for path in strays if path.exists()]


def test_the_keeper_leaves_everything_while_a_restore_is_not_confirmed(folder: Path) -> None:
    strays = [left(folder, f"{stem()}{ending}") for ending in (".upload", ".preview", ".export", "abc_09z8.partial")]
    hold.begin(RestoreReason.TOLD)
    Rounds()()
    assert all(path.exists() for path in strays)


def test_the_keeper_needs_no_folder(folder: Path) -> None:
    Rounds()()
    assert not folder.exists()


def test_a_file_that_stays_keeps_no_other(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = left(folder, f"{'a' * 32}.upload"), left(folder, f"{'b' * 32}.upload")
    real = default_storage.delete

    def delete(name: str) -> None:
        if name == first.name:
            raise PermissionError
        real(name)

    monkeypatch.setattr(default_storage, "delete", delete)
    with caplog.at_level(logging.WARNING):
        Rounds()()
    assert files(folder) == [first.name] and not second.exists()
    assert f"{first.name} can't be deleted: PermissionError" in caplog.text


def test_what_is_stored_elsewhere_stays(folder: Path) -> None:
    default_storage.save("b.upload", ContentFile(b"x"))
    Rounds()()
    assert files(folder) == ["b.upload"]
