"""Exports: asked for, and written under a lease, at once or by a worker."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from rq.timeouts import JobTimeoutException

from tagsync.accounts.models import Person
from tagsync.database import attempt_after_error, database_now, is_of_database
from tagsync.exports.models import FREE, Export, ExportState
from tagsync.exports.workbook import rows_of, write_workbook
from tagsync.imports.drafts.previews import NoTurn, turn
from tagsync.imports.local_files import Written, partial_file
from tagsync.imports.models import ImportJob
from tagsync.imports.signals import workbook_over
from tagsync.imports.states import JobStatus
from tagsync.imports.stored_files import storing
from tagsync.queueing import doorbell
from tagsync.queueing.shutdown import is_shutting_down
from tagsync.sheets.errors import Unreadable
from tagsync.sheets.guard import DEFAULT_LIMITS

LEASE = timedelta(seconds=60)
# So few rows are worth no waiting: they are written while the browser waits, if it does not take too long.
ROWS_AT_ONCE = 2000
SECONDS_AT_ONCE = 8.0

log = logging.getLogger(__name__)


class _TakenOver(Exception):
    """Somebody else writes this export now, or this process has to leave, or nobody waits any longer."""


class TooMany(Exception):
    """As many as one person may have are waiting already."""


def ask(
    job: ImportJob, by: Person, filters: Mapping[str, Any], *, language: str, file_name: str, clear: bool = False
) -> Export:
    """An export of the rows that the filters mean, which a worker writes; the same one when it is asked for twice
    before it is written.

    Raises: TooMany; ImportJob.DoesNotExist when the import has been discarded meanwhile.
    """
    export = _asked(job, by, filters, language, file_name, clear)
    doorbell.ring_after_commit(doorbell.EXPORTS, export.pk)
    return export


def ask_at_once(
    job: ImportJob, by: Person, filters: Mapping[str, Any], *, language: str, file_name: str, clear: bool = False
) -> Export:
    """The same, written already when it is small; what turns out to take its time is left to a worker. Raises as
    `ask` does."""
    export = _asked(job, by, filters, language, file_name, clear)
    if export.rows <= ROWS_AT_ONCE:
        with suppress(NoTurn), turn(0):
            make(export.pk, SECONDS_AT_ONCE)
        export.refresh_from_db()
    if export.state == ExportState.WAITING:
        doorbell.ring_after_commit(doorbell.EXPORTS, export.pk)
    return export


def _asked(
    job: ImportJob, by: Person, filters: Mapping[str, Any], language: str, file_name: str, clear: bool
) -> Export:
    fields: dict[str, Any] = {
        "job": job, "by": by, "filters": dict(filters), "language": language, "clear": clear, "file_name": file_name
    }  # fmt: skip
    rows, hours = rows_of(job, filters).count(), timedelta(hours=settings.TAGSYNC_EXPORT_HOURS)
    with transaction.atomic():
        ImportJob.objects.select_for_update(no_key=True).exclude(status=JobStatus.DISCARDED).get(pk=job.pk)
        waiting = Export.objects.filter(by=by, state=ExportState.WAITING)
        if twice := waiting.filter(**fields).first():
            return twice
        if waiting.count() >= settings.TAGSYNC_MOST_WAITING_EXPORTS:
            raise TooMany
        return Export.objects.create(**fields, rows=rows, expires_at=database_now() + hours)


def make(export_id: int, seconds: float | None = None) -> None:
    """Write the export if nobody else does. What goes wrong becomes an answer for its page.

    `seconds`: how long somebody waits for it. What takes longer is as if it had not been begun.
    """
    export = _claim(export_id)
    if export is None:
        return
    try:
        _write(export, seconds)
    except _TakenOver:
        _release(export)
    except JobTimeoutException:
        raise
    except Exception as error:
        if is_of_database(error):
            # It says nothing about the export, which is written again.
            log.warning("export %s was interrupted by its database: %s", export.pk, type(error).__name__)
            attempt_after_error(lambda: _release(export))
        elif seconds and isinstance(error, Unreadable) and error.code == "took_too_long":
            _release(export)
        else:
            _fail(export, *_cause(export, error), told=not seconds)


def _cause(export: Export, error: Exception) -> tuple[str, Mapping[str, Any]]:
    """Code and parameters of why it can't be written."""
    if isinstance(error, Unreadable):
        return error.code, error.params
    # Its text is not logged, it may quote a cell.
    log.error("export %s failed: %s", export.pk, type(error).__name__)
    return "export_failed", {}


def _claim(export_id: int) -> Export | None:
    with transaction.atomic():
        free = Export.objects.select_for_update(skip_locked=True, no_key=True).filter(FREE, state=ExportState.WAITING)
        export = free.filter(pk=export_id).first()
        if export is None:
            return None
        Export.objects.filter(pk=export_id).update(fence=F("fence") + 1, lease_until=Now() + LEASE, rows_done=0)
        # In the same transaction: the fence is that of this claim.
        return Export.objects.select_related("job").get(pk=export_id)


def _release(export: Export) -> None:
    _ours(export).update(lease_until=None)


def _ours(export: Export) -> Any:
    return Export.objects.filter(pk=export.pk, fence=export.fence, state=ExportState.WAITING)


def _write(export: Export, seconds: float | None) -> None:
    began = time.monotonic()
    limits = replace(DEFAULT_LIMITS, max_wait_seconds=seconds) if seconds else DEFAULT_LIMITS

    def progress(done: int) -> None:
        is_late = seconds is not None and time.monotonic() - began > seconds
        if is_late or is_shutting_down() or not _ours(export).update(rows_done=done, lease_until=Now() + LEASE):
            raise _TakenOver

    with partial_file(export.file.storage) as path:
        write_workbook(export, path, progress, limits)
        size = path.stat().st_size
        with path.open("rb") as opened, storing(export.file, Written(opened, str(path))):
            done = {"state": ExportState.DONE, "file": export.file.name, "rows_done": export.rows, "file_bytes": size}
            if not _end(export, told=not seconds, **done):
                raise _TakenOver


def _fail(export: Export, code: str, params: Mapping[str, Any], *, told: bool) -> None:
    _end(export, told=told, state=ExportState.FAILED, cause=code, cause_params=dict(params))


@transaction.atomic
def _end(export: Export, *, told: bool, **changes: Any) -> bool:
    """False when it is not ours any more. `told`: nobody waits for it, so that it announces itself."""
    if not _ours(export).update(**changes, lease_until=None):
        return False
    if told:
        about = {"name": export.file_name, "rows": export.rows, "cause": changes.get("cause", "")}
        workbook_over.send(Export, by=export.by, export=export.pk, **about)
    return True
