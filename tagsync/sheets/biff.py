"""Workbooks of Excel 97-2003 and older as rows, through xlrd. Must not know: packages, XML.

xlrd rather than the faster python-calamine: it tells error cells, booleans and dates from text, and what a hostile
file makes it raise can be caught.
"""

import io
import mmap
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tagsync.sheets.cells import Kind
from tagsync.sheets.errors import Unreadable
from tagsync.sheets.guard import Limits
from tagsync.sheets.number_formats import Format, Formats, is_date_format
from tagsync.sheets.xlsx.values import Wire, WireRow, date, formatted, formatted_text, number, trimmed

ROWS_PER_LIST = 256
MOST_ROWS = 1 << 20  # of all sheets together: 16 full ones
TEXT, NUMBER = 1, 2  # xlrd.biffh.XL_CELL_TEXT, XL_CELL_NUMBER
# Names of storages in the container, in UTF-16 -> code.
UNOPENED = (
    (re.compile("_VBA_PROJECT".encode("utf-16-le")), "macros"),
    (re.compile(b"M\0B\0D\0(?:[0-9A-F]\0){8}"), "embeddings"),
)


class BiffFile:
    """An opened workbook. `sheets`: (name, hidden). Raises: Unreadable."""

    def __init__(self, path: Path, limits: Limits) -> None:
        self._limits = limits
        self._book = _open(path)
        self._styles = _styles(self._book)
        self._kinds = {kind for kind in (TEXT, NUMBER) if any(_changes(form, kind) for form in self._styles)}
        self.sheets = [(sheet.name, bool(sheet.visibility)) for sheet in self._sheets()]
        self.unopened = _unopened(path)

    def rows(self, place: int) -> Iterator[list[WireRow]]:
        """Of the sheet with that position: names may stand twice."""
        try:
            sheet = self._book.sheet_by_index(place)
        except MemoryError:
            raise
        except Exception as error:  # whatever a damaged file makes of its reader
            raise Unreadable("damaged") from error
        for start in range(0, sheet.nrows, ROWS_PER_LIST):
            yield [self._row(sheet, index) for index in range(start, min(start + ROWS_PER_LIST, sheet.nrows))]

    def count(self, index: int) -> int:
        return int(self._book.sheet_by_index(index).nrows)

    def hidden_columns(self, index: int) -> list[int]:
        found = self._book.sheet_by_index(index).colinfo_map
        return sorted(column for column, shown_as in found.items() if shown_as.hidden or shown_as.width == 0)

    def may_hide_rows(self, index: int) -> bool:
        return any(row.hidden or row.height == 0 for row in self._book.sheet_by_index(index).rowinfo_map.values())

    def _sheets(self) -> list[Any]:
        # Charts and macro sheets are sheets of another kind, and not in this list.
        return [self._book.sheet_by_index(index) for index in range(self._book.nsheets)]

    def _row(self, sheet: Any, index: int) -> WireRow:
        row: WireRow = [index + 1]
        for column, (kind, value) in enumerate(zip(sheet.row_types(index), sheet.row_values(index), strict=True)):
            wire = _wire(kind, value, self._book.datemode == 1)
            if kind in self._kinds and (form := self._form(sheet, index, column)):
                wire = formatted(wire, form) if kind == NUMBER else formatted_text(str(value), form)
            row.append(wire)
        if (shown_as := sheet.rowinfo_map.get(index)) and (shown_as.hidden or shown_as.height == 0):
            row[0] = -index - 1
        return trimmed(row, self._limits.max_columns)

    def _form(self, sheet: Any, row: int, column: int) -> Format | None:
        try:
            style: int = sheet.cell_xf_index(row, column)
            return self._styles[style]
        except LookupError:
            return None


def _styles(book: Any) -> list[Format | None]:
    """The number format of each style; None for those that show everything as it is."""
    formats = Formats()
    codes = [book.format_map.get(style.format_key) for style in book.xf_list]
    forms = [None if code is None else formats.of(code.format_str) for code in codes]
    return [None if form is None or form.keeps_all else form for form in forms]


def _changes(form: Format | None, kind: int) -> bool:
    return form is not None and not (form.keeps_text if kind == TEXT else form.is_date)


def _open(path: Path) -> Any:
    import xlrd  # only here: the reading process gets no installed package unless the file is of this kind

    # Its own judgement of what is a date is another than ours, and takes time with the square of a code's length.
    xlrd.formatting.is_date_format_string = is_date_format_string
    # One record may link every cell of a sheet, and each cell gets an entry; names are computed like formulas.
    for kind, name in ((xlrd.sheet.Sheet, "handle_hlink"), (xlrd.sheet.Sheet, "handle_quicktip")):
        setattr(kind, name, lambda _sheet, _data: None)
    xlrd.book.Book.names_epilogue = lambda _book: None
    xlrd.book.Book.get_sheets = get_sheets
    try:
        return xlrd.open_workbook(str(path), logfile=io.StringIO(), ragged_rows=True, formatting_info=True)
    except (MemoryError, Unreadable):
        raise
    except xlrd.XLRDError as error:
        raise Unreadable("password_protected" if "encrypted" in str(error) else "damaged") from error
    except Exception as error:  # whatever a damaged file makes of its reader
        raise Unreadable("damaged") from error


def get_sheets(book: Any) -> None:
    """In place of xlrd's own: a few bytes make a sheet with one cell in its last row, and every row takes memory."""
    rows = 0
    for place in range(len(book.sheet_names())):
        rows += book.get_sheet(place).nrows
        if rows > MOST_ROWS:
            raise Unreadable("too_many_rows", max_rows=MOST_ROWS)


def is_date_format_string(_book: Any, code: str) -> bool:
    """In place of xlrd's own, which is found by this name."""
    return is_date_format(code)


def _wire(kind: int, value: Any, starts_1904: bool) -> Wire:
    # Source: xlrd.biffh, XL_CELL_*
    match kind:
        case 1:
            return str(value) or None
        case 2:
            return number(repr(value))
        case 3:
            return date(repr(value), starts_1904) or number(repr(value))
        case 4:
            return [Kind.BOOLEAN.value, "TRUE" if value else "FALSE"]
        case 5:
            return [Kind.ERROR.value, ERRORS.get(value, "#N/A")]
    return None


# Source: ECMA-376 part 1, 18.17.3; the codes are those of BIFF.
ERRORS = {0x00: "#NULL!", 0x07: "#DIV/0!", 0x0F: "#VALUE!", 0x17: "#REF!", 0x1D: "#NAME?", 0x24: "#NUM!", 0x2A: "#N/A"}


def _unopened(path: Path) -> tuple[str, ...]:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return tuple(code for name, code in UNOPENED if name.search(content))
