"""`python -m tests.sheets.hostile`: files made to harm their reader, each read whole as the check would read it, from
a fresh process. Prints the table of RESULTS.md: what the person is told, how long it took, and what memory it took
in the reading process and in the one that asked, which stands for the web server.
"""

from __future__ import annotations

import struct
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import xlwt

from tagsync.sheets.cells import column_letter
from tests import workbooks

MEASURE = """
import os, resource, sys
from pathlib import Path
from tagsync.sheets import reader
from tagsync.sheets.errors import Unreadable
path = Path(sys.argv[1])
own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
began, rows = os.times(), 0
try:
    sheet = reader.preview(path).sheet
    rows = sum(1 for _ in reader.rows(path, sheet))
    said = f"{rows:,} rows"
except Unreadable as error:
    said = error.code
seconds = sum(os.times()[:4]) - sum(began[:4])  # of the processor, in both processes
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - own
child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(said, seconds, child // 1024, grown // 1024, sep=";")
"""


class Result(NamedTuple):
    said: str
    seconds: float
    child_mib: int
    grown_mib: int


def table(rows: int, columns: int, cell: str = "x") -> str:
    return "\n".join([",".join([cell] * columns)] * rows)


def text(content: str) -> Callable[[Path], Path]:
    def make(path: Path) -> Path:
        path.write_text(content)
        return path

    return make


def looped_xls(path: Path) -> Path:
    """Every sector of the file is followed by the same one."""
    workbooks.old(path, [[f"客户{row}"] for row in range(5000)])
    content = bytearray(path.read_bytes())
    start = 512 * (1 + int.from_bytes(content[76:80], "little"))
    content[start : start + 512] = (3).to_bytes(4, "little") * 128
    path.write_bytes(content)
    return path


def far_xls(path: Path) -> Path:
    book = xlwt.Workbook()
    sheet = book.add_sheet("Sheet1")
    sheet.write(0, 0, "a")
    sheet.write(65535, 255, "b")
    book.save(str(path))
    return path


def nonsense_strings(path: Path) -> Path:
    cells = '<row r="1"><c r="A1" t="s"><v>99999999</v></c><c r="B1" t="s"><v>-1</v></c></row>'
    return workbooks.hand_written(path, cells, strings=["<t>x</t>"])


