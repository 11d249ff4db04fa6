"""Files that records name: never without their record for long, whatever breaks in between.

A file is stored first, and what goes wrong before its record stands takes it along. What somebody left who was killed
in between, the keeper deletes; it knows our files by the pattern of their names. Must not know what is in a file.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import stat
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.core.files import File
from django.core.files.storage import Storage
from django.db import Error, connection, models
from django.db.models.fields.files import FieldFile

from tagsync.database import database_now
from tagsync.imports.restores import hold

UPLOAD, PREVIEW, EXPORT, PARTIAL = ".upload", ".preview", ".export", ".partial"
OUR_NAME = re.compile(r"[0-9a-f]{32}(?:\.(?:upload|preview|export)|[0-9a-z_]{8}\.partial)")
# Longer than anything takes from its file to its record.
STRAY_AFTER = timedelta(hours=24)
NAMES_PER_QUERY = 500

log = logging.getLogger(__name__)


# -- stored, or not there


@contextmanager
def storing(file: FieldFile, content: File[Any]) -> Iterator[None]:
    """Store it for a record that is saved inside, a new one in a transaction: it has no number before it is written.

    What goes wrong meanwhile, or inside, leaves no file behind.
    """
    file.name = file.field.generate_filename(file.instance, "")
    try:
        file.storage.save(file.name, content)
        yield
    except BaseException:  # also a shutdown, and Ctrl-C in a command
        _take_back(file)
        raise


def free_bytes(storage: Storage) -> int:
    """On the disk where its files lie."""
    folder = Path(storage.path(""))
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def _take_back(file: FieldFile) -> None:
    name = str(file.name)
    try:
        if not _may_be_named(file):
            delete(file.storage, name)
    except OSError as error:
        log.warning("%s can't be deleted: %s", name, type(error).__name__)


def _may_be_named(file: FieldFile) -> bool:
    """Whether its record may stand although saving it failed: the answer to a commit can be lost."""
    record = file.instance
    if record.pk is None or connection.needs_rollback:
        return False
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()
    try:
        return record.__class__._base_manager.filter(pk=record.pk, **{file.field.attname: file.name}).exists()
    except Error:
        return True  # nobody can say; the keeper asks again


def delete(storage: Storage, name: str) -> None:
    """With its preview. The file first: whoever keeps a preview at this moment looks for the file afterwards."""
    storage.delete(name)
    if name.endswith(UPLOAD):
        storage.delete(preview_name(name))


def preview_name(name: str) -> str:
    return name.removesuffix(UPLOAD) + PREVIEW


def partial_name(folder: Path) -> dict[str, Any]:
    """For `tempfile`, so that the file can be told from others' if it is left behind. The folder is made."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return {"dir": folder, "prefix": uuid.uuid4().hex, "suffix": PARTIAL}


@contextmanager
def partial_file(folder: Path) -> Iterator[Path]:
    """An empty file beside the stored ones, for what is moved or copied when it is whole; gone afterwards."""
    handle, name = tempfile.mkstemp(**partial_name(folder))
    os.close(handle)
    path = Path(name)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


# -- what nobody names


def delete_strays(model: type[models.Model], endings: Mapping[str, str]) -> None:
    """Delete old files of ours of which no record of `model` knows; see `strays`."""
    # After a restore what was stored since has no record any more, and may be all that is left of it.
    if hold.is_on():
        return
    for path in strays(model, endings, STRAY_AFTER):
        _delete_stray(path)


def strays(
    model: type[models.Model], endings: Mapping[str, str], older_than: timedelta = timedelta()
) -> Iterator[Path]:
    """Files of ours of which no record of `model` knows.

    `endings`: of such files → of the names that stand in the records; "" for what no record ever names.
    """
    field: Any = model._meta.get_field("file")
    old = [path for path in _old_files(Path(field.storage.path("")), older_than) if path.suffix in endings]
    for start in range(0, len(old), NAMES_PER_QUERY):
        named_as = {path: path.stem + endings[path.suffix] for path in old[start : start + NAMES_PER_QUERY]}
        found = model._base_manager.filter(file__in=set(named_as.values()))
        named = set(found.values_list("file", flat=True))
        yield from (path for path, name in named_as.items() if name not in named)


def _old_files(folder: Path, older_than: timedelta) -> Iterator[Path]:
    """Those whose names are ours. Files themselves, no links; of a folder that is not there, none."""
    before = (database_now() - older_than).timestamp()
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):
                known = entry.stat(follow_symlinks=False)
                if OUR_NAME.fullmatch(entry.name) and stat.S_ISREG(known.st_mode) and known.st_mtime < before:
                    yield Path(entry.path)


def _delete_stray(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        log.warning("%s can't be deleted: %s", path.name, type(error).__name__)
    else:
        log.warning("%s belonged to no record and was deleted", path.name)
