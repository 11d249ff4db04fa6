"""The frame around the sheets: which there are, where their parts lie, which styles show a value otherwise.

Must not know: what stands in the cells.
"""

from collections.abc import Mapping
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


class Styles:
    """The number formats of cells, by the name of their style; one is understood when the first cell has it."""

    def __init__(self, codes: Mapping[str, str]) -> None:
        self._codes = codes
        self._formats = Formats()
        self._known: dict[str | None, Format | None] = {}

    def get(self, style: str | None) -> Format | None:
        """None for a style that shows everything as it is."""
        if style not in self._known:
            code = None if style is None else self._codes.get(style)
            form = None if code is None else self._formats.of(code)
            self._known[style] = None if form is None or form.keeps_all else form
        return self._known[style]


def number_styles(package: Package, part: str | None) -> Styles:
    codes = {str(number): code for number, code in BUILT_IN.items()}
    found: list[str] = []
    for path, attributes in package.elements(part) if part is not None and part in package else ():
        if path == "styleSheet/numFmts/numFmt":
            codes[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
        elif path == "styleSheet/cellXfs/xf":
            found.append(codes.get(attributes.get("numFmtId", "0"), ""))
    return Styles({str(style): code for style, code in enumerate(found)})


def _single(relations: dict[str, Relation], kind: str) -> str | None:
    return next((relation.target for relation in relations.values() if relation.kind == kind), None)


def _unopened(package: Package) -> tuple[str, ...]:
    names = package.member_names()
    return tuple(dict.fromkeys(code for mark, code in UNOPENED if any(mark in name for name in names)))
