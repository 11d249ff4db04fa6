"""What the owner of an import is told of its moves, written with the move. What she did herself she is not told."""

from __future__ import annotations

from typing import Any

from tagsync.imports.models.job import ImportJob, JobEvent
from tagsync.imports.sending.unanswered import counted_by_status
from tagsync.imports.states import Act, RowStatus
from tagsync.notifications.models import QUESTIONS, Notice, NoticeKind
from tagsync.notifications.people import people_with

BY_OTHERS = {
    Act.START: NoticeKind.STARTED,
    Act.STOP: NoticeKind.STOPPED,
    Act.RESUME: NoticeKind.RESUMED,
    Act.RETRY: NoticeKind.RETRIED,
}


# Causes of a blocked import that an admin may know more about than its owner.
REFUSALS = ("refuses_everything", "too_large_alone")


def tell_move(job: ImportJob, event: JobEvent, **_signal: Any) -> None:
    """Receives `moved`, inside the transaction of the move."""
    act = Act(event.act)
    if act in BY_OTHERS:
        Notice.objects.filter(job=job, kind__in=QUESTIONS).end_at(event.at)
    kind = _kind(job, act)
    if kind and event.by_id != job.owner_id:
        Notice.objects.create(
            person_id=job.owner_id, kind=kind, job=job, event=event, by=event.by, params=_params(job, event)
        )
    if act == Act.BLOCK and job.cause in REFUSALS:
        _tell_admins(job, event)


def _tell_admins(job: ImportJob, event: JobEvent) -> None:
    """The platform refuses an import of a colleague: settings, or the app on the platform, may be why."""
    params, kind, admins = _params(job, event), NoticeKind.COLLEAGUE_BLOCKED, people_with("imports.retry_imports")
    notices = [
        Notice(person_id=pk, kind=kind, job=job, event=event, params=params) for pk in admins if pk != job.owner_id
    ]
    Notice.objects.bulk_create(notices)


def _kind(job: ImportJob, act: Act) -> NoticeKind | None:
    if act == Act.FINISH:
        failed = job.failures > 0 or job.deliveries.remarked().exists()
        return NoticeKind.FINISHED_WITH_FAILURES if failed else NoticeKind.FINISHED
    if act == Act.BLOCK:
        return NoticeKind.TRIAL_DONE if job.cause == "trial_done" else NoticeKind.BLOCKED
    return BY_OTHERS.get(act)


def _params(job: ImportJob, event: JobEvent) -> dict[str, Any]:
    """The numbers of this moment: a later run changes those of the import."""
    unanswered = counted_by_status(job)
    # Of those that may have been applied nobody may say that they are still to be sent.
    queued = job.count(RowStatus.WAITING) - (unanswered.get(RowStatus.WAITING, 0) if event.act == Act.STOP else 0)
    if event.act == Act.RETRY:
        queued = event.params.get("rows", queued)
    return {
        "counts": job.counts,
        "maybe_applied": unanswered,
        "remarked": job.deliveries.remarked_rows(),
        "rows": queued,
        "cause": job.cause,
    }
