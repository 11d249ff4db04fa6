"""What a queued import waits for: others ahead of it in the line, and slots of its connection."""

from __future__ import annotations

from typing import Any

from django.db.models.functions import Least

from tagsync.connections.models import Connection
from tagsync.imports.models.job import ImportJob
from tagsync.imports.states import UNDER_WAY, JobStatus, WaitReason

# Why an import waits when its connection had no slot for it: by its own pace, or because the platform wants a slower
# one.
WAITS_FOR_SLOTS = (WaitReason.PACE, WaitReason.THROTTLED)


def end_waits_for_slots(connection: Connection, **_signal: Any) -> None:
    """Receives `pace_changed`, inside the transaction of the change. What the platform asked for is waited out."""
    queued = ImportJob.objects.filter(connection=connection, status=JobStatus.QUEUED, wait_until__isnull=False)
    waiting = queued.filter(wait_reason__in=WAITS_FOR_SLOTS)
    if connection.asked_to_wait_until is None:
        waiting.update(wait_until=None, wait_reason="")
    else:
        waiting.update(wait_until=Least("wait_until", connection.asked_to_wait_until))


def ahead_of(job: ImportJob) -> int:
    """Imports under way on the same connection that took their place in line earlier."""
    if job.queue_number is None:
        return 0
    line = ImportJob.objects.filter(connection=job.connection, status__in=UNDER_WAY)
    return line.filter(queue_number__lt=job.queue_number).count()
