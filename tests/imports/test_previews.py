"""The beginning of a sheet is read once, and lies beside its upload until that is deleted."""

from __future__ import annotations

import os
import threading
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from tagsync.accounts.models import Person
from tagsync.delivery import keeper
from tagsync.imports.drafts import deletion, drafts, previews, returned_workbooks, sheet_view
from tagsync.imports.drafts.drafts import Refusal
from tagsync.imports.drafts.previews import NoTurn
from tagsync.imports.models import ImportJob
from tagsync.sheets import reader, writer
from tagsync.sheets.errors import Unreadable
from tagsync.sheets.reading import AS_FOUND, Reading
from tests.making import customers, workbook


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path / "uploads"
    return tmp_path / "uploads"


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """The sheet of each reading process that was started."""
    started: list[str | None] = []
    real = reader._start

    def start(request: dict[str, Any]) -> Any:
        started.append(request["sheet"])
        return real(request)

    monkeypatch.setattr(reader, "_start", start)
    return started


def two_sheets() -> bytes:
    file = BytesIO()
    rows = [["13800138000", "VIP"]]
    writer.write(file, writer.Sheet("甲", ["手机号", "标签"], rows), writer.Sheet("乙", ["phone", "tags"], rows))
    return file.getvalue()


@pytest.fixture
def upload(folder: Path) -> Path:
    folder.mkdir()
    path = folder / f"{'a' * 32}.upload"
    path.write_bytes(two_sheets())
    return path


def preview(path: Path, *how: Any, **more: Any) -> reader.Preview:
    return previews.preview(ImportJob(file=path.name).file, *how, **more)


def kept(path: Path) -> Path:
    return path.with_suffix(".preview")


# -- read once


@pytest.mark.django_db
def test_the_columns_page_starts_no_reading_process(marketer: Person, reads: list[str | None]) -> None:
    job = drafts.create(marketer, workbook(customers(3)))
    assert isinstance(job, ImportJob)
    first = sheet_view.look(job)
    assert reads == [None]
    assert first == sheet_view.look(ImportJob.objects.get())
    assert first.preview == reader.preview(Path(job.file.path), "Sheet1")
    assert [row.number for row in first.body] == [2, 3, 4]


def test_it_is_read_anew_for_whatever_it_depends_on(upload: Path, reads: list[str | None]) -> None:
    for _time in range(2):
        assert preview(upload).sheet == preview(upload, "甲").sheet == "甲"
        assert reads == [None]
        assert preview(upload, "乙").rows[0].cells[0].text == "phone"
        assert preview(upload, "乙") == preview(upload, "乙")
        assert reads == [None, "乙"]
        assert preview(upload, "乙", Reading(encoding="gb18030")) == preview(upload, "乙", Reading(encoding="gb18030"))
        assert reads == [None, "乙", "乙"]
        assert [len(preview(upload, "乙", max_rows=rows).rows) for rows in (1, 1, 2, 2)] == [1, 1, 2, 2]
        assert reads == [None, *["乙"] * 4]
        reads.clear()


def test_whole_cells_are_not_kept(upload: Path, reads: list[str | None]) -> None:
    preview(upload)
    before = kept(upload).read_bytes()
    for _time in range(2):
        preview(upload, "乙", max_rows=1, whole_cells=True)
    assert reads == [None, "乙", "乙"]
    assert kept(upload).read_bytes() == before


def test_it_is_read_anew_when_the_file_is_another(upload: Path, reads: list[str | None]) -> None:
    assert preview(upload).rows[0].cells[0].text == "手机号"
    upload.write_bytes(workbook(customers(1), ("phone", "b", "c", "d", "e")).read())
    assert preview(upload).rows[0].cells[0].text == "phone"
    copy = upload.with_name(f"{'b' * 32}.upload")
    upload.rename(copy)
    kept(upload).rename(kept(copy))
    preview(copy)
    assert len(reads) == 3


def test_it_is_read_anew_by_other_code(upload: Path, reads: list[str | None], monkeypatch: pytest.MonkeyPatch) -> None:
    preview(upload)
    monkeypatch.setattr(previews, "_code_version", lambda: "newer")
    preview(upload)
    assert len(reads) == 2


