"""Builds workbooks in code, odd ones included: plain ones through openpyxl, all others as hand-written XML.

Cells of hand-written sheets are XML, so a test shows exactly what stands in the file.
"""

import struct
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import openpyxl
import xlwt

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


def filtered(path: Path, rows: Iterable[Sequence[Any]], hidden_rows: Iterable[int], hidden_columns: str = "") -> Path:
    """With rows hidden as a filter hides them, and columns by hand. `hidden_columns`: their letters."""
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for number in hidden_rows:
        book.active.row_dimensions[number].hidden = True
    for letter in hidden_columns:
        book.active.column_dimensions[letter].hidden = True
    book.save(path)
    return path


def old(path: Path, rows: Iterable[Sequence[Value]]) -> Path:
    """As Excel 97-2003 saves it."""
    book = xlwt.Workbook()
    sheet = book.add_sheet("Sheet1")
    for number, row in enumerate(rows):
        for column, value in enumerate(row):
            if value is not None:
                sheet.write(number, column, value)
    book.save(str(path))
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
    calculation: str = "",
    main: str = MAIN,
    relations: str = RELATIONS,
    after: str = "",
) -> dict[str, str | bytes]:
    """The parts of a workbook by name. `strings`: the XML inside each <si>; `after`: XML after the rows; `calculation`:
    attributes of <calcPr>."""
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
        f'<workbookPr date1904="{int(starts_1904)}"/><sheets>{listed}</sheets><calcPr {calculation}/></workbook>',
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


# Oddities of layout


def rows_xml(values: Iterable[Sequence[str]]) -> str:
    """Rows of numbers or inline texts, with all references."""
    return "".join(
        f'<row r="{number}">'
        + "".join(
            f'<c r="{column_letter(column)}{number}" t="inlineStr"><is><t>{escape(text)}</t></is></c>'
            for column, text in enumerate(row)
        )
        + "</row>"
        for number, row in enumerate(values, 1)
    )


def without_references(path: Path) -> Path:
    row = "<row><c><v>1</v></c><c/><c><v>3</v></c></row>"
    return hand_written(path, row * 2)


def lying_dimension(path: Path, dimension: str, count: int = 3) -> Path:
    return hand_written(path, rows_xml([[str(n), "x"] for n in range(count)]), dimension=dimension)


def blank_before_data(path: Path) -> Path:
    """Two rows and a column of nothing, then data, a gap in between."""
    return hand_written(path, '<row r="3"><c r="B3"><v>1</v></c></row><row r="5"><c r="B5"><v>2</v></c></row>')


def stray_last_row(path: Path) -> Path:
    row = '<row r="{0}"><c r="A{0}"><v>1</v></c></row>'
    return hand_written(path, row.format(1) + row.format(1_048_576))


