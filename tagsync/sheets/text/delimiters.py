"""Which character separates the cells of a text file, by the first of its lines.

Must not know: files, encodings, and what becomes of cells.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from tagsync.sheets.errors import Unreadable
from tagsync.sheets.names import on_one_line

if TYPE_CHECKING:
    from _csv import Reader

# Those looked for, the first of equals first; a person may say any other character.
DELIMITERS = ",\t;|"
TAB_NAMES = {"tab": "\t", r"\t": "\t"}
NO_DELIMITERS = '"\r\n'
RECORDS_SNIFFED = 50
# Who sees the cells of a sample wants to know where they end, not all that is in them.
SAMPLE_CELLS = 8
SAMPLE_CHARACTERS = 40
COMMENT = "#"
# Long enough not to be a day such as 20260503.
_identifier = r"(?:\+?\d{9,20}|o[A-Za-z0-9_-]{27})"
# Without the tab, which is a delimiter itself: runs of it would be looked through from each of them.
_around = r"[ '`\"=\ufeff]*"
_digit = re.compile(r"\d")
_own = re.compile(f"{_around}{_identifier}{_around}", re.ASCII)
_glued = re.compile(
    rf"(?<![^{re.escape(DELIMITERS)}]){_around}{_identifier}{_around}(?![^{re.escape(DELIMITERS)}])", re.ASCII
)


class Layout(NamedTuple):
    """How lines look when cut at `delimiter`. `cells`: as many as most rows have; 1 when it cuts nothing.
    `has_comments`: whether lines that begin with # are none of the table. Better layouts are greater in `evidence`."""

    delimiter: str
    cells: int
    has_comments: bool
    first: tuple[str, ...]
    evidence: tuple[float, ...]

    def is_remark(self, record: Sequence[str], is_below: bool) -> bool:
        """Whether a record names nobody and is none of the table's: a comment, or, below its first row, a text that no
        delimiter cuts."""
        is_comment = self.has_comments and record[0].startswith(COMMENT) and record[0].strip() != COMMENT
        is_uncut = is_below and len(record) == 1 < self.cells
        return (is_comment or is_uncut) and not has_identifier(record)

    def has_swallowed(self, record: Sequence[str]) -> bool:
        """Whether a cell of several lines holds other customers, because two stray quotation marks are around them."""
        lines = (line.split(self.delimiter) for cell in record if "\n" in cell or "\r" in cell for line in _lines(cell))
        like = _shape(record[0])
        # The last of them lacks what stands behind the quotation mark.
        most = max(2, self.cells - 1)
        return any(len(cells) >= most and (has_identifier(cells) or _shape(cells[0]) == like != "") for cells in lines)


def spoken(text: str) -> str:
    """The delimiter that somebody means, "" for none. Raises: Unreadable."""
    text = TAB_NAMES.get(text.lower(), text)
    if len(text) > 1 or (text in NO_DELIMITERS and text) or "\ud800" <= text <= "\udfff":
        raise Unreadable("delimiter_unusable", delimiter=on_one_line(text))
    return text


def layouts(lines: list[str]) -> list[Layout]:
    """By every delimiter that is looked for, the best first."""
    return sorted((layout(delimiter, lines) for delimiter in DELIMITERS), key=lambda one: one.evidence, reverse=True)


def found(ranked: Sequence[Layout]) -> str:
    """The delimiter of the best, "" when another one is as good."""
    best, second = ranked[:2]
    return "" if second.cells > 1 and second.evidence == best.evidence else best.delimiter


def cut(lines: Iterable[str], delimiter: str, *, strict: bool = False) -> "Reader":
    """Records. A quotation mark behind a space opens a cell as well: programs write ", " between cells."""
    return csv.reader(lines, delimiter=delimiter, strict=strict, skipinitialspace=delimiter != " ")


def without_space_behind_quotes(line: str, delimiter: str) -> list[str]:
    """The record of a line that is well-formed but for spaces and tabs behind its closing quotation marks, or []."""
    space = " \t".replace(delimiter, "")
    tidy = re.sub(rf'"[{space}]+(?={re.escape(delimiter)}|[\r\n]*\Z)', '"', line)
    try:
        return next(cut([tidy], delimiter, strict=True))
    except csv.Error:
        return []


def layout(delimiter: str, lines: list[str]) -> Layout:
    records = [record for record in islice(cut(lines, delimiter), RECORDS_SNIFFED) if any(record)]
    marked = [record for record in records if record[0].startswith(COMMENT)]
    table = [record for record in records if not record[0].startswith(COMMENT)]
    has_comments = not _are_rows(marked, table)
    table = table if has_comments else records
    wide = [record for record in table if len(record) > 1]
    cells, times = _usual_length(wide)
    first = next((record for record in wide if len(record) == cells), table[0] if table else [])
    shown = tuple(on_one_line(cell.strip())[:SAMPLE_CHARACTERS] for cell in first[:SAMPLE_CELLS])
    evidence = (_identifiers(table), -_flaws(wide), times / len(table) if table else 0)
    return Layout(delimiter, cells, has_comments, shown, evidence)


def _usual_length(wide: list[list[str]]) -> tuple[int, int]:
    """And how many have it."""
    return Counter(map(len, wide)).most_common(1)[0] if wide else (1, 0)


def _are_rows(marked: list[list[str]], table: list[list[str]]) -> bool:
    """Whether most records that begin with # are as long as the others, and name a customer if those do."""
    length, _ = _usual_length([record for record in table if len(record) > 1] or marked)
    name = sum(map(has_identifier, table)) * 2 > len(table)
    like = sum(len(record) == length and (has_identifier(record) or not name) for record in marked)
    return like * 2 > len(marked)


def has_identifier(record: Sequence[str]) -> bool:
    return any(map(_is_identifier, record))


def _lines(cell: str) -> list[str]:
    """Those that are not the cell's own beginning."""
    return cell.splitlines()[1:]


def _shape(cell: str) -> str:
    """Of KH0012 what it has in common with KH0013, "" where there are no digits."""
    return _digit.sub("0", cell.strip()) if _digit.search(cell) else ""


def _is_identifier(cell: str) -> bool:
    return _own.fullmatch(cell.strip()) is not None


def _identifiers(table: list[list[str]]) -> int:
    """Rows with an identifier in a cell of its own, less those where another delimiter cuts it off."""
    own = sum(map(has_identifier, table))
    return own - sum(any(_glued.search(cell) and not _is_identifier(cell) for cell in record) for record in table)


def _flaws(wide: list[list[str]]) -> int:
    """Of a delimiter that cuts nothing off at one end of every row, or leaves another one there: a tab before every
    cell of a comma file does."""
    if not wide:
        return 0
    leans = all(any(map(_leans, record)) for record in wide)
    return 2 * leans + any(all(not record[end].strip() for record in wide) for end in (0, -1))


def _leans(cell: str) -> bool:
    bare = cell.strip()
    return len(bare) > 1 and (bare[0] in DELIMITERS or bare[-1] in DELIMITERS)