def test_the_version_of_the_code_is_that_of_the_reading_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = previews._code_version()
    (tmp_path / "xlsx").mkdir()
    for name in ("__init__.py", "xlsx/scan.py"):
        (tmp_path / name).write_text("")
    monkeypatch.setattr(previews.sheets, "__file__", str(tmp_path / "__init__.py"))
    found = [real]
    for text in ("a", "b"):
        (tmp_path / "xlsx" / "scan.py").write_text(text)
        previews._code_version.cache_clear()
        found.append(previews._code_version())
    previews._code_version.cache_clear()
    assert len(set(found)) == 3


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 4096,
        b"[[1, 2",
        b"null",
        b"{}",
        b"[1, 2, 3]",
        b'[["x"], null, {"sheet": "x"}]',
        b"\xff\xfe\xff",
        b"[" * 100_000,
    ],
)
def test_what_is_kept_and_damaged_is_read_anew(upload: Path, reads: list[str | None], content: bytes) -> None:
    found = preview(upload)
    kept(upload).write_bytes(content)
    assert preview(upload) == found == preview(upload)
    assert len(reads) == 2


@pytest.mark.parametrize("change", ["rows", "sheets", "questions"])
def test_what_is_kept_in_another_shape_is_read_anew(upload: Path, reads: list[str | None], change: str) -> None:
    found = preview(upload)
    text = kept(upload).read_text().replace({"rows": '"preview"'}.get(change, f'"{change}"'), '"other"')
    kept(upload).write_text(text)
    assert preview(upload) == found
    assert len(reads) == 2


def test_only_the_owner_of_the_process_can_read_it(upload: Path) -> None:
    before = os.umask(0)
    try:
        preview(upload)
    finally:
        os.umask(before)
    assert kept(upload).stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in upload.parent.iterdir()) == sorted([upload.name, kept(upload).name])


