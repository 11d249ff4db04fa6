"""The frame around the sheets: which there are, where their parts lie, which styles show a number as a date.

Must not know: what stands in the cells.
"""

import re
from typing import NamedTuple

from tagsync.sheets.errors import Unreadable
from tagsync.sheets.xlsx.package import Package, Relation
from tagsync.sheets.xlsx.values import AS_DATE, SIGNIFICANT_DIGITS

# ECMA-376 part 1, 18.8.30; 27-36 and 50-58 are dates in the Chinese, Japanese and Korean editions.
DATE_FORMATS = {*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)}
# What a format code may say without being a date: quoted text, an escaped, padded or repeated character,
# a colour, condition, locale or number shape in brackets. [h], [mm] and [s] are elapsed time and stay.
NOT_DATE_PARTS = re.compile(r'"[^"]*"|[\\_*].|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.IGNORECASE)
# One zero alone is a whole number as it is.
ZEROS = re.compile("00+")
DATE_LETTERS = re.compile(r"[dmyhs]|aaa", re.IGNORECASE)

# Parts that are never opened; the person is told that they are there. Name contains -> code.
UNOPENED = (
    ("vbaproject.bin", "macros"),
    ("/macrosheets/", "macros"),
    ("/externallinks/", "external_links"),
    ("/embeddings/", "embeddings"),
    ("/activex/", "controls"),
    ("/ctrlprops/", "controls"),
)


class Sheet(NamedTuple):
    name: str
    hidden: bool
    part: str


class Workbook(NamedTuple):
    sheets: tuple[Sheet, ...]
    strings_part: str | None
    styles_part: str | None
    starts_1904: bool
    unopened: tuple[str, ...]


def open_workbook(package: Package) -> Workbook:
    """Read the workbook part. Raises: Unreadable when this package is not a workbook or is damaged."""
    main = _single(package.relations(""), "officeDocument")
    if main is None:
        raise Unreadable("not_a_workbook")
    relations = package.relations(main)
    sheets: list[Sheet] = []
    starts_1904 = False
    for number, (path, attributes) in enumerate(package.elements(main)):
        if number == 0 and path != "workbook":
            raise Unreadable("not_a_workbook")
        if path == "workbook/workbookPr":
            starts_1904 = attributes.get("date1904") in ("1", "true", "on")
        elif path == "workbook/sheets/sheet":
            relation = relations.get(attributes.get("id", ""))
            if relation is not None and relation.kind == "worksheet":
                hidden = attributes.get("state", "visible") != "visible"
                sheets.append(Sheet(attributes.get("name", ""), hidden, relation.target))
    return Workbook(
        tuple(sheets),
        _single(relations, "sharedStrings"),
        _single(relations, "styles"),
        starts_1904,
        _unopened(package),
    )


def number_styles(package: Package, part: str | None) -> dict[str, int]:
    """How the styles, as cells name them, show a number: AS_DATE, or to how many digits zeros fill it up.

    Styles that show it as it is, or merely dress it up, are not in it.
    """
    if part is None or part not in package:
        return {}
    formats: dict[str, int] = {str(number): AS_DATE for number in DATE_FORMATS}
    found: dict[str, int] = {}
    style = 0
    for path, attributes in package.elements(part):
        if path == "styleSheet/numFmts/numFmt":
            formats[attributes.get("numFmtId", "")] = shown_as(attributes.get("formatCode", ""))
        elif path == "styleSheet/cellXfs/xf":
            if shown := formats.get(attributes.get("numFmtId", "0"), 0):
                found[str(style)] = shown
            style += 1
    return found


def shown_as(code: str) -> int:
    if is_date_format(code):
        return AS_DATE
    return len(code) if ZEROS.fullmatch(code) and len(code) <= SIGNIFICANT_DIGITS else 0


def is_date_format(code: str) -> bool:
    """Whether a number format code shows a date or a time."""
    first = NOT_DATE_PARTS.sub("", code).split(";")[0]
    return DATE_LETTERS.search(first) is not None


def _single(relations: dict[str, Relation], kind: str) -> str | None:
    return next((relation.target for relation in relations.values() if relation.kind == kind), None)


def _unopened(package: Package) -> tuple[str, ...]:
    names = package.member_names()
    return tuple(dict.fromkeys(code for mark, code in UNOPENED if any(mark in name for name in names)))
