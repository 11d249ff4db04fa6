"""Files that records name: never without their record for long, whatever breaks in between.

A file is stored first, and what goes wrong before its record stands takes it along. What somebody left who was killed
in between, the keeper deletes; it knows our files by the pattern of their names. Asks nothing of a storage but what
every kind of it can do: no path. Must not know what is in a file.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path, PurePath
from typing import Any, NamedTuple

from django.core.files import File
from django.core.files.storage import Storage
from django.db import Error, connection, models
from django.db.models.fields.files import FieldFile

from tagsync.database import database_now
from tagsync.imports.local_files import Written, at_hand, storage_asked
from tagsync.imports.restores import hold

UPLOAD, PREVIEW, EXPORT = ".upload", ".preview", ".export"
OUR_NAME = re.compile(r"[0-9a-f]{32}\.(?:upload|preview|export)")
# Longer than anything takes from its file to its record.
STRAY_AFTER = timedelta(hours=24)
NAMES_PER_QUERY = 500

log = logging.getLogger(__name__)


# -- stored, or not there


@contextmanager
def storing(file: FieldFile, content: File[Any]) -> Iterator[None]:
    """Store it for a record that is saved inside, a new one in a transaction: it has no number before it is written.

    What goes wrong meanwhile, or inside, leaves no file behind. Raises: NotNow when the storage does not take it.
    """
    file.name = file.field.generate_filename(file.instance, "")
    try:
        with storage_asked(file):
            file.storage.save(file.name, content)
        with at_hand(file, content):
            yield
    except BaseException:  # also a shutdown, and Ctrl-C in a command
        _take_back(file)
        raise


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


def replace(storage: Storage, name: str, path: Path) -> None:
    """Store the file at `path`, which is ours, under this name instead of what is there; that is gone for a moment."""
    storage.delete(name)
    with path.open("rb") as opened:
        stored_as = storage.save(name, Written(opened, str(path)))
    if stored_as != name:  # somebody else was quicker
        storage.delete(stored_as)


def version(file: FieldFile) -> tuple[str, int, str]:
    """What changes when another file lies there. Raises: Unreadable (`file_gone`), NotNow."""
    name = str(file.name)
    with storage_asked(file):
        return name, file.storage.size(name), file.storage.get_modified_time(name).isoformat()


def delete(storage: Storage, name: str) -> None:
    """With its preview. The file first: whoever keeps a preview at this moment looks for the file afterwards."""
    storage.delete(name)
    if name.endswith(UPLOAD):
        storage.delete(preview_name(name))


def preview_name(name: str) -> str:
    return name.removesuffix(UPLOAD) + PREVIEW


# -- what nobody names


class Stray(NamedTuple):
    name: str
    stored_at: datetime


def delete_strays(model: type[models.Model], endings: Mapping[str, str]) -> None:
    """Delete old files of ours of which no record of `model` knows; see `strays`."""
    # After a restore what was stored since has no record any more, and may be all that is left of it.
    if hold.is_on():
        return
    storage, before = storage_of(model), database_now() - STRAY_AFTER
    try:
        for stray in strays(model, endings):
            if stray.stored_at < before:
                _delete_stray(storage, stray.name)
    except OSError as error:
        log.warning("stray files were not looked for: %s", type(error).__name__)


def strays(model: type[models.Model], endings: Mapping[str, str]) -> Iterator[Stray]:
    """Files of ours of which no record of `model` knows, of whatever age: one may be about to be written.

    `endings`: of such files → of the names that stand in the records. Raises: OSError.
    """
    storage = storage_of(model)
    names = [name for name in _our_names(storage) if PurePath(name).suffix in endings]
    for start in range(0, len(names), NAMES_PER_QUERY):
        some = map(PurePath, names[start : start + NAMES_PER_QUERY])
        named_as = {path.name: path.stem + endings[path.suffix] for path in some}
        found = model._base_manager.filter(file__in=set(named_as.values()))
        named = set(found.values_list("file", flat=True))
        # The age is a request of its own for each: only of those few is it asked.
        for name in (name for name, record_says in named_as.items() if record_says not in named):
            with suppress(FileNotFoundError):
                yield Stray(name, storage.get_modified_time(name))


def storage_of(model: type[models.Model]) -> Storage:
    field: Any = model._meta.get_field("file")
    storage: Storage = field.storage
    return storage


def _our_names(storage: Storage) -> list[str]:
    """Of its files, not of what lies further down."""
    try:
        _folders, names = storage.listdir("")
    except FileNotFoundError:
        return []
    return [name for name in names if OUR_NAME.fullmatch(name)]


def _delete_stray(storage: Storage, name: str) -> None:
    try:
        storage.delete(name)
    except OSError as error:
        log.warning("%s can't be deleted: %s", name, type(error).__name__)
    else:
        log.warning("%s belonged to no record and was deleted", name)
