"""What the page after a restore shows. Asks, and changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from itertools import chain, islice
from typing import Any, NamedTuple

from django.core.files.storage import default_storage

from tagsync.exports.upkeep import strays_of_exports
from tagsync.imports.drafts.deletion import stray_uploads
from tagsync.imports.models import ImportJob, RestoreHold
from tagsync.imports.restores import confirmation
from tagsync.imports.states import RowStatus

FILES_SHOWN = 200
JOBS_SHOWN = 200
EARLIER = 10


class Line(NamedTuple):
    """An import of the restored state, with its rows that wait."""

    job: ImportJob
    waiting: int


class StoredFile(NamedTuple):
    name: str
    size: int
    at: datetime


def context(hold: RestoreHold | None) -> dict[str, Any]:
    earlier = RestoreHold.objects.filter(is_on=False).select_related("decided_by").order_by("-pk")[:EARLIER]
    if hold is None:
        return {"hold": None, "earlier": earlier}
    return {
        "hold": hold,
        "earlier": earlier,
        "sent": _lines(confirmation.may_have_sent(hold)[:JOBS_SHOWN]),
        "started": _lines(confirmation.may_have_started(hold)[:JOBS_SHOWN]),
        "files": list(islice(_files(), FILES_SHOWN)),
    }


def _lines(jobs: Iterable[ImportJob]) -> list[Line]:
    return [Line(job, job.count(RowStatus.WAITING)) for job in jobs]


def _files() -> Iterator[StoredFile]:
    for name, stored_at in chain(stray_uploads(), strays_of_exports()):
        with suppress(FileNotFoundError):
            yield StoredFile(name, default_storage.size(name), stored_at)
