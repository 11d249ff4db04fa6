"""Exports after they were asked for: rung for again, deleted in time and with their import. Writes no workbook."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from tagsync.exports.models import FREE, Export, ExportState
from tagsync.imports.models import ImportJob
from tagsync.imports.stored_files import EXPORT, Stray, delete_strays, strays
from tagsync.queueing import doorbell

log = logging.getLogger(__name__)


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
