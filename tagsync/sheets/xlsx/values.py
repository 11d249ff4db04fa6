"""From what a cell holds in XML to what survives of it, in the short form that crosses to the parent process.

Must not know: where in the sheet the cell stands.
"""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

from tagsync.sheets.cells import Cell, FormattedCell, Kind, column_letter
from tagsync.sheets.errors import Unreadable
from tagsync.sheets.format_sections import GENERAL
from tagsync.sheets.number_formats import Format, shown, shown_text

# None: blank. str: TEXT. int: a whole NUMBER below 1e15. Anything else: [kind, text], and for a FormattedCell
# [kind, text, stored], and [kind, text, stored, format] when the format is not understood.
Wire = str | int | list[str] | None
# [number, first column, second column, …]; the number of a hidden row is negative.
WireRow = list[Wire]

# No two repetitions beside each other that could share digits: that would be quadratic.
NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,4})?", re.ASCII)
# As programs write the result of a formula that they have not calculated.
NOTHING_YET = re.compile(r"(?:[+-]?0(?:\.0*)?(?:[eE][+-]?0+)?)?", re.ASCII)
ESCAPE = re.compile("(?:_x[0-9A-Fa-f]{4}_)+")
ISO_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d:\d\d)(?:\.\d+)?Z?)?", re.ASCII)
# What a format is applied to: neither an exponent nor digits that Excel has lost.
DECIMAL = re.compile(r"-?(?=[\d.]{1,50}$)(?!\d{16})\d+(?:\.\d+)?", re.ASCII)
FORMULA_WITHOUT_VALUE: Wire = [Kind.FORMULA.value, ""]
LAST_DAY = 2_958_465  # 9999-12-31; a larger number is no date, whatever its format says
SIGNIFICANT_DIGITS = 15  # what Excel itself keeps
SMALLEST_EXPONENT = -30
# General rounds what takes more room, and shows what is smaller with an exponent. Neither is what is stored.
GENERAL_CHARACTERS = 11
GENERAL_SMALLEST = Decimal("0.0001")


def trimmed(row: WireRow, max_columns: int) -> WireRow:
    """Without the blanks at its end. Raises: Unreadable when something stands too far right."""
    while len(row) > 1 and row[-1] is None:
        row.pop()
    if len(row) > max_columns + 1:
        cell = f"{column_letter(len(row) - 2)}{row[0]}".replace("-", "")
        raise Unreadable("too_many_columns", cell=cell, max_columns=max_columns)
    return row


def unwire(wire: str | int | list[str]) -> Cell:
    """The cell that a wire value stands for. Raises: TypeError, ValueError for what is no wire value."""
    if isinstance(wire, str):
        return Cell(Kind.TEXT, wire)
    if isinstance(wire, int):
        return Cell(Kind.NUMBER, str(wire))
    kind, *parts = wire
    return (FormattedCell if kind in (Kind.FORMATTED, Kind.UNSHOWN) else Cell)(Kind(kind), *parts)


def is_uncalculated(kind: str | None, value: str | None, recalculates: bool) -> bool:
    """Whether a formula has no result; `value`: what its <v> says, None without one. Excel writes an empty one for an
    empty text. Libraries that do not calculate write a zero, and ask for a calculation as soon as the file is opened.
    """
    if value is None or (recalculates and NOTHING_YET.fullmatch(value.strip())):
        return True
    return kind != "str" and not value.strip()


def convert(kind: str | None, text: str, form: Format | None, starts_1904: bool, string: Callable[[int], str]) -> Wire:
    """One cell. `kind` is its `t` attribute, `string` looks up a shared string; `form`: None shows it as it is.

    Raises: ValueError, IndexError for what no spreadsheet program writes.
    """
    if kind in ("str", "inlineStr"):
        return formatted_text(unescape(text), form)
    if not text.strip():
        return None
    if kind == "s":
        return formatted_text(string(_place(text)), form)
    if not kind or kind == "n":
        if form is None:
            return shown_in_general(number(text))
        if form.is_date:
            return date(text, starts_1904) or number(text)
        return formatted(number(text), form)
    if kind == "b":
        return [Kind.BOOLEAN.value, "TRUE" if text.strip() in ("1", "true") else "FALSE"]
    if kind == "e":
        return [Kind.ERROR.value, text]
    if kind == "d":
        return [Kind.DATE.value, _iso_moment(text)]
    raise ValueError("unknown kind of cell")


