"""The shared strings of a workbook, read only as far as somebody asked for; must not know sheets.

Excel, WPS and the common libraries number them in the order of first use, so the first rows of a sheet need only
the beginning of a table that may be larger than the sheet.
"""

import re
from collections.abc import Iterator

from tagsync.sheets.errors import Unreadable
from tagsync.sheets.xlsx.blocks import blocks
from tagsync.sheets.xlsx.package import Feed, Package, new_parser
from tagsync.sheets.xlsx.values import unescape


class SharedStrings:
    """`known` grows by whole blocks; ask `get` for any index. All sheets share one."""

    def __init__(self, package: Package, part: str | None) -> None:
        self.known: list[str] = []
        self._flaw: Unreadable | None = None
        self._source = iter(()) if part is None or part not in package else _strings(package, part)

    def get(self, index: int) -> str:
        """Raises: IndexError when the file holds no such string; Unreadable, each time, for what is behind a flaw."""
        while index >= len(self.known):
            if self._flaw:
                raise Unreadable(self._flaw.code, **self._flaw.params)
            try:
                more = next(self._source, None)
            except Unreadable as error:
                self._flaw = error
                raise
            if more is None:
                raise IndexError(index)
            self.known += more
        if index < 0:
            raise IndexError(index)
        return self.known[index]


def _strings(package: Package, part: str) -> Iterator[list[str]]:
    reader = _Reader(part, package.limits.max_cell_characters)
    for plain, block in blocks(package.chunks(part), b"sst", b"si"):
        if plain and reader.in_table:
            reader.scan(block)
        else:
            reader.feed(block)
        yield reader.take()
    reader.feed(b"", final=True)
    yield reader.take()


class _Reader:
    def __init__(self, part: str, max_characters: int) -> None:
        self.in_table = False
        self._part = part
        self._max_characters = max_characters
        self._out: list[str] = []
        self._text: list[str] = []
        self._phonetic = False
        self._prefix = ""
        self._parser = new_parser(part)
        self._feed = Feed(self._parser, part)
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end

    def take(self) -> list[str]:
        taken, self._out = self._out, []
        if taken and max(map(len, taken)) > self._max_characters:
            raise Unreadable("cell_too_long", max_characters=self._max_characters)
        return taken

    def feed(self, data: bytes, *, final: bool = False) -> None:
        self._feed(data, final=final)
        if sum(map(len, self._text)) > self._max_characters:
            raise Unreadable("cell_too_long", max_characters=self._max_characters)

    def scan(self, block: bytes) -> None:
        try:
            text = block.decode()
        except UnicodeDecodeError as error:
            raise Unreadable("damaged", part=self._part) from error
        pattern, close = self._plain_item()
        pieces = pattern.split(text)
        if not any(pieces[::2]):
            found = pieces[1::2]
            self._out += map(unescape, found) if "_x" in text else found
            return
        for piece in text.split(close)[:-1]:
            match = pattern.fullmatch(piece + close)
            if match is not None and self.in_table:
                self._out.append(unescape(match[1]))
            else:
                self.feed((piece + close).encode())

    def _plain_item(self) -> tuple[re.Pattern[str], str]:
        # re keeps compiled patterns, and there is one prefix in a file.
        p = re.escape(self._prefix)
        item = rf'<{p}si><{p}t(?: xml:space="preserve")?>([^<&]*)</{p}t></{p}si>'
        return re.compile(item), f"</{self._prefix}si>"

    def _start(self, tag: str, _attributes: dict[str, str]) -> None:
        name = tag[len(self._prefix) :]
        if name == "t":
            if not self._phonetic:
                self._parser.CharacterDataHandler = self._text.append
        elif name == "si":
            self._text.clear()
        elif name == "rPh":
            self._phonetic = True
        elif tag.endswith("sst"):
            self._prefix = tag[:-3]
            self.in_table = True

    def _end(self, tag: str) -> None:
        name = tag[len(self._prefix) :]
        if name == "t":
            self._parser.CharacterDataHandler = None
        elif name == "rPh":
            self._phonetic = False
        elif name == "si":
            self._out.append(unescape("".join(self._text)))
            self._text.clear()
        elif name == "sst":
            self.in_table = False
