"""What spreadsheets and exports leave in and around values: one table of rules, for identifiers and tags alike.

Text in, text out. Knows no cells, and nothing of what becomes of a row.
"""

import re
from collections.abc import Callable
from enum import Enum
from typing import NamedTuple

from tagsync.mapping.characters import narrow, widened

EXCEL_EXACT_DIGITS = 15  # A number with more digits has lost the last ones.

# How spreadsheets mark a number as text, and what programs and keyboards make of that mark.
MARKS = "'`\u00b4\u02b9\u02bb\u02bc\u02ca\u02cb\u2018\u2019\u201b\u2032\u2035\uff07\uff40"
_QUOTES = '"\u201c\u201d\u201e\u201f\uff02'
_SPACES = "".join(character for character in map(chr, range(0x3001)) if character.isspace())
_MARKS_AND_SPACES = MARKS + _SPACES
_BRACKETS = dict(zip('([{<"“（［｛＜【〔〈《「『', ')]}>"”）］｝＞】〕〉》」』', strict=True))
_DASHES_AND_DOTS = (
    "-_/\\.\u2010\u2011\u2012\u2013\u2014\u2015\u2026\u2212\u2500\u2501\u3002\u30fc"
    "\ufe58\ufe63\uff0d\uff0e\uff0f\uff3c\uff3f"
)

# What stands where there is nothing, without case, brackets, spaces and underscores: from databases and programs, from
# Excel ("#N/A" and "(blank)" as text), from people. All that pandas.read_csv takes for missing is among them. As a tag
# each may be meant, so a person is asked.
PLACEHOLDERS = frozenset(
    (
        *("null", "none", "nil", "nan", "-nan", "nan(ind)", "-nan(ind)", "nat", "undefined", "undef", r"\n"),
        *("na", "n/a", r"n\a", "n.a", "n.a.", "#n/a", "#na", "#n/an/a", "1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan"),
        *("empty", "blank", "novalue", "nodata", "notavailable", "notapplicable"),
        *("无", "無", "空", "没有", "沒有", "暂无", "暫無", "空值", "空白", "无数据", "無數據", "暂无数据"),
        *("未填", "未填写", "未填寫"),
    )
)
# Perhaps a tag, never an identifier.
NO_IDENTIFIERS = PLACEHOLDERS | {"unknown", "missing", "未知", "不详", "不詳", "缺失"}
PLACEHOLDER_MAX_CHARACTERS = 64

_filler = re.compile(f"[{re.escape(_DASHES_AND_DOTS)}]+")
_decimal_zeros = re.compile(r"(\d+)[.\uff0e]0+", re.ASCII)
_scientific = re.compile(r"([1-9])\.(\d+)[eE]\+?(\d{1,2})", re.ASCII)

# No leftover begins with another character, unless there is a point in it.
_words = [word[0] + word[0].upper() for word in NO_IDENTIFIERS if "." not in word]
_known = {"=", *MARKS, *_QUOTES, *_BRACKETS, *"".join(_words)}
_FIRST = frozenset(_known | {widened(one) for one in _known} | set(_DASHES_AND_DOTS))
FIRST_CHARACTERS = re.escape("".join(sorted(_FIRST)))  # for use inside a character class


class Of(Enum):
    IDENTIFIER = "identifier"
    TAG = "tag"
    SHOWN_TAG = "a tag as a number format shows it, or as a person typed it on a page: 5.00 is meant"


class Rule(NamedTuple):
    """`left`: what the text is without it; None where the rule does not apply.

    `code`: of what is tidied up, a key of `cleaning.CHANGES`; of what stops the row, one of `rows.CODES`.
    """

    code: str
    of: frozenset[Of]
    left: Callable[[str], str | None]
    is_tidied: bool


class Bare(NamedTuple):
    """A value without leftovers. `stop`: the code of the rule that forbids to send it, or ""."""

    text: str
    changes: tuple[str, ...] = ()
    stop: str = ""


def bare(text: str, of: Of) -> Bare:
    """`text` has no white space around it."""
    changes: list[str] = []
    # What one rule leaves may be another's: '="123". Each takes something away.
    while _may_be_leftover(text):
        for rule in _RULES[of]:
            left = rule.left(text)
            if left is not None:
                break
        else:
            break
        if not rule.is_tidied:
            return Bare(text, tuple(changes), rule.code)
        text = left.strip()
        changes.append(rule.code)
    return Bare(text, tuple(dict.fromkeys(changes)))


