"""The rows of one sheet part, streamed, as wire rows: [number, first column, second column, …].

Plain rows are taken apart by a regular expression, all others by the parser (see `blocks`); both end in
`values.convert`. `<dimension>` is never looked at: it lies. Must not know sheets' names or who reads the rows.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from tagsync.sheets.cells import Kind, column_index, column_letter
from tagsync.sheets.errors import Unreadable
from tagsync.sheets.number_formats import Format
from tagsync.sheets.xlsx.blocks import blocks
from tagsync.sheets.xlsx.hidden import is_hidden
from tagsync.sheets.xlsx.package import Feed, Package, new_parser
from tagsync.sheets.xlsx.strings import SharedStrings
from tagsync.sheets.xlsx.values import FORMULA_WITHOUT_VALUE, Wire, WireRow, convert, is_uncalculated
from tagsync.sheets.xlsx.workbook import Styles

PLAIN_ATTRIBUTES = re.compile(r'(?: (?:s="(\d+)"|t="(\w+)"|(?:cm|vm|ph)="\w+"))*', re.ASCII)
# How a plain cell is read, by its attributes: shared string, number as it stands, anything else.
SHARED, NUMBER, OTHER = range(3)
INLINE = "inlineStr"
MOST_CELLS = 1 << 14  # of a row in Excel, blank ones included
# Among the attributes of a plain row. A height of nothing hides it as well.
PERHAPS_HIDDEN = re.compile(r' (?:hidden="|ht="[0.+-])')
ATTRIBUTE = re.compile(r' ([\w.:-]+)="([^"]*)"')


class Shared(NamedTuple):
    """What all sheets of a workbook share. `styles`: as cells name them; `recalculates` as in `Workbook`."""

    strings: SharedStrings
    styles: Styles
    starts_1904: bool
    recalculates: bool


def scan(package: Package, part: str, shared: Shared) -> Iterator[list[WireRow]]:
    """Yield the rows of the part in lists, as many as one block held.

    Raises: Unreadable when the part is damaged or larger than the limits.
    """
    sheet = _Sheet(package, part, shared)
    for plain, block in blocks(package.chunks(part), b"sheetData", b"row"):
        if plain and sheet.in_data:
            sheet.scan(block)
        else:
            sheet.feed(block)
        yield sheet.take()
    sheet.feed(b"", final=True)
    yield sheet.take()


class _Sheet:
    """What the two ways of reading share: the row they stand in and the rows that are done."""

    def __init__(self, package: Package, part: str, shared: Shared) -> None:
        self.in_data = False
        self._had_data = False
        self._limits = package.limits
        self._part = part
        self._strings, self._styles, self._starts_1904, self._recalculates = shared
        self._columns = {column_letter(index): index for index in range(package.limits.max_columns)}
        self._attributes: dict[str, tuple[int, str | None, Format | None] | None] = {}
        self._out: list[WireRow] = []
        self._row_number = self._wire_number = 0
        self._start_cells()
        self._start_parser()

    def take(self) -> list[WireRow]:
        taken, self._out = self._out, []
        return taken

    # Plain rows

    def scan(self, block: bytes) -> None:
        try:
            text = block.decode()
        except UnicodeDecodeError as error:
            raise Unreadable("damaged", part=self._part) from error
        close = f"</{self._prefix}row>"
        for piece in text.split(close)[:-1]:
            if not (self.in_data and self._plain_row(piece)):
                self.feed((piece + close).encode())

    def _plain_row(self, piece: str) -> bool:
        """Take one row apart; False, and nothing done, when it is not plain through and through."""
        parts = self._plain_cell.split(piece)
        opening = self._plain_opening.fullmatch(parts[0])
        if opening is None or any(parts[5::5]):
            return False
        ways = self._attributes
        for attributes in parts[2::5]:
            if attributes not in ways:
                ways[attributes] = self._way(attributes)
            if ways[attributes] is None:
                return False
        perhaps_hidden = PERHAPS_HIDDEN.search(opening[2])
        hidden = bool(perhaps_hidden) and is_hidden(dict(ATTRIBUTE.findall(opening[2])), "ht")
        self._open_row(opening[1], hidden=hidden)
        self._plain_cells(parts)
        return True

    def _plain_cells(self, parts: list[str]) -> None:
        row: WireRow = [self._wire_number]
        known = self._strings.known
        columns, ways = self._columns, self._attributes
        for letters, attributes, value, inline in zip(parts[1::5], parts[2::5], parts[3::5], parts[4::5], strict=True):
            if not value and not inline:
                continue
            way, kind, form = ways[attributes]  # type: ignore[misc]  # None was sorted out before
            wire: Wire
            try:
                if not value:
                    wire = self._inline(kind, inline, form, letters)
                elif way == SHARED and value[0] != "-":
                    wire = known[int(value)] or None
                elif way == NUMBER and len(value) < 16 and value[0] != "0" and value.isascii() and value.isdigit():
                    wire = int(value)
                else:
                    wire = self._convert(kind, value, form, letters)
            except (IndexError, ValueError):
                wire = self._convert(kind, value, form, letters)
            if wire is None:
                continue
            column = columns.get(letters)
            if column is not None and column + 1 == len(row):
                row.append(wire)
            else:
                self._place(row, letters, wire)
        self._out.append(row)

    def _way(self, attributes: str) -> tuple[int, str | None, Format | None] | None:
        match = PLAIN_ATTRIBUTES.fullmatch(attributes)
        if match is None:
            return None
        style, kind = match.groups()
        form = self._styles.get(style)
        if kind == "s":
            return (SHARED if form is None or form.keeps_text else OTHER), kind, form
        is_plain = kind in (None, "n") and (form is None or form.keeps_whole)
        return (NUMBER if is_plain else OTHER), kind, form

    # Rows and cells, whoever found them

    def _open_row(self, written: str | None, *, hidden: bool) -> None:
        try:
            number = self._row_number + 1 if written is None else int(written)
        except ValueError as error:
            raise Unreadable("damaged", part=self._part) from error
        if number <= self._row_number:
            raise Unreadable("damaged", part=self._part, row=number)
        if number > self._limits.max_rows:
            raise Unreadable("too_many_rows", max_rows=self._limits.max_rows)
        self._row_number = number
        self._wire_number = -number if hidden else number

    def _inline(self, kind: str | None, text: str, form: Format | None, letters: str) -> Wire:
        wire = self._convert(INLINE, text, form, letters)
        # A text where the cell says that it has none: some programs show nothing, and nobody knows what is meant.
        return wire if kind == INLINE or wire is None else [Kind.ERROR.value, text]

    def _convert(self, kind: str | None, text: str, form: Format | None, letters: str) -> Wire:
        if len(text) > self._limits.max_cell_characters:
            raise Unreadable("cell_too_long", cell=self._name(letters), max_characters=self._limits.max_cell_characters)
        try:
            return convert(kind, text, form, self._starts_1904, self._strings.get)
        except (ValueError, IndexError) as error:
            raise Unreadable("damaged", part=self._part, cell=self._name(letters)) from error

    def _place(self, row: WireRow, letters: str, wire: Wire) -> None:
        column = self._columns.get(letters)
        if column is None:
            raise Unreadable("too_many_columns", cell=self._name(letters), max_columns=self._limits.max_columns)
        row.extend([None] * (column + 2 - len(row)))
        if row[column + 1] is not None:
            raise Unreadable("damaged", part=self._part, cell=self._name(letters))
        row[column + 1] = wire

    def _name(self, letters: str) -> str:
        return f"{letters}{self._row_number}"

    # All other rows

    def feed(self, data: bytes, *, final: bool = False) -> None:
        self._feed(data, final=final)
        if sum(map(len, (*(self._value or ()), *(self._text or ())))) > self._limits.max_cell_characters:
            raise Unreadable("cell_too_long", max_characters=self._limits.max_cell_characters)

    def _start_parser(self) -> None:
        self._set_prefix("")
        self._parser = new_parser(self._part)
        self._feed = Feed(self._parser, self._part)
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end

    def _start_cells(self) -> None:
        self._row: WireRow = []
        self._in_row = False
        self._column = -1
        self._cell: dict[str, str] = {}
        # Pieces of <v> and <is>; None: the cell has none.
        self._value: list[str] | None = None
        self._text: list[str] | None = None
        self._in_cell = False
        self._is_formula = False
        self._phonetic = False

    def _set_prefix(self, prefix: str) -> None:
        p = re.escape(prefix)
        value = rf'<{p}v>([^<&]*)</{p}v>|<{p}is><{p}t(?: xml:space="preserve")?>([^<&]*)</{p}t></{p}is>'
        # Four groups: letters, attributes, value, inline text.
        self._plain_cell = re.compile(rf'<{p}c r="([A-Z]{{1,3}})[0-9]+"([^<>/]*)(?:/>|>(?:{value})?</{p}c>)')
        self._plain_opening = re.compile(rf'<{p}row r="([0-9]{{1,9}})"((?: [\w.:-]+="[^"<>&]*")* ?)>')
        self._prefix = prefix

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag[len(self._prefix) :]
        if not self.in_data:
            if tag.endswith("sheetData") and not self._had_data:
                self._set_prefix(tag[: -len("sheetData")])
                self.in_data = self._had_data = True
        elif name == "c":
            if self._in_row:
                self._start_cell(attributes)
        elif name in ("v", "is", "t"):
            if self._in_cell and not self._phonetic:
                self._start_content(name)
        elif name == "row":
            if self._in_row:
                raise Unreadable("damaged", part=self._part, row=self._row_number)
            self._open_row(attributes.get("r"), hidden=is_hidden(attributes, "ht"))
            self._row, self._in_row, self._column = [self._wire_number], True, -1
        elif name == "f":
            self._is_formula = True
        elif name == "rPh":
            self._phonetic = True

    def _start_cell(self, attributes: dict[str, str]) -> None:
        self._cell = attributes
        self._in_cell, self._is_formula = True, False
        self._value = self._text = None
        reference = attributes.get("r")
        if reference is None:
            self._column += 1
            if self._column == MOST_CELLS:
                letters = column_letter(self._column)
                raise Unreadable("too_many_columns", cell=self._name(letters), max_columns=self._limits.max_columns)
            return
        try:
            self._column = column_index(reference.rstrip("0123456789"))
        except ValueError as error:
            raise Unreadable("damaged", part=self._part, row=self._row_number) from error

    def _start_content(self, name: str) -> None:
        if (name == "v" and self._value is not None) or (name == "is" and self._text is not None):
            raise Unreadable("damaged", part=self._part, cell=self._name(column_letter(self._column)))
        if name == "v":
            self._value = []
            self._parser.CharacterDataHandler = self._value.append
        elif self._text is None:
            self._text = []
        if name == "t" and self._text is not None:
            self._parser.CharacterDataHandler = self._text.append

    def _end(self, tag: str) -> None:
        name = tag[len(self._prefix) :]
        if name in ("v", "t"):
            self._parser.CharacterDataHandler = None
        elif name == "c":
            self._end_cell()
        elif name == "row" and self._in_row:
            self._in_row = False
            self._out.append(self._row)
        elif name == "rPh":
            self._phonetic = False
        elif name == "sheetData":
            self.in_data = False

    def _end_cell(self) -> None:
        if not self._in_cell:
            return
        self._in_cell = False
        wire = self._content(column_letter(self._column))
        self._value = self._text = None
        if wire is not None:
            self._place(self._row, column_letter(self._column), wire)

    def _content(self, letters: str) -> Wire:
        kind, form = self._cell.get("t"), self._styles.get(self._cell.get("s", ""))
        value = None if self._value is None else "".join(self._value)
        text = None if self._text is None else "".join(self._text)
        # Where the cell says so its text is in <is>, whatever <v> says (ECMA-376 part 1, 18.18.11).
        if text is not None and (kind == INLINE or not value):
            return self._inline(kind, text, form, letters)
        if self._is_formula and is_uncalculated(kind, value, self._recalculates):
            return FORMULA_WITHOUT_VALUE
        return self._convert(kind, value or "", form, letters)
