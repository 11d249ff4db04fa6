"""`manage.py up` as a person runs it: in a folder of its own, on a free port, with real processes."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.installation import Up, command, environment, free_port, up, wait_for

pytestmark = [
    pytest.mark.journey,
    pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc"),
]


def status(port: int, path: str) -> int:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as caller:
        caller.request("GET", path)
        return caller.getresponse().status


def refusal(home: Path, port: int) -> str:
    """The one line with which `up` refuses."""
    done = subprocess.run(command("up", "--port", str(port)), env=environment(home), capture_output=True, text=True)
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
        "tagsync.local.web",
        "rqworker checks",
        "rqworker exports",
        "rqworker sends",
        "tagsync keeper",
        "tagsync sandbox",
    ):
        assert part in lines


def test_it_writes_only_into_its_folder(running: Up) -> None:
    assert sorted(path.name for path in running.home.parent.iterdir()) == ["home", "home.out"]
    assert all(path.lstat().st_mode & 0o077 == 0 for path in running.home.iterdir())


@pytest.mark.slow
def test_it_refuses_a_second_start_in_the_same_folder(running: Up) -> None:
    line = refusal(running.home, free_port())
    assert f"already running in {running.home}" in line
    assert str(running.process.pid) in line


def test_it_refuses_a_taken_port(running: Up, tmp_path: Path) -> None:
    line = refusal(tmp_path / "other", running.port)
    assert f"port {running.port} cannot be used" in line


@pytest.mark.slow
def test_it_refuses_a_port_that_does_not_exist(tmp_path: Path) -> None:
    assert "--port must be" in refusal(tmp_path / "home", 99999)


def test_it_refuses_a_folder_that_it_cannot_write_to(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    line = refusal(tmp_path / "file" / "home", free_port())
    assert f"{tmp_path}/file/home cannot be used" in line


@pytest.mark.slow
@pytest.mark.parametrize(
    ("part", "name"), [("rqworker sends", "worker-sends-1"), ("tagsync.local.web", "web"), ("valkey-server", "redis")]
)
def test_it_starts_a_killed_part_again_and_says_so(running: Up, part: str, name: str) -> None:
    before = running.pid_of(part)
    assert before
    os.kill(before, signal.SIGKILL)
    wait_for(lambda: (running.pid_of(part) or before) != before)
    wait_for(lambda: f"{name} ended unexpectedly (SIGKILL)" in running.said)
    # Callers wait meanwhile: the socket stays open.
    assert status(running.port, "/healthz") == 200


@pytest.mark.slow
def test_it_ends_without_waiting_for_visitors_and_nothing_outlives_it(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with up(home, TAGSYNC_ADMIN_PASSWORD="chosen by a person") as first:
        assert "password:" not in first.said
        sandbox_port = (home / "sandbox-port").read_text()
        # A request without an end, and a visitor who stays.
        with closing(socket.create_connection(("127.0.0.1", first.port))) as visitor:
            visitor.sendall(b"POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n")
            asked = time.monotonic()
            first.process.send_signal(signal.SIGINT)
            assert first.process.wait(60) == 0
            assert time.monotonic() - asked < 15  # after which such a body is given up anyway
        assert first.pids() == {}
    with up(home) as second:
        assert "password:" not in second.said
        assert (home / "sandbox-port").read_text() == sandbox_port
        second.process.kill()
        second.process.wait(60)
        wait_for(lambda: second.pids() == {})