def twice(path: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return workbooks.with_member(path, "xl/worksheets/sheet1.xml")


def with_format(path: Path, code: str) -> Path:
    parts = workbooks.parts_of('<row r="1"><c r="A1" s="6"><v>1</v></c></row>')
    styles = str(parts["xl/styles.xml"]).replace("[Red]#,##0", code)
    return workbooks.package(path, {**parts, "xl/styles.xml": styles})


def xls_of_formats(path: Path, code: str, count: int) -> Path:
    book = xlwt.Workbook()
    sheet = book.add_sheet("Sheet1")
    for number in range(count):
        sheet.write(number, 0, 1, xlwt.easyxf(num_format_str=f"{code}{number}"))
    book.save(str(path))
    return path


def space_before_sheet(path: Path, count: int) -> Path:
    parts = workbooks.parts_of('<row r="1"><c r="A1"><v>1</v></c></row>')
    name = "xl/worksheets/sheet1.xml"
    sheet = str(parts[name]).removeprefix(workbooks.DECLARATION)
    return workbooks.package(path, {**parts, name: " " * count + "<!-- -->" + sheet})


def nearly_numbers(path: Path, digits: int, cells: int) -> Path:
    rows = "".join(f'<row r="{n}"><c r="A{n}"><v>{"1" * digits}x</v></c></row>' for n in range(1, cells + 1))
    return workbooks.hand_written(path, rows)


def in_styles(path: Path, xml: str) -> Path:
    parts = workbooks.parts_of('<row r="1"><c r="A1"><v>1</v></c></row>')
    parts["xl/styles.xml"] = str(parts["xl/styles.xml"]).replace("<numFmts>", f"{xml}<numFmts>")
    return workbooks.package(path, parts)


def long_name_above_many(path: Path) -> Path:
    parts = workbooks.parts_of('<row r="1"><c r="A1"><v>1</v></c></row>')
    name = "a" * 900_000
    return workbooks.package(path, {**parts, "xl/styles.xml": f"<{name}>{'<b/>' * 200_000}</{name}>"})


def same_text_everywhere(path: Path, rows: int, text: str, style: str = "", sheets: int = 1) -> Path:
    """One shared string in each cell of so many rows and all columns."""
    letters = [column_letter(column) for column in range(200)]
    row = "".join(f'<c r="{letter}{{0}}"{style} t="s"><v>0</v></c>' for letter in letters)
    cells = "".join(f'<row r="{number}">{row.replace("{0}", str(number))}</row>' for number in range(1, rows + 1))
    names = [(f"Sheet{number}", "visible") for number in range(1, sheets + 1)]
    strings = [f'<t xml:space="preserve">{text}</t>']
    parts = workbooks.parts_of(cells, strings=strings, sheets=names)
    # Style 6 shows a text as often as its format says.
    parts["xl/styles.xml"] = str(parts["xl/styles.xml"]).replace("[Red]#,##0", "@" * 255)
    return workbooks.package(path, parts)


def _styled(first: int, place: int) -> str:
    return f'<c r="{column_letter(place)}{first + 1}" s="{first + place}"><v>1</v></c>'


def many_formats(path: Path, count: int) -> Path:
    numbers = range(0, count, 200)
    cells = "".join(
        f'<row r="{first + 1}">{"".join(_styled(first, place) for place in range(200))}</row>' for first in numbers
    )
    formats = "".join(f'<numFmt numFmtId="{200 + n}" formatCode="{"0_" * 120}{n}"/>' for n in range(count))
    styles = "".join(f'<xf numFmtId="{200 + n}"/>' for n in range(count))
    parts = workbooks.parts_of(cells)
    sheet = f'<styleSheet xmlns="{workbooks.MAIN}"><numFmts>{formats}</numFmts><cellXfs>{styles}</cellXfs></styleSheet>'
    return workbooks.package(path, {**parts, "xl/styles.xml": sheet})


def alike_sheets(path: Path, count: int) -> Path:
    parts = workbooks.parts_of('<row r="1"><c r="A1"><v>1</v></c></row>')
    sheet = '<sheet name="Sheet1" sheetId="1" r:id="rId1" state="visible"/>'
    parts["xl/workbook.xml"] = str(parts["xl/workbook.xml"]).replace(sheet, sheet * count)
    return workbooks.package(path, parts)


def record(code: int, content: bytes) -> bytes:
    return struct.pack("<HH", code, len(content)) + content


def bare_xls(path: Path, sheets: int, *cells: bytes) -> Path:
    """BIFF8 without a container; all sheets are the same bytes."""
    start, end = record(0x809, struct.pack("<HHHHII", 0x600, 5, 0, 0, 0, 0)), record(0x0A, b"")
    entry = len(record(0x85, struct.pack("<IBB", 0, 0, 0) + b"\x01\0a"))
    place = len(start) + sheets * entry + len(end)
    names = record(0x85, struct.pack("<IBB", place, 0, 0) + b"\x01\0a") * sheets
    sheet = record(0x809, struct.pack("<HHHHII", 0x600, 0x10, 0, 0, 0, 0)) + b"".join(cells) + end
    path.write_bytes(start + names + end + sheet)
    return path


LAST_ROW = record(0x203, struct.pack("<HHHd", 65535, 0, 0, 1.0))
FIRST_ROW = record(0x203, struct.pack("<HHHd", 0, 0, 0, 1.0))
LINK = bytes.fromhex("d0c9ea79f9bace118c8200aa004ba90b02000000") + struct.pack("<I", 0)
LINK_EVERYWHERE = record(0x1B8, struct.pack("<HHHH", 0, 65535, 0, 255) + LINK)


CORPUS: dict[str, Callable[[Path], Path]] = {
    "zip bomb: 400 MiB of spaces": lambda path: workbooks.of_spaces(path, 400 << 20),
    "one long string in 2,000 cells": lambda path: workbooks.repeated_string(path, 90_000, 2_000),
    "cells A1 and XFD1048576": workbooks.far_corner,
    "dimension A1:XFD1048576, 3 rows": lambda path: workbooks.lying_dimension(path, "A1:XFD1048576"),
    "dimension A1, 2,000 rows": lambda path: workbooks.lying_dimension(path, "A1", 2_000),
    "one cell in row 1048576": workbooks.stray_last_row,
    "entities in the sheet": lambda path: workbooks.with_entities(path, "xl/worksheets/sheet1.xml"),
    "entities in the strings": lambda path: workbooks.with_entities(path, "xl/sharedStrings.xml"),
    "indexes of strings that are not there": nonsense_strings,
    "two members of one name": twice,
    "member ../../etc/passwd": lambda path: workbooks.with_member(path, "../../etc/passwd"),
    "40,000 members": lambda path: workbooks.with_many_members(path, 40_000),
    "declares less than it holds": lambda path: workbooks.declaring_less(path, 10_000),
    "cut in the middle": workbooks.truncated,
    "XML cut in the middle": workbooks.broken_inside,
    # What a careless expression needs the square of the length for.
    "150,000 brackets in a number format": lambda path: with_format(path, "[" * 150_000),
    "150,000 quotation marks in a number format": lambda path: with_format(path, "&quot;" * 150_001),
    "half a megabyte of white space above the sheet": lambda path: space_before_sheet(path, 500_000),
    "100,000 digits and a letter": lambda path: nearly_numbers(path, 99_999, 20),
    "200,000 elements inside each other": lambda path: in_styles(path, "<a>" * 200_000 + "</a>" * 200_000),
    "200,000 elements below a long name": long_name_above_many,
    "a comment of 9 MB": lambda path: in_styles(path, f"<!--{'x' * 9_000_000}-->"),
    "a format that repeats a long text": lambda path: same_text_everywhere(path, 1, "x" * 99_000, ' s="6"'),
    "12 sheets that begin with long texts": lambda path: same_text_everywhere(path, 1, "a " * 49_000, sheets=12),
    "4,000 number formats": lambda path: many_formats(path, 4_000),
    "2,000 sheets of one name": lambda path: alike_sheets(path, 2_000),
    "xls: 300 number formats of 4,000 brackets": lambda path: xls_of_formats(path, "[" * 4_000, 300),
    "a web page named .xls": text("<html><table><tr><td>1</td></tr></table></html>"),
    "xls: sectors in a loop": looped_xls,
    "xls: cells A1 and IV65536": far_xls,
    "xls: only a container": lambda path: workbooks.ole2(path, "Workbook"),
    "xls: 2,000 sheets with a cell in their last row": lambda path: bare_xls(path, 2_000, LAST_ROW),
    "xls: a link in every cell": lambda path: bare_xls(path, 1, FIRST_ROW, LINK_EVERYWHERE),
    "csv: 60 MB in one line": text(table(1, 30_000_000)),
    "csv: 10,000 columns": text(table(20, 10_000)),
    "csv: a quotation mark never closed": text('a,b\n"' + table(500_000, 2)),
    "csv: one cell of 30 MB": text("a," + "x" * 30_000_000),
    "csv: 1.2 million rows": text(table(1_200_000, 2)),
    "csv: zero bytes": text("a,b\n" + "\0" * 5_000),
}


def measure(path: Path) -> Result:
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(path)], capture_output=True, text=True, timeout=120, check=True
    )
    said, seconds, child, grown = done.stdout.strip().split(";")
    return Result(said, float(seconds), int(child), int(grown))


def main() -> int:
    print("| file | on disk | what is said | processor seconds | reading process | asking process grew |")
    print("| --- | ---: | --- | ---: | ---: | ---: |")
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for name, make in CORPUS.items():
            path = make(Path(folder) / "hostile.upload")
            size, result = path.stat().st_size, measure(path)
            worst = max(worst, result.seconds)
            print(
                f"| {name} | {size / 1e6:.2f} MB | `{result.said}` | {result.seconds:.2f} |"
                f" {result.child_mib} MiB | {result.grown_mib} MiB |",
                flush=True,
            )
            path.unlink()
    print(f"\nSlowest: {worst:.1f} s, {time.strftime('%Y-%m-%d')}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
