"""What a sheet part hides from the person who opens it: columns for certain, rows perhaps."""

import re
from collections.abc import Mapping
from xml.parsers.expat import ExpatError

from tagsync.sheets.errors import Unreadable
from tagsync.sheets.xlsx.package import Package, new_parser

NOTHING = re.compile(r"[+-]?(?:0+(?:\.0*)?|\.0+)")
# Rows without any of these hide none. Where characters have two bytes, there is no telling.
MARKS = (b"hidden", *(b" ht=%c%c" % (quote, first) for quote in b"\"'" for first in b"0.+-"), b" ht =", b"\0")
# The same of what stands above the rows: the columns that it hides say nothing of rows.
MARKS_ABOVE = (b"filterMode", b"\0")
# Looking through all of a large part would take as long as reading it; then the check finds what is hidden.
SEARCHED_BYTES = 1 << 20
LONGEST_MARK = max(map(len, MARKS))
# So much of a part may stand above its rows before we stop looking there.
LONGEST_HEAD = 1 << 20


def is_hidden(attributes: Mapping[str, str], size: str) -> bool:
    """Of a <row> or <col>. `size`: the attribute that has its height or width: with none it is not seen either."""
    return (
        attributes.get("hidden", "").strip().lower() in ("1", "true")
        or NOTHING.fullmatch(attributes.get(size, "")) is not None
    )


def hidden_columns(package: Package, part: str) -> list[int]:
    """Positions, counted from 0, in order."""
    found: set[int] = set()

    def start(tag: str, attributes: dict[str, str]) -> None:
        if tag.rpartition(":")[2] == "col" and is_hidden(attributes, "width"):
            first, last = int(attributes.get("min", "1")), int(attributes.get("max", "0"))
            found.update(range(max(first - 1, 0), min(last, package.limits.max_columns)))

    parser = new_parser(part)
    parser.StartElementHandler = start
    try:
        parser.Parse(_head(package, part), False)
    except (ExpatError, Unreadable, ValueError):
        return []  # what is wrong with it is said when its rows are read
    return sorted(found)


def may_hide_rows(package: Package, part: str) -> bool | None:
    """Whether its beginning says that a row may be hidden; None where nothing says so, but more follows."""
    above = _head(package, part)
    if any(mark in above for mark in MARKS_ABOVE):
        return True
    end, left, passed_over = b"", SEARCHED_BYTES, len(above)
    for chunk in package.chunks(part):
        chunk, passed_over = chunk[passed_over:], max(0, passed_over - len(chunk))
        if any(mark in end + chunk[:LONGEST_MARK] or mark in chunk for mark in MARKS):
            return True
        end, left = chunk[-LONGEST_MARK:], left - len(chunk)
        if left < 0:
            return None
    return False


def _head(package: Package, part: str) -> bytes:
    """What stands above the rows."""
    head = b""
    for chunk in package.chunks(part):
        head += chunk
        above, found, _rows = head.partition(b"sheetData")
        if found or len(head) > LONGEST_HEAD:
            return above.rpartition(b"<")[0]
    return head
