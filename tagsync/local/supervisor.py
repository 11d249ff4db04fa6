"""`manage.py up`: everything in the right order, watched until somebody ends it. The parts are in `plan`."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, connection
from django.utils.translation import gettext as _

from tagsync.connections.addresses import is_loopback
from tagsync.local import addresses, database, first_steps, home, plan, processes, redis, sample
from tagsync.local.plan import Part, Wishes
from tagsync.local.processes import Child, Ears
from tagsync.queueing.installation import named

START_SECONDS = 90.0
TICK_SECONDS = 0.5


class CannotStart(Exception):
    """The sentence says why, and what to do; the person's language."""


class Stopped(Exception):
    """Somebody asked to stop while everything was still starting."""


class Supervisor:
    """What runs now. One per process; `run` returns when everything has ended."""

    def __init__(self, folder: Path, wishes: Wishes, say: Callable[[str], None]) -> None:
        self.home, self.wishes, self.say = folder, wishes, say
        self.parts: list[Part] = []
        self.redis_parts: list[Part] = []
        self.ears = Ears()

    def run(self) -> None:
        """Raises CannotStart."""
        with ExitStack() as stack:
            stack.enter_context(self.ears)
            handle = self._take_folder(stack)
            listener = self._listen(stack)
            stack.callback(self._end)
            try:
                self._start(stack, handle, listener)
            except Stopped:
                return
            self._watch()
            self.say(_("Stopping tagsync…"))

    # -- start

    def _take_folder(self, stack: ExitStack) -> int:
        try:
            handle = stack.enter_context(home.lock(self.home))
            home.prepare(self.home)
        except home.FolderInUse as error:
            message = _("tagsync is already running in %(folder)s (%(holder)s).")
            raise CannotStart(message % {"folder": self.home, "holder": error.holder}) from None
        except OSError as error:
            message = _("The folder %(folder)s cannot be used (%(reason)s). Set TAGSYNC_HOME to one you may write to.")
            raise CannotStart(message % {"folder": self.home, "reason": error.strerror}) from None
        home.sign(handle, f"PID {os.getpid()}")
        return handle

    def _listen(self, stack: ExitStack) -> tuple[int, int]:
        """The site's socket as (handle, port)."""
        wishes = self.wishes
        try:
            listener = stack.enter_context(addresses.listen(wishes.host, wishes.port))
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            message = _("The address %(host)s, port %(port)s cannot be used (%(reason)s). Choose another with --port.")
            raise CannotStart(message % {"host": wishes.host, "port": wishes.port, "reason": reason}) from None
        return listener.fileno(), listener.getsockname()[1]

    def _start(self, stack: ExitStack, lock: int, listener: tuple[int, int]) -> None:
        handle, port = listener
        url = addresses.url(self.wishes.host, port)
        home.sign(lock, f"PID {os.getpid()}, {url}")
        self.say(_("Starting tagsync in %(folder)s") % {"folder": self.home})
        is_new = self._prepare_database()
        redis_url = self._start_redis(stack)
        sandbox_port = addresses.sandbox_port(self.home / "sandbox-port") if self.wishes.sandbox else None
        extra = plan.environment(self.home, self.wishes.host, sandbox_port)
        if not is_new:
            self._release_leases(extra)
        parts = [
            plan.web_part(self.home, self.wishes.host, port, handle, extra),
            *plan.worker_parts(self.home, self.wishes.workers, redis_url, extra),
            plan.keeper_part(self.home, extra),
        ]
        if sandbox_port:
            first_steps.connect_sandbox(sandbox_port)
            parts.append(plan.sandbox_part(self.home, sandbox_port, extra))
        self._start_parts(parts, self.parts)
        self._greet(url)

    def _prepare_database(self) -> bool:
        """Whether it is a new one: nothing can have been left in it."""
        try:
            is_new = database.is_new()
            copy = database.bring_up_to_date(self.home)
        except (DatabaseError, OSError) as error:
            message = _("The database cannot be brought up to date: %(reason)s")
            raise CannotStart(message % {"reason": " ".join(str(error).split())}) from None
        if copy:
            self.say(_("  database: brought up to date; a copy of it as it was: %(copy)s") % {"copy": copy})
        return is_new

    def _start_redis(self, stack: ExitStack) -> str:
        """Its address, when it answers. Nothing is started where `REDIS_URL` is set."""
        if os.environ.get("REDIS_URL", "").strip():
            if not redis.answers(settings.REDIS_URL, timeout_seconds=5):
                raise CannotStart(_("The Redis server that REDIS_URL names does not answer."))
            return str(settings.REDIS_URL)
        server = redis.find_server()
        if server is None:
            message = _("There is no Redis server for this machine. Install redis-server or valkey, or set REDIS_URL.")
            raise CannotStart(message)
        socket = stack.enter_context(redis.socket_path(self.home))
        self._start_redis_server(server, socket)
        redis.forget_workers(redis.url_of(socket), named(""))
        return redis.url_of(socket)

    def _start_redis_server(self, server: Path, socket: Path) -> None:
        kept = self.home / "redis"
        had_data = kept.exists()
        try:
            self._start_parts([plan.redis_part(self.home, server, socket)], self.redis_parts)
        except CannotStart:
            if not had_data:
                raise
            # Written by another version, or damaged. Only rings were in it: the database remembers the work.
            kept.rename(kept.with_name(f"redis-unreadable-{time.time_ns()}"))
            self._start_parts([plan.redis_part(self.home, server, socket)], self.redis_parts)

    def _release_leases(self, extra: dict[str, str]) -> None:
        """We hold the folder, so nobody works: imports that were cut off go on at once instead of after a minute."""
        once = plan.lease_release(self.home, extra)
        status = processes.run(once)
        self._unless_asked_to_stop()
        if status:
            raise CannotStart(_did_not_start(once.name, once.log))

    def _start_parts(self, parts: Sequence[Part], running: list[Part]) -> None:
        """Start all, and return when all answer. A part that ends meanwhile is a failure with its last words."""
        for part in parts:
            processes.start(part.child)
            running.append(part)
        deadline = time.monotonic() + START_SECONDS
        waiting = list(parts)
        while waiting := [part for part in waiting if not part.answers()]:
            self.ears.wait(0.1)
            self._unless_asked_to_stop()
            ended = [part for part in parts if part.child.ended]
            late = waiting if time.monotonic() > deadline else []
            for part in ended or late:
                running[:] = [each for each in running if not each.child.ended]
                raise CannotStart(_did_not_start(part.child.name, part.child.log))

    def _unless_asked_to_stop(self) -> None:
        if self.ears.asked_to_stop:
            raise Stopped

    def _greet(self, url: str) -> None:
        file = self.home / "sample" / sample.FILE_NAME
        sample.write(file)
        admin = first_steps.first_admin(os.environ.get("TAGSYNC_ADMIN_PASSWORD", ""))
        connection.close()
        self.say(_("tagsync is ready: %(url)s") % {"url": url})
        self.say(_("  sign in as: %(name)s") % {"name": admin.name})
        if admin.password:
            self.say(_("  password:   %(password)s  (shown only now)") % {"password": admin.password})
        self.say(_("  a sample:   %(file)s") % {"file": file})
        if not is_loopback(self.wishes.host):
            self.say(_("  Other machines can reach it, and what they send is not encrypted."))
        self.say(_("Press Ctrl-C to stop it."))

    # -- watch and end

    def _watch(self) -> None:
        children = [part.child for part in self.redis_parts + self.parts]
        while not self.ears.asked_to_stop:
            self.ears.wait(TICK_SECONDS)
            if not self.ears.asked_to_stop:
                processes.tend(children, self._say_ended)

    def _say_ended(self, child: Child, how: str, pause_seconds: float) -> None:
        message = _("%(name)s ended unexpectedly (%(how)s); restarting it in %(seconds)s s. See %(log)s")
        self.say(message % {"name": child.name, "how": how, "seconds": f"{pause_seconds:g}", "log": child.log})

    def _end(self) -> None:
        """Redis last: workers sign off there."""
        processes.stop([part.child for part in self.parts])
        processes.stop([part.child for part in self.redis_parts], grace_seconds=1)


def _did_not_start(name: str, log: Path) -> str:
    message = _("%(name)s did not start. The end of %(log)s:")
    return message % {"name": name, "log": log} + "\n" + home.tail(log)
