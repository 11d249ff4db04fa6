"""An opened workbook file as parts: counted bytes, small XML parts, relations; must not know what a sheet is."""

import posixpath
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Self
from xml.parsers import expat

from tagsync.sheets.errors import Unreadable
from tagsync.sheets.guard import BROKEN_ZIP, Limits, check, check_inflated

CHUNK_BYTES = 1 << 17
# Nobody asks for what lies deeper or has a longer name; and a path costs as much as the whole way down, each time.
DEEPEST = 8
LONGEST_NAME = 64
# What expat cannot tell the end of, a tag or a comment, it reads again with each piece that it gets.
LONGEST_TOKEN = 1 << 20


class Relation(NamedTuple):
    kind: str  # the last word of the relation's type; Strict and Transitional differ only before it
    target: str  # name of the part in the package


class Package:
    """The parts of one file. Every inflated byte is counted against the limits, whatever the directory declares."""

    def __init__(self, path: Path, limits: Limits) -> None:
        check(path, limits)
        self.limits = limits
        self._file_bytes = path.stat().st_size
        self._inflated_bytes = 0
        self._file = path.open("rb")
        self._archive = zipfile.ZipFile(self._file)
        self._members = {info.filename.casefold(): info for info in self._archive.infolist()}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()  # not the archive: it would wait for parts that are still open

    def __contains__(self, name: str) -> bool:
        return name.casefold() in self._members

    def member_names(self) -> list[str]:
        return list(self._members)

    def declared_bytes(self, name: str) -> int:
        """How large a part is unpacked, by its own account; 0 when it is missing."""
        member = self._members.get(name.casefold())
        return member.file_size if member else 0

    def chunks(self, name: str) -> Iterator[bytes]:
        """The bytes of a part, inflated piece by piece. Raises: Unreadable when missing, damaged or too much."""
        member = self._members.get(name.casefold())
        if member is None:
            raise Unreadable("damaged", part=name)
        try:
            with self._archive.open(member) as file:
                while chunk := file.read(CHUNK_BYTES):
                    self._inflated_bytes += len(chunk)
                    check_inflated(self._inflated_bytes, self._file_bytes, self.limits)
                    yield chunk
        except BROKEN_ZIP as error:
            raise Unreadable("damaged", part=name) from error

    def elements(self, name: str) -> Iterator[tuple[str, dict[str, str]]]:
        """The elements of a small part as ("root/child/element", attributes), names without their prefixes."""
        found: list[tuple[str, dict[str, str]]] = []
        path: list[str] = []
        below = 0

        def start(tag: str, attributes: dict[str, str]) -> None:
            nonlocal below
            if below or len(path) == DEEPEST:
                below += 1
                return
            path.append(_local(tag)[:LONGEST_NAME])
            found.append(("/".join(path), {_local(key): value for key, value in attributes.items()}))

        def end(_tag: str) -> None:
            nonlocal below
            if below:
                below -= 1
            else:
                path.pop()

        parser = new_parser(name)
        parser.StartElementHandler = start
        parser.EndElementHandler = end
        feed = Feed(parser, name)
        for chunk in self.chunks(name):
            feed(chunk)
            yield from found
            found.clear()
        feed(b"", final=True)
        yield from found

    def relations(self, of: str) -> dict[str, Relation]:
        """The relations of a part ("" for the package itself) to other parts, by their id."""
        folder, _, base = of.rpartition("/")
        part = posixpath.join(folder, "_rels", f"{base}.rels")
        if part not in self:
            return {}
        relations = {}
        for path, attributes in self.elements(part):
            if path == "Relationships/Relationship" and attributes.get("TargetMode") != "External":
                target = posixpath.normpath(posixpath.join("/", folder, attributes.get("Target", "")))
                kind = attributes.get("Type", "").rpartition("/")[2]
                relations[attributes.get("Id", "")] = Relation(kind, target.lstrip("/"))
        return relations


def new_parser(part: str) -> expat.XMLParserType:
    """A parser that refuses document types and entity declarations, the ways in for every XML bomb."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.buffer_size = 1 << 15

    def refuse(*_: object) -> None:
        raise Unreadable("entity_declaration", part=part)

    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    return parser


class Feed:
    """Gives a parser its part, piece by piece."""

    def __init__(self, parser: expat.XMLParserType, part: str) -> None:
        self._parser = parser
        self._part = part
        self._fed_bytes = 0

    def __call__(self, data: bytes, *, final: bool = False) -> None:
        """Raises: Unreadable when the part is not well formed, MemoryError when there is no memory."""
        try:
            self._parser.Parse(data, final)
        except expat.ExpatError as error:
            if error.code == expat.errors.codes[expat.errors.XML_ERROR_NO_MEMORY]:
                raise MemoryError from error
            raise Unreadable("damaged", part=self._part) from error
        except (LookupError, ValueError) as error:  # an encoding that Python, or the parser, does not know
            raise Unreadable("damaged", part=self._part) from error
        self._fed_bytes += len(data)
        if self._fed_bytes - self._parser.CurrentByteIndex > LONGEST_TOKEN:
            raise Unreadable("damaged", part=self._part)


def _local(name: str) -> str:
    return name.rpartition(":")[2]
