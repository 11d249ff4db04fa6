"""Exports in the background: asked for, written by a worker under a lease, fetched by one person, deleted in time."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from rq.timeouts import JobTimeoutException

from tagsync.accounts.models import Person
from tagsync.database import attempt_after_error, database_now, is_of_database
from tagsync.exports.models import Export, ExportState
from tagsync.exports.workbook import rows_of, write_workbook
from tagsync.imports.local_files import Written, partial_file
from tagsync.imports.models import ImportJob
from tagsync.imports.states import JobStatus
from tagsync.imports.stored_files import EXPORT, Stray, delete_strays, storing, strays
from tagsync.queueing import doorbell
from tagsync.queueing.shutdown import is_shutting_down
from tagsync.sheets.errors import Unreadable

LEASE = timedelta(seconds=60)
FREE = Q(lease_until=None) | Q(lease_until__lt=Now())

log = logging.getLogger(__name__)


class _TakenOver(Exception):
    """Somebody else writes this export now, or this process has to leave."""


def ask(
    job: ImportJob, by: Person, filters: Mapping[str, Any], *, language: str, file_name: str, clear: bool = False
) -> Export | None:
    """An export of the rows that the filters mean; the same one when it is asked for twice before it is written.

    None when as many as one person may have are waiting already.

    Raises: ImportJob.DoesNotExist when the import has been discarded meanwhile.
    """
    fields: dict[str, Any] = {
        "job": job, "by": by, "filters": dict(filters), "language": language, "clear": clear, "file_name": file_name
    }  # fmt: skip
    rows, hours = rows_of(job, filters).count(), timedelta(hours=settings.TAGSYNC_EXPORT_HOURS)
    with transaction.atomic():
        ImportJob.objects.select_for_update(no_key=True).exclude(status=JobStatus.DISCARDED).get(pk=job.pk)
        waiting = Export.objects.filter(**fields, state=ExportState.WAITING).first()
        if waiting:
            return waiting
        if Export.objects.filter(by=by, state=ExportState.WAITING).count() >= settings.TAGSYNC_MOST_WAITING_EXPORTS:
            return None
        export = Export.objects.create(**fields, rows=rows, expires_at=database_now() + hours)
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
        _release(export)
    except JobTimeoutException:
        raise
    except Exception as error:
        if is_of_database(error):
            # It says nothing about the export, which is written again.
            log.warning("export %s was interrupted by its database: %s", export.pk, type(error).__name__)
            attempt_after_error(lambda: _release(export))
        else:
            _fail(export, *_cause(export, error))


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


def _write(export: Export) -> None:
    def progress(done: int) -> None:
        if is_shutting_down() or not _ours(export).update(rows_done=done, lease_until=Now() + LEASE):
            raise _TakenOver

    with partial_file(export.file.storage) as path:
        write_workbook(export, path, progress)
        size = path.stat().st_size
        with path.open("rb") as opened, storing(export.file, Written(opened, str(path))):
            done = {"state": ExportState.DONE, "file": export.file.name, "rows_done": export.rows}
            if not _ours(export).update(**done, file_bytes=size, lease_until=None):
                raise _TakenOver


def _fail(export: Export, code: str, params: Mapping[str, Any]) -> None:
    _ours(export).update(state=ExportState.FAILED, cause=code, cause_params=dict(params), lease_until=None)


def ring_for_waiting(**_signal: Any) -> None:
    """Receives `keeper_round`."""
    doorbell.ring_for(doorbell.EXPORTS, nobody_works_on())


def nobody_works_on() -> list[int]:
    return list(Export.objects.filter(FREE, state=ExportState.WAITING).values_list("pk", flat=True))


def delete(export: Export) -> None:
    """With its file."""
    if export.file:
        export.file.delete(save=False)
    export.delete()


def delete_files_of(job: ImportJob, **_signal: Any) -> None:
    """Receives `deleted`; the records go with the import."""
    for export in Export.objects.filter(job=job):
        if export.file.name:
            transaction.on_commit(partial(export.file.storage.delete, export.file.name))


def delete_expired(**_signal: Any) -> None:
    """Receives `keeper_cleans`. One after the other: a file that can't be deleted now keeps no other."""
    for export in Export.objects.filter(expires_at__lt=Now()):
        try:
            delete(export)
        except OSError as error:
            log.warning("export %s can't be deleted: %s", export.pk, type(error).__name__)


def delete_strays_of_exports(**_signal: Any) -> None:
    """Receives `keeper_cleans`."""
    delete_strays(Export, {EXPORT: EXPORT})


def strays_of_exports() -> Iterator[Stray]:
    return strays(Export, {EXPORT: EXPORT})
