"""Text files as rows: which encoding, which delimiter, and every record as a wire row.

Strict where leniency would swallow rows: a quotation mark that is never closed would make one cell of all that
follows. Must not know: workbooks.
"""

import csv
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import lru_cache
from io import TextIOWrapper
from itertools import chain, islice
from pathlib import Path
from typing import TextIO

from tagsync.sheets.cells import Kind
from tagsync.sheets.errors import Unreadable
from tagsync.sheets.guard import Limits
from tagsync.sheets.reading import AS_FOUND, Question, Reading
from tagsync.sheets.text import delimiters, encodings
from tagsync.sheets.text.delimiters import Layout
from tagsync.sheets.xlsx.values import Wire, WireRow, trimmed

SHEET_NAME = "CSV"
CHARACTERS_SNIFFED = 1 << 16
LINE_CHARACTERS = 4 << 20
ROWS_PER_LIST = 256
CELLS_REMEMBERED = 1 << 14
REMEMBERED_CHARACTERS = 64
# What Excel wants in a first line of its own to say which delimiter follows; it does not show that line.
SEPARATOR_LINE = re.compile(r"sep=(.)\r?\n?")
# How exports keep Excel from making a number of an identifier.
TEXT_FORMULA = re.compile(r'="((?:[^"]|"")*)"')

Cells = Callable[[list[str]], list[Wire]]


