"""Sender processes of a test: started on the test's own database, struck, paused, woken, and ended with the test."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from django.db import connection

from tests.installation import wait_for

# A call of one second makes a lease of two.
CALL_SECONDS = 1
LEASE_SECONDS = 2 * CALL_SECONDS
HOLD_BACK_SECONDS = 1
QUICK = {
    "TAGSYNC_CALL_SECONDS": str(CALL_SECONDS),
    "TAGSYNC_KEEPER_SECONDS": "1",
    "TAGSYNC_HOLD_BACK_SECONDS": str(HOLD_BACK_SECONDS),
    "DJANGO_SETTINGS_MODULE": "tests.settings",
}

Forker = subprocess.Popen[str]


@contextmanager
def forker() -> Iterator[Forker]:
    """The process that all senders are forked from; it loads Django once."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.saboteur"],
        env={**os.environ, **QUICK, "DATABASE_URL": database_url()},
        cwd=settings.BASE_DIR,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.communicate(timeout=10)


def database_url() -> str:
    """Where the database of this process is, for its children; for a test that is the test database."""
    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}"))


@dataclass(frozen=True)
class Sender:
    pid: int
    handle: int  # of the very process: its pid may be another's when it is gone
    marker: Path
    output: Path

    @property
    def was_struck(self) -> bool:
        return self.marker.exists()

    @property
    def runs(self) -> bool:
        return not self.has_ended_within(0)

    def has_ended_within(self, seconds: float) -> bool:
        return bool(select.select([self.handle], [], [], seconds)[0])

    @property
    def is_paused(self) -> bool:
        with contextlib.suppress(OSError):
            return "State:\tT" in Path(f"/proc/{self.pid}/status").read_text()
        return False

    def wait_until_struck(self, seconds: float = 20) -> float:
        """Until the process is dead, or stopped; returns when it was struck, in seconds of the clock."""
        wait_for(lambda: self.was_struck or not self.runs, seconds)
        assert self.was_struck, self.output.read_text()
        wait_for(lambda: not self.runs or self.is_paused, 5)
        return self.marker.stat().st_mtime

    def send(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.handle, number)

    def wake(self) -> None:
        self.send(signal.SIGCONT)


@dataclass
class Senders:
    forker: Forker
    folder: Path
    all: list[Sender] = field(default_factory=list)
    orders: int = 0

    def start(self, step: str = "", nth: int = 1, how: str = "SIGKILL", clock_seconds: float = 0) -> Sender:
        """`clock_seconds`: so far is the process's clock ahead of the database's, or behind."""
        return self._order(what="work", step=step, nth=nth, how=how, clock_seconds=clock_seconds)

    def act(self, what: str, job_id: int, step: str = "", clock_seconds: float = 0) -> Sender:
        """A person's act, or the keeper's "clean", in a process of its own."""
        return self._order(what=what, job_id=job_id, step=step, nth=1, how="SIGKILL", clock_seconds=clock_seconds)

    def _order(self, **order: object) -> Sender:
        number = self.orders = self.orders + 1
        marker, output = self.folder / f"struck-{number}", self.folder / f"sender-{number}.log"
        assert self.forker.stdin and self.forker.stdout
        print(json.dumps({**order, "marker": str(marker), "output": str(output)}), file=self.forker.stdin, flush=True)
        pid = int(self.forker.stdout.readline())
        output.touch()
        self.all.append(Sender(pid, os.pidfd_open(pid), marker, output))
        return self.all[-1]

    @property
    def running(self) -> list[Sender]:
        return [sender for sender in self.all if sender.runs]

    def said(self) -> list[str]:
        return [sender.output.read_text() for sender in self.all]

    def bury(self, sender: Sender) -> None:
        """Forget one that has ended."""
        self.all.remove(sender)
        os.close(sender.handle)

    def end(self) -> None:
        """Politely; who does not listen is killed."""
        for sender in self.all:
            sender.wake()
            sender.send(signal.SIGTERM)
        for sender in self.all:
            if not sender.has_ended_within(10):
                sender.send(signal.SIGKILL)
                sender.has_ended_within(5)

    def forget(self) -> None:
        for sender in list(self.all):
            self.bury(sender)


@contextmanager
def senders_of(process: Forker, folder: Path) -> Iterator[Senders]:
    found = Senders(process, folder)
    try:
        yield found
    finally:
        found.end()
