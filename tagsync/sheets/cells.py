"""What one cell of a sheet can be: a closed set of kinds, and the text that survives of it.

Must not know: files, XML, and any idea of what a column means.
"""

from enum import StrEnum
from typing import NamedTuple, Self


class Kind(StrEnum):
    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    ERROR = "error"
    FORMULA = "formula"
    """A formula whose result was never saved: what a person would see there is unknown."""
    FORMATTED = "formatted"
    """A number whose format shows something else than its digits."""
    UNSHOWN = "unshown"
    """A value in a format that we don't understand: what a person sees there is unknown."""
    UNDECODED = "undecoded"
    """Text with bytes that mean nothing in the encoding of its file (U+FFFD), or that mean more in another one."""
    MISQUOTED = "misquoted"
    """Of a row with text behind a closing quotation mark: where its cells end is unknown."""
    REMARK = "remark"
    """Of a line among the rows of a text file that is none of them: a comment, or text that no delimiter cuts."""


class Cell(NamedTuple):
    """One cell that is not blank.

    `text` by kind: NUMBER "13800138000" (whole), "0.3" (15 significant digits, no exponent), or, from 1e15 on,
    the literal exactly as the file holds it; DATE "2026-05-03", "2026-05-03 14:30:00" or "14:30:00";
    BOOLEAN "TRUE" / "FALSE"; ERROR "#N/A" and its like; FORMULA "".
    """

    kind: Kind
    text: str


class FormattedCell(Cell):
    """A cell of kind FORMATTED or UNSHOWN. `text`: what Excel shows ("KH000123", "1,200"), or `stored` where that is
    unknown; `stored`: what the file holds; `format`: the code of a number format that is not understood."""

    stored: str
    format: str

    def __new__(cls, kind: Kind, text: str, stored: str, format: str = "") -> Self:
        cell = super().__new__(cls, kind, text)
        cell.stored, cell.format = stored, format
        return cell


class Row(NamedTuple):
    """One row of the file. `number` is what Excel shows; `cells` has no entry for a blank cell (key: column from 0).
    `hidden`: by a filter, a folded group or a person: who opens the file does not see it."""

    number: int
    cells: dict[int, Cell]
    hidden: bool = False


def column_letter(index: int) -> str:
    """The letters Excel shows for a column counted from 0: 0 is "A", 26 is "AA"."""
    letters = ""
    index += 1
    while index > 0:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def column_index(letters: str) -> int:
    """The column counted from 0. Raises: ValueError for anything but one to three letters A to Z."""
    if not (letters.isascii() and letters.isalpha() and len(letters) <= 3):
        raise ValueError("not a column")
    index = 0
    for letter in letters.upper():
        index = index * 26 + ord(letter) - 64
    return index - 1
