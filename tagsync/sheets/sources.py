"""A file of any form that we read, as sheets and their rows. The one place that knows which forms there are."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tagsync.sheets.biff import BiffFile
from tagsync.sheets.delimited import SHEET_NAME, TextFile
from tagsync.sheets.errors import Unreadable
from tagsync.sheets.guard import Form, Limits, recognise
from tagsync.sheets.names import distinct_names
from tagsync.sheets.reading import AS_FOUND, Question, Reading
from tagsync.sheets.xlsx.hidden import hidden_columns, may_hide_rows
from tagsync.sheets.xlsx.package import Package
from tagsync.sheets.xlsx.scan import Shared, scan
from tagsync.sheets.xlsx.strings import SharedStrings
from tagsync.sheets.xlsx.values import WireRow
from tagsync.sheets.xlsx.workbook import number_styles, open_workbook

# Larger sheets are not inflated only to be counted.
COUNTED_BYTES = 32 << 20
ROW_MARK = re.compile(rb"<(?:\w+:)?row[ />]")

Rows = Iterator[list[WireRow]]


@dataclass(frozen=True)
class Source:
    """`sheets`: (name, hidden), names as `distinct_names` makes them; `written`: the names as the file has them.
    `rows`: those of the sheet with that position; `count`: about how many, None when that cannot be told cheaply.
    `may_hide_rows`: False when none of its rows is hidden, None when that is not known. The others as in
    `reader.Preview`."""

    sheets: Sequence[tuple[str, bool]]
    written: Sequence[str]
    rows: Callable[[int], Rows]
    unopened: tuple[str, ...] = ()
    count: Callable[[int], int | None] = lambda _index: None
    questions: tuple[Question, ...] = ()
    hidden_columns: Callable[[int], list[int]] = lambda _index: []
    may_hide_rows: Callable[[int], bool | None] = lambda _index: False

    def see_answered(self, reading: Reading) -> None:
        """Raises: Unreadable while something is open that decides what the rows are."""
        for question in self.questions:
            if not question.found and not getattr(reading, question.code):
                raise Unreadable(f"{question.code}_undecided")

    def place(self, name: str | None) -> int:
        """Of the sheet of that name; for None the first that is not hidden, or the first. Raises: Unreadable."""
        if not self.sheets:
            raise Unreadable("no_sheet")
        if name is None:
            return next((index for index, (_, hidden) in enumerate(self.sheets) if not hidden), 0)
        names = [other for other, _ in self.sheets]
        if name in names:
            return names.index(name)
        # Typed on a command line as it stands in the file. Two sheets may be written alike: then it is neither.
        if self.written.count(name) == 1:
            return self.written.index(name)
        raise Unreadable("sheet_missing", sheet=name)


@contextmanager
def open_source(path: Path, limits: Limits, reading: Reading = AS_FOUND) -> Iterator[Source]:
    """Raises: Unreadable."""
    match recognise(path, limits):
        case Form.PACKAGE:
            with Package(path, limits) as package:
                yield _of_package(package)
        case Form.BIFF:
            book = BiffFile(path, limits)
            hides = {"hidden_columns": book.hidden_columns, "may_hide_rows": book.may_hide_rows}
            yield _source(book.sheets, limits, book.rows, unopened=book.unopened, count=book.count, **hides)
        case Form.TEXT:
            text = TextFile(path, limits, reading)
            yield _source([(SHEET_NAME, False)], limits, lambda _index: text.rows(), questions=text.questions)


def _source(sheets: Sequence[tuple[str, bool]], limits: Limits, rows: Callable[[int], Rows], **more: Any) -> Source:
    if len(sheets) > limits.max_members:
        raise Unreadable("too_many_members", max_members=limits.max_members)
    written = [name for name, _ in sheets]
    hidden = [hidden for _, hidden in sheets]
    return Source(list(zip(distinct_names(written), hidden, strict=True)), written, rows, **more)


def _of_package(package: Package) -> Source:
    workbook = open_workbook(package)

    @cache
    def shared() -> Shared:
        strings = SharedStrings(package, workbook.strings_part)
        styles = number_styles(package, workbook.styles_part)
        return Shared(strings, styles, workbook.starts_1904, workbook.recalculates)

    def rows(index: int) -> Rows:
        return scan(package, workbook.sheets[index].part, shared())

    def count(index: int) -> int | None:
        part = workbook.sheets[index].part
        if package.declared_bytes(part) > COUNTED_BYTES:
            return None
        # A mark cut in two by the end of a piece is missed, so it is about so many.
        return sum(len(ROW_MARK.findall(chunk)) for chunk in package.chunks(part))

    hides: dict[str, Any] = {
        "hidden_columns": lambda index: hidden_columns(package, workbook.sheets[index].part),
        "may_hide_rows": lambda index: may_hide_rows(package, workbook.sheets[index].part),
    }
    sheets = [(sheet.name, sheet.hidden) for sheet in workbook.sheets]
    return _source(sheets, package.limits, rows, unopened=workbook.unopened, count=count, **hides)
