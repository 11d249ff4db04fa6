"""Text files as rows: which encoding, which delimiter, and every record as a wire row.

Strict where leniency would swallow rows: a quotation mark that is never closed would make one cell of all that
follows. Must not know: workbooks.
"""

import codecs
import csv
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import TextIO

from tagsync.sheets.errors import Unreadable
from tagsync.sheets.guard import Limits
from tagsync.sheets.xlsx.values import Wire, WireRow, trimmed

SHEET_NAME = "CSV"
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# GB18030 holds GBK and GB2312, which Chinese Excel writes; nearly any bytes are valid in it, so it comes last.
ENCODINGS = ("utf-8", "gb18030")
DELIMITERS = "\t,;|"
CHUNK_BYTES = 1 << 20
RECORDS_SNIFFED = 50
CHARACTERS_SNIFFED = 1 << 16
LINE_CHARACTERS = 4 << 20
ROWS_PER_LIST = 256
# What Excel wants in a first line of its own to say which delimiter follows; it does not show that line.
SEPARATOR_LINE = re.compile(r"sep=(.)\r?\n?")
# How exports keep Excel from making a number of an identifier.
TEXT_FORMULA = re.compile(r'="((?:[^"]|"")*)"')


class TextFile:
    """The one sheet of a text file. Raises: Unreadable."""

    def __init__(self, path: Path, limits: Limits) -> None:
        self._path = path
        self._limits = limits
        self._encoding = _encoding(path)
        self._starts_at, self._delimiter = self._sniff()

    def rows(self) -> Iterator[list[WireRow]]:
        """Every record, numbered as Excel would number it, in lists."""
        found = self._rows()
        while taken := list(islice(found, ROWS_PER_LIST)):
            yield taken

    def _rows(self) -> Iterator[WireRow]:
        for number, record in self._records(self._delimiter):
            if number > self._limits.max_rows:
                raise Unreadable("too_many_rows", max_rows=self._limits.max_rows)
            yield trimmed([number, *map(_wire, record)], self._limits.max_columns)

    def _records(self, delimiter: str) -> Iterator[tuple[int, list[str]]]:
        csv.field_size_limit(self._limits.max_cell_characters)
        with closing(self._open()) as file:
            for _ in range(self._starts_at):
                next(file)
            reader, number = csv.reader(_lines(file), delimiter=delimiter, strict=True), 0
            try:
                for number, record in enumerate(reader, 1):
                    yield number, record
            except UnicodeDecodeError as error:
                raise Unreadable("unknown_encoding") from error
            except csv.Error as error:
                if "limit" in str(error):
                    most = self._limits.max_cell_characters
                    raise Unreadable("cell_too_long", cell=f"A{number + 1}", max_characters=most) from error
                raise Unreadable("open_quote", row=number + 1) from error

    def _open(self) -> TextIO:
        # newline="": the line breaks inside a quoted cell are the cell's.
        return self._path.open(encoding=self._encoding, newline="")

    def _sniff(self) -> tuple[int, str]:
        """How many lines come before the first row, and the delimiter."""
        with closing(self._open()) as file:
            if said := SEPARATOR_LINE.fullmatch(file.readline(16)):
                return 1, said[1]
            file.seek(0)
            lines = file.read(CHARACTERS_SNIFFED).splitlines(keepends=True)
        return 0, max(DELIMITERS, key=lambda delimiter: _fitness(delimiter, lines[:-1] or lines))


def _fitness(delimiter: str, lines: list[str]) -> tuple[float, int]:
    """The share of the first records that have the usual number of cells, if that is more than one."""
    records = [record for record in islice(csv.reader(lines, delimiter=delimiter), RECORDS_SNIFFED) if record]
    if not records:
        return 0.0, 0
    cells, times = Counter(map(len, records)).most_common(1)[0]
    return (times / len(records), cells) if cells > 1 else (0.0, 0)


def _lines(file: TextIO) -> Iterator[str]:
    """Lines with their ends. Raises: Unreadable for one that no sheet would have, before it fills the memory."""
    number = 0
    while line := file.readline(LINE_CHARACTERS):
        number += 1
        if len(line) == LINE_CHARACTERS:
            raise Unreadable("line_too_long", line=number, max_characters=LINE_CHARACTERS)
        yield line


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(4)
    for mark, encoding in BYTE_ORDER_MARKS:
        if head.startswith(mark):
            return encoding
    for encoding in ENCODINGS:
        if _decodes(path, encoding):
            return encoding
    raise Unreadable("unknown_encoding")


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _wire(text: str) -> Wire:
    if text.startswith('="') and (formula := TEXT_FORMULA.fullmatch(text)):
        return formula[1].replace('""', '"') or None
    return text or None
