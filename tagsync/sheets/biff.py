"""Workbooks of Excel 97-2003 and older as rows, through xlrd. Must not know: packages, XML.

xlrd rather than the faster python-calamine: it tells error cells, booleans and dates from text, and what a hostile
file makes it raise can be caught.
"""

import codecs
import io
import mmap
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tagsync.sheets.cells import Kind
from tagsync.sheets.errors import Unreadable
from tagsync.sheets.guard import Limits
from tagsync.sheets.number_formats import Format, Formats, is_date_format
from tagsync.sheets.text.rarity import UNDECODED, is_odd
from tagsync.sheets.xlsx.values import (
    FORMULA_WITHOUT_VALUE,
    Wire,
    WireRow,
    date,
    formatted,
    formatted_text,
    number,
    shown_in_general,
    trimmed,
)

ROWS_PER_LIST = 256
MOST_ROWS = 1 << 20  # of all sheets together: 16 full ones
# Before the name of a codec.
ESCAPING = "tagsync_escaping_"
TEXT, NUMBER = 1, 2  # xlrd.biffh.XL_CELL_TEXT, XL_CELL_NUMBER
# Records, and where they say what. Source: [MS-XLS] 2.4.127, 2.4.221, 2.5.133
FORMULAS = (0x0006, 0x0206, 0x0406)
RECALCULATED_BY = 0x01C1
# What follows the cell in the record of a formula: the number 0, or an empty text.
NO_RESULT = re.compile(rb".{6}(?:\0{8}|\x03.{5}\xff\xff)", re.DOTALL)
SUMMARY = "\5SummaryInformation".encode("utf-16-le")
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
        self._uncalculated = set() if _is_calculated(self._book, path) else self._book.without_result
        self._has_no_code_page = has_no_code_page(self._book)
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
        return any(_is_hidden(row) for row in self._book.sheet_by_index(index).rowinfo_map.values())

    def _sheets(self) -> list[Any]:
        # Charts and macro sheets are sheets of another kind, and not in this list.
        return [self._book.sheet_by_index(index) for index in range(self._book.nsheets)]

    def _row(self, sheet: Any, index: int) -> WireRow:
        row: WireRow = [index + 1]
        for column, (kind, value) in enumerate(zip(sheet.row_types(index), sheet.row_values(index), strict=True)):
            wire = _wire(kind, value, self._book.datemode == 1)
            if kind in self._kinds and (form := self._form(sheet, index, column)):
                wire = formatted(wire, form) if kind == NUMBER else formatted_text(str(value), form)
            elif kind == NUMBER:
                wire = shown_in_general(wire)
            if kind == TEXT and not value.isascii():
                wire = self._see_decoded(wire, value)
            if self._uncalculated and (sheet.number, index, column) in self._uncalculated:
                wire = FORMULA_WITHOUT_VALUE
            row.append(wire)
        if (shown_as := sheet.rowinfo_map.get(index)) and _is_hidden(shown_as):
            row[0] = -index - 1
        return trimmed(row, self._limits.max_columns)

    def _see_decoded(self, wire: Wire, text: str) -> Wire:
        """Without a code page, only what is no rare character is certain."""
        is_certain = not UNDECODED.search(text) and not (self._has_no_code_page and is_odd(text, "gb18030"))
        return wire if is_certain else [Kind.UNDECODED.value, UNDECODED.sub("\ufffd", text)]

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


def _is_hidden(row: Any) -> bool:
    """`row`: how xlrd says it is shown. Where the height is the sheet's own, the row's says nothing."""
    return bool(row.hidden or (row.height == 0 and not row.has_default_height))


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
    xlrd.book.Book.get_record_parts = get_record_parts
    xlrd.book.Book.is_recalculated = False
    how = {"logfile": io.StringIO(), "ragged_rows": True, "formatting_info": True}
    try:
        try:
            book = xlrd.open_workbook(str(path), **how)
        except UnicodeDecodeError as error:
            return xlrd.open_workbook(str(path), **how, encoding_override=ESCAPING + error.encoding)
        if has_no_code_page(book):
            return xlrd.open_workbook(str(path), **how, encoding_override=ESCAPING + "gb18030")
        return book
    except (MemoryError, Unreadable):
        raise
    except xlrd.XLRDError as error:
        raise Unreadable("password_protected" if "encrypted" in str(error) else "damaged") from error
    except Exception as error:  # whatever a damaged file makes of its reader
        raise Unreadable("damaged") from error


def get_sheets(book: Any) -> None:
    """In place of xlrd's own: a few bytes make a sheet with one cell in its last row, and every row takes memory."""
    rows = 0
    book.without_result = set()
    for place in range(len(book.sheet_names())):
        book.place = place
        rows += book.get_sheet(place).nrows
        if rows > MOST_ROWS:
            raise Unreadable("too_many_rows", max_rows=MOST_ROWS)


def get_record_parts(book: Any) -> tuple[int, int, bytes]:
    """In place of xlrd's own, which does not tell formulas from what somebody typed: the next record.

    Remembers formulas without a result as (place of the sheet, row, column), and whether a program that calculates
    has said that it was there.
    """
    start = book._position + 4
    code, length = struct.unpack("<HH", book.mem[start - 4 : start])
    data = book.mem[start : start + length]
    book._position = start + length
    if code in FORMULAS and book.biff_version >= 80 and NO_RESULT.match(data):
        book.without_result.add((book.place, *struct.unpack("<HH", data[:4])))
    elif code == RECALCULATED_BY:
        book.is_recalculated = any(data[4:8])
    return code, length, data


def _is_calculated(book: Any, path: Path) -> bool:
    """Whether a result of nothing is one. Libraries do not calculate, and name no program that has saved the file."""
    if book.biff_version < 80 or book.is_recalculated or not book.without_result:
        return True
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(SUMMARY) >= 0


def has_no_code_page(book: Any) -> bool:
    """Written before Unicode, and it does not say in which encoding. GB18030 is the likeliest among Chinese."""
    return bool(book.biff_version < 80 and book.codepage is None)


def _escaping(name: str) -> codecs.CodecInfo | None:
    """The codec that `ESCAPING` before another one's name means: broken bytes become lone surrogates."""
    if not name.startswith(ESCAPING):
        return None
    bare = codecs.lookup(name.removeprefix(ESCAPING))
    return codecs.CodecInfo(bare.encode, lambda data, _errors="": bare.decode(data, "surrogateescape"), name=name)


codecs.register(_escaping)


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
