"""Finds imports that have waited for long, tells their owners once, and once more when they go on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import OuterRef, Subquery
from django.db.models.functions import Now

from tagsync.connections.models import ConnectionState
from tagsync.database import on_its_own
from tagsync.imports.models import Delivery, ImportJob, JobEvent
from tagsync.imports.models.delivery import INDEFINITE
from tagsync.imports.states import Act, JobStatus
from tagsync.notifications import of_connections
from tagsync.notifications.models import Notice, NoticeKind

CONFIRMED = (Act.START, Act.RESUME, Act.RETRY)


def tell_long_waits(wait_reason: Callable[[ImportJob], str], **_signal: Any) -> None:
    """Receives `keeper_round`."""
    with on_its_own("long waits"):
        _tell(wait_reason)


def _tell(wait_reason: Callable[[ImportJob], str]) -> None:
    # First what is told, then how it stands: whatever another keeper tells from now on is not ended by an older look.
    told = list(Notice.objects.filter(kind=NoticeKind.WAITS, over_at=None).select_related("connection"))
    waiting = waiting_for_long()
    for notice in told:
        if (notice.person_id, notice.connection_id) not in waiting:
            of_connections.end(notice)
    known = {(notice.person_id, notice.connection_id) for notice in told}
    of_connections.write([_notice(jobs, wait_reason) for whose, jobs in waiting.items() if whose not in known])


def waiting_for_long() -> dict[tuple[int, int | None], list[ImportJob]]:
    """(owner, connection) → imports that a ready connection has got no further for TAGSYNC_LONG_WAIT_MINUTES."""
    answers = Delivery.objects.filter(job=OuterRef("pk"), run=OuterRef("run"), answered_at__isnull=False)
    answer = answers.exclude(outcome__in=INDEFINITE).order_by("-id").values("answered_at")[:1]
    confirmed = JobEvent.objects.filter(job=OuterRef("pk"), act__in=CONFIRMED).order_by("-id").values("at")[:1]
    under_way = ImportJob.objects.filter(
        status__in=(JobStatus.QUEUED, JobStatus.RUNNING), connection__state=ConnectionState.READY
    )
    jobs = under_way.annotate(last_answer=Subquery(answer), confirmed=Subquery(confirmed), seen_at=Now())
    found: dict[tuple[int, int | None], list[ImportJob]] = defaultdict(list)
    for job in jobs.select_related("connection").order_by("pk"):
        if _waited(job) > timedelta(minutes=settings.TAGSYNC_LONG_WAIT_MINUTES):
            found[job.owner_id, job.connection_id].append(job)
    return found


def _since(job: ImportJob) -> datetime:
    """When it got on last: an answer, a person's go, or the repair of its connection."""
    assert job.connection is not None
    moments = (getattr(job, "last_answer", None), getattr(job, "confirmed", None), job.connection.repaired_at)
    return max((moment for moment in moments if moment), default=job.first_confirmed_at or job.created_at)


def _waited(job: ImportJob) -> timedelta:
    """How long, when the database was asked for it."""
    seen_at: datetime = job.seen_at  # type: ignore[attr-defined]  # annotated
    return seen_at - _since(job)


def _notice(jobs: list[ImportJob], wait_reason: Callable[[ImportJob], str]) -> Notice:
    longest = max(jobs, key=_waited)
    assert longest.connection is not None
    minutes = int(_waited(longest).total_seconds()) // 60
    ids = [job.pk for job in jobs]
    return of_connections.begin(
        longest.owner_id, NoticeKind.WAITS, longest.connection, ids, minutes=minutes, reason=wait_reason(longest)
    )
