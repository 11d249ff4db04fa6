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

from tagsync import sheets
from tagsync.imports.stored_files import partial_file, preview_name
from tagsync.sheets import reader
from tagsync.sheets.errors import Unreadable
from tagsync.sheets.reader import PREVIEW_ROWS, Preview
from tagsync.sheets.reading import AS_FOUND, Reading

# Of this process at the same time: each keeps a core busy.
READERS = threading.BoundedSemaphore(len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1)
TURN_SECONDS = 10.0

log = logging.getLogger(__name__)


class NoTurn(Unreadable):
    """Others are being read: it says nothing about the file, which can be read later."""

    def __init__(self) -> None:
        super().__init__("readers_busy")


def preview(
    path: Path,
    sheet: str | None = None,
    reading: Reading = AS_FOUND,
    *,
    max_rows: int = PREVIEW_ROWS,
    whole_cells: bool = False,
) -> Preview:
    """As `reader.preview`, of an upload. What the columns page shows is read once.

    Raises: what that raises; NoTurn when TURN_SECONDS later others are still being read.
    """
    asked = _asked(path, *reading, max_rows, whole_cells)
    if kept := _kept(path, asked, sheet):
        return kept
    with turn(TURN_SECONDS):
        answer = reader.first_answer(path, sheet, reading, max_rows=max_rows, whole_cells=whole_cells)
    seen = reader.seen(answer)
    if not whole_cells:
        _keep(path, [asked, sheet, answer])
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


def _asked(path: Path, *how: Any) -> list[Any]:
    """What the answer depends on, apart from the sheet."""
    known = path.stat()
    return [_code_version(), path.name, known.st_size, known.st_mtime_ns, *how]


@cache
def _code_version() -> str:
    digest = hashlib.sha256(f"{sys.version} {version('xlrd')}".encode())
    for path in sorted(Path(sheets.__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _kept(path: Path, asked: list[Any], sheet: str | None) -> Preview | None:
    """None when there is none, or of something else, or it is damaged: then the upload is read."""
    try:
        was_asked, of_sheet, answer = json.loads(_place(path).read_bytes())
        # Who asked for no sheet was given one, and asks for it by its name from then on.
        is_same = was_asked == asked and sheet in (of_sheet, answer["sheet"])
        return reader.seen(answer) if is_same else None
    except (OSError, LookupError, TypeError, ValueError, RecursionError, Unreadable):
        return None


def _keep(path: Path, seen: list[Any]) -> None:
    place = _place(path)
    try:
        with partial_file(path.parent) as partial:
            text = json.dumps(seen, ensure_ascii=False, separators=(",", ":"))
            partial.write_bytes(text.encode(errors="surrogatepass"))
            partial.replace(place)
        if not path.exists():
            place.unlink(missing_ok=True)  # it was deleted meanwhile
    except OSError as error:
        log.warning("the preview of %s can't be kept: %s", path.name, type(error).__name__)


def _place(path: Path) -> Path:
    return path.with_name(preview_name(path.name))
