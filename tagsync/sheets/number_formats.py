"""What a number format makes of a stored number: a closed subset of the codes, and "not understood" for all others.

Understood: General, 0 # ? with decimals and thousands separators, one %, literals, _x, *x, colours, locale brackets,
up to three sections without conditions, and one for texts (@). Where Excel and LibreOffice show different things, a
format is not understood either. A code is scanned once, from left to right. Must not know files, XML or xlrd.

Source: ECMA-376 part 1, 18.8.31.
"""

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

from tagsync.sheets.format_sections import (
    GENERAL,
    NUMBER_AS_IT_IS,
    TEXT_AS_IT_IS,
    Piece,
    Section,
    filled,
    has_number,
    keeps_whole,
    number_section,
    pattern_of_whole,
    text_section,
)

LONGEST_CODE = 255  # Excel's own limit; a longer one is not looked at
# Excel allows some 250 of one's own in a workbook; a file that has many times as many is only meant to take time.
CODES_PARSED = 2_000
LONGEST_SHOWN = 32_767  # Excel's longest text; a format can repeat the text of its cell
CODES_NAMED = 200  # so many formats that are not understood are told apart in one workbook
NAMELESS = "…"
# What Chinese editions call it; WPS saves it so.
GENERAL_NAMES = (GENERAL.lower(), "g/通用格式")
DATE_LETTERS = frozenset("dmyhs")
CLOSED_BY = {'"': '"', "[": "]"}
UNCLOSED = "unclosed"
ELAPSED = re.compile(r"h+|m+|s+")

# What the numbers of formats without a code mean (18.8.30); those of currency have the sign of whoever looks at them.
# 27 to 36 and 50 to 58 are dates in the Chinese, Japanese and Korean editions.
CURRENCY = "[$currency]"
BUILT_IN = {
    **dict.fromkeys((*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)), "yyyy-mm-dd"),
    **dict.fromkeys((5, 6, 7, 8, 42, 44), CURRENCY),
    **{1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%", 11: "0.00E+00", 12: "# ?/?", 13: "# ??/??"},
    **{37: "#,##0 ;(#,##0)", 38: "#,##0 ;[Red](#,##0)", 39: "#,##0.00;(#,##0.00)", 40: "#,##0.00;[Red](#,##0.00)"},
    **{41: '_ * #,##0_ ;_ * -#,##0_ ;_ * "-"_ ;_ @_ ', 43: '_ * #,##0.00_ ;_ * -#,##0.00_ ;_ * "-"??_ ;_ @_ '},
    **{48: "##0.0E+0", 49: "@"},
}


class Format(NamedTuple):
    """`positive`, `negative`, `zero`: None when not understood. `signed`: negative numbers get a minus of their own.

    `text`: the section for texts, None when not understood. `keeps_whole`: whole positive numbers are shown as digits.
    `keeps_text`, `keeps_all`: texts, or everything, are shown as they are.
    """

    code: str
    is_date: bool
    positive: Section | None
    negative: Section | None
    zero: Section | None
    signed: bool
    text: Section | None
    keeps_whole: bool
    keeps_text: bool
    keeps_all: bool = False
    whole: str = ""  # see `pattern_of_whole`, of positive numbers


class Formats:
    """The formats of one workbook, each code parsed once."""

    def __init__(self) -> None:
        self._known: dict[str, Format] = {}
        self._unclear = 0

    def of(self, code: str) -> Format:
        if code not in self._known:
            if len(self._known) == CODES_PARSED:
                return NOT_LOOKED_AT
            found = parsed(code)
            if found.positive is None or found.negative is None:
                self._unclear += 1
                if self._unclear > CODES_NAMED:
                    found = found._replace(code=NAMELESS)
            self._known[code] = found
        return self._known[code]


