"""One section of a number format: from the pieces of its code to placeholders and literals, and what it then shows.

Where Excel and LibreOffice differ, or stumble, a section is not understood. Must not know how sections are chosen.
"""

import re
from collections.abc import Iterator, Sequence
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import NamedTuple

GENERAL = "General"
LITERALS = frozenset("$-+():^&'~{}<>= ")
PLACEHOLDERS = frozenset("0#?")
COLOUR = re.compile(r"black|blue|cyan|green|magenta|red|white|yellow|color[1-9]\d?")
LOCALE = re.compile(r"\$([^-]*)(?:-([0-9a-f]{1,4}))?", re.IGNORECASE)
# Chinese, English, Japanese, Korean and Thai: point and comma as Excel's codes have them. Elsewhere the separators
# are others in one program and not in the next.
POINT_AND_COMMA = {
    *("4", "404", "804", "c04", "1004", "1404"),
    *("9", "409", "809", "c09", "1009", "1409", "1809", "4809"),
    *("411", "412", "41e"),
}
# Enough for as many decimals as a code has room for, and the digits before them.
DIGITS = Context(prec=300)
GENERAL_DIGITS = 11  # beyond, General shows fewer digits than there are, or an exponent


class Piece(NamedTuple):
    """One element of a code. `mark`: the character that it is or begins with, General, or UNCLOSED."""

    mark: str
    text: str = ""


class Section(NamedTuple):
    """What is shown in the order of `pieces`: placeholders, ".", "%", General, "@"; all else is literal text."""

    pieces: tuple[Piece, ...] = ()
    whole: str = ""  # placeholders before the point
    fraction: str = ""
    grouped: bool = False
    percent: bool = False


NUMBER_AS_IT_IS = Section((Piece(GENERAL),))
TEXT_AS_IT_IS = Section((Piece("@"),))


# From the code


def _literal(piece: Piece) -> str | None:
    """What a piece shows whatever the value is, "" for what is only colour; None for one that is no literal."""
    match piece.mark:
        case '"' | "\\":
            return piece.text
        case "_":
            return " "
        case "*":  # repeated as often as the column is wide
            return None if piece.text.isalnum() else ""
        case "[":
            return _symbol(piece.text)
        case mark if mark in LITERALS or (not mark.isascii() and len(mark) == 1):
            return mark
    return None


def _symbol(text: str) -> str | None:
    """The currency sign, or whatever else a locale bracket shows."""
    locale = LOCALE.fullmatch(text)
    # F400 and F800 are the system's own time and date.
    return None if locale is None or (locale[2] or "")[:1] in ("f", "F") else locale[1]


def _has_own_separators(text: str) -> bool:
    locale = LOCALE.fullmatch(text)
    return locale is not None and locale[2] is not None and locale[2].lower().lstrip("0") not in POINT_AND_COMMA


def _without_colour(pieces: Sequence[Piece]) -> Sequence[Piece]:
    is_coloured = pieces and pieces[0].mark == "[" and COLOUR.fullmatch(pieces[0].text.lower())
    return pieces[1:] if is_coloured else pieces


def _has_odd_brackets(pieces: Sequence[Piece]) -> bool:
    """More than one locale, or one without a sign that does not come first."""
    brackets = [(place, piece.text) for place, piece in enumerate(pieces) if piece.mark == "["]
    return len(brackets) > 1 or any(place and not _symbol(text) for place, text in brackets)


def text_section(pieces: Sequence[Piece]) -> Section | None:
    bare = _without_colour(pieces)
    if (pieces and not bare) or any(piece.mark == "[" for piece in bare):
        return None
    pieces = bare
    said = [piece if piece.mark == "@" else Piece("", _literal(piece) or "") for piece in pieces]
    if any(piece.mark != "@" and _literal(piece) is None for piece in pieces):
        return None
    while said and said[0].mark != "@" and not said[0].text.strip(" "):
        said.pop(0)
    while said and said[-1].mark != "@" and not said[-1].text.strip(" "):
        said.pop()
    return Section(tuple(said))


def number_section(pieces: Sequence[Piece]) -> Section | None:
    """The section that shows a number, None when not understood."""
    pieces = _without_colour(pieces)
    if _has_odd_brackets(pieces) or sum(piece.mark == "*" for piece in pieces) > 1:
        return None
    made: list[Piece] = []
    whole = fraction = ""
    pointed = own_separators = False
    behind_comma = -1  # placeholders since the last comma; -1: there was none
    for piece in pieces:
        mark = piece.mark
        if mark in PLACEHOLDERS:
            whole, fraction = (whole, fraction + mark) if pointed else (whole + mark, fraction)
            behind_comma += behind_comma >= 0 and not pointed
        elif mark == ",":
            if not whole or pointed or behind_comma == 0:
                return None
            behind_comma = 0
            continue
        elif mark == ".":
            if pointed:
                return None
            pointed = True
        elif mark not in (GENERAL, "%"):
            said = _literal(piece)
            if said is None:
                return None
            own_separators |= mark == "[" and _has_own_separators(piece.text)
            piece = Piece("", said)
        made.append(piece)
    grouped = behind_comma >= 0
    if (grouped and behind_comma < 3) or (own_separators and (grouped or pointed)):
        return None  # a comma behind the last digit divides by a thousand
    marks = [piece.mark for piece in made]
    found = Section(tuple(made), whole, fraction, grouped, "%" in marks)
    has_sign = any(piece.mark in ("$", "[") for piece in pieces)
    return found if _is_usual(found, marks, has_sign) else None


