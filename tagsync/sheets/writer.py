"""Write a workbook of texts in which nothing can become a formula; must not know what the columns mean."""

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, NamedTuple

from openpyxl import Workbook
from openpyxl.cell import Cell, WriteOnlyCell
from openpyxl.styles import Alignment, Font, PatternFill
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
# Excel's own look of a cell that is “bad”, so that nobody has to learn another.
WRONG_FONT, WRONG_FILL = Font(color="9C0006"), PatternFill("solid", fgColor="FFC7CE")
ADDED_FILL = PatternFill("solid", fgColor="E7E9EE")
WRAPPED = Alignment(wrap_text=True, vertical="top")


class Wrong(str):
    """The text of a cell that somebody has to correct: it is coloured, also when nothing stands in it."""


class Sheet(NamedTuple):
    """One sheet: a header that stays in view, and rows. `widths`: of its columns, in characters.

    `added`: how many of the last columns are remarks on the others, and look so; `wrapped`: positions of the columns
    whose texts take several lines. `hidden`: not even offered by Excel's “Unhide”.
    """

    name: str
    header: Sequence[str]
    rows: Iterable[Sequence[str]] = ()
    widths: Sequence[int] = ()
    added: int = 0
    wrapped: Sequence[int] = ()
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
    written.append(_header(written, sheet))
    for values in sheet.rows:
        cells = [_cell(written, value) for value in values]
        for position in sheet.wrapped:
            if (cell := cells[position]) is not None:
                cell.alignment = WRAPPED
        written.append(cells)


def _header(written: WriteOnlyWorksheet, sheet: Sheet) -> list[Cell | None]:
    cells = [_cell(written, value) for value in sheet.header]
    for position, cell in enumerate(cells):
        if cell is not None:
            cell.font = HEADER_FONT
            if position >= len(cells) - sheet.added:
                cell.fill = ADDED_FILL
    return cells


def _cell(sheet: WriteOnlyWorksheet, value: str) -> Cell | None:
    text = LOOKS_ESCAPED.sub("_x005F_", ILLEGAL.sub("", value)[:LONGEST_CELL])
    is_wrong = isinstance(value, Wrong)
    if not text and not is_wrong:
        return None
    cell = WriteOnlyCell(sheet, text.replace("\r", "_x000D_") or None)
    if text:
        # openpyxl takes "=1+1" for a formula and "#N/A" for an error.
        cell.data_type = "s"
    # What a person types over it stays text.
    cell.number_format = "@"
    if is_wrong:
        cell.font, cell.fill = WRONG_FONT, WRONG_FILL
    return cell
