"""What a cell must look like to be sent: one cleaning function for each kind of field.

Each gives a clean value or the flaws that forbid it, never an exception; knows no columns and no rows.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from tagsync.mapping import characters, formatted, leftovers
from tagsync.mapping.leftovers import EXCEL_EXACT_DIGITS as EXCEL_EXACT_DIGITS
from tagsync.mapping.leftovers import Of
from tagsync.sheets.cells import Cell, FormattedCell, Kind

OPENID_MIN_CHARACTERS = 6  # Length and alphabet of an openid or unionid: not documented; 28 is typical.
OPENID_MAX_CHARACTERS = 64
CUSTOMER_ID_MAX_CHARACTERS = 64  # not documented
TAG_MAX_CHARACTERS = 255  # not documented; a limit of our own

PLACEHOLDER_IN_IDENTIFIER = "placeholder_in_identifier"

Params = dict[str, str | int]


class Flaw(NamedTuple):
    code: str
    params: Params


class Cleaned(NamedTuple):
    """`value` is clean when there are no flaws, else as typed; "" without flaws is an empty cell.

    `changes`: what cleaning did to what was typed, as keys of `CHANGES`.
    """

    value: str
    flaws: tuple[Flaw, ...] = ()
    changes: tuple[str, ...] = ()


# What cleaning may do to a value that it accepts -> what that means. Nothing else is changed.
CHANGES = {
    "invisible_removed": "zero-width and other invisible characters",
    "made_narrow": "full-width letters and digits made half-width",
    "apostrophe_removed": "an apostrophe or backtick before or around the value, with which spreadsheets mark text",
    "quotes_removed": "quotation marks around an identifier",
    "formula_unwrapped": 'the =" and " around a text that is to look the same in Excel',
    "decimals_removed": "zeros behind the point of a whole number",
    "placeholder_emptied": "a word or dash in place of an identifier, beside another one",
    "spaces_removed": "spaces around or inside",
    "punctuation_removed": "dashes and brackets of a phone number",
    "country_code_removed": "+86, 0086 or 86 before a mainland mobile",
    "format_removed": "thousands separators, and zeros behind the point, that only the number format shows",
    "number_expanded": "a number in scientific notation with all its digits, written out",
    "separators_replaced": "tags separated by something else than a comma",
    "repeats_removed": "a tag that stands in the cell twice",
}


# "#N/A" as text is among the placeholders: there is no formula any more that could be mended.
ERROR_TEXTS = frozenset(
    ("#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!", "#SPILL!", "#CALC!", "#GETTING_DATA")
)
# As spreadsheets show a long number: the digits behind the exponent are gone. "12E5" may be a genuine ID.
_exponent_text = re.compile(r"[+-]?\d+(\.\d+[eE][+-]?|[eE]\+)\d+", re.ASCII)
_beyond_excel = re.compile(rf"[+-]?(\d{{{EXCEL_EXACT_DIGITS + 1},}}.*|.*[eE].*)", re.ASCII | re.DOTALL)
_whole_number = re.compile(r"\d+", re.ASCII)
# Never digits alone: that is a number of another kind in the wrong column.
_openid = re.compile(rf"(?=[0-9_-]*[A-Za-z])[A-Za-z0-9_-]{{{OPENID_MIN_CHARACTERS},{OPENID_MAX_CHARACTERS}}}")
_typical_openid = re.compile(r"o[A-Za-z0-9_-]{27}")
_customer_id = re.compile(rf"\S{{1,{CUSTOMER_ID_MAX_CHARACTERS}}}")
# As our own exports and pages show identifiers to those who may not see them (`masking`): no value at all.
_masked = re.compile(r".*\*{4}.*|.{4}….{2}", re.DOTALL)
_zeros = re.compile(r"[-—–_0]+")
_phone_filler = re.compile(r"[\s()\-\u2010-\u2015\u2212\ufe58\ufe63]+")
_mobile = re.compile(r"(?:\+86|0086|86)?(1[3-9][0-9]{9})")
# Country codes never begin with 0, and +86 is no foreign country.
_foreign_phone = re.compile(r"\+(?!86)[1-9][0-9]{5,14}")
_SEPARATORS = ",，、;；|\n\r\v\f\x85\u2028\u2029"
_tag_separator = re.compile(f"[{_SEPARATORS}]")
_odd_space = re.compile("[\u00a0\u2007\u202f]")
_inner_control = re.compile(r"[\t\x1c-\x1f]")

# Text that its cleaning function returns unchanged, recognised in one match: most cells of most sheets.
# No word that stands for nothing ("undefined") is as long as such an openid.
PLAIN_OPENID = re.compile(rf"(?=[0-9_-]*[A-Za-z])[A-Za-z0-9_-]{{20,{OPENID_MAX_CHARACTERS}}}")
PLAIN_CUSTOMER_ID = re.compile(rf"(?=[A-Za-z0_-]*[1-9])[A-Za-z0-9_-]{{1,{CUSTOMER_ID_MAX_CHARACTERS}}}")
PLAIN_PHONE = re.compile(r"1[3-9][0-9]{9}")
PLAIN_TAGS = re.compile(
    rf"(?![{leftovers.FIRST_CHARACTERS}])"
    rf"[^\s#?？\u951fï.\uff0e,，、;；|\x00-\x1f{characters.DAMAGED}{characters.ZERO_WIDTH}{characters.FULL_WIDTH_ALPHANUMERIC}]"
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
        case Kind.UNDECODED:
            return "cell_not_decoded"
        case Kind.MISQUOTED:
            return "text_behind_quote"
        case Kind.REMARK:
            return "line_is_remark"
        case Kind.DATE:
            return f"date_in_{place}"
        case Kind.BOOLEAN:
            return f"boolean_in_{place}"
        case Kind.NUMBER:
            return "number_too_long" if _beyond_excel.fullmatch(cell.text) else ""
    return ""


def _flaw_of_identifier(text: str) -> str:
    if text.upper() in ERROR_TEXTS:
        return "error_cell"
    if _masked.fullmatch(text):
        return "masked_value"
    if _exponent_text.fullmatch(text):
        return "number_too_long"
    if characters.is_lost(text):
        return "characters_lost"
    return "control_character" if characters.is_damaged(text) else ""


def _clean_formatted(
    cell: FormattedCell, text: str | None, clean: Callable[[Cell], Cleaned], *invalid: Flaw
) -> Cleaned:
    """`text`: what the cell means; None where it means nothing usable, which is `invalid`."""
    if cell.kind is Kind.UNSHOWN:
        return _flawed(cell, "format_not_understood", format=characters.storable(cell.format))
    if text is None:
        return Cleaned(cell.text, invalid)
    cleaned = clean(Cell(Kind.TEXT, text))
    if cleaned.flaws:
        return Cleaned(cell.text, cleaned.flaws)
    return cleaned if text == cell.text else cleaned._replace(changes=("format_removed", *cleaned.changes))


class _Accepted(NamedTuple):
    value: str
    changes: tuple[str, ...] = ()


def _identifier(cell: Cell, invalid: Flaw, accept: Callable[[str], _Accepted | Flaw | None]) -> Cleaned:
    """`accept`: the value of a tidy text, or a flaw of its own, or None when it is merely invalid."""
    if isinstance(cell, FormattedCell):
        meant = cell.text if leftovers.is_no_identifier(cell.text.strip()) else formatted.identifier(cell)
        return _clean_formatted(cell, meant, lambda bare: _identifier(bare, invalid, accept), invalid)
    tidy, changes = _tidy(cell.text)
    text, more, stop = leftovers.bare(tidy, Of.IDENTIFIER)
    if code := _flaw_of_kind(cell, "identifier"):
        return _flawed(cell, code)
    if stop:
        return _flawed(cell, stop, **({"placeholder": text} if stop == PLACEHOLDER_IN_IDENTIFIER else {}))
    if code := _flaw_of_identifier(text):
        return _flawed(cell, code)
    if not text:
        return Cleaned("")
    if cell.kind is Kind.NUMBER and not _whole_number.fullmatch(text):
        return Cleaned(cell.text, (invalid,))
    accepted = accept(text)
    if isinstance(accepted, _Accepted):
        return Cleaned(accepted.value, (), tuple(dict.fromkeys((*changes, *more, *accepted.changes))))
    return Cleaned(cell.text, (accepted or invalid,))


def _tidy(typed: str) -> tuple[str, tuple[str, ...]]:
    """Without what cannot be seen, and what that was."""
    visible = characters.without_zero_width(typed)
    narrow = characters.narrow(visible)
    text = narrow.strip()
    done = {"invisible_removed": visible != typed, "made_narrow": narrow != visible, "spaces_removed": text != narrow}
    return text, tuple(code for code, is_so in done.items() if is_so)


def _accept_customer_id(text: str) -> _Accepted | None:
    if _zeros.fullmatch(text) or not text.isprintable():
        return None
    return _Accepted(text) if _customer_id.fullmatch(text) else None


def _accept_openid(text: str) -> _Accepted | Flaw | None:
    if _openid.fullmatch(text):
        return _Accepted(text)
    return Flaw("in_wrong_column", {"other": "phone"}) if _mobile.fullmatch(text) else None


def _accept_phone(text: str) -> _Accepted | Flaw | None:
    digits = _phone_filler.sub("", text)
    changes = ["spaces_removed"] if re.search(r"\s", text) else []
    if len(digits) < len(re.sub(r"\s", "", text)):
        changes.append("punctuation_removed")
    if mobile := _mobile.fullmatch(digits):
        if mobile[1] != digits:
            changes.append("country_code_removed")
        return _Accepted(mobile[1], tuple(changes))
    if _foreign_phone.fullmatch(digits):
        return _Accepted(digits, tuple(changes))
    return Flaw("in_wrong_column", {"other": "openid"}) if _typical_openid.fullmatch(text) else None


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


class _TagList(NamedTuple):
    """The tags of a text, bare and each once; `stops`: those of them that may not be sent, with the code."""

    tags: list[str]
    stops: dict[str, str]
    changes: tuple[str, ...]


def _tag_list(text: str, of: Of) -> _TagList:
    spaced = _odd_space.sub(" ", text)
    tidy = _odd_space.sub(" ", characters.without_loose_zero_width(text))
    narrow = characters.narrow_alphanumeric(tidy)
    whole = leftovers.bare_list(narrow, _SEPARATORS)
    typed = [piece for piece in _tag_separator.split(whole.text) if piece.strip()]
    found = [leftovers.bare(piece.strip(), of) for piece in typed]
    texts = [one.text for one in found if one.text]
    tags = list(dict.fromkeys(texts))
    done = {
        "invisible_removed": tidy != spaced,
        "made_narrow": narrow != tidy,
        **{code: True for one in (whole, *found) for code in one.changes},
        "spaces_removed": any(piece != piece.strip() for piece in typed),
        "separators_replaced": len(typed) > 1 and whole.text.count(",") < len(typed) - 1,
        "repeats_removed": len(tags) < len(texts),
    }
    stops = {one.text: one.stop for one in found if one.stop}
    return _TagList(tags, stops, tuple(code for code, is_so in done.items() if is_so))


def _flaws_of_tags(tags: list[str]) -> tuple[Flaw, ...]:
    flaws = []
    if any(tag.upper() in ERROR_TEXTS for tag in tags):
        flaws.append(Flaw("error_cell", {}))
    if any(characters.is_lost(tag) for tag in tags):
        flaws.append(Flaw("characters_lost", {}))
    elif any(_inner_control.search(tag) or characters.is_damaged(tag) for tag in tags):
        flaws.append(Flaw("control_character", {}))
    if any(len(tag) > TAG_MAX_CHARACTERS for tag in tags):
        flaws.append(Flaw("tag_too_long", {"max_characters": TAG_MAX_CHARACTERS}))
    return tuple(flaws)


def _flaws_of_stops(stops: dict[str, str]) -> tuple[Flaw, ...]:
    lost = [Flaw("number_too_long", {})] if "number_too_long" in stops.values() else []
    words = (tag for tag, code in stops.items() if code == "placeholder_in_tags")
    return (*lost, *(Flaw("placeholder_in_tags", {"placeholder": word}) for word in words))


def _read_tags(text: str, of: Of = Of.TAG, meant: str = "") -> Cleaned:
    found = _tag_list(text, of)
    stops = {tag: code for tag, code in found.stops.items() if tag != meant}
    if flaws := (*_flaws_of_tags(found.tags), *_flaws_of_stops(stops)):
        return Cleaned(text, flaws)
    return Cleaned(",".join(found.tags), (), found.changes)


# A sheet repeats a few lists of tags thousands of times. Long cells stay out, so the cache stays small.
_read_usual_tags = lru_cache(maxsize=2048)(_read_tags)


def clean_tags(cell: Cell) -> Cleaned:
    """Tags joined with a comma, each once, in the order of the cell; case is kept."""
    if isinstance(cell, FormattedCell):
        return _clean_formatted(cell, formatted.without_grouping(cell), lambda bare: clean_shown_tags(bare.text))
    if code := _flaw_of_kind(cell, "tags"):
        return _flawed(cell, code)
    read = _read_usual_tags if len(cell.text) <= TAG_MAX_CHARACTERS else _read_tags
    return read(cell.text)


def clean_shown_tags(text: str, meant: str = "") -> Cleaned:
    """Tags as a person sees them, not as a file stores them. `meant`: one that she says is no placeholder."""
    return _read_tags(text, Of.SHOWN_TAG, meant)


def without_tag(text: str, tag: str) -> str:
    """A list of tags, clean or as it was typed, without one of them."""
    return ",".join(one for one in _tag_list(text, Of.SHOWN_TAG).tags if one != tag)
