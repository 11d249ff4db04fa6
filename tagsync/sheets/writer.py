"""Write a workbook of texts in which nothing can become a formula; must not know what the columns mean."""

import re
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import IO

from openpyxl import Workbook
from openpyxl.cell import Cell, WriteOnlyCell
from openpyxl.worksheet._write_only import WriteOnlyWorksheet

LONGEST_CELL = 32_767  # Excel's limit
LONGEST_SHEET_NAME = 31
NOT_IN_SHEET_NAME = re.compile(r"[\[\]:*?/\\\x00-\x1f]")
# What XML cannot hold at all.
ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# Excel would decode it, so the text itself has to be escaped (ECMA-376 part 1, 22.9.2.19).
LOOKS_ESCAPED = re.compile("_(?=x[0-9A-Fa-f]{4}_)")


def write(
    path_or_file: Path | IO[bytes], sheet_name: str, header: Sequence[str], rows: Iterable[Sequence[str]]
) -> None:
    """Write one sheet, every cell as text: neither a formula nor a rounded number comes of it.

    Characters a workbook cannot hold are left out, and texts beyond Excel's 32,767 characters are cut.
    """
    workbook = Workbook(write_only=True)
    sheet = workbook.create_sheet(NOT_IN_SHEET_NAME.sub(" ", sheet_name)[:LONGEST_SHEET_NAME].strip("'") or "Sheet1")
    sheet.freeze_panes = "A2"
    for values in chain([header], rows):
        sheet.append([_cell(sheet, value) for value in values])
    workbook.save(path_or_file)


def _cell(sheet: WriteOnlyWorksheet, value: str) -> Cell | None:
    text = LOOKS_ESCAPED.sub("_x005F_", ILLEGAL.sub("", value)[:LONGEST_CELL])
    if not text:
        return None
    cell = WriteOnlyCell(sheet, text.replace("\r", "_x000D_"))
    # openpyxl takes "=1+1" for a formula and "#N/A" for an error; and what a person types over it stays text.
    cell.data_type = "s"
    cell.number_format = "@"
    return cell
