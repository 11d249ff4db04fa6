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
from tagsync.sheets.xlsx.values import Wire, WireRow, date, filled_up, number, trimmed
from tagsync.sheets.xlsx.workbook import shown_as

ROWS_PER_LIST = 256
NUMBER = 2  # xlrd.biffh.XL_CELL_NUMBER
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
        self._zeros: dict[int, int] = {}
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

    def _sheets(self) -> list[Any]:
        # Charts and macro sheets are sheets of another kind, and not in this list.
        return [self._book.sheet_by_index(index) for index in range(self._book.nsheets)]

    def _row(self, sheet: Any, index: int) -> WireRow:
        row: WireRow = [index + 1]
        for column, (kind, value) in enumerate(zip(sheet.row_types(index), sheet.row_values(index), strict=True)):
            wire = _wire(kind, value, self._book.datemode == 1)
            row.append(filled_up(wire, self._digits(sheet, index, column)) if kind == NUMBER else wire)
        return trimmed(row, self._limits.max_columns)

    def _digits(self, sheet: Any, row: int, column: int) -> int:
        """To how many digits the format of a number fills it up with zeros; 0 when it does not."""
        try:
            style = sheet.cell_xf_index(row, column)
            if style not in self._zeros:
                form = self._book.format_map[self._book.xf_list[style].format_key]
                self._zeros[style] = max(0, shown_as(form.format_str))
        except LookupError:
            return 0
        return self._zeros[style]


def _open(path: Path) -> Any:
    import xlrd  # only here: the reading process gets no installed package unless the file is of this kind

    try:
        return xlrd.open_workbook(str(path), logfile=io.StringIO(), ragged_rows=True, formatting_info=True)
    except MemoryError:
        raise
    except xlrd.XLRDError as error:
        raise Unreadable("password_protected" if "encrypted" in str(error) else "damaged") from error
    except Exception as error:  # whatever a damaged file makes of its reader
        raise Unreadable("damaged") from error


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
