"""The frame around the sheets: which there are, where their parts lie, which styles show a value otherwise.

Must not know: what stands in the cells.
"""

from typing import NamedTuple

from tagsync.sheets.errors import Unreadable
from tagsync.sheets.number_formats import BUILT_IN, Format, Formats
from tagsync.sheets.xlsx.package import Package, Relation

TRUE, FALSE = ("1", "true", "on"), ("0", "false", "off")

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
    """`recalculates`: whoever wrote it leaves the formulas to the program that opens it; a result may not be one."""

    sheets: tuple[Sheet, ...]
    strings_part: str | None
    styles_part: str | None
    starts_1904: bool
    recalculates: bool
    unopened: tuple[str, ...]


def open_workbook(package: Package) -> Workbook:
    """Read the workbook part. Raises: Unreadable when this package is not a workbook or is damaged."""
    main = _single(package.relations(""), "officeDocument")
    if main is None:
        raise Unreadable("not_a_workbook")
    relations = package.relations(main)
    sheets: list[Sheet] = []
    starts_1904 = recalculates = False
    for number, (path, attributes) in enumerate(package.elements(main)):
        if number == 0 and path != "workbook":
            raise Unreadable("not_a_workbook")
        if path == "workbook/workbookPr":
            starts_1904 = attributes.get("date1904") in TRUE
        elif path == "workbook/calcPr":
            asked, done = attributes.get("fullCalcOnLoad"), attributes.get("calcCompleted")
            recalculates = asked in TRUE or done in FALSE
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
        recalculates,
        _unopened(package),
    )


def number_styles(package: Package, part: str | None) -> dict[str, Format]:
    """The number formats of the styles, as cells name them. Styles that show everything as it is are not in it."""
    if part is None or part not in package:
        return {}
    codes = {str(number): code for number, code in BUILT_IN.items()}
    formats = Formats()
    found: dict[str, Format] = {}
    style = 0
    for path, attributes in package.elements(part):
        if path == "styleSheet/numFmts/numFmt":
            codes[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
        elif path == "styleSheet/cellXfs/xf":
            form = formats.of(codes.get(attributes.get("numFmtId", "0"), ""))
            if not form.keeps_all:
                found[str(style)] = form
            style += 1
    return found


def _single(relations: dict[str, Relation], kind: str) -> str | None:
    return next((relation.target for relation in relations.values() if relation.kind == kind), None)


def _unopened(package: Package) -> tuple[str, ...]:
    names = package.member_names()
    return tuple(dict.fromkeys(code for mark, code in UNOPENED if any(mark in name for name in names)))
