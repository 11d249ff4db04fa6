"""The reading process: takes one request as a JSON line, answers in JSON lines, and may be killed at any time.

It limits itself before it opens the file. Must not import anything but the standard library and this room.
"""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from tagsync.sheets.errors import Unreadable
from tagsync.sheets.guard import Limits
from tagsync.sheets.reading import Reading
from tagsync.sheets.sources import Source, open_source
from tagsync.sheets.xlsx.values import Wire, WireRow

OUT_OF_MEMORY = 12
ROWS_PER_LINE = 256
# A preview ends when so many rows in a row are blank: sheets are formatted far below their last value.
BLANK_ROWS_PER_PREVIEW = 5_000
SHEETS_PEEKED = 12
PEEKED_CHARACTERS = 200
# A preview is looked at, kept and drawn: neither one cell nor all of them may make it large.
CELL_CHARACTERS = 300
# Where rows are hidden it is said how many; of a sheet that is larger, or takes longer, only that there are. The share
# is of the computing that the whole look may take.
ROWS_COUNTED = 200_000
SHARE_OF_SECONDS = 0.4
PREVIEW_BYTES = 2_000_000


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    request = json.loads(_request_line())
    limits = Limits(**request["limits"])
    _limit(limits)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    answer = _Answer(sys.stdout.buffer, limits.max_inflated_bytes)
    try:
        _serve(request, limits, answer)
    except Unreadable as error:
        answer.send({"error": error.code, "params": error.params})
    except MemoryError:
        os._exit(OUT_OF_MEMORY)  # even a last word might need more than there is
    except BrokenPipeError:
        os._exit(0)
    # Not through the interpreter's end: it would wait for nothing, and stumble over the watching thread.
    os._exit(0)


def _serve(request: dict[str, Any], limits: Limits, answer: "_Answer") -> None:
    sys.path.extend(request["libraries"])
    reading = Reading(*request["reading"])
    with open_source(Path(request["path"]), limits, reading) as source:
        place = source.place(request["sheet"])
        if request["max_rows"] is None:
            source.see_answered(reading)
            _send_rows(source.rows(place), answer)
        else:
            frame: dict[str, Any] = {"sheets": _sheets(source), "unopened": source.unopened}
            frame |= {"sheet": source.sheets[place][0], "questions": source.questions}
            left = PREVIEW_BYTES - len(_as_line(frame))
            characters = None if request["whole_cells"] else CELL_CHARACTERS
            frame["preview"] = _first_rows(source.rows(place), request["max_rows"], left, characters)
            frame["hidden_columns"] = source.hidden_columns(place)
            frame["hidden_rows"] = _hidden_rows(source, place, limits.max_cpu_seconds * SHARE_OF_SECONDS)
            answer.send(frame)


def _sheets(source: Source) -> list[list[Any]]:
    """Name, hidden, first texts, about how many rows; the last two only when there is a choice."""
    if len(source.sheets) == 1:
        return [[*source.sheets[0], "", None]]
    return [[*sheet, *_peek(source, index)] for index, sheet in enumerate(source.sheets)]


def _hidden_rows(source: Source, place: int, seconds: float) -> tuple[int, int, bool]:
    """How many rows with anything in them are hidden and how many are shown, and whether all rows were counted.

    `seconds`: of computing since this process began, after which it counts no more.
    """
    hidden = shown = 0
    try:
        may_hide = source.may_hide_rows(place)
        if not may_hide:
            return 0, 0, may_hide is not None
        for rows in source.rows(place):
            if hidden + shown >= ROWS_COUNTED or time.process_time() > seconds:
                return hidden, shown, False
            for row in (row for row in rows if any(map(_is_visible, row[1:]))):
                is_hidden = isinstance(row[0], int) and row[0] < 0
                hidden, shown = hidden + is_hidden, shown + (not is_hidden)
    except Unreadable:
        return hidden, shown, False  # what is wrong is said when the rows are read
    return hidden, shown, True


def _peek(source: Source, index: int) -> tuple[str, int | None]:
    if index >= SHEETS_PEEKED:
        return "", None
    try:
        first, count = _first_rows(source.rows(index), 1, characters=PEEKED_CHARACTERS), source.count(index)
    except Unreadable:
        return "", None  # what is wrong with it is said when somebody chooses it
    texts = (
        wire if isinstance(wire, str) else str(wire[1] if isinstance(wire, list) else wire)
        for row in first
        for wire in row[1:]
        if wire is not None
    )
    return " · ".join(" ".join(text.split()) for text in texts)[:PEEKED_CHARACTERS], count


def _send_rows(found: Iterator[list[WireRow]], answer: "_Answer") -> None:
    count = 0
    for rows in found:
        count += len(rows)
        for start in range(0, len(rows), ROWS_PER_LINE):
            answer.send(rows[start : start + ROWS_PER_LINE])
    answer.send({"end": count})


def _first_rows(
    found: Iterator[list[WireRow]], max_rows: int, max_bytes: int = PREVIEW_BYTES, characters: int | None = None
) -> list[WireRow]:
    """As many as fit into `max_bytes`, their cells cut where they have more `characters`."""
    first: list[WireRow] = []
    blank = 0
    for row in (row for rows in found for row in rows):
        if len(first) >= max_rows or (first and blank > BLANK_ROWS_PER_PREVIEW):
            break
        if any(map(_is_visible, row[1:])):
            row = row if characters is None else [row[0], *(_shortened(wire, characters) for wire in row[1:])]
            max_bytes -= len(_as_line(row))
            if max_bytes < 0:
                break
            first.append(row)
            blank = 0
        else:
            blank += 1
    return first


def _shortened(wire: Wire, characters: int) -> Wire:
    if isinstance(wire, str):
        return wire if len(wire) <= characters else wire[: characters - 1] + "…"
    return [wire[0], *(str(_shortened(part, characters)) for part in wire[1:])] if isinstance(wire, list) else wire


def _is_visible(wire: Wire) -> bool:
    return wire is not None and not (isinstance(wire, str) and not wire[:CELL_CHARACTERS].strip())


def _as_line(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


class _Answer:
    """Lines to the parent. They are counted too: one long shared string in every cell inflates without a zip."""

    def __init__(self, out: IO[bytes], max_bytes: int) -> None:
        self._out = out
        self._left = self._max_bytes = max_bytes

    def send(self, line: object) -> None:
        data = _as_line(line)
        self._left -= len(data)
        if self._left < 0 and isinstance(line, list):
            raise Unreadable("inflates_too_much", max_bytes=self._max_bytes)
        self._out.write(data)
        self._out.flush()


def _request_line() -> bytes:
    # Unbuffered: the watching thread reads the same descriptor afterwards.
    line = b""
    while not line.endswith(b"\n"):
        more = os.read(0, 1 << 16)
        if not more:
            os._exit(0)
        line += more
    return line


def _end_with_parent() -> None:
    # The parent holds the other end open and writes nothing more: the end of input is the end of the parent.
    while os.read(0, 1):
        pass
    os._exit(0)


def _limit(limits: Limits) -> None:
    try:
        import resource  # not on every platform
    except ImportError:
        return
    seconds = limits.max_cpu_seconds
    for name, value in (("RLIMIT_AS", limits.max_memory_bytes), ("RLIMIT_CPU", seconds), ("RLIMIT_CORE", 0)):
        kind = getattr(resource, name, None)
        if kind is None:
            continue
        hard = resource.getrlimit(kind)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        try:
            resource.setrlimit(kind, (value, hard))
        except (ValueError, OSError):
            # macOS knows RLIMIT_AS and refuses to set it; the time limits and the guard still hold.
            continue
