"""RQ as a doorbell: a ring names an import and nothing else. A lost ring costs seconds, the keeper rings again."""

from __future__ import annotations

import logging
from functools import cache

import django_rq
from django.conf import settings
from django.db import transaction
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue

CHECKS = "checks"
SENDS = "sends"
# By name: the web process needs no import of what the workers run.
TASKS = {CHECKS: "tagsync.delivery.tasks.run_check", SENDS: "tagsync.delivery.tasks.run_import"}

log = logging.getLogger(__name__)


def ring(queue_name: str, job_id: int) -> bool:
    """Ring now; False when Redis cannot be reached. Ringing twice is harmless."""
    try:
        # No custom id, no retry, no arguments but the id: everything else is read from the database.
        queue(queue_name).enqueue(TASKS[queue_name], job_id, result_ttl=0, failure_ttl=86400)
    except (RedisError, OSError) as error:
        log.warning("could not ring %s for import %s: %s", queue_name, job_id, type(error).__name__)
        return False
    return True


def ring_after_commit(queue_name: str, job_id: int) -> None:
    transaction.on_commit(lambda: ring(queue_name, job_id), robust=True)


def rung(queue_name: str) -> set[int] | None:
    """The imports that are in the queue now; None when Redis cannot be reached."""
    try:
        jobs = queue(queue_name).get_jobs()
        return {rq_job.args[0] for rq_job in jobs if rq_job.args}
    except (RedisError, OSError):
        return None


def queue(queue_name: str) -> Queue:
    """For those who ring and look, never for workers, whose blocking pops must be allowed to wait."""
    return django_rq.get_queue(queue_name, connection=_impatient_connection())


@cache
def _impatient_connection() -> Redis:
    # django-rq reads no client options beside a URL, and a page must not hang with Redis.
    return Redis.from_url(settings.REDIS_URL, socket_connect_timeout=1, socket_timeout=1, health_check_interval=30)