def _may_be_leftover(text: str) -> bool:
    """Said quickly, as of most texts nothing is one."""
    return text[:1] in _FIRST or "." in text or "\uff0e" in text


def bare_list(text: str, separators: str) -> Bare:
    """What stands around a whole list of tags: 'VIP,新客'. Its tags have rules of their own."""
    inside = text.strip(separators + _SPACES)
    pair = inside[:1] + inside[-1:]
    if len(inside) > 1 and not pair.strip(MARKS) and not any(mark in inside[1:-1] for mark in MARKS):
        return Bare(inside[1:-1], ("apostrophe_removed",))
    return Bare(text)


def is_no_identifier(text: str) -> bool:
    return _is_placeholder(text, NO_IDENTIFIERS)


def is_no_tag(text: str) -> bool:
    return _is_placeholder(text, PLACEHOLDERS)


def _is_placeholder(text: str, words: frozenset[str]) -> bool:
    if not text or len(text) > PLACEHOLDER_MAX_CHARACTERS:
        return False
    while len(text) > 1 and _BRACKETS.get(text[0]) == text[-1]:
        text = text[1:-1].strip()
    text = "".join(narrow(text).replace("_", " ").split()).lower()
    return not text or text in words or _filler.fullmatch(text) is not None


def _unwrapped(text: str) -> str | None:
    """Of ="00123", with which exports make Excel show a text as it is: what Excel shows."""
    if len(text) < 3 or text[:2] != '="' or text[-1] != '"':
        return None
    pieces = text[2:-1].split('""')
    return None if any('"' in piece for piece in pieces) else '"'.join(pieces)


def _without_marks(text: str) -> str | None:
    if not text or text[0] not in MARKS:
        return None
    return text.strip(_MARKS_AND_SPACES) if text[-1] in MARKS else text.lstrip(_MARKS_AND_SPACES)


def _without_quotes(text: str) -> str | None:
    if len(text) < 2 or text[0] not in _QUOTES or text[-1] not in _QUOTES:
        return None
    return text.strip(_QUOTES + _MARKS_AND_SPACES)


def _without_decimal_zeros(text: str) -> str | None:
    """Of 100234567.0, as programs write the whole numbers of a column with gaps.

    Of tags too: of 2024.0 in a text file, Excel shows 2024. What a cell's own format shows as 5.00 stays 5.00.
    """
    match = _decimal_zeros.fullmatch(text)
    return match[1] if match and len(match[1]) <= EXCEL_EXACT_DIGITS else None


def _written_out(text: str) -> str | None:
    """The digits of "1.3800138000E+10", when all of them are there."""
    match = _scientific.fullmatch(text)
    if match is None or not len(match[1]) + len(match[2]) == int(match[3]) + 1 <= EXCEL_EXACT_DIGITS:
        return None
    return match[1] + match[2]


def _where(holds: Callable[[str], object]) -> Callable[[str], str | None]:
    """A rule of which nothing is left."""
    return lambda text: "" if holds(text) else None


IDENTIFIER = frozenset({Of.IDENTIFIER})
SHOWN = frozenset({Of.TAG, Of.SHOWN_TAG})
STORED = frozenset({Of.IDENTIFIER, Of.TAG})
ALL = frozenset(Of)

RULES = (
    Rule("formula_unwrapped", ALL, _unwrapped, is_tidied=True),
    Rule("apostrophe_removed", ALL, _without_marks, is_tidied=True),
    # A person may well put a tag in quotation marks.
    Rule("quotes_removed", IDENTIFIER, _without_quotes, is_tidied=True),
    Rule("decimals_removed", STORED, _without_decimal_zeros, is_tidied=True),
    Rule("number_expanded", IDENTIFIER, _written_out, is_tidied=True),
    Rule("number_too_long", STORED, _where(_decimal_zeros.fullmatch), is_tidied=False),
    # Beside a usable identifier this is empty and tidied up after all; only the whole row can tell.
    Rule("placeholder_in_identifier", IDENTIFIER, _where(is_no_identifier), is_tidied=False),
    Rule("placeholder_in_tags", SHOWN, _where(is_no_tag), is_tidied=False),
)
_RULES = {of: tuple(rule for rule in RULES if of in rule.of) for of in Of}
