"""Finds imports that have waited for long, tells their owners once, and once more when they go on. The keeper asks."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import OuterRef, Subquery
from django.db.models.functions import Now

from tagsync.connections.models import ConnectionState
from tagsync.imports import alerts
from tagsync.imports.models import Delivery, ImportJob, JobEvent, Notice
from tagsync.imports.models.delivery import INDEFINITE
from tagsync.imports.models.notice import NoticeKind
from tagsync.imports.states import Act, JobStatus
from tagsync.imports.waits import ahead_of
from tagsync.queueing.health import queue_health

CONFIRMED = (Act.START, Act.RESUME, Act.RETRY)


def tell_long_waits() -> None:
    # First what is told, then how it stands: whatever another keeper tells from now on is not ended by an older look.
    told = list(Notice.objects.filter(kind=NoticeKind.WAITS, over_at=None).select_related("connection"))
    waiting = waiting_for_long()
    for notice in told:
        if (notice.person_id, notice.connection_id) not in waiting:
            alerts.end(notice)
    known = {(notice.person_id, notice.connection_id) for notice in told}
    alerts.write([_notice(jobs) for whose, jobs in waiting.items() if whose not in known])


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


def _notice(jobs: list[ImportJob]) -> Notice:
    longest = max(jobs, key=_waited)
    assert longest.connection is not None
    minutes = int(_waited(longest).total_seconds()) // 60
    ids = [job.pk for job in jobs]
    return alerts.begin(
        longest.owner_id, NoticeKind.WAITS, longest.connection, ids, minutes=minutes, reason=_reason(longest)
    )


def _reason(job: ImportJob) -> str:
    """A code of imports.problems: what it waits for, the nearest obstacle first."""
    health = queue_health()
    if not health.redis or not health.send_workers:
        return "wait_nobody"
    if job.wait_reason:
        return f"wait_{job.wait_reason}"
    if job.connection is not None and job.connection.silent_since:
        return "wait_unanswered"
    return "wait_line" if ahead_of(job) else "wait_turn"
