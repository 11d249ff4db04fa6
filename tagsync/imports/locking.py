"""The one order of locks for whatever a person does to an import: its connection, then the import itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction

from tagsync.connections.models import Connection
from tagsync.imports.models import ImportJob
from tagsync.imports.states import Act, JobStatus, MoveRefused


@contextmanager
def locked_for_act(job: ImportJob, act: Act) -> Iterator[ImportJob]:
    """The import as it is now, with its connection, both locked until the block ends.

    The block is one transaction. Raises: MoveRefused when the import is gone.
    """
    with transaction.atomic():
        connections = ImportJob.objects.filter(pk=job.pk).values("connection")
        # Without the key: rows that only refer to these two are written meanwhile.
        connection = Connection.objects.select_for_update(no_key=True).filter(pk__in=connections).first()
        locked = ImportJob.objects.select_for_update(no_key=True).filter(pk=job.pk).first()
        if locked is None or locked.status == JobStatus.DISCARDED:
            raise MoveRefused(act, JobStatus.DISCARDED)
        if connection is not None and locked.connection_id == connection.pk:
            locked.connection = connection
        yield locked
