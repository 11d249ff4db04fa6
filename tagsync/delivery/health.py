"""Whether anybody is there to work on imports, and what one of them waits for. Changes nothing."""

from __future__ import annotations

from tagsync.imports.models import ImportJob
from tagsync.imports.restores import hold
from tagsync.imports.sending.waits import ahead_of
from tagsync.queueing.health import queue_health


def checks_have_workers() -> bool:
    health = queue_health()
    return health.redis and health.check_workers > 0


def sends_have_workers() -> bool:
    health = queue_health()
    return health.redis and health.send_workers > 0


def wait_reason(job: ImportJob) -> str:
    """A code of imports.problems: what it waits for, the nearest obstacle first."""
    if hold.is_on():
        return "wait_restored"
    if not sends_have_workers():
        return "wait_nobody"
    if job.wait_reason:
        return f"wait_{job.wait_reason}"
    if job.connection is not None and job.connection.silent_since:
        return "wait_unanswered"
    return "wait_line" if ahead_of(job) else "wait_turn"