def parsed(code: str) -> Format:
    if len(code) > LONGEST_CODE:
        shows_texts = "@" in code or code.count(";") > 2
        return _no_numbers(code[:LONGEST_CODE] + NAMELESS, False, None if shows_texts else TEXT_AS_IT_IS)
    sections, conditional = _split(code)
    is_date = _shows_date(sections[0])
    last_is_text = len(sections) >= 4 or any(piece.mark == "@" for piece in sections[-1])
    text = text_section(sections.pop()) if last_is_text else TEXT_AS_IT_IS
    if is_date or conditional or len(sections) > 3:
        return _no_numbers(code, is_date, text)
    numbers = [number_section(pieces) for pieces in sections] if code else []
    if text is None or None in numbers:  # a program that stumbles over one section shows none of them
        is_clear = text == TEXT_AS_IT_IS and not any(piece.mark == "@" for one in sections for piece in one)
        return _no_numbers(code, False, text if is_clear else None)
    positive = numbers[0] if numbers else NUMBER_AS_IT_IS
    negative = numbers[1] if len(numbers) > 1 else positive
    if (len(numbers) == 2 and negative == Section()) or (len(numbers) < 2 and not has_number(negative)):
        negative = None  # a minus alone, or nothing: the programs differ
    return Format(
        code=code,
        is_date=False,
        positive=positive,
        negative=negative,
        zero=numbers[2] if len(numbers) > 2 else positive,
        signed=len(numbers) < 2,
        text=text,
        keeps_whole=positive is not None and keeps_whole(positive),
        keeps_text=text == TEXT_AS_IT_IS,
        keeps_all=text == TEXT_AS_IT_IS and len(numbers) < 2 and positive == NUMBER_AS_IT_IS,
        whole=pattern_of_whole(positive) if positive else "",
    )


def is_date_format(code: str) -> bool:
    """Whether a number format code shows a date or a time."""
    return parsed(code).is_date


def shown(form: Format, stored: str) -> str | None:
    """The number as a cell of that format shows it, without the white space around it; None when not understood.

    `stored`: a decimal number of up to 15 digits without an exponent. Rounded as Excel does: half away from zero.
    """
    value = Decimal(stored)
    section = form.positive if value > 0 else form.negative if value else form.zero
    if section is None:
        return None
    text = filled(section, abs(value))
    if text is None:
        return None
    if value >= 0 or not form.signed:
        return text.strip(" ")
    # The programs differ about the minus of what was rounded to nothing, and before white space.
    is_clear = text != filled(section, Decimal(0)) and section.pieces[0] != Piece("", " ")
    return f"-{text}".strip(" ") if is_clear else None


def shown_text(form: Format, text: str) -> str | None:
    """The same for a text."""
    if form.text is None or form.keeps_text:
        return None if form.text is None else text
    times = sum(mark == "@" for mark, _said in form.text.pieces)
    if times * len(text) > LONGEST_SHOWN:
        return None
    return "".join(text if mark == "@" else said for mark, said in form.text.pieces)


# From the code to sections


def _no_numbers(code: str, is_date: bool, text: Section | None) -> Format:
    return Format(code, is_date, None, None, None, False, text, False, text == TEXT_AS_IT_IS)


NOT_LOOKED_AT = _no_numbers(NAMELESS, False, None)


def _split(code: str) -> tuple[list[list[Piece]], bool]:
    """The pieces of each section, and whether something in them changes the meaning of all."""
    sections: list[list[Piece]] = [[]]
    conditional = False
    for piece in _pieces(code):
        if piece.mark == ";":
            sections.append([])
        else:
            sections[-1].append(piece)
            conditional |= piece.mark == "[" and piece.text[:1] in ("<", ">", "=")
    return sections, conditional


def _pieces(code: str) -> Iterator[Piece]:
    at = 0
    while at < len(code):
        mark = code[at]
        name = next((name for name in GENERAL_NAMES if code[at : at + len(name)].lower() == name), None)
        if name:
            yield Piece(GENERAL)
            at += len(name)
        elif mark in CLOSED_BY:
            end = code.find(CLOSED_BY[mark], at + 1)
            if end < 0:
                yield Piece(UNCLOSED)
                return
            yield Piece(mark, code[at + 1 : end])
            at = end + 1
        elif mark in "\\_*":
            yield Piece(mark, code[at + 1 : at + 2])
            at += 2
        else:
            yield Piece(mark)
            at += 1


def _shows_date(pieces: Sequence[Piece]) -> bool:
    weekday = 0  # "aaa" is one; "a" alone belongs to am/pm
    for mark, text in pieces:
        weekday = weekday + 1 if mark in ("a", "A") else 0
        if mark.lower() in DATE_LETTERS or weekday == 3 or (mark == "[" and ELAPSED.fullmatch(text.lower())):
            return True
    return False