class TextFile:
    """The one sheet of a text file, read as a person said; where nobody has, as the evidence says.

    `questions` as in `reader.Preview`. Raises: Unreadable.
    """

    def __init__(self, path: Path, limits: Limits, reading: Reading = AS_FOUND) -> None:
        self._path = path
        self._limits = limits
        said = encodings.spoken(reading.encoding)
        self._evidence = evidence = encodings.examine(path, said)
        self._decoding = encodings.Decoding(evidence.used, bool(said), evidence.is_mixed)
        encoding = Question("encoding", evidence.answers, {"samples": evidence.samples}, evidence.found)
        self._starts_at, self._layout, delimiter = self._sniff(delimiters.spoken(reading.delimiter))
        self.questions = (encoding, delimiter)
        self._line = ""

    def rows(self) -> Iterator[list[WireRow]]:
        """Every record, numbered as Excel would number it, in lists."""
        found = self._rows()
        while taken := list(islice(found, ROWS_PER_LIST)):
            yield taken

    def _rows(self) -> Iterator[WireRow]:
        layout, limits = self._layout, self._limits
        cells_of = _cells if self._evidence.is_certain else _doubted_cells(self._decoding)
        is_below = False
        for number, record in enumerate(self._records(), 1):
            if number > limits.max_rows:
                raise Unreadable("too_many_rows", max_rows=limits.max_rows)
            cells = cells_of(record)
            if type(record) is not list:
                cells = _marked(cells, Kind.MISQUOTED)
            elif record and (len(record) == 1 or record[0][:1] == "#") and layout.is_remark(record, is_below):
                cells = _marked(cells, Kind.REMARK)
            else:
                is_below = is_below or len(record) > 1
            yield trimmed([number, *cells], limits.max_columns)

    def _records(self) -> Iterator[list[str]]:
        csv.field_size_limit(self._limits.max_cell_characters)
        with closing(self._open()) as file:
            for _ in range(self._starts_at):
                next(file)
            lines = self._lines(file)
            reader, number, line_number = delimiters.cut(lines, self._layout.delimiter, strict=True), 0, 0
            while True:
                try:
                    for record in reader:
                        number += 1
                        if reader.line_num - line_number > 1 and self._layout.has_swallowed(record):
                            raise Unreadable("open_quote", row=number)
                        line_number = reader.line_num
                        yield record
                    return
                except csv.Error as error:
                    yield self._misquoted(str(error), number + 1, reader.line_num - line_number, lines)
                    number, line_number = number + 1, reader.line_num

    def _misquoted(self, error: str, row: int, lines_of_row: int, following: Iterator[str]) -> list[str]:
        """The record that was refused, read leniently: it is whole when only white space stands behind its quotation
        marks. Raises: Unreadable when it is not all in its line: then it is the quotation mark of an earlier cell that
        was not closed, and nobody knows how many rows are in this one."""
        if "limit" in error:
            raise Unreadable("cell_too_long", cell=f"A{row}", max_characters=self._limits.max_cell_characters)
        delimiter = self._layout.delimiter
        if lines_of_row == 1 and (whole := delimiters.without_space_behind_quotes(self._line, delimiter)):
            return whole
        lenient = delimiters.cut(chain([self._line], following), delimiter)
        record = _Misquoted(next(lenient))
        if lines_of_row > 1 or lenient.line_num > 1 or "expected after" not in error:
            raise Unreadable("open_quote", row=row)
        return record

    def _lines(self, file: TextIO) -> Iterator[str]:
        """Lines with their ends. Raises: Unreadable for one that no sheet would have, before it fills the memory."""
        number = 0
        while line := file.readline(LINE_CHARACTERS):
            number += 1
            if len(line) == LINE_CHARACTERS:
                raise Unreadable("line_too_long", line=number, max_characters=LINE_CHARACTERS)
            # Where files have been put together, each brings its mark.
            self._line = line = line[1:] if line[0] == "\ufeff" else line
            yield line

    def _open(self) -> TextIO:
        file = self._path.open("rb")
        file.seek(self._evidence.starts_at)
        codec, errors = encodings.CODECS[self._evidence.used], encodings.errors_of(self._evidence.used)
        # newline="": the line breaks inside a quoted cell are the cell's.
        return TextIOWrapper(file, codec, errors, newline="")

    def _sniff(self, said: str) -> tuple[int, Layout, Question]:
        """How many lines come before the first row, how rows are cut, and what a person may say about that."""
        csv.field_size_limit(LINE_CHARACTERS)
        with closing(self._open()) as file:
            lines = file.read(CHARACTERS_SNIFFED).splitlines(keepends=True)
        separator = SEPARATOR_LINE.fullmatch(lines[0]) if lines else None
        lines = lines[1:] if separator else lines
        lines = lines[:-1] or lines
        ranked = delimiters.layouts(lines)
        found = separator[1] if separator else delimiters.found(ranked)
        used = said or found or ranked[0].delimiter
        layout = delimiters.layout(used, lines)
        cutting = (one.delimiter for one in ranked if one.cells > 1)
        answers = tuple(dict.fromkeys((*found, *cutting, used)))
        samples = {answer: list(delimiters.layout(answer, lines).first) for answer in answers}
        return int(separator is not None), layout, Question("delimiter", answers, {"samples": samples}, found)


class _Misquoted(list[str]):
    """A record with text behind a closing quotation mark: where its cells end is anybody's guess."""


def _marked(cells: list[Wire], kind: Kind) -> list[Wire]:
    return [wire if wire is None else [kind.value, wire[1] if isinstance(wire, list) else str(wire)] for wire in cells]


def _cells(record: list[str]) -> list[Wire]:
    return [text if text and text[0] != "=" else _wire(text) for text in record]


def _doubted_cells(decoding: encodings.Decoding) -> Cells:
    """For files of which it is not known beforehand that all of their cells are what they seem."""

    def judged(text: str) -> Wire:
        seen, is_certain = decoding.of_cell(text)
        return _wire(seen) if is_certain else [Kind.UNDECODED.value, seen]

    remembered = lru_cache(CELLS_REMEMBERED)(judged)

    def wire(text: str) -> Wire:
        return (remembered if len(text) <= REMEMBERED_CHARACTERS else judged)(text)

    return lambda record: [text if text and text.isascii() and text[0] != "=" else wire(text) for text in record]


def _wire(text: str) -> Wire:
    if text.startswith('="') and (formula := TEXT_FORMULA.fullmatch(text)):
        return formula[1].replace('""', '"') or None
    return text or None
