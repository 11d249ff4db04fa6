"""Write a workbook of texts in which nothing can become a formula; must not know what the columns mean."""

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, NamedTuple

from openpyxl import Workbook
from openpyxl.cell import Cell, WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet._write_only import WriteOnlyWorksheet

LONGEST_CELL = 32_767  # Excel's limit
LONGEST_SHEET_NAME = 31
NOT_IN_SHEET_NAME = re.compile(r"[\[\]:*?/\\\x00-\x1f]")
# What XML cannot hold at all.
ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# Excel would decode it, so the text itself has to be escaped (ECMA-376 part 1, 22.9.2.19).
LOOKS_ESCAPED = re.compile("_(?=x[0-9A-Fa-f]{4}_)")
HEADER_FONT = Font(bold=True)


class Sheet(NamedTuple):
    """One sheet: a header that stays in view, and rows. `widths`: of its columns, in characters.

    `hidden`: not even offered by Excel's “Unhide”.
    """

    name: str
    header: Sequence[str]
    rows: Iterable[Sequence[str]] = ()
    widths: Sequence[int] = ()
    hidden: bool = False


def write(path_or_file: Path | IO[bytes], *sheets: Sheet) -> None:
    """Write a workbook, every cell as text: neither a formula nor a rounded number comes of it.

    Characters a workbook cannot hold are left out, and texts beyond Excel's 32,767 characters are cut.
    """
    workbook = Workbook(write_only=True)
    try:
        for sheet in sheets:
            _write_sheet(workbook, sheet)
        workbook.save(path_or_file)
    except BaseException:
        _throw_away(workbook)
        raise


def _throw_away(workbook: Workbook) -> None:
    """openpyxl writes each sheet to a file in the temporary folder, and takes it away only when all went well."""
    for sheet in workbook.worksheets:
        with suppress(OSError):
            if not sheet.closed:
                sheet.close()
        with suppress(FileNotFoundError):  # it was written whole, and went then
            sheet._writer.cleanup()  # type: ignore[attr-defined]  # it has no public name


def _write_sheet(workbook: Workbook, sheet: Sheet) -> None:
    name = NOT_IN_SHEET_NAME.sub(" ", sheet.name)[:LONGEST_SHEET_NAME].strip("'") or "Sheet1"
    written = workbook.create_sheet(name)
    written.freeze_panes = "A2"
    if sheet.hidden:
        written.sheet_state = "veryHidden"
    for number, width in enumerate(sheet.widths, start=1):
        written.column_dimensions[get_column_letter(number)].width = width
    header = [_cell(written, value) for value in sheet.header]
    for cell in header:
        if cell is not None:
            cell.font = HEADER_FONT
    written.append(header)
    for values in sheet.rows:
        written.append([_cell(written, value) for value in values])


def _cell(sheet: WriteOnlyWorksheet, value: str) -> Cell | None:
    text = LOOKS_ESCAPED.sub("_x005F_", ILLEGAL.sub("", value)[:LONGEST_CELL])
    if not text:
        return None
    cell = WriteOnlyCell(sheet, text.replace("\r", "_x000D_"))
    # openpyxl takes "=1+1" for a formula and "#N/A" for an error; and what a person types over it stays text.
    cell.data_type = "s"
    cell.number_format = "@"
    return cell
