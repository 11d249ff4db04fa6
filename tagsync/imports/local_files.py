"""Stored files as files of this machine: who reads a sheet wants a path, and not every storage has one.

A storage that is a folder gives its own, and nothing is copied. Of any other a private copy is made and removed again,
whatever happens. What somebody left who was killed is deleted a day later, by the keeper or by whoever makes the next
one on that machine. Must not know what is in a file.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import stat
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files import File
from django.core.files.storage import Storage
from django.db.models.fields.files import FieldFile

from tagsync.database import database_now, has_no_room
from tagsync.sheets.errors import Unreadable

PARTIAL = ".partial"
PARTIAL_NAME = re.compile(r"[0-9a-f]{32}[0-9a-z_]{8}\.partial")
# Longer than anything is written, or read.
LEFT_AFTER = timedelta(hours=24)
FETCHED_BYTES = 8 * 1024 * 1024

log = logging.getLogger(__name__)


class NotNow(Unreadable):
    """It says nothing about the file, which can be read later."""


class Written(File):  # type: ignore[type-arg]  # generic for type checkers alone
    """A file that is whole, by its path: a folder takes it as it is, any other storage copies it."""

    def temporary_file_path(self) -> str:
        return str(self.name)


# -- read


@contextmanager
def local_file(file: FieldFile, meanwhile: Callable[[], object] = lambda: None) -> Iterator[Path]:
    """Where it can be read while the block lasts. `meanwhile` is called after each FETCHED_BYTES, and may raise.

    Raises: Unreadable (`file_gone`), also out of the block where its file is not there; NotNow.
    """
    with ExitStack() as stack:
        with storage_asked(file):
            path = stack.enter_context(_local(file, meanwhile))
        try:
            yield path
        except FileNotFoundError:
            if path.exists():
                raise
            raise Unreadable("file_gone") from None


@contextmanager
def at_hand(file: FieldFile, content: File[Any]) -> Iterator[None]:
    """In the block nothing is fetched of `file`: it was just stored from `content`, which is still open."""
    before = _at_hand.set((str(file.name), content))
    try:
        yield
    finally:
        _at_hand.reset(before)


_at_hand: ContextVar[tuple[str, File[Any]] | None] = ContextVar("at_hand", default=None)


@contextmanager
def storage_asked(file: FieldFile) -> Iterator[None]:
    """What the storage refuses is said in the words of a file. Raises: Unreadable (`file_gone`); NotNow."""
    try:
        yield
    except FileNotFoundError:
        raise Unreadable("file_gone") from None
    except OSError as error:
        if has_no_room(error):
            raise
        log.warning("%s: the storage cannot be used: %s", file.name, type(error).__name__)
        raise NotNow("storage_unreachable") from error


@contextmanager
def _local(file: FieldFile, meanwhile: Callable[[], object]) -> Iterator[Path]:
    content = _content_at_hand(file)
    if folder_of(file.storage) is not None:
        yield Path(file.path)
    elif content is not None and hasattr(content, "temporary_file_path"):
        yield Path(content.temporary_file_path())
    else:
        with partial_file(file.storage) as path:
            with path.open("wb") as copy:
                for chunk in content.chunks(FETCHED_BYTES) if content is not None else _fetched(file):
                    copy.write(chunk)
                    meanwhile()
            yield path


def _fetched(file: FieldFile) -> Iterator[bytes]:
    with file.storage.open(str(file.name)) as stored:
        yield from stored.chunks(FETCHED_BYTES)


def _content_at_hand(file: FieldFile) -> File[Any] | None:
    name, content = _at_hand.get() or ("", None)
    return content if name == file.name else None


# -- written


def folder_of(storage: Storage) -> Path | None:
    """Where its files lie; None when they have no paths."""
    try:
        return Path(storage.path(""))
    except NotImplementedError:
        return None


def partial_folder(storage: Storage) -> Path:
    """Where a file lies until it is stored: in a folder beside the others, else in one of this installation."""
    return folder_of(storage) or Path(settings.TAGSYNC_HOME) / "partial"


def free_bytes(storage: Storage) -> int:
    """On the disk where an upload lies first, and stays if the storage is a folder."""
    folder = partial_folder(storage)
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def partial_name(storage: Storage) -> dict[str, Any]:
    """For `tempfile`, so that the file can be told from others' if it is left behind. Its folder is made."""
    folder = partial_folder(storage)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder_of(storage) is None:
        delete_left(storage)  # there may be no keeper on this machine
    return {"dir": folder, "prefix": uuid.uuid4().hex, "suffix": PARTIAL}


@contextmanager
def partial_file(storage: Storage) -> Iterator[Path]:
    """An empty file for our eyes alone, for what is stored when it is whole, or only read; gone afterwards."""
    handle, name = tempfile.mkstemp(**partial_name(storage))
    os.close(handle)
    path = Path(name)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def delete_left(storage: Storage) -> None:
    """Partial files of whoever was killed. Files themselves, no links; where there is no folder, none."""
    before = (database_now() - LEFT_AFTER).timestamp()
    with suppress(FileNotFoundError), os.scandir(partial_folder(storage)) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):
                known = entry.stat(follow_symlinks=False)
                if PARTIAL_NAME.fullmatch(entry.name) and stat.S_ISREG(known.st_mode) and known.st_mtime < before:
                    _delete_left(Path(entry.path))


def _delete_left(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        log.warning("%s can't be deleted: %s", path.name, type(error).__name__)
    else:
        log.warning("%s was left by a process that is gone, and was deleted", path.name)
