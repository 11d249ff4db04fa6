"""`manage.py up` as a person runs it: in a folder of its own, on a free port, with real processes."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.conf import settings

from tagsync.local import addresses

pytestmark = [
    pytest.mark.journey,
    pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc"),
]
SECRETS = ("REDIS_URL", "DATABASE_URL", "TAGSYNC_ADMIN_PASSWORD", "TAGSYNC_MODE", "LC_ALL", "LC_MESSAGES")


def free_port() -> int:
    with closing(addresses.listen("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def wait_for(condition: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def environment(home: Path, **more: str) -> dict[str, str]:
    found = {name: value for name, value in os.environ.items() if name not in SECRETS}
    return {**found, "DJANGO_SETTINGS_MODULE": "tagsync.settings", "TAGSYNC_HOME": str(home), "LANG": "C.UTF-8", **more}


def command(*options: str) -> list[str]:
    return [sys.executable, str(settings.BASE_DIR / "manage.py"), "up", "--workers", "1", *options]


@dataclass(frozen=True)
class Up:
    process: subprocess.Popen[bytes]
    home: Path
    port: int
    output: Path

    @property
    def said(self) -> str:
        return self.output.read_text()

    def pids(self) -> dict[int, str]:
        """Every process of this folder but `up` itself: pid → command line."""
        mark, found = f"TAGSYNC_HOME={self.home}\0".encode(), {}
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                # The Redis server writes its title over its environment, but stands in its data folder.
                is_ours = mark in (folder / "environ").read_bytes() or self.home in (folder / "cwd").readlink().parents
                line = (folder / "cmdline").read_text().replace("\0", " ")
                if is_ours and line and int(folder.name) != self.process.pid:
                    found[int(folder.name)] = line
        return found

    def pid_of(self, part: str) -> int | None:
        return next((pid for pid, line in sorted(self.pids().items()) if part in line), None)


@contextmanager
def up(home: Path, **more: str) -> Iterator[Up]:
    port, output = free_port(), home.with_name(f"{home.name}.out")
    with output.open("wb") as file:
        process = subprocess.Popen(
            command("--port", str(port)), env=environment(home, **more), stdout=file, stderr=file, cwd=home.parent
        )
    running = Up(process, home, port, output)
    try:
        wait_for(lambda: "Ctrl-C" in running.said or process.poll() is not None, 90)
        assert process.poll() is None, running.said
        yield running
    finally:
        process.terminate()
        process.wait(20)


def status(port: int, path: str) -> int:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as caller:
        caller.request("GET", path)
        return caller.getresponse().status


def refusal(home: Path, port: int) -> str:
    """The one line with which `up` refuses."""
    done = subprocess.run(command("--port", str(port)), env=environment(home), capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    return done.stderr


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    with up(tmp_path_factory.mktemp("up") / "home") as started:
        yield started


def test_it_answers_and_says_what_one_needs_to_know(running: Up) -> None:
    assert status(running.port, "/healthz") == 200
    assert f"http://127.0.0.1:{running.port}/" in running.said
    assert "sign in as: admin" in running.said
    assert re.search(r"password: +([a-z2-9]{4}-){3}[a-z2-9]{4} ", running.said)
    sample = running.home / "sample" / "示例-会员标签.xlsx"
    assert str(sample) in running.said
    assert sample.exists()


def test_it_runs_every_part(running: Up) -> None:
    lines = "\n".join(running.pids().values())
    for part in (
        "valkey-server",
        "gunicorn",
        "rqworker checks",
        "rqworker sends",
        "manage.py keeper",
        "manage.py sandbox",
    ):
        assert part in lines


def test_it_writes_only_into_its_folder(running: Up) -> None:
    assert sorted(path.name for path in running.home.parent.iterdir()) == ["home", "home.out"]
    assert all(path.lstat().st_mode & 0o077 == 0 for path in running.home.iterdir())


def test_it_refuses_a_second_start_in_the_same_folder(running: Up) -> None:
    line = refusal(running.home, free_port())
    assert f"already running in {running.home}" in line
    assert str(running.process.pid) in line


def test_it_refuses_a_taken_port(running: Up, tmp_path: Path) -> None:
    line = refusal(tmp_path / "other", running.port)
    assert f"port {running.port} cannot be used" in line


def test_it_refuses_a_port_that_does_not_exist(tmp_path: Path) -> None:
    assert "--port must be" in refusal(tmp_path / "home", 99999)


def test_it_refuses_a_folder_that_it_cannot_write_to(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    line = refusal(tmp_path / "file" / "home", free_port())
    assert f"{tmp_path}/file/home cannot be used" in line


@pytest.mark.parametrize(
    ("part", "name"), [("rqworker sends", "worker-sends-1"), ("gunicorn", "web"), ("valkey-server", "redis")]
)
def test_it_starts_a_killed_part_again_and_says_so(running: Up, part: str, name: str) -> None:
    before = running.pid_of(part)
    assert before
    os.kill(before, signal.SIGKILL)
    wait_for(lambda: (running.pid_of(part) or before) != before)
    wait_for(lambda: f"{name} ended unexpectedly (SIGKILL)" in running.said)
    # Callers wait meanwhile: the socket stays open.
    assert status(running.port, "/healthz") == 200


def test_it_ends_within_five_seconds_and_nothing_outlives_it(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with up(home, TAGSYNC_ADMIN_PASSWORD="chosen by a person") as first:
        assert "password:" not in first.said
        sandbox_port = (home / "sandbox-port").read_text()
        # A request without an end, and a visitor who stays.
        with closing(socket.create_connection(("127.0.0.1", first.port))) as visitor:
            visitor.sendall(b"POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n")
            asked = time.monotonic()
            first.process.send_signal(signal.SIGINT)
            assert first.process.wait(10) == 0
            assert time.monotonic() - asked < 5
        assert first.pids() == {}
    with up(home) as second:
        assert "password:" not in second.said
        assert (home / "sandbox-port").read_text() == sandbox_port
        second.process.kill()
        second.process.wait(10)
        wait_for(lambda: second.pids() == {}, 5)
