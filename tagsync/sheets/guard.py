"""What a file is, by its content, and whether it is safe to open; must not know what is in its sheets.

Everything here costs no more than the zip's directory. The directory may lie about sizes, so the bytes that
really come out are counted where they are inflated (`package`), while reading: inflating everything here first
would make the preview of a million rows take as long as reading them.
"""

import mmap
import stat
import struct
import zipfile
import zlib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tagsync.sheets.errors import Unreadable
from tagsync.sheets.text.encodings import unmarked_utf_16

MIB = 1 << 20


@dataclass(frozen=True)
class Limits:
    """How much of anything a workbook may have, and its reading may take."""

    max_bytes: int = 100 * MIB
    max_members: int = 2_000
    max_inflated_bytes: int = 1_500 * MIB
    max_ratio: int = 200
    ratio_from_bytes: int = 10 * MIB
    max_rows: int = 1_048_576
    max_columns: int = 200
    max_cell_characters: int = 100_000
    max_memory_bytes: int = 2 << 30
    max_cpu_seconds: int = 120
    max_wait_seconds: float = 120.0
    """Time spent waiting for the reading process; what the caller does with the rows in between is not counted."""


DEFAULT_LIMITS = Limits()


class Form(StrEnum):
    """How the rows are written down in a file that we read."""

    PACKAGE = "package"  # .xlsx, .xlsm: Office Open XML
    BIFF = "biff"  # .xls, .et: Excel 97-2003 and older
    TEXT = "text"  # .csv, .tsv


# First bytes -> code. A zip is looked into, an OLE2 container too.
ZIP = b"PK\x03\x04"
OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
MAGIC = (
    (b"%PDF", "pdf"),
    (b"\x89PNG", "image"),
    (b"\xff\xd8\xff", "image"),
    (b"GIF8", "image"),
    (b"BM", "image"),
    (b"II*\0", "image"),
    (b"MM\0*", "image"),
    (b"Rar!", "archive"),
    (b"7z\xbc\xaf", "archive"),
    (b"\x1f\x8b", "archive"),
)
# BIFF without a container, Excel 4 and older; the byte behind it is the length of the first record.
BARE_BIFF = (b"\x09\x00\x04\x00", b"\x09\x02\x06\x00", b"\x09\x04\x06\x00", b"\x09\x08\x08\x00", b"\x09\x08\x10\x00")
# A member of the zip -> code.
TELLTALES = (
    ("xl/workbook.bin", "xlsb"),
    ("mimetype", "ods"),
    ("index/document.iwa", "numbers"),
    ("index.zip", "numbers"),
)
# Streams of an OLE2 container that holds a workbook. Word and PowerPoint use the container too.
BIFF_STREAMS = ("Workbook", "Book")
# What zipfile makes of a damaged file.
BROKEN_ZIP = (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, EOFError, struct.error, zlib.error)
CONTROL_CHARACTERS = bytes({*range(0x20)} - {0x09, 0x0A, 0x0C, 0x0D, 0x1A})
# A text may hold some: they stop the cells that they are in. Of what is no text, more bytes than that are.
CONTROL_CHARACTERS_OF_TEXT = 1 / 16


def check(path: Path, limits: Limits = DEFAULT_LIMITS) -> None:
    """See that the file is a workbook we read and that its container is honest as far as can be told unopened.

    Raises: Unreadable, with the code of what is wrong.
    """
    recognise(path, limits)
    _check_directory_size(path, limits)
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except BROKEN_ZIP as error:
        raise Unreadable("damaged") from error
    _check_members(members, limits)
    _check_sizes(members, path.stat().st_size, limits)
    _check_is_workbook(members)


def recognise(path: Path, limits: Limits = DEFAULT_LIMITS) -> Form:
    """What the file is, by its size and its content; never by its name.

    Raises: Unreadable when it is nothing that we read, or too large.
    """
    size = path.stat().st_size
    if size == 0:
        raise Unreadable("empty_file")
    if size > limits.max_bytes:
        raise Unreadable("too_large", bytes=size, max_bytes=limits.max_bytes)
    with path.open("rb") as file:
        head = file.read(4096)
        if head.startswith(OLE2):
            return _see_container(file.fileno())
    if head.startswith(ZIP):
        return Form.PACKAGE
    if head.startswith(BARE_BIFF):
        return Form.BIFF
    if code := _which_other(head):
        raise Unreadable(code)
    return Form.TEXT


