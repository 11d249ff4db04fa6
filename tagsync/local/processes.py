"""Child processes that are started, watched, started again and ended together. Knows nothing of what they do."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tagsync import orphans

GUARD = Path(orphans.__file__)
GRACE_SECONDS = 3.0
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
HEALTHY_SECONDS = 60.0
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@dataclass
class Child:
    """One process to keep alive. `command` is asked before each start, with the number of starts so far."""

    name: str
    command: Callable[[int], list[str]]
    log: Path
    environment: dict[str, str] = field(default_factory=dict)
    pass_fds: Sequence[int] = ()
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0
    started_at: float = 0.0
    start_again_at: float = 0.0
    pause_seconds: float = FIRST_PAUSE_SECONDS

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process else None

    @property
    def ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None


def start(child: Child) -> None:
    """In a session of its own, so that Ctrl-C in the terminal reaches only us, and guarded, so that it ends with us."""
    command = child.command(child.starts)
    with child.log.open("ab") as log:
        child.process = subprocess.Popen(
            [sys.executable, "-P", str(GUARD), str(os.getpid()), *command],
            env={**os.environ, **child.environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            pass_fds=child.pass_fds,
        )
    child.starts += 1
    child.started_at = time.monotonic()


def run(child: Child) -> int:
    """Once, to its end. The exit status, negative for a signal."""
    start(child)
    assert child.process is not None
    return child.process.wait()


def tend(children: Iterable[Child], say_ended: Callable[[Child, str, float], None]) -> None:
    """Start again what has ended, each time after a longer pause; `say_ended` gets child, how it ended, the pause."""
    now = time.monotonic()
    for child in children:
        if child.process is None and now >= child.start_again_at:
            start(child)
        elif child.process is not None and child.ended:
            if now - child.started_at > HEALTHY_SECONDS:
                child.pause_seconds = FIRST_PAUSE_SECONDS
            say_ended(child, how_it_ended(child.process.returncode), child.pause_seconds)
            _sweep([child.process.pid])
            child.process, child.start_again_at = None, now + child.pause_seconds
            child.pause_seconds = min(child.pause_seconds * 2, LONGEST_PAUSE_SECONDS)


def how_it_ended(returncode: int) -> str:
    if returncode >= 0:
        return str(returncode)
    with contextlib.suppress(ValueError):
        return signal.Signals(-returncode).name
    return str(returncode)


def stop(children: Sequence[Child], *, grace_seconds: float = GRACE_SECONDS) -> None:
    """SIGTERM to each, SIGKILL after the grace to what is left, grandchildren included."""
    running = [child.process for child in children if child.process is not None]
    for process in running:
        # Only the process itself: it decides what its own children hear.
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
    deadline = time.monotonic() + grace_seconds
    for process in running:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, deadline - time.monotonic()))
    _sweep([process.pid for process in running])
    for process in running:
        process.wait()


def _sweep(leaders: list[int]) -> None:
    """Kill whatever is left of the sessions that these processes led."""
    for leader in leaders:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(leader, signal.SIGKILL)
    for pid in _members(set(leaders)):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


def _members(sessions: set[int]) -> list[int]:
    """Processes of these sessions, also in groups of their own (RQ's horses). Empty where there is no /proc."""
    return [pid for pid, session in _sessions() if session in sessions]


def _sessions() -> Iterator[tuple[int, int]]:
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            # The name in brackets may hold anything; after it: state, parent, group, session. Source: proc(5)
            yield int(stat.parent.name), int(stat.read_text().rpartition(")")[2].split()[3])


class Ears:
    """Hears signals and ends of children without polling. One per process, in the main thread."""

    def __init__(self) -> None:
        self.asked_to_stop = 0
        self._heard, self._voice = socket.socketpair()
        for end in (self._heard, self._voice):
            end.setblocking(False)

    def __enter__(self) -> Ears:
        self._before = {number: signal.signal(number, self._stop) for number in STOP_SIGNALS}
        self._before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
        self._wakeup_before = signal.set_wakeup_fd(self._voice.fileno(), warn_on_full_buffer=False)
        return self

    def __exit__(self, *_: object) -> None:
        signal.set_wakeup_fd(self._wakeup_before)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._heard.close()
        self._voice.close()

    def _stop(self, *_: object) -> None:
        self.asked_to_stop += 1

    def wait(self, seconds: float) -> None:
        """Return when a signal came, or after `seconds`."""
        if select.select([self._heard], [], [], seconds)[0]:
            with contextlib.suppress(BlockingIOError):
                self._heard.recv(4096)