def _place(text: str) -> int:
    """Some programs count shared strings with numbers like 0.0. Raises: ValueError."""
    whole, _point, zeros = text.partition(".")
    if zeros.strip().strip("0"):
        raise ValueError("no whole number")
    return int(whole)


def shown_in_general(wire: Wire) -> Wire:
    """Of a number without a format of its own. A whole one is known by its digits, however Excel abbreviates it; how
    much of a long fraction a person sees, nobody can say.
    """
    if not isinstance(wire, list) or wire[0] != Kind.NUMBER or not DECIMAL.fullmatch(stored := wire[1]):
        return wire
    size = stored.lstrip("-")
    if "." not in size or (len(size) <= GENERAL_CHARACTERS and Decimal(size) >= GENERAL_SMALLEST):
        return wire
    return [Kind.UNSHOWN.value, stored, stored, GENERAL]


def formatted(wire: Wire, form: Format) -> Wire:
    """What a cell of this format shows of a number: 1234 under 00000000 is 00001234 to everybody who looks at it."""
    if form.is_date:
        return wire
    if isinstance(wire, int):
        stored = str(wire)
        text = form.whole.format(wire) if wire > 0 and form.whole else shown(form, stored)
    elif wire and wire[0] == Kind.NUMBER and DECIMAL.fullmatch(wire[1]):
        stored = wire[1]
        text = shown(form, stored)
    else:
        return wire
    if text == stored:
        return wire
    if text is None:
        return [Kind.UNSHOWN.value, stored, stored, form.code]
    return [Kind.FORMATTED.value, text, stored] if text else None


def formatted_text(text: str, form: Format | None) -> Wire:
    if form is None or form.keeps_text or not text:
        return text or None
    seen = shown_text(form, text)
    return [Kind.UNSHOWN.value, text, text, form.code] if seen is None else seen or None


def number(text: str) -> Wire:
    """A number as written in the file; see `Cell` for the text that results."""
    text = text.strip()
    if len(text) <= SIGNIFICANT_DIGITS and text.isascii() and text.isdigit():
        return int(text)
    if not NUMBER.fullmatch(text):
        return [Kind.ERROR.value, text]
    value = Decimal(text)
    # From 1e15 on Excel has cut digits away: the literal stays as it is, so nobody takes it for an identifier.
    if value.adjusted() >= SIGNIFICANT_DIGITS:
        return [Kind.NUMBER.value, text]
    if not value:
        return 0
    value = round(value, SIGNIFICANT_DIGITS - 1 - value.adjusted()).normalize()
    if value == value.to_integral_value():
        return int(value) if value.adjusted() < SIGNIFICANT_DIGITS else [Kind.NUMBER.value, text]
    return [Kind.NUMBER.value, format(value, "f") if value.adjusted() > SMALLEST_EXPONENT else text]


def date(text: str, starts_1904: bool) -> Wire:
    """A number shown as a date; None when no day has this number."""
    if not NUMBER.fullmatch(text.strip()):
        return None
    serial = float(text)
    if not 0 <= serial < LAST_DAY + 1:
        return None
    seconds = round(serial * 86400)
    if seconds < 86400:
        return [Kind.DATE.value, str((datetime.min + timedelta(seconds=seconds)).time())]
    # Lotus 1-2-3 counted a 29 February 1900, and Excel kept it as day 60.
    if not starts_1904 and seconds // 86400 == 60:
        return [Kind.DATE.value, "1900-02-29"]
    if starts_1904:
        first = datetime(1904, 1, 1)
    else:
        first = datetime(1899, 12, 30) if seconds // 86400 > 60 else datetime(1899, 12, 31)
    try:
        moment = first + timedelta(seconds=seconds)
    except OverflowError:
        return None
    return [Kind.DATE.value, str(moment).removesuffix(" 00:00:00")]


def unescape(text: str) -> str:
    """Decode `_x000D_` and its like (ECMA-376 part 1, 22.9.2.19)."""
    return ESCAPE.sub(_unescape_run, text) if "_x" in text else text


def _unescape_run(match: re.Match[str]) -> str:
    # A whole run at once: a character beyond the first plane is written as two halves.
    halves = b"".join(int(code, 16).to_bytes(2, "little") for code in re.findall("_x(....)_", match[0]))
    return halves.decode("utf-16-le", "replace")


def _iso_moment(text: str) -> str:
    match = ISO_MOMENT.fullmatch(text.strip())
    if match is None:
        return text
    day, time = match.groups()
    return day if time in (None, "00:00:00") else f"{day} {time}"
