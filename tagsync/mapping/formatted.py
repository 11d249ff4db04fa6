"""A number that its format shows otherwise, as the text that a person means by it.

Thousands separators are how a number is written, not what it is: nobody's ID or tag has them.
"""

import re
import unicodedata

from tagsync.sheets.cells import FormattedCell

_grouping = re.compile(r"(?<=\d),(?=\d{3}(?!\d))", re.ASCII)
_empty_decimals = re.compile(r"(\d+)\.0*", re.ASCII)


def without_grouping(cell: FormattedCell) -> str:
    return _grouping.sub("", cell.text)


def identifier(cell: FormattedCell) -> str | None:
    """What identifies a customer in a cell that shows 13,800,138,000.00 or KH000123; None where it shows an amount,
    not the stored digits, or where what is stored is no whole number."""
    text = without_grouping(cell)
    if decimals := _empty_decimals.fullmatch(text):
        text = decimals[1]
    digits = "".join(character for character in text if "0" <= character <= "9")
    is_amount = "%" in text or any(unicodedata.category(character) == "Sc" for character in text)
    is_whole = cell.stored.isascii() and cell.stored.isdigit()
    return text if is_whole and not is_amount and cell.stored in digits else None
