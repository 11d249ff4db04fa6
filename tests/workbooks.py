"""Builds workbooks in code, odd ones included: plain ones through openpyxl, all others as hand-written XML.

Cells of hand-written sheets are XML, so a test shows exactly what stands in the file.
"""

import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import openpyxl

from tagsync.sheets.cells import column_letter

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
STRICT_MAIN = "http://purl.oclc.org/ooxml/spreadsheetml/main"
STRICT_RELATIONS = "http://purl.oclc.org/ooxml/officeDocument/relationships"
PACKAGE_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
# Styles of every hand-written workbook: the position is the `s` of a cell.
STYLES = ("General", "yyyy-mm-dd", "m/d/yy h:mm", "00000000000", '0.00"天"', "0%", "[Red]#,##0", "h:mm:ss")
DATE, MOMENT, ZEROS, DAYS_TEXT, PERCENT, RED, TIME = 1, 2, 3, 4, 5, 6, 7

Value = str | int | float | None


# Plain workbooks


def plain(path: Path, rows: Iterable[Sequence[Any]], sheet: str = "Sheet1") -> Path:
    """As openpyxl saves it: strings shared, formulas without values."""
    book = openpyxl.Workbook()
    book.active.title = sheet
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def shared(path: Path, rows: Iterable[Sequence[Value]]) -> Path:
    """As Excel saves it: strings in a table, numbered in the order of first use."""
    strings: dict[str, int] = {}
    body = []
    for number, row in enumerate(rows, 1):
        cells = [(column, value) for column, value in enumerate(row) if value is not None]
        body.append(f'<row r="{number}" spans="1:5">')
        for column, value in cells:
            where = f"{column_letter(column)}{number}"
            if isinstance(value, str):
                body.append(f'<c r="{where}" t="s"><v>{strings.setdefault(value, len(strings))}</v></c>')
            else:
                body.append(f'<c r="{where}"><v>{value}</v></c>')
        body.append("</row>")
    return hand_written(path, "".join(body), strings=[f"<t>{escape(text)}</t>" for text in strings])


def inline(path: Path, rows: Iterable[Sequence[Value]]) -> Path:
    """As streaming writers save it: every string in its cell."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Sheet1")
    for row in rows:
        sheet.append(row)
    book.save(path)
    return path


# Hand-written ones


def hand_written(
    path: Path,
    rows: str = "",
    *,
    strings: Sequence[str] = (),
    sheets: Sequence[tuple[str, str]] = (("Sheet1", "visible"),),
    **parts: Any,
) -> Path:
    """One sheet of XML rows (or the same one under several names). See `parts_of` for the keywords."""
    return package(path, parts_of(rows, strings=strings, sheets=sheets, **parts))


def parts_of(
    rows: str = "",
    *,
    strings: Sequence[str] = (),
    sheets: Sequence[tuple[str, str]] = (("Sheet1", "visible"),),
    dimension: str = "",
    starts_1904: bool = False,
    main: str = MAIN,
    relations: str = RELATIONS,
    after: str = "",
) -> dict[str, str | bytes]:
    """The parts of a workbook by name. `strings`: the XML inside each <si>; `after`: XML after the rows."""
    listed = "".join(
        f'<sheet name="{escape(name)}" sheetId="{i}" r:id="rId{i}"' + f' state="{state}"/>'
        for i, (name, state) in enumerate(sheets, 1)
    )
    related = [(f"rId{i}", "worksheet", f"worksheets/sheet{i}.xml") for i in range(1, len(sheets) + 1)]
    related += [("rIdS", "styles", "styles.xml")] + (
        [("rIdT", "sharedStrings", "sharedStrings.xml")] if strings else []
    )
    dimension = f'<dimension ref="{dimension}"/>' if dimension else ""
    sheet = f'{DECLARATION}<worksheet xmlns="{main}">{dimension}<sheetData>{rows}</sheetData>{after}</worksheet>'
    parts: dict[str, str | bytes] = {
        "[Content_Types].xml": _content_types(related),
        "_rels/.rels": _relations([("rId1", "officeDocument", "xl/workbook.xml")], relations),
        "xl/workbook.xml": f'{DECLARATION}<workbook xmlns="{main}" xmlns:r="{relations}">'
        f'<workbookPr date1904="{int(starts_1904)}"/><sheets>{listed}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": _relations(related, relations),
        "xl/styles.xml": _styles(main),
    }
    parts |= {f"xl/{target}": sheet for _, kind, target in related if kind == "worksheet"}
    if strings:
        items = "".join(f"<si>{item}</si>" for item in strings)
        parts["xl/sharedStrings.xml"] = f'{DECLARATION}<sst xmlns="{main}" count="1">{items}</sst>'
    return parts


def package(path: Path, parts: dict[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def _relations(related: Iterable[tuple[str, str, str]], base: str) -> str:
    items = "".join(f'<Relationship Id="{i}" Type="{base}/{kind}" Target="{target}"/>' for i, kind, target in related)
    return f'{DECLARATION}<Relationships xmlns="{PACKAGE_RELATIONS}">{items}</Relationships>'


def _content_types(related: Iterable[tuple[str, str, str]]) -> str:
    # openpyxl asks for them; ours goes by the relations.
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    items = f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
    items += "".join(f'<Override PartName="/xl/{name}" ContentType="{kind}.{what}+xml"/>' for _, what, name in related)
    default = '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    space = "http://schemas.openxmlformats.org/package/2006/content-types"
    return f'{DECLARATION}<Types xmlns="{space}">{default}{items}</Types>'


def _styles(main: str) -> str:
    formats = "".join(
        f'<numFmt numFmtId="{200 + i}" formatCode="{escape(c, {chr(34): "&quot;"})}"/>' for i, c in enumerate(STYLES)
    )
    used = "".join(f'<xf numFmtId="{200 + i}"/>' for i in range(len(STYLES)))
    # The first list looks alike and must not be counted.
    return (
        f'{DECLARATION}<styleSheet xmlns="{main}"><numFmts>{formats}</numFmts>'
        f'<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs>{used}</cellXfs></styleSheet>'
    )
