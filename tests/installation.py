"""A whole installation for tests: `manage.py up` in a folder of its own, on a free port, with real processes."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from tagsync.local import addresses

SECRETS = ("REDIS_URL", "DATABASE_URL", "TAGSYNC_ADMIN_PASSWORD", "TAGSYNC_MODE", "LC_ALL", "LC_MESSAGES")


def free_port() -> int:
    with closing(addresses.listen("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def wait_for(condition: Callable[[], object], seconds: float = 60, why: Callable[[], str] = str) -> None:
    """Patient: a machine with much to do is no defect. `why` is asked once it was in vain."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain {why()}"
        time.sleep(0.05)


def environment(home: Path, **more: str) -> dict[str, str]:
    found = {name: value for name, value in os.environ.items() if name not in SECRETS}
    # One admin makes the drafts of all tests of an installation.
    found["TAGSYNC_MOST_DRAFTS"] = "1000"
    found["PYTHONFAULTHANDLER"] = "1"
    return {**found, "DJANGO_SETTINGS_MODULE": "tagsync.settings", "TAGSYNC_HOME": str(home), "LANG": "C.UTF-8", **more}


def command(*options: str) -> list[str]:
    return [sys.executable, str(settings.BASE_DIR / "manage.py"), *options]


def pids_of(home: Path) -> dict[int, str]:
    """Every process of an installation's folder: pid → command line."""
    mark, found = f"TAGSYNC_HOME={home}\0".encode(), {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            # The Redis server writes its title over its environment, but stands in its data folder.
            is_ours = mark in (folder / "environ").read_bytes() or home in (folder / "cwd").readlink().parents
            line = os.fsdecode((folder / "cmdline").read_bytes()).replace("\0", " ")
            if is_ours and line:
                found[int(folder.name)] = line
    return found


@dataclass(frozen=True)
class Up:
    process: subprocess.Popen[bytes]
    home: Path
    port: int
    output: Path
    environment: dict[str, str]
    program: list[str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def sandbox_url(self) -> str:
        return f"http://127.0.0.1:{(self.home / 'sandbox-port').read_text().strip()}"

    def manage(self, *words: str, **more: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.program, *words], env=self.environment, capture_output=True, text=True, timeout=110, **more
        )

    def sandbox(self, method: str, path: str, body: object = None) -> Any:
        """A call to the control address of its test platform."""
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(
            self.sandbox_url + path, data, {"Content-Type": "application/json", "Content-Length": str(len(data or b""))}
        )
        asked.method = method
        with urllib.request.urlopen(asked, timeout=10) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    @property
    def said(self) -> str:
        return self.output.read_text()

    def pids(self) -> dict[int, str]:
        """Every process of this folder but `up` itself: pid → command line."""
        return {pid: line for pid, line in pids_of(self.home).items() if pid != self.process.pid}

    def pid_of(self, part: str) -> int | None:
        return next((pid for pid, line in sorted(self.pids().items()) if part in line), None)


@contextmanager
def up(home: Path, workers: int = 1, **more: str) -> Iterator[Up]:
    with started(command(), home, environment(home, **more), workers) as running:
        yield running


@contextmanager
def started(program: list[str], home: Path, env: dict[str, str], workers: int = 1) -> Iterator[Up]:
    port, output = free_port(), home.with_name(f"{home.name}.out")
    line = [*program, "up", "--workers", str(workers), "--port", str(port)]
    with output.open("wb") as file:
        process = subprocess.Popen(line, env=env, stdout=file, stderr=file, cwd=home.parent)
    running = Up(process, home, port, output, env, program)
    try:
        wait_for(lambda: "Ctrl-C" in running.said or process.poll() is not None, 180, lambda: _where(running))
        assert process.poll() is None, running.said
        yield running
    finally:
        process.terminate()
        process.wait(60)


def _where(running: Up) -> str:
    """What it said so far, and where each of its threads is; it ends by that."""
    running.process.send_signal(signal.SIGABRT)
    running.process.wait(60)
    return running.said
