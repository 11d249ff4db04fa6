"""Is anybody there to do the work? Asked by pages and commands; never raises, never waits long."""

from __future__ import annotations

import time
from dataclasses import dataclass

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, Worker
from rq.utils import as_text

from tagsync.queueing.doorbell import CHECKS, EXPORTS, SENDS, queue
from tagsync.queueing.installation import identifier, owner

CACHE_SECONDS = 3.0
# Asking a Redis that hangs takes a page a second: not each time.
GONE_CACHE_SECONDS = 10.0


@dataclass(frozen=True)
class QueueHealth:
    redis: bool
    check_workers: int
    send_workers: int
    export_workers: int = 0

    @property
    def workers(self) -> dict[str, int]:
        """By the name of their queue."""
        return {CHECKS: self.check_workers, SENDS: self.send_workers, EXPORTS: self.export_workers}


_seen: tuple[float, QueueHealth] | None = None


def queue_health() -> QueueHealth:
    """Redis and the workers of this installation, at most CACHE_SECONDS old."""
    global _seen
    now = time.monotonic()
    if _seen is None or now - _seen[0] > (CACHE_SECONDS if _seen[1].redis else GONE_CACHE_SECONDS):
        found = _look()
        _seen = (time.monotonic(), found)
    return _seen[1]


def _look() -> QueueHealth:
    try:
        return QueueHealth(True, _workers(CHECKS), _workers(SENDS), _workers(EXPORTS))
    except (RedisError, OSError):
        return QueueHealth(False, 0, 0)


def _workers(bell: str) -> int:
    """Those whose heartbeat is still there: RQ's register keeps the names of workers that were killed."""
    ours = queue(bell)
    keys = Worker.all_keys(queue=ours)
    return int(ours.connection.exists(*keys)) if keys else 0


def other_installations() -> dict[str, set[str]] | None:
    """Who else works with this Redis, or has rings waiting in it: identifier → hosts of its workers.

    None when Redis cannot be reached.
    """
    try:
        return _others(queue(CHECKS).connection)
    except (RedisError, OSError):
        return None


def _others(redis: Redis) -> dict[str, set[str]]:
    # RQ has one register of workers and one of queues for all. They name also who is gone, so each is looked for.
    found: dict[str, set[str]] = {}
    for key in map(as_text, redis.smembers(Worker.redis_workers_keys)):
        if owner(key) not in ("", identifier()) and (host := redis.hget(key, "hostname")):
            found.setdefault(owner(key), set()).add(as_text(host))
    for key in map(as_text, redis.smembers(Queue.redis_queues_keys)):
        if owner(key) not in ("", identifier()) and redis.exists(key):
            found.setdefault(owner(key), set())
    return found
