"""Machines of one installation: the processes of deploy/systemd with a home of their own, in production mode, on a
database, a Redis and a folder of uploads that they share. Linux only.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from cryptography.fernet import Fernet
from django.conf import settings

from tests.faults import pages
from tests.faults.pages import Browser
from tests.faults.senders import database_url
from tests.installation import command, environment, free_port, pids_of, wait_for

PASSWORD = "correct horse battery"
CALL_SECONDS = 3
LEASE_SECONDS = 2 * CALL_SECONDS
START_SECONDS = 90
PARTS = ("web", "checks", "sends", "exports", "keeper")


class ThroughProxy(httpx.HTTPTransport):
    """Hands requests on as the proxy of deploy/nginx.conf does."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        headers = [*request.headers.raw, (b"X-Forwarded-Proto", b"https")]
        url = request.url.copy_with(scheme="http")
        handed = httpx.Request(
            request.method, url, headers=headers, stream=request.stream, extensions=request.extensions
        )
        return super().handle_request(handed)


@dataclass
class Machine:
    """`shared`: environment variables that all machines of the installation have alike."""

    home: Path
    shared: dict[str, str]
    port: int = field(default_factory=free_port)
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        return environment(self.home, **self.shared)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def start(self, *parts: str) -> None:
        """These parts, or all; returns when pages are answered and workers and keeper run."""
        self.home.mkdir(exist_ok=True)
        for part in parts or PARTS:
            with self.log_of(part).open("ab") as file:
                self.running[part] = subprocess.Popen(
                    self._line(part), env=self.environment, stdout=file, stderr=file, cwd=settings.BASE_DIR
                )
        if "web" in self.running:
            wait_for(self._answers, START_SECONDS)

    def _line(self, part: str) -> list[str]:
        if part == "web":
            kit = str(settings.BASE_DIR / "deploy" / "gunicorn.conf.py")
            return [sys.executable, "-m", "gunicorn", "-c", kit, "--bind", f"127.0.0.1:{self.port}", "tagsync.wsgi"]
        return command("keeper") if part == "keeper" else command("rqworker", part)

    def _answers(self) -> bool:
        assert self.running["web"].poll() is None, self.log_of("web").read_text()
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/healthz", timeout=2, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    def log_of(self, part: str) -> Path:
        return self.home / f"{part}.log"

    def said(self) -> Iterator[str]:
        for path in sorted(self.home.glob("*.log")):
            yield path.read_text()

    def manage(self, *words: str, may_fail: bool = False, **more: str) -> str:
        """What a command says on its standard output."""
        self.home.mkdir(exist_ok=True)
        # With the short time-outs of a test a busy machine would take a command that hashes a password for frozen.
        env = {**self.environment, "TAGSYNC_CALL_SECONDS": "30", **more}
        done = subprocess.run(command(*words), env=env, capture_output=True, text=True, timeout=300, cwd=self.home)
        assert may_fail or done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @contextmanager
    def browser(self) -> Iterator[Browser]:
        """Of the admin, signed in."""
        headers = {"Referer": f"{self.url}/"}
        with httpx.Client(base_url=self.url, transport=ThroughProxy(), headers=headers, timeout=60) as client:
            yield pages.sign_in(Browser(client), PASSWORD)

    @property
    def works_on_an_import(self) -> bool:
        """A worker forks for whatever it is rung for."""
        return sum("rqworker sends" in line for line in pids_of(self.home).values()) > 1

    # -- what happens to machines

    def kill(self, *parts: str) -> None:
        """As a power cut does; of these parts, or of all."""
        for part in parts or tuple(self.running):
            process = self.running.pop(part)
            process.kill()
            process.wait()
        if not self.running:
            # What a killed process had started: most of it ends by itself.
            self._send(signal.SIGKILL)
            wait_for(lambda: not pids_of(self.home))

    def freeze(self) -> None:
        self._send(signal.SIGSTOP)
        # Who was just being forked was not seen.
        self._send(signal.SIGSTOP)

    def let_go_on(self) -> None:
        self._send(signal.SIGCONT)

    def _send(self, number: signal.Signals) -> None:
        for pid in pids_of(self.home):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def end(self) -> None:
        """Politely; who does not listen is killed."""
        self.let_go_on()
        for process in self.running.values():
            process.terminate()
        for process in self.running.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(20)
        self.kill()


def shared_by_all(folder: Path, redis_url: str) -> dict[str, str]:
    """What stands in the settings file of each machine; the database and the uploads are those of this process."""
    return {
        "TAGSYNC_MODE": "production",
        "SECRET_KEY": "of a test only, and long enough: " + Fernet.generate_key().decode(),
        "TAGSYNC_CREDENTIAL_KEYS": ",".join(settings.TAGSYNC_CREDENTIAL_KEYS),
        "TAGSYNC_ALLOWED_HOSTS": "127.0.0.1",
        "TAGSYNC_BEHIND_PROXY": "1",
        "TAGSYNC_ALLOWED_API_HOSTS": "127.0.0.1",
        "TAGSYNC_UPLOADS": str(settings.MEDIA_ROOT),
        "TAGSYNC_STATIC_ROOT": str(folder / "static"),
        "TAGSYNC_CALL_SECONDS": str(CALL_SECONDS),
        "TAGSYNC_KEEPER_SECONDS": "1",
        "TAGSYNC_HOLD_BACK_SECONDS": "1",
        "WEB_CONCURRENCY": "1",
        "DATABASE_URL": database_url(),
        "REDIS_URL": redis_url,
    }


@contextmanager
def machine(home: Path, shared: dict[str, str]) -> Iterator[Machine]:
    found = Machine(home, shared)
    try:
        yield found
    finally:
        found.end()


def set_up(first: Machine) -> None:
    """Steps 6 and 7 of the first day, on one of the machines."""
    first.manage("migrate", "-v0")
    first.manage("collectstatic", "-v0", "--noinput")
    first.manage("add_person", "admin", "--role", "admin", "--password-env", "WORD", WORD=PASSWORD)


def unforeseen(texts: Iterator[str]) -> list[str]:
    """The last line of each traceback in the logs, which names the exception."""
    last = re.compile(r"^Traceback .*?\n(?=\S)(?!Traceback)(.*?)$", re.MULTILINE | re.DOTALL)
    return [found for text in texts for found in last.findall(text)]
