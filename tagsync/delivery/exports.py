"""Exports in the background: asked for, written by a worker under a lease, fetched by one person, deleted in time."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files import File
from django.db import DatabaseError, transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone
from rq.timeouts import JobTimeoutException

from tagsync.accounts.models import Person
from tagsync.delivery import doorbell
from tagsync.delivery.leaving import leaving
from tagsync.imports.exporting import rows_of, write_workbook
from tagsync.imports.models import Export, ImportJob
from tagsync.imports.models.export import ExportState
from tagsync.sheets.errors import Unreadable

LEASE = timedelta(seconds=60)
FREE = Q(lease_until=None) | Q(lease_until__lt=Now())

log = logging.getLogger(__name__)


class _TakenOver(Exception):
    """Somebody else writes this export now, or this process has to leave."""


def ask(
    job: ImportJob, by: Person, filters: Mapping[str, Any], *, language: str, file_name: str, clear: bool = False
) -> Export:
    """An export of the rows that the filters mean; the same one when it is asked for twice before it is written."""
    fields: dict[str, Any] = {
        "job": job, "by": by, "filters": dict(filters), "language": language, "clear": clear, "file_name": file_name
    }  # fmt: skip
    with transaction.atomic():
        waiting = Export.objects.filter(**fields, state=ExportState.WAITING).first()
        if waiting:
            return waiting
        hours = timedelta(hours=settings.TAGSYNC_EXPORT_HOURS)
        export = Export.objects.create(**fields, rows=rows_of(job, filters).count(), expires_at=timezone.now() + hours)
        doorbell.ring_after_commit(doorbell.EXPORTS, export.pk)
    return export


def make(export_id: int) -> None:
    """Write the export if nobody else does. What goes wrong becomes an answer for its page."""
    export = _claim(export_id)
    if export is None:
        return
    try:
        _write(export)
    except _TakenOver:
        _ours(export).update(lease_until=None)
    except Unreadable as error:
        _fail(export, error.code, error.params)
    except FileNotFoundError:
        _fail(export, "file_gone", {})
    except (DatabaseError, JobTimeoutException):
        raise
    except Exception as error:
        # Its text is not logged, it may quote a cell.
        log.error("export %s failed: %s", export.pk, type(error).__name__)
        _fail(export, "export_failed", {})


def _claim(export_id: int) -> Export | None:
    waiting = Export.objects.filter(FREE, pk=export_id, state=ExportState.WAITING)
    if not waiting.update(fence=F("fence") + 1, lease_until=Now() + LEASE, rows_done=0):
        return None
    return Export.objects.select_related("job").get(pk=export_id)


def _ours(export: Export) -> Any:
    return Export.objects.filter(pk=export.pk, fence=export.fence, state=ExportState.WAITING)


def _write(export: Export) -> None:
    def progress(done: int) -> None:
        if leaving() or not _ours(export).update(rows_done=done, lease_until=Now() + LEASE):
            raise _TakenOver

    with tempfile.TemporaryDirectory(prefix="tagsync-") as folder:
        path = Path(folder) / "export.xlsx"
        write_workbook(export, path, progress)
        with path.open("rb") as written:
            export.file.save(export.file_name, File(written), save=False)
    done = {"state": ExportState.DONE, "file": export.file.name, "rows_done": export.rows, "lease_until": None}
    if not _ours(export).update(**done):
        export.file.delete(save=False)


def _fail(export: Export, code: str, params: Mapping[str, Any]) -> None:
    _ours(export).update(state=ExportState.FAILED, cause=code, cause_params=dict(params), lease_until=None)


def nobody_works_on() -> list[int]:
    return list(Export.objects.filter(FREE, state=ExportState.WAITING).values_list("pk", flat=True))


def delete_expired() -> None:
    """With their files."""
    for export in Export.objects.filter(expires_at__lt=Now()):
        name, storage = export.file.name, export.file.storage
        export.delete()
        if name:
            storage.delete(name)
