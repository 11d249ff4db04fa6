"""The one folder of a local installation: its lock, subfolders, logs, copies of its database. Knows no processes."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import sqlite3
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path


class FolderInUse(Exception):
    """Another `up` holds the folder. `holder` is what it wrote about itself: its process and address."""

    def __init__(self, holder: str) -> None:
        super().__init__(holder)
        self.holder = holder


@contextlib.contextmanager
def lock(home: Path) -> Iterator[int]:
    """Hold the folder for this process; the kernel lets go when it dies. Raises FolderInUse, OSError."""
    handle = os.open(home / "up.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FolderInUse(os.read(handle, 200).decode(errors="replace").strip()) from None
        yield handle
    finally:
        os.close(handle)


def sign(handle: int, text: str) -> None:
    """Tell a second `up` who holds the lock."""
    os.ftruncate(handle, 0)
    os.pwrite(handle, text.encode(), 0)


def prepare(home: Path) -> None:
    """Make the subfolders; leftovers of an `up` that was killed go. Raises OSError."""
    shutil.rmtree(home / "tmp", ignore_errors=True)
    for name in ("logs", "tmp", "sample", "backups", "static"):
        (home / name).mkdir(mode=0o700, exist_ok=True)


def fresh_log(home: Path, name: str) -> Path:
    """An empty log; the one of the last start stays beside it as `.1`."""
    path = home / "logs" / f"{name}.log"
    with contextlib.suppress(FileNotFoundError):
        path.replace(path.with_suffix(".log.1"))
    path.touch(mode=0o600)
    return path


def tail(path: Path, lines: int = 12) -> str:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 8000))
        return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])


def copy_database(database: Path, home: Path, kept: int) -> Path:
    """A complete copy, also while somebody writes (sqlite's own backup); only the newest `kept` copies are."""
    copy = home / "backups" / f"{database.stem}-{datetime.now():%Y%m%d-%H%M%S-%f}.sqlite3"
    for left in copy.parent.glob("*.part"):
        left.unlink()
    unfinished = copy.with_suffix(".part")
    with (
        contextlib.closing(sqlite3.connect(database)) as source,
        contextlib.closing(sqlite3.connect(unfinished)) as target,
    ):
        source.backup(target)
    unfinished.replace(copy)
    for old in sorted(copy.parent.glob(f"{database.stem}-*.sqlite3"))[:-kept]:
        old.unlink()
    return copy