def test_a_full_disk_only_means_reading_again(
    upload: Path, reads: list[str | None], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device: 13800138000")

    monkeypatch.setattr(Path, "write_bytes", full)
    assert preview(upload) == preview(upload)
    assert len(reads) == 2
    assert "can't be kept: OSError" in caplog.text and "13800138000" not in caplog.text
    assert [path.name for path in upload.parent.iterdir()] == [upload.name]


def test_a_refusal_is_not_kept(upload: Path, reads: list[str | None]) -> None:
    upload.write_bytes(b"PK\x03\x04 no workbook")
    for _time in range(2):
        with pytest.raises(Unreadable):
            preview(upload)
    assert len(reads) == 2
    assert not kept(upload).exists()


def test_without_the_upload_there_is_no_preview(upload: Path) -> None:
    preview(upload)
    upload.unlink()
    with pytest.raises(Unreadable, match="file_gone"):
        preview(upload)


# -- deleted with the upload


@pytest.fixture
def job(marketer: Person) -> ImportJob:
    made = drafts.create(marketer, workbook(customers(2)))
    assert isinstance(made, ImportJob)
    return made


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("way", ["discarded", "expired"])
def test_it_goes_with_the_upload(job: ImportJob, marketer: Person, folder: Path, way: str) -> None:
    assert {path.suffix for path in folder.iterdir()} == {".upload", ".preview"}
    if way == "discarded":
        deletion.discard(job, marketer)
    else:
        ImportJob.objects.update(created_at=timezone.now() - timedelta(days=30))
        keeper.delete_old_drafts()
    keeper.delete_the_rest()
    assert not ImportJob.objects.exists()
    assert not list(folder.iterdir())


@pytest.mark.django_db
def test_a_refused_upload_leaves_none(marketer: Person, folder: Path) -> None:
    """It was looked at, and then there was nothing in it."""
    assert isinstance(drafts.create(marketer, workbook([], [])), Refusal)
    assert not list(folder.iterdir())


def test_who_reads_while_it_is_deleted_leaves_none(upload: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = reader.first_answer

    def answer(*arguments: Any, **named: Any) -> Any:
        found = real(*arguments, **named)
        upload.unlink()
        kept(upload).unlink(missing_ok=True)
        return found

    monkeypatch.setattr(reader, "first_answer", answer)
    assert preview(upload).rows
    assert not list(upload.parent.iterdir())


# -- turns


@pytest.fixture
def busy(monkeypatch: pytest.MonkeyPatch) -> threading.Semaphore:
    """All turns are taken; `release` gives one back."""
    readers = threading.Semaphore(0)
    monkeypatch.setattr(previews, "READERS", readers)
    monkeypatch.setattr(previews, "TURN_SECONDS", 0.0)
    return readers


def test_there_are_as_many_readers_as_cores() -> None:
    assert previews.READERS._initial_value == len(os.sched_getaffinity(0))  # type: ignore[attr-defined]  # it has no public name
    assert previews.TURN_SECONDS == 10


def test_it_reads_nothing_while_others_are_read(
    upload: Path, busy: threading.Semaphore, reads: list[str | None]
) -> None:
    with pytest.raises(NoTurn) as caught:
        preview(upload)
    assert (caught.value.code, reads) == ("readers_busy", [])
    busy.release()
    assert preview(upload, "乙").rows
    assert preview(upload, "甲").rows  # the turn was given back
    with pytest.raises(Unreadable, match="file_gone"):
        preview(upload.with_name("none.upload"))


@pytest.mark.parametrize("error", [Unreadable("damaged"), KeyboardInterrupt(), OSError()], ids=repr)
def test_a_turn_is_given_back_whatever_happens(
    upload: Path, busy: threading.Semaphore, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def fail(*arguments: object, **named: object) -> None:
        raise error

    busy.release()
    with monkeypatch.context() as patched, pytest.raises(type(error)):
        patched.setattr(reader, "first_answer", fail)
        preview(upload)
    assert preview(upload).rows


def test_who_waits_gets_the_next_turn(upload: Path, busy: threading.Semaphore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(previews, "TURN_SECONDS", 60.0)
    found: list[int] = []
    waiting = threading.Thread(target=lambda: found.append(len(preview(upload).rows)))
    waiting.start()
    busy.release()
    waiting.join(60)
    assert found == [2]


def test_what_is_kept_needs_no_turn(upload: Path, busy: threading.Semaphore) -> None:
    busy.release()
    found = preview(upload)
    busy.acquire()
    assert preview(upload) == found


# -- an upload without a turn


@pytest.mark.django_db
def test_an_upload_stays_without_a_turn(marketer: Person, busy: threading.Semaphore) -> None:
    content = workbook(customers(2)).read()
    job = drafts.create(marketer, SimpleUploadedFile("会员.xlsx", content), "春季")
    assert isinstance(job, ImportJob)
    assert drafts.is_unseen(job) and Path(job.file.path).exists()
    with pytest.raises(NoTurn):
        drafts.look_first(job)
    busy.release()
    drafts.look_first(job)
    assert not drafts.is_unseen(job)
    ordinary = drafts.create(marketer, SimpleUploadedFile("会员.xlsx", content), "春季")
    assert isinstance(ordinary, ImportJob)
    for name in (*drafts.FILLED_IN, "title", "file_name", "file_sha256", "file_bytes"):
        assert getattr(job, name) == getattr(ordinary, name), name


@pytest.mark.django_db
def test_the_settings_of_another_import_wait_too(marketer: Person, busy: threading.Semaphore) -> None:
    header = ("电话", "b", "c", "d", "说明")
    busy.release()
    like = drafts.create(marketer, workbook(customers(1), header))
    assert isinstance(like, ImportJob)
    drafts.choose_columns(like, {0: "phone", 4: "tags"}, "VIP")
    busy.acquire()
    job = drafts.create(marketer, workbook(customers(2), header), like=like)
    assert isinstance(job, ImportJob) and drafts.is_unseen(job)
    busy.release()
    drafts.look_first(ImportJob.objects.get(pk=job.pk))
    job.refresh_from_db()
    assert [column["field"] for column in job.columns] == ["phone", None, None, None, "tags"]
    assert job.fixed_tags == "VIP"


@pytest.mark.django_db
@pytest.mark.parametrize("no_turn", ["客户", returned_workbooks.KEY_SHEET])
def test_no_turn_later_is_no_verdict_either(marketer: Person, monkeypatch: pytest.MonkeyPatch, no_turn: str) -> None:
    """The first sheet is blank, a hidden one says whose rows these are; for one of the others there is no turn."""
    file = BytesIO()
    table = writer.Sheet("客户", ["手机号", "标签"], [["13800138000", "VIP"]])
    writer.write(file, writer.Sheet("空", []), table, writer.Sheet(returned_workbooks.KEY_SHEET, ["x"], hidden=True))
    real = reader.first_answer

    def answer(path: Path, sheet: str | None, *arguments: Any, **named: Any) -> Any:
        if sheet == no_turn:
            raise NoTurn
        return real(path, sheet, *arguments, **named)

    with monkeypatch.context() as patched:
        patched.setattr(reader, "first_answer", answer)
        job = drafts.create(marketer, SimpleUploadedFile("a.xlsx", file.getvalue()))
    assert isinstance(job, ImportJob)
    assert (drafts.is_unseen(job), job.sheet, job.columns) == (True, "", [])
    drafts.look_first(job)
    assert job.sheet == "客户"


def test_nobody_said_anything_is_the_reading_of_a_kept_preview(upload: Path, reads: list[str | None]) -> None:
    preview(upload, "甲", AS_FOUND)
    preview(upload, "甲", Reading())
    assert reads == ["甲"]
