"""Sheets and rows of a workbook, read by a limited child process: whatever a file does to its reader, it does there.

Must not know: XML, zip, and what a column means.
"""

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import tagsync
from tagsync.sheets import child
from tagsync.sheets.cells import Cell, Kind, Row
from tagsync.sheets.errors import CODES, Unreadable
from tagsync.sheets.guard import DEFAULT_LIMITS, Form, Limits, recognise
from tagsync.sheets.names import on_one_line
from tagsync.sheets.reading import AS_FOUND, Question, Reading
from tagsync.sheets.xlsx.values import unwire

# -S, -P: neither installed packages nor the working folder have a say in that process. Our own package may lie among
# the installed ones: it is found there by its path, and nothing else is.
BEGIN = "import sys; sys.path.append(sys.argv[1]); import tagsync; sys.path.pop(); from tagsync.sheets import child"
ROOT = str(Path(tagsync.__file__).resolve().parent.parent)
COMMAND = [sys.executable, "-S", "-P", "-c", f"{BEGIN}; child.main()", ROOT]
# All it gets to see of our environment, which holds secrets.
ENVIRONMENT = ("LD_LIBRARY_PATH", "PYTHONDONTWRITEBYTECODE")
# How an answer of another shape than agreed makes itself felt.
NONSENSE = (LookupError, TypeError, ValueError)
READ_BYTES = 1 << 20
LONGEST_LINE = 1 << 27
ENDING_SECONDS = 5.0
PARAM_CHARACTERS = 200
PREVIEW_ROWS = 200
PREVIEW_CPU_SECONDS = 10


class SheetInfo(NamedTuple):
    """`first`: the texts of the first row, `rows`: about how many; both only when there are several sheets."""

    name: str
    hidden: bool
    first: str = ""
    rows: int | None = None


class HiddenCount(NamedTuple):
    """Rows with anything in them, by whether a person sees them; `whole`: whether all rows have been counted."""

    hidden: int
    shown: int
    whole: bool = True


NONE_HIDDEN = HiddenCount(0, 0)


@dataclass(frozen=True)
class Preview:
    """`rows`: the first rows with anything in them. `unopened`: codes of parts that are in the file and stay shut,
    out of "macros", "external_links", "embeddings", "controls". `questions`: what only a person can say, whether it
    has been said or not. `hidden_columns`: positions. `hidden_rows`: of the whole sheet."""

    sheets: tuple[SheetInfo, ...]
    sheet: str
    rows: tuple[Row, ...]
    unopened: tuple[str, ...] = ()
    questions: tuple[Question, ...] = ()
    hidden_columns: tuple[int, ...] = ()
    hidden_rows: HiddenCount = NONE_HIDDEN


def preview(
    path: Path,
    sheet: str | None = None,
    reading: Reading = AS_FOUND,
    *,
    max_rows: int = PREVIEW_ROWS,
    whole_cells: bool = False,
    limits: Limits = DEFAULT_LIMITS,
) -> Preview:
    """The sheets, and the beginning of one: the named, or the first that is not hidden.

    At most `child.PREVIEW_BYTES` of rows; cells are cut at `child.CELL_CHARACTERS`, with "…" in the last place, unless
    they are wanted whole. Somebody waits for it: it takes at most PREVIEW_CPU_SECONDS of computing.
    Raises: Unreadable; OSError when there is no such file.
    """
    return seen(first_answer(path, sheet, reading, max_rows=max_rows, whole_cells=whole_cells, limits=limits))


def first_answer(
    path: Path,
    sheet: str | None,
    reading: Reading,
    *,
    max_rows: int,
    whole_cells: bool,
    limits: Limits = DEFAULT_LIMITS,
) -> Any:
    """What `seen` makes a preview of, as JSON has it, for whoever keeps it."""
    limits = replace(limits, max_cpu_seconds=min(limits.max_cpu_seconds, PREVIEW_CPU_SECONDS))
    with closing(_answers(path, sheet, reading, max_rows, limits, whole_cells)) as answers:
        return next(answers, None)


def seen(answer: Any) -> Preview:
    """Raises: Unreadable when it is no such answer."""
    try:
        return Preview(
            tuple(SheetInfo(*sheet) for sheet in answer["sheets"]),
            answer["sheet"],
            tuple(map(_row, answer["preview"])),
            tuple(answer["unopened"]),
            tuple(Question(code, tuple(said), facts, found) for code, said, facts, found in answer["questions"]),
            tuple(answer["hidden_columns"]),
            HiddenCount(*answer["hidden_rows"]),
        )
    except NONSENSE as error:
        raise Unreadable("reader_failed") from error


