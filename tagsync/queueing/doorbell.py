"""RQ as a doorbell: a ring names an import, or an export, and nothing else.

A lost ring costs seconds: the keeper rings again.
"""

from __future__ import annotations

import logging
from functools import cache
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue

from tagsync.queueing.installation import named

# What can be rung for: each has a queue, and workers of its own, so that none waits behind another kind.
CHECKS = "checks"
SENDS = "sends"
EXPORTS = "exports"
# By name: the web process needs no import of what the workers run.
TASKS = {
    CHECKS: "tagsync.delivery.tasks.run_check",
    SENDS: "tagsync.delivery.tasks.run_import",
    EXPORTS: "tagsync.exports.tasks.run_export",
}
# RQ ends what takes longer; a workbook of a million rows takes some minutes.
TIMEOUT_SECONDS = {CHECKS: 300, SENDS: 300, EXPORTS: 1800}

log = logging.getLogger(__name__)


def ring(bell: str, record_id: int) -> bool:
    """Ring now; False when Redis cannot be reached. Ringing twice is harmless."""
    try:
        # An id that never comes again, no retry, no arguments but the id: all else is read from the database.
        queue(bell).enqueue(
            TASKS[bell],
            record_id,
            job_id=named(str(uuid4())),
            job_timeout=TIMEOUT_SECONDS[bell],
            result_ttl=0,
            failure_ttl=86400,
        )
    except (RedisError, OSError) as error:
        log.warning("could not ring %s for %s: %s", bell, record_id, type(error).__name__)
        return False
    return True


def ring_after_commit(bell: str, record_id: int) -> None:
    transaction.on_commit(lambda: ring(bell, record_id), robust=True)


def rung(bell: str) -> set[int] | None:
    """The imports or exports that are in the queue now; None when Redis cannot be reached."""
    try:
        jobs = queue(bell).get_jobs()
        return {rq_job.args[0] for rq_job in jobs if rq_job.args and rq_job.func_name == TASKS[bell]}
    except (RedisError, OSError):
        return None


def ring_for(bell: str, ids: list[int]) -> None:
    """Ring for each that is not in the queue already."""
    if not ids:
        return
    known = rung(bell)
    if known is None:
        log.warning("Redis cannot be reached: %s %s wait", len(ids), bell)
        return
    for record_id in ids:
        if record_id not in known:
            ring(bell, record_id)


def queue(bell: str) -> Queue:
    """For those who ring and look, never for workers, whose blocking pops must be allowed to wait."""
    # RQ's own serializer would unpickle what Redis holds.
    return Queue(named(bell), connection=_impatient_connection(), serializer="json")


@cache
def _impatient_connection() -> Redis:
    # django-rq reads no client options beside a URL, and a page must not hang with Redis.
    return Redis.from_url(settings.REDIS_URL, socket_connect_timeout=1, socket_timeout=1, health_check_interval=30)
