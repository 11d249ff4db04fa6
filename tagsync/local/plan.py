"""Which processes a local installation consists of, how each is started, and how one sees that it answers."""

from __future__ import annotations

import http.client
import os
import secrets
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from tagsync.local import redis
from tagsync.local.addresses import LOOPBACK, allowed_hosts, reachable
from tagsync.local.home import fresh_log
from tagsync.local.processes import Child
from tagsync.queueing.installation import named


@dataclass(frozen=True)
class Wishes:
    """What the person asked for; `port` may be 0 for any free one."""

    host: str
    port: int
    workers: int
    sandbox: bool


@dataclass(frozen=True)
class Part:
    """A child and its readiness: `answers` is asked again and again until it says True."""

    child: Child
    answers: Callable[[], bool]


def module(name: str, *arguments: str) -> list[str]:
    """Not from the folder that `up` was started in: whatever lies there would come before Python's own modules."""
    return [sys.executable, "-P", "-m", name, *arguments]


def manage(*arguments: str) -> list[str]:
    return module("tagsync", *arguments)


def environment(home: Path, host: str, sandbox_port: int | None) -> dict[str, str]:
    """What children get on top of our own environment: what a person set wins."""
    found = {"TAGSYNC_HOME": str(home), "TMPDIR": str(home / "tmp"), "PYTHONUNBUFFERED": "1"}
    if settings.BASE_DIR != settings.PACKAGE:
        # The sources need not be installed; `manage.py` finds our modules beside it, and children are told.
        found["PYTHONPATH"] = os.pathsep.join(filter(None, [str(settings.BASE_DIR), os.environ.get("PYTHONPATH")]))
    if not os.environ.get("TAGSYNC_ALLOWED_HOSTS"):
        found["TAGSYNC_ALLOWED_HOSTS"] = ",".join(allowed_hosts(host))
    if settings.TAGSYNC_ALLOWED_API_HOSTS and sandbox_port:
        found["TAGSYNC_ALLOWED_API_HOSTS"] = ",".join(
            [*settings.TAGSYNC_ALLOWED_API_HOSTS, f"{LOOPBACK}:{sandbox_port}"]
        )
    if sys.platform == "darwin":
        # Else the system ends a forked process that touches its libraries, as RQ's horses do.
        found["OBJC_DISABLE_INITIALIZE_FORK_SAFETY"] = "YES"
    return found


def redis_part(home: Path, server: Path, socket: Path) -> Part:
    command = redis.command(server, socket, home / "redis")
    child = Child("redis", lambda _: command, fresh_log(home, "redis"))
    return Part(child, lambda: redis.answers(redis.url_of(socket)))


def sandbox_part(home: Path, port: int, extra: dict[str, str]) -> Part:
    command = manage("sandbox", "--port", str(port))
    child = Child("sandbox", lambda _: command, fresh_log(home, "sandbox"), extra)
    return Part(child, lambda: _says(LOOPBACK, port, "/") is not None)


def web_part(home: Path, host: str, port: int, handle: int, extra: dict[str, str]) -> Part:
    """`handle` is the listening socket: it stays open here, so callers wait while the web process starts again."""
    command = module("tagsync.local.web")
    listening = {**extra, "TAGSYNC_LISTEN": str(handle)}
    child = Child("web", lambda _: command, fresh_log(home, "web"), listening, [handle])
    asked_for = (settings.ALLOWED_HOSTS[0] if os.environ.get("TAGSYNC_ALLOWED_HOSTS") else "localhost").lstrip(".")
    return Part(child, lambda: _says(reachable(host), port, "/healthz", asked_for) == 200)


def lease_release(home: Path, extra: dict[str, str]) -> Child:
    command = manage("keeper", "--release-leases")
    return Child("release-leases", lambda _: command, fresh_log(home, "release-leases"), extra)


def keeper_part(home: Path, extra: dict[str, str]) -> Part:
    child = Child("keeper", lambda _: manage("keeper"), fresh_log(home, "keeper"), extra)
    return Part(child, lambda: not child.ended)


def worker_parts(home: Path, sends: int, redis_url: str, extra: dict[str, str]) -> list[Part]:
    """One worker for checks, one for exports, `sends` for sends; each listens to one queue."""
    run = secrets.token_hex(3)
    queues = [("checks", "worker-checks"), ("exports", "worker-exports")]
    queues += [("sends", f"worker-sends-{number}") for number in range(1, sends + 1)]
    return [_worker_part(home, queue, name, run, redis_url, extra) for queue, name in queues]


def _worker_part(home: Path, queue: str, name: str, run: str, redis_url: str, extra: dict[str, str]) -> Part:
    def rq_name(starts: int) -> str:
        # New at each start: RQ refuses the name of a worker that was killed until its record has expired.
        return f"{name}-{run}-{starts}"

    child = Child(
        name, lambda starts: manage("rqworker", queue, "--name", rq_name(starts)), fresh_log(home, name), extra
    )
    return Part(child, lambda: redis.has_worker(redis_url, named(rq_name(child.starts - 1))))


def _says(host: str, port: int, path: str, asked_for: str = "localhost") -> int | None:
    """The HTTP status of a GET, None without an answer."""
    caller = http.client.HTTPConnection(host, port, timeout=2)
    try:
        caller.request("GET", path, headers={"Host": asked_for})
        return caller.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        caller.close()
