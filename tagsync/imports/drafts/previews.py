"""The beginning of a sheet, read once: what was seen of it lies beside the upload, and goes with it.

It holds what customers' cells hold, and is stored as the upload is. Must not know what columns mean.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from django.db.models.fields.files import FieldFile

from tagsync import sheets
from tagsync.imports import stored_files
from tagsync.imports.local_files import NotNow, local_file, partial_file
from tagsync.imports.stored_files import preview_name
from tagsync.sheets import reader
from tagsync.sheets.errors import Unreadable
from tagsync.sheets.reader import PREVIEW_ROWS, Preview
from tagsync.sheets.reading import AS_FOUND, Reading

# Of this process at the same time: each keeps a core busy.
READERS = threading.BoundedSemaphore(len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1)
TURN_SECONDS = 10.0

log = logging.getLogger(__name__)


class NoTurn(NotNow):
    """Others are being read."""

    def __init__(self) -> None:
        super().__init__("readers_busy")


def preview(
    file: FieldFile,
    sheet: str | None = None,
    reading: Reading = AS_FOUND,
    *,
    max_rows: int = PREVIEW_ROWS,
    whole_cells: bool = False,
) -> Preview:
    """As `reader.preview`, of an upload. What the columns page shows is read once, and an upload fetched only for that.

    Raises: Unreadable, as the reader and `local_file` do; NoTurn when TURN_SECONDS later others are still being read.
    """
    asked = [_code_version(), *stored_files.version(file), *reading, max_rows, whole_cells]
    if not whole_cells and (kept := _kept(file, asked, sheet)):
        return kept
    with turn(TURN_SECONDS), local_file(file) as path:
        answer = reader.first_answer(path, sheet, reading, max_rows=max_rows, whole_cells=whole_cells)
    seen = reader.seen(answer)
    if not whole_cells:
        _keep(file, [asked, sheet, answer])
    return seen


@contextmanager
def turn(wait_seconds: float) -> Iterator[None]:
    """Of whoever reads a file while somebody waits. Raises NoTurn."""
    if not READERS.acquire(timeout=wait_seconds):
        raise NoTurn
    try:
        yield
    finally:
        READERS.release()


@cache
def _code_version() -> str:
    digest = hashlib.sha256(f"{sys.version} {version('xlrd')}".encode())
    for path in sorted(Path(sheets.__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _kept(file: FieldFile, asked: list[Any], sheet: str | None) -> Preview | None:
    """None when there is none, or of something else, or it is damaged: then the upload is read. `asked`: what the
    answer depends on, apart from the sheet."""
    try:
        with file.storage.open(preview_name(str(file.name))) as kept:
            was_asked, of_sheet, answer = json.loads(kept.read())
        # Who asked for no sheet was given one, and asks for it by its name from then on.
        is_same = was_asked == asked and sheet in (of_sheet, answer["sheet"])
        return reader.seen(answer) if is_same else None
    except (OSError, LookupError, TypeError, ValueError, RecursionError, Unreadable):
        return None


def _keep(file: FieldFile, seen: list[Any]) -> None:
    name = str(file.name)
    try:
        with partial_file(file.storage) as partial:
            text = json.dumps(seen, ensure_ascii=False, separators=(",", ":"))
            partial.write_bytes(text.encode(errors="surrogatepass"))
            stored_files.replace(file.storage, preview_name(name), partial)
        if not file.storage.exists(name):
            file.storage.delete(preview_name(name))  # it was deleted meanwhile
    except OSError as error:
        log.warning("the preview of %s can't be kept: %s", name, type(error).__name__)
