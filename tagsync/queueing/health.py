"""Is anybody there to do the work? Asked by pages and commands; never raises, never waits long."""

from __future__ import annotations

import time
from dataclasses import dataclass

from redis.exceptions import RedisError
from rq import Worker

from tagsync.queueing.doorbell import CHECKS, EXPORTS, SENDS, queue

CACHE_SECONDS = 3.0
# Asking a Redis that hangs takes a page a second: not each time.
GONE_CACHE_SECONDS = 10.0


@dataclass(frozen=True)
class QueueHealth:
    redis: bool
    check_workers: int
    send_workers: int
    export_workers: int = 0


_seen: tuple[float, QueueHealth] | None = None


def queue_health() -> QueueHealth:
    """Redis and the workers, at most CACHE_SECONDS old."""
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
    return int(Worker.count(queue=queue(bell)))