def rows(
    path: Path, sheet: str, reading: Reading = AS_FOUND, *, limits: Limits = DEFAULT_LIMITS
) -> Generator[Row, None, None]:
    """Every row that is in the file, in order; one that is there and blank has no cells.

    A generator: it starts with the first row asked for, and closing it ends the child process.
    Raises: Unreadable, at the first row or at any later one; OSError when there is no such file.
    """
    count = 0
    with closing(_answers(path, sheet, reading, None, limits)) as answers:
        for answer in answers:
            if isinstance(answer, list):
                count += len(answer)
                yield from _rows(answer)
            elif answer == {"end": count}:
                return
            else:
                break
    raise Unreadable("reader_failed")


def _rows(answer: list[Any]) -> list[Row]:
    try:
        return [_row(wire) for wire in answer]
    except NONSENSE as error:
        raise Unreadable("reader_failed") from error


def _row(
    wire: list[Any], text: Kind = Kind.TEXT, number: Kind = Kind.NUMBER, cell: Any = Cell, new: Any = tuple.__new__
) -> Row:
    # The hot loop of the parent, hence the local names: tuple.__new__ is half the price of Cell(...).
    cells = {
        column: new(cell, (text, value))
        if type(value) is str
        else new(cell, (number, str(value)))
        if type(value) is int
        else unwire(value)
        for column, value in enumerate(wire[1:])
        if value is not None
    }
    row_number = wire[0]
    return Row(row_number, cells) if row_number > 0 else Row(-row_number, cells, hidden=True)


def _answers(
    path: Path, sheet: str | None, reading: Reading, max_rows: int | None, limits: Limits, whole_cells: bool = True
) -> Generator[Any, None, None]:
    form = recognise(path, limits)
    request: dict[str, Any] = {"path": str(path.resolve()), "sheet": sheet, "reading": reading, "max_rows": max_rows}
    request |= {"whole_cells": whole_cells, "limits": asdict(limits)}
    process = _start({**request, "libraries": _libraries() if form is Form.BIFF else []})
    owner = os.getpid()
    try:
        for line in _lines(process, limits.max_wait_seconds):
            answer = _decode(line)
            if isinstance(answer, dict) and "error" in answer:
                raise _reported(answer)
            yield answer
        raise _ended(process, limits)
    finally:
        # A process forked meanwhile has a copy of this generator, but not the right to end its child.
        if os.getpid() == owner:
            _end(process)


def _libraries() -> list[str]:
    """Where xlrd is installed."""
    found = find_spec("xlrd")
    assert found is not None and found.origin is not None
    return [str(Path(found.origin).parent.parent)]


def _start(request: dict[str, Any]) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        COMMAND,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # a traceback could hold a customer's number
        env={name: os.environ[name] for name in ENVIRONMENT if name in os.environ},
        bufsize=0,
    )
    assert process.stdin is not None
    with suppress(BrokenPipeError):  # it is dead already: reading its output says so
        process.stdin.write(json.dumps(request).encode() + b"\n")
    return process


def _lines(process: subprocess.Popen[bytes], seconds: float) -> Generator[bytes, None, None]:
    """Lines of output. `seconds` is for all the waiting together. Raises: Unreadable when they are over."""
    assert process.stdout is not None
    descriptor = process.stdout.fileno()
    poll = select.poll()
    poll.register(descriptor, select.POLLIN | select.POLLHUP)
    left = seconds
    parts: list[bytes] = []
    length = 0
    while True:
        began = time.monotonic()
        ready = poll.poll(max(0.0, left) * 1000)
        left -= time.monotonic() - began
        if not ready:
            raise Unreadable("took_too_long", seconds=round(seconds))
        data = os.read(descriptor, READ_BYTES)
        if not data:
            return
        *lines, rest = data.split(b"\n")
        if lines:
            yield b"".join((*parts, lines[0]))
            yield from lines[1:]
            parts, length = [], 0
        parts.append(rest)
        length += len(rest)
        if length > LONGEST_LINE:
            raise Unreadable("out_of_memory", max_bytes=LONGEST_LINE)


def _decode(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError as error:
        raise Unreadable("reader_failed") from error


def _reported(answer: dict[str, Any]) -> Unreadable:
    code, params = answer["error"], answer.get("params", {})
    if code not in CODES:
        return Unreadable("reader_failed")
    # Names of parts and sheets come from the file, and the parameters are kept.
    short = {
        name: on_one_line(text)[:PARAM_CHARACTERS] if isinstance(text, str) else text for name, text in params.items()
    }
    return Unreadable(code, **short)


def _ended(process: subprocess.Popen[bytes], limits: Limits) -> Unreadable:
    """Why the child closed its output without a last word."""
    try:
        status = process.wait(ENDING_SECONDS)
    except subprocess.TimeoutExpired:
        return Unreadable("reader_failed")
    if status == -signal.SIGXCPU:
        return Unreadable("took_too_long", seconds=limits.max_cpu_seconds)
    if status == child.OUT_OF_MEMORY:
        return Unreadable("out_of_memory", max_bytes=limits.max_memory_bytes)
    if status < 0:
        return Unreadable("reader_killed", signal=-status)
    return Unreadable("reader_failed")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()
