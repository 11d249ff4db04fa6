"""What a cell must look like to be sent: one cleaning function for each kind of field.

Each gives a clean value or the flaws that forbid it, never an exception; knows no columns and no rows.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from tagsync.mapping import characters
from tagsync.sheets.cells import Cell, Kind

EXCEL_EXACT_DIGITS = 15  # A number cell with more digits has lost the last ones.
OPENID_MIN_CHARACTERS = 6  # Length and alphabet of an openid or unionid: not documented; 28 is typical.
OPENID_MAX_CHARACTERS = 64
CUSTOMER_ID_MAX_CHARACTERS = 64  # not documented
TAG_MAX_CHARACTERS = 255  # not documented; a limit of our own

Params = dict[str, str | int]


class Flaw(NamedTuple):
    code: str
    params: Params


class Cleaned(NamedTuple):
    """`value` is clean when there are no flaws, else as typed; "" without flaws is an empty cell."""

    value: str
    flaws: tuple[Flaw, ...] = ()


ERROR_TEXTS = frozenset(
    ("#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!", "#SPILL!", "#CALC!", "#GETTING_DATA")
)
# What exports and lookups leave where there is nothing. Sent as a customer ID it would be somebody's.
PLACEHOLDERS = frozenset(
    ("null", "none", "nan", "nil", "n/a", "na", "undefined", r"\n", "/", "无", "空", "没有", "暂无")
)

# A leading apostrophe is how spreadsheets mark a number as text; exports leave it in.
_text_mark = re.compile(r"^[\s']+")
# As spreadsheets show a long number: the digits behind the exponent are gone. "12E5" may be a genuine ID.
_exponent_text = re.compile(r"[+-]?\d+(\.\d+[eE][+-]?|[eE]\+)\d+", re.ASCII)
_beyond_excel = re.compile(rf"[+-]?(\d{{{EXCEL_EXACT_DIGITS + 1},}}.*|.*[eE].*)", re.ASCII | re.DOTALL)
_whole_number = re.compile(r"\d+", re.ASCII)
_openid = re.compile(rf"[A-Za-z0-9_-]{{{OPENID_MIN_CHARACTERS},{OPENID_MAX_CHARACTERS}}}")
_customer_id = re.compile(rf"\S{{1,{CUSTOMER_ID_MAX_CHARACTERS}}}")
_nothing = re.compile(r"[-—–_0]+")
_phone_filler = re.compile(r"[\s()\-\u2010-\u2015\u2212\ufe58\ufe63]+")
_mobile = re.compile(r"(?:\+86|0086|86)?(1[3-9][0-9]{9})")
# Country codes never begin with 0, and +86 is no foreign country.
_foreign_phone = re.compile(r"\+(?!86)[1-9][0-9]{5,14}")
_tag_separator = re.compile(r"[,，、;；|\n\r\v\f\x85\u2028\u2029]")
_odd_space = re.compile("[\u00a0\u2007\u202f]")
_inner_control = re.compile(r"[\t\x1c-\x1f]")

# Text that its cleaning function returns unchanged, recognised in one match: most cells of most sheets.
PLAIN_OPENID = _openid
PLAIN_CUSTOMER_ID = re.compile(rf"(?=[A-Za-z0_-]*[1-9])[A-Za-z0-9_-]{{1,{CUSTOMER_ID_MAX_CHARACTERS}}}")
PLAIN_PHONE = re.compile(r"1[3-9][0-9]{9}")
PLAIN_TAGS = re.compile(
    rf"[^\s#,，、;；|\x00-\x1f{characters.DAMAGED}{characters.ZERO_WIDTH}{characters.FULL_WIDTH_ALPHANUMERIC}]"
    rf"{{1,{TAG_MAX_CHARACTERS}}}"
)


def _flawed(cell: Cell, code: str, **params: str | int) -> Cleaned:
    return Cleaned(cell.text, (Flaw(code, params),))


def _flaw_of_kind(cell: Cell, place: str) -> str:
    """The code of a cell that holds no usable text, or ""."""
    match cell.kind:
        case Kind.ERROR:
            return "error_cell"
        case Kind.FORMULA:
            return "formula_without_value"
        case Kind.DATE:
            return f"date_in_{place}"
        case Kind.BOOLEAN:
            return f"boolean_in_{place}"
        case Kind.NUMBER:
            return "number_too_long" if _beyond_excel.fullmatch(cell.text) else ""
    return ""


def _flaw_of_identifier(cell: Cell, text: str) -> str:
    if code := _flaw_of_kind(cell, "identifier"):
        return code
    if text.upper() in ERROR_TEXTS:
        return "error_cell"
    if _exponent_text.fullmatch(text):
        return "number_too_long"
    return "control_character" if characters.is_damaged(text) else ""


def _identifier(cell: Cell, invalid: Flaw, accept: Callable[[str], str]) -> Cleaned:
    text = _text_mark.sub("", characters.narrow(characters.without_zero_width(cell.text))).rstrip()
    if code := _flaw_of_identifier(cell, text):
        return _flawed(cell, code)
    if not text:
        return Cleaned("")
    if cell.kind is Kind.NUMBER and not _whole_number.fullmatch(text):
        return Cleaned(cell.text, (invalid,))
    value = accept(text)
    return Cleaned(value) if value else Cleaned(cell.text, (invalid,))


def _accept_customer_id(text: str) -> str:
    if text.lower() in PLACEHOLDERS or _nothing.fullmatch(text) or not text.isprintable():
        return ""
    return text if _customer_id.fullmatch(text) else ""


def _accept_openid(text: str) -> str:
    return text if _openid.fullmatch(text) else ""


def _accept_phone(text: str) -> str:
    digits = _phone_filler.sub("", text)
    if mobile := _mobile.fullmatch(digits):
        return mobile[1]
    return digits if _foreign_phone.fullmatch(digits) else ""


_customer_id_invalid = Flaw("customer_id_invalid", {"max_characters": CUSTOMER_ID_MAX_CHARACTERS})
_openid_limits: Params = {"min_characters": OPENID_MIN_CHARACTERS, "max_characters": OPENID_MAX_CHARACTERS}
_openid_invalid = Flaw("openid_invalid", _openid_limits)
_unionid_invalid = Flaw("unionid_invalid", _openid_limits)
_phone_invalid = Flaw("phone_invalid", {})


def clean_customer_id(cell: Cell) -> Cleaned:
    return _identifier(cell, _customer_id_invalid, _accept_customer_id)


def clean_openid(cell: Cell) -> Cleaned:
    return _identifier(cell, _openid_invalid, _accept_openid)


def clean_unionid(cell: Cell) -> Cleaned:
    return _identifier(cell, _unionid_invalid, _accept_openid)


def clean_phone(cell: Cell) -> Cleaned:
    """A mainland mobile as 11 digits, any other number as + and 6 to 15 digits."""
    return _identifier(cell, _phone_invalid, _accept_phone)


def _flaws_of_tags(tags: list[str]) -> tuple[Flaw, ...]:
    flaws = []
    if any(tag.upper() in ERROR_TEXTS for tag in tags):
        flaws.append(Flaw("error_cell", {}))
    if any(_inner_control.search(tag) or characters.is_damaged(tag) for tag in tags):
        flaws.append(Flaw("control_character", {}))
    if any(len(tag) > TAG_MAX_CHARACTERS for tag in tags):
        flaws.append(Flaw("tag_too_long", {"max_characters": TAG_MAX_CHARACTERS}))
    return tuple(flaws)


def _read_tags(text: str) -> Cleaned:
    tidy = _odd_space.sub(" ", characters.without_loose_zero_width(text))
    pieces = (piece.strip() for piece in _tag_separator.split(characters.narrow_alphanumeric(tidy)))
    tags = list(dict.fromkeys(piece for piece in pieces if piece))
    if flaws := _flaws_of_tags(tags):
        return Cleaned(text, flaws)
    return Cleaned(",".join(tags))


# A sheet repeats a few lists of tags thousands of times. Long cells stay out, so the cache stays small.
_read_usual_tags = lru_cache(maxsize=2048)(_read_tags)


def clean_tags(cell: Cell) -> Cleaned:
    """Tags joined with a comma, each once, in the order of the cell; case is kept."""
    if code := _flaw_of_kind(cell, "tags"):
        return _flawed(cell, code)
    read = _read_usual_tags if len(cell.text) <= TAG_MAX_CHARACTERS else _read_tags
    return read(cell.text)
