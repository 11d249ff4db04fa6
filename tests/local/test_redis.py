"""The embedded server: found, reached, started where its path is too long."""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis as client_library

from tagsync.local import redis


@contextmanager
def running(home: Path) -> Iterator[str]:
    server = redis.find_server()
    assert server
    with redis.socket_path(home) as socket:
        process = subprocess.Popen(redis.command(server, socket, home / "redis"), stdout=subprocess.DEVNULL)
        try:
            deadline = time.monotonic() + 10
            while not redis.answers(redis.url_of(socket)) and time.monotonic() < deadline:
                time.sleep(0.02)
            yield redis.url_of(socket)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


@pytest.fixture
def short_path() -> Iterator[Path]:
    # pytest's own folders are longer than a socket's path may be on some systems.
    with tempfile.TemporaryDirectory(prefix="tagsync ü", dir="/tmp") as folder:
        yield Path(folder)


def test_it_keeps_rings_over_a_restart(short_path: Path) -> None:
    with running(short_path) as url, client_library.Redis.from_url(url) as client:
        client.set("rung", "yes")
        assert os.stat(short_path / "redis.sock").st_mode & 0o077 == 0
    with running(short_path) as url, client_library.Redis.from_url(url) as client:
        assert client.get("rung") == b"yes"
    assert not redis.answers(url)


def test_it_forgets_the_workers_of_a_killed_start(short_path: Path) -> None:
    with running(short_path) as url, client_library.Redis.from_url(url) as client:
        for name in ("ours-1", "others-1"):
            client.sadd("rq:workers", f"rq:worker:{name}")
            client.hset(f"rq:worker:{name}", "pid", 1)
        client.sadd("rq:workers:ours-sends", "rq:worker:ours-1")
        client.set("rq:queue:ours-sends", "kept")
        assert redis.has_worker(url, "ours-1")
        redis.forget_workers(url, "ours-")
        assert not redis.has_worker(url, "ours-1")
        assert set(client.keys()) == {b"rq:queue:ours-sends", b"rq:worker:others-1", b"rq:workers"}
        assert client.smembers("rq:workers") == {b"rq:worker:others-1"}


def test_it_moves_the_socket_when_the_path_is_too_long(tmp_path: Path) -> None:
    home = tmp_path / ("long" * 25)
    home.mkdir()
    with redis.socket_path(home) as socket:
        assert len(bytes(socket)) <= redis.MAX_SOCKET_BYTES
        assert os.stat(socket.parent).st_mode & 0o077 == 0
        assert (home / "redis-url").read_text() == redis.url_of(socket)
    assert not socket.parent.exists()
    assert not (home / "redis-url").exists()


def test_it_removes_the_folder_that_a_killed_start_left(tmp_path: Path) -> None:
    home = tmp_path / ("long" * 25)
    home.mkdir()
    left = Path(tempfile.mkdtemp(prefix=redis.TEMPORARY_PREFIX, dir="/tmp"))
    (home / "redis-url").write_text(redis.url_of(left / "redis.sock"))
    with redis.socket_path(home):
        assert not left.exists()


def test_it_forgets_an_old_note_when_the_path_is_short(short_path: Path) -> None:
    (short_path / "redis-url").write_text("unix:///elsewhere/redis.sock")
    with redis.socket_path(short_path) as socket:
        assert socket == short_path / "redis.sock"
        assert not (short_path / "redis-url").exists()


def test_it_falls_back_to_a_server_on_the_path(short_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken, whole = short_path / "valkey-server", short_path / "redis-server"
    broken.write_text("#!/bin/sh\nexit 1\n")
    whole.write_text("#!/bin/sh\nexit 0\n")
    for path in (broken, whole):
        path.chmod(0o700)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(short_path))
    assert redis.find_server() == whole


def test_it_says_when_there_is_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setenv("PATH", "")
    assert redis.find_server() is None