def _is_usual(section: Section, marks: Sequence[str], has_sign: bool) -> bool:
    digits = len(section.whole + section.fraction)
    generals, percents = marks.count(GENERAL), marks.count("%")
    if generals > 1 or percents > 1 or (percents and has_sign) or (generals and (digits or percents or "." in marks)):
        return False
    if not digits and not generals and (percents or "." in marks or has_sign):
        return False
    if not section.whole and section.fraction and any(section.pieces[place].text for place in range(marks.index("."))):
        return False
    # What is optional stands outside, and is of one sort.
    if not re.fullmatch(r"(#*|\?*)0*", section.whole) or not re.fullmatch(r"0*(#*|\?*)", section.fraction):
        return False
    if not section.grouped:
        return True
    places = [place for place, mark in enumerate(marks) if mark in PLACEHOLDERS][: len(section.whole)]
    return places[-1] - places[0] == len(section.whole) - 1  # nothing stands between grouped digits


def has_number(section: Section | None) -> bool:
    return section is not None and (bool(section.whole + section.fraction) or Piece(GENERAL) in section.pieces)


def keeps_whole(section: Section) -> bool:
    if not has_number(section) or section.grouped or section.percent or section.whole.count("0") > 1:
        return False
    if section.fraction.strip("#") or (section.fraction and not section.whole):
        return False
    inner = [piece.text for piece in section.pieces if piece.mark == ""]
    return not any(text.strip(" ") for text in inner) and not _is_parted(section)


def pattern_of_whole(section: Section) -> str:
    """For `str.format`: what `filled` makes of whole numbers, in a fraction of its time; "" where that is unusual."""
    zeros, marks = section.whole.count("0"), [piece.mark for piece in section.pieces]
    is_usual = section.whole and not section.fraction and not section.percent and "?" not in section.whole
    if not is_usual or "." in marks or GENERAL in marks or (section.grouped and zeros > 1):
        return ""
    first = marks.index(section.whole[0])
    behind = first + len(section.whole)
    if any(mark not in PLACEHOLDERS for mark in marks[first:behind]):
        return ""
    before, after = (
        "".join(piece.text for piece in part) for part in (section.pieces[:first], section.pieces[behind:])
    )
    number = "{:,d}" if section.grouped else f"{{:0{zeros}d}}" if zeros > 1 else "{:d}"
    return _braced(before).lstrip(" ") + number + _braced(after).rstrip(" ")


def _braced(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _is_parted(section: Section) -> bool:
    """Whether white space stands between its digits."""
    places = [place for place, piece in enumerate(section.pieces) if piece.mark in PLACEHOLDERS or piece.mark == "."]
    return bool(places) and any(piece.mark == "" for piece in section.pieces[places[0] : places[-1]])


# What is shown


def filled(section: Section, value: Decimal) -> str | None:
    if not has_number(section):
        return "".join(piece.text for piece in section.pieces)
    if not section.whole + section.fraction:
        general = format(value.normalize(), "f")
        is_short = len(general) <= GENERAL_DIGITS or len(section.pieces) == 1
        return _joined(section, iter(()), iter(()), general) if is_short else None
    step = Decimal(1).scaleb(-len(section.fraction))
    exact = (value * 100 if section.percent else value).quantize(step, ROUND_HALF_UP, DIGITS)
    if section.percent and exact != Decimal(repr(float(value) * 100)).quantize(step, ROUND_HALF_UP, DIGITS):
        return None  # half of a per cent that binary arithmetic does not see
    whole, _, fraction = format(exact, "f").partition(".")
    places = _whole_places(section, whole.lstrip("0"))
    return _joined(section, iter(places), iter(_fraction_places(section.fraction, fraction)))


def _whole_places(section: Section, digits: str) -> list[str]:
    """What each placeholder before the point shows; the first shows all digits that are left."""
    marks = section.whole
    fill = {"0": "0", "?": " ", "#": ""}
    missing = max(0, len(marks) - len(digits))
    places = [fill[mark] for mark in marks[:missing]] + list(digits)
    if section.grouped:
        last = len(places) - 1
        for place, text in enumerate(places[:-1]):
            if text and (last - place) % 3 == 0:
                places[place] = text + ("," if text != " " else " ")
    extra = max(0, len(places) - len(marks)) + 1 if marks else len(places)
    return ["".join(places[:extra]), *places[extra:]]


def _fraction_places(marks: str, digits: str) -> list[str]:
    used = len(digits.rstrip("0"))
    fill = {"0": "0", "?": " ", "#": ""}
    return [digits[place] if place < used else fill[mark] for place, mark in enumerate(marks)]


def _joined(section: Section, whole: Iterator[str], fraction: Iterator[str], general: str = "") -> str:
    said: list[str] = []
    pointed = False
    behind = list(fraction)
    left = iter(behind)
    for mark, text in section.pieces:
        if mark in PLACEHOLDERS:
            said.append(next(left) if pointed else next(whole))
        elif mark == ".":
            pointed = True
            if not section.whole:
                said.append(next(whole))
            said.append("." if any(behind) else "")
        else:
            said.append({"%": "%", GENERAL: general}.get(mark, text))
    return "".join(said)
