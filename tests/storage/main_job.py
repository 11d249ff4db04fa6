"""The main job through the pages, on whatever storage is set: from a sheet to the platform, its failures corrected,
undone, fetched and deleted."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from django.conf import settings
from django.core.files.storage import default_storage
from django.db.models.functions import Now
from django.test import Client, override_settings
from openpyxl import load_workbook

from tagsync.delivery import keeper, tasks
from tagsync.exports import lifecycle, upkeep
from tagsync.exports.models import Export, ExportState
from tagsync.imports.models import ImportJob
from tagsync.imports.states import JobStatus
from tests.making import run_to_end, small_workbook, upload_of

COLUMNS = {"column_0": "phone", "column_1": "", "column_2": "tags", "operation": "add", "matching": "fuzzy-1"}


def partial_files() -> list[str]:
    """What lies on this machine of files that are stored elsewhere."""
    folder = Path(settings.TAGSYNC_HOME) / "partial"
    return [path.name for path in folder.iterdir()] if folder.exists() else []


def stored() -> list[str]:
    """Endings of all that is stored."""
    return sorted(Path(name).suffix for name in default_storage.listdir("")[1])


def do_main_job(client: Client, *, after_each: Callable[[], None] = lambda: None) -> None:
    for _step in _steps(client):
        assert not partial_files()
        after_each()


def _steps(client: Client) -> Iterator[None]:
    first = uploaded(client, small_workbook())
    yield
    page = client.get(f"/imports/{first.pk}/columns/").content.decode()
    assert "林晓雨" in page and "Matched by its header" in page
    yield
    client.post(f"/imports/{first.pk}/columns/", {**COLUMNS, "connection": first.connection_id})
    yield
    assert _checked_and_sent(client, first) == {"accepted": 2, "to_fix": 1}
    yield
    failed = _fetched(client, first, rows="failed")
    yield
    with override_settings(FILE_UPLOAD_MAX_MEMORY_SIZE=0):
        second = uploaded(client, corrected(failed))
    assert second.corrects == first
    yield
    assert _checked_and_sent(client, second) == {"accepted": 1}
    yield
    client.post(f"/imports/{first.pk}/undo/")
    undo = ImportJob.objects.latest("pk")
    tasks.run_check(undo.pk)
    undo.refresh_from_db()
    assert (undo.undoes, undo.status, undo.counts) == (first, JobStatus.READY, {"waiting": 2})
    yield
    client.post(f"/imports/{undo.pk}/delete/")
    assert not ImportJob.objects.filter(pk=undo.pk).exists()
    Export.objects.update(expires_at=Now())
    keeper.keep()
    upkeep.delete_expired()
    yield
    assert stored() == [".preview", ".preview", ".upload", ".upload"]


def uploaded(client: Client, content: bytes) -> ImportJob:
    answer = client.post("/imports/new/", {"file": upload_of(content)})
    assert answer.status_code == 302, answer.content.decode()
    return ImportJob.objects.latest("pk")


def _checked_and_sent(client: Client, job: ImportJob) -> dict[str, int]:
    tasks.run_check(job.pk)
    page = client.get(f"/imports/{job.pk}/check/").content.decode()
    seen = re.search(r'name="seen" value="(\d+)"', page)
    assert seen, page
    client.post(f"/imports/{job.pk}/start/", {"seen": seen[1]})
    job.refresh_from_db()
    return {status: rows for status, rows in run_to_end(job).counts.items() if rows and status != "left_out"}


def _fetched(client: Client, job: ImportJob, **wanted: str) -> bytes:
    client.post(f"/imports/{job.pk}/export/", wanted)
    export = Export.objects.latest("pk")
    lifecycle.make(export.pk)
    export.refresh_from_db()
    assert export.state == ExportState.DONE, export.cause
    answer = client.get(f"/exports/{export.pk}/file/")
    content = b"".join(answer.streaming_content)
    answer.close()
    assert answer["Content-Length"] == str(len(content))
    return content


def corrected(workbook: bytes) -> bytes:
    """As a person would: opened, the phone typed over, saved."""
    book, file = load_workbook(io.BytesIO(workbook)), io.BytesIO()
    book.worksheets[0]["A2"] = "13800138002"
    book.save(file)
    return file.getvalue()