def far_corner(path: Path) -> Path:
    """A1 and XFD1048576: some readers ask for the rectangle between them, 512 GiB."""
    return hand_written(
        path, '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    )


def formatted_below(path: Path, count: int = 1_000) -> Path:
    """One value, then rows that are only formatted, some up to the last column."""
    blank = "".join(f'<row r="{n}"><c r="A{n}" s="1"/><c r="XFD{n}" s="1"/></row>' for n in range(2, count + 2))
    return hand_written(path, '<row r="1"><c r="A1"><v>1</v></c></row>' + blank)


def merged(path: Path) -> Path:
    rows = '<row r="1"><c r="A1"><v>1</v></c></row><row r="2"><c r="A2"/><c r="B2"><v>2</v></c></row>'
    return hand_written(path, rows, after='<mergeCells count="1"><mergeCell ref="A1:A2"/></mergeCells>')


def hidden_row(path: Path) -> Path:
    return hand_written(
        path, '<row r="1"><c r="A1"><v>1</v></c></row><row r="2" hidden="1"><c r="A2"><v>2</v></c></row>'
    )


def hidden_sheets(path: Path) -> Path:
    sheets = [("藏", "hidden"), ("深藏", "veryHidden"), ("A & B", "visible"), ("last", "visible")]
    return hand_written(path, rows_xml([["x"]]), sheets=sheets)


def header_far_down(path: Path, blank: int = 3_000) -> Path:
    """A title, many formatted blank rows, then header and data."""
    rows = '<row r="1"><c r="A1" t="inlineStr"><is><t>会员名单</t></is></c></row>'
    rows += "".join(f'<row r="{n}"><c r="A{n}" s="3"/></row>' for n in range(2, blank + 2))
    for number, text in ((blank + 2, "openid"), (blank + 3, "o123")):
        rows += f'<row r="{number}"><c r="C{number}" t="inlineStr"><is><t>{text}</t></is></c></row>'
    return hand_written(path, rows)


def strict(path: Path) -> Path:
    """Saved as "Strict Open XML Spreadsheet": other namespaces, dates as ISO text."""
    rows = '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="d"><v>2026-05-03T14:30:00</v></c></row>'
    return hand_written(path, rows, strings=["<t>标签</t>"], main=STRICT_MAIN, relations=STRICT_RELATIONS)


def prefixed(path: Path) -> Path:
    """As the Open XML SDK writes it: every element with a prefix."""
    parts = parts_of(strings=["<t>a</t>"])
    rows = '<x:row r="1"><x:c r="A1" t="s"><x:v>0</x:v></x:c><x:c r="B1"><x:f>1+1</x:f><x:v>2</x:v></x:c></x:row>'
    rows += '<x:row r="2"><x:c r="A2" t="inlineStr"><x:is><x:t>b</x:t></x:is></x:c></x:row>'
    parts["xl/worksheets/sheet1.xml"] = f'<x:worksheet xmlns:x="{MAIN}"><x:sheetData>{rows}</x:sheetData></x:worksheet>'
    parts["xl/sharedStrings.xml"] = f'<x:sst xmlns:x="{MAIN}"><x:si><x:t>shared</x:t></x:si></x:sst>'
    return package(path, parts)


def utf16(path: Path) -> Path:
    """The sheet as UTF-16, which XML allows."""
    parts = parts_of()
    sheet = f'<?xml version="1.0" encoding="UTF-16"?><worksheet xmlns="{MAIN}"><sheetData>{rows_xml([["标签"]])}'
    parts["xl/worksheets/sheet1.xml"] = f"{sheet}</sheetData></worksheet>".encode("utf-16")
    return package(path, parts)


# Files that want to do harm, or are broken


def with_entities(path: Path, part: str) -> Path:
    """Billion laughs in the named part."""
    parts = parts_of('<row r="1"><c r="A1" t="s"><v>0</v></c></row>', strings=["<t>x</t>"])
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    content = str(parts[part]).replace(DECLARATION, f'{DECLARATION}<!DOCTYPE x [<!ENTITY l0 "ha">{laughs}]>')
    return package(path, {**parts, part: content.replace("<v>0", "<v>&l9;")})


def of_spaces(path: Path, count: int) -> Path:
    """So many spaces inside one text."""
    return hand_written(path, f'<row r="1"><c r="A1" t="inlineStr"><is><t>{" " * count}</t></is></c></row>')


def repeated_string(path: Path, characters: int, cells: int) -> Path:
    """One long shared string in every cell: grows without any zip."""
    rows = "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c></row>' for n in range(1, cells + 1))
    return hand_written(path, rows, strings=[f"<t>{'x' * characters}</t>"])


def with_member(path: Path, name: str, content: bytes = b"x") -> Path:
    """An ordinary workbook with one member more."""
    hand_written(path, rows_xml([["x"]]))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, content)
    return path


def with_link(path: Path) -> Path:
    hand_written(path, rows_xml([["x"]]))
    link = zipfile.ZipInfo("xl/link.xml")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    return path


def with_many_members(path: Path, count: int) -> Path:
    return package(path, {**parts_of(), **{f"xl/media/{n}.png": b"" for n in range(count)}})


def with_flag(path: Path, flag: int) -> Path:
    """The flag set for every member in the directory: 1 means encrypted."""
    content = bytearray(hand_written(path, rows_xml([["x"]])).read_bytes())
    at = content.find(b"PK\x01\x02")
    while at >= 0:
        content[at + 8] |= flag
        at = content.find(b"PK\x01\x02", at + 4)
    path.write_bytes(content)
    return path


def declaring_less(path: Path, rows: int) -> Path:
    """The directory says that the sheet is small; what comes out of it is not."""
    body = rows_xml([["x" * 100]] * rows)
    content = bytearray(hand_written(path, body).read_bytes())
    at = content.rfind(b"PK\x01\x02", 0, content.rfind(b"xl/worksheets/sheet1.xml"))
    struct.pack_into("<L", content, at + 24, 1000)
    path.write_bytes(content)
    return path


def truncated(path: Path, share: float = 0.5) -> Path:
    content = plain(path, [["x", n] for n in range(500)]).read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    return path


def broken_inside(path: Path) -> Path:
    """A whole zip around a sheet that ends in the middle of a row."""
    parts = parts_of(rows_xml([["a"], ["b"]]))
    sheet = str(parts["xl/worksheets/sheet1.xml"])
    return package(path, {**parts, "xl/worksheets/sheet1.xml": sheet[: sheet.rindex("<c ")]})


def ole2(path: Path, stream: str) -> Path:
    """The beginning of a container of old Office files with one stream of that name."""
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + stream.encode("utf-16-le") + bytes(400))
    return path


def packed_with_lzma(path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        for name, content in parts_of().items():
            archive.writestr(name, content)
    return path