def _see_container(descriptor: int) -> Form:
    with mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ) as content:
        if content.find("EncryptedPackage".encode("utf-16-le")) >= 0:
            raise Unreadable("password_protected")
        if any(content.find(stream.encode("utf-16-le")) >= 0 for stream in BIFF_STREAMS):
            return Form.BIFF
    raise Unreadable("not_a_workbook")


def _which_other(head: bytes) -> str:
    """The code of what we don't read, or "" for text."""
    for magic, code in MAGIC:
        if head.startswith(magic):
            return code
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return ""  # UTF-16, Excel's "Unicode text"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith(b"<?xml") and b"urn:schemas-microsoft-com:office:spreadsheet" in text:
        return "xml_2003"
    if text.startswith((b"<", b"mime-version:")):
        return "html" if _looks_like_html(text) else "not_a_workbook"
    controls = len(head) - len(head.translate(None, CONTROL_CHARACTERS))
    is_text = controls < CONTROL_CHARACTERS_OF_TEXT * len(head) or unmarked_utf_16(head)
    return "" if is_text else "not_a_workbook"


def _looks_like_html(text: bytes) -> bool:
    return any(mark in text for mark in (b"<html", b"<!doctype html", b"<table", b"<meta", b"mime-version:"))


def _check_directory_size(path: Path, limits: Limits) -> None:
    # zipfile builds an object per entry before anybody can count them, so the directory's size is asked first.
    # 512 bytes an entry is far more than the names in a workbook need.
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 0x10000 - 98))
        tail = file.read()
    end = tail.rfind(b"PK\x05\x06")
    if end < 0 or end + 22 > len(tail):
        raise Unreadable("damaged")
    (size,) = struct.unpack_from("<L", tail, end + 12)
    if end >= 76 and tail.startswith(b"PK\x06\x07", end - 20):  # Zip64: Apache POI writes it for small files too
        (size,) = struct.unpack_from("<Q", tail, end - 76 + 40)
    if size > limits.max_members * 512:
        raise Unreadable("too_many_members", max_members=limits.max_members)


def _check_members(members: list[zipfile.ZipInfo], limits: Limits) -> None:
    if len(members) > limits.max_members:
        raise Unreadable("too_many_members", max_members=limits.max_members)
    seen: set[str] = set()
    for member in members:
        # Part names are the same whatever their case, and zipfile cuts a name at a NUL and shows the rest here only.
        name = member.orig_filename.casefold()
        if name in seen or _is_unsafe(name) or stat.S_ISLNK(member.external_attr >> 16):
            raise Unreadable("unsafe_name", name=member.filename[:200])
        seen.add(name)
        if member.header_offset < 0:
            raise Unreadable("damaged", part=member.filename[:200])
        if member.flag_bits & 0x1:
            raise Unreadable("encrypted_part", name=member.filename[:200])
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise Unreadable("unknown_compression", name=member.filename[:200])


def _is_unsafe(name: str) -> bool:
    return name.startswith("/") or "\\" in name or "\0" in name or name[1:2] == ":" or ".." in name.split("/")


def _check_sizes(members: list[zipfile.ZipInfo], file_bytes: int, limits: Limits) -> None:
    check_inflated(sum(member.file_size for member in members), file_bytes, limits)


def check_inflated(inflated_bytes: int, file_bytes: int, limits: Limits) -> None:
    """Raises: Unreadable when so many bytes are more than a file of that size may become."""
    too_dense = inflated_bytes > limits.ratio_from_bytes and inflated_bytes > file_bytes * limits.max_ratio
    if too_dense or inflated_bytes > limits.max_inflated_bytes:
        raise Unreadable("inflates_too_much", max_bytes=limits.max_inflated_bytes)


def _check_is_workbook(members: list[zipfile.ZipInfo]) -> None:
    names = {member.filename.casefold() for member in members}
    for name, code in TELLTALES:
        if name in names:
            raise Unreadable(code)
    if "_rels/.rels" not in names:
        raise Unreadable("not_a_workbook")
