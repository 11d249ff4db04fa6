"""Where things stand: row numbers, columns, sheets, and what a sheet says of itself that is not so."""

import re
import zipfile

import pytest

from tagsync.sheets import reader
from tagsync.sheets.cells import Cell, Kind, Row
from tests import workbooks


def number(value):
    return Cell(Kind.NUMBER, value)


def text(value):
    return Cell(Kind.TEXT, value)


def test_it_counts_cells_that_do_not_say_where_they_are(path, read):
    rows = read(workbooks.without_references(path))

    assert [(row.number, row.cells) for row in rows] == [(n, {0: number("1"), 2: number("3")}) for n in (1, 2)]


@pytest.mark.parametrize("dimension", ["A1", "A1:XFD1048576", "nonsense"])
def test_it_does_not_believe_the_dimension(path, read, dimension):
    rows = read(workbooks.lying_dimension(path, dimension, count=1000))

    assert [row.number for row in rows] == list(range(1, 1001))
    assert rows[999].cells == {0: text("999"), 1: text("x")}


def test_it_numbers_rows_as_excel_does(path, read):
    rows = read(workbooks.blank_before_data(path))

    assert [(row.number, row.cells) for row in rows] == [(3, {1: number("1")}), (5, {1: number("2")})]


def test_it_invents_no_rows(path, read):
    assert [row.number for row in read(workbooks.stray_last_row(path))] == [1, 1_048_576]


def test_a_far_corner_costs_nothing(path, refusal):
    refused = refusal(workbooks.far_corner(path), max_memory_bytes=200 << 20)

    assert (refused.code, refused.params["cell"]) == ("too_many_columns", "XFD1048576")


def test_it_yields_formatted_blank_rows_without_cells(path, read):
    rows = read(workbooks.formatted_below(path, 1000))

    assert [row.number for row in rows] == list(range(1, 1002))
    assert [row.cells for row in rows[1:]] == [{}] * 1000


def test_it_leaves_merged_values_where_they_stand(path, read):
    assert [row.cells for row in read(workbooks.merged(path))] == [{0: number("1")}, {1: number("2")}]


def test_it_prefers_the_first_sheet_that_shows(path):
    preview = reader.preview(workbooks.hidden_sheets(path))

    assert preview.sheet == "A & B"
    assert [sheet[:2] for sheet in preview.sheets] == [("藏", True), ("深藏", True), ("A & B", False), ("last", False)]
    assert preview.sheets[1][2:] == ("x", 1)


def test_it_reads_a_hidden_sheet_that_is_asked_for(path):
    assert reader.preview(workbooks.hidden_sheets(path), "深藏").rows[0].cells == {0: text("x")}


def test_it_says_which_sheet_is_missing(path):
    with pytest.raises(reader.Unreadable) as refused:
        reader.preview(workbooks.hidden_sheets(path), "没有")
    assert (refused.value.code, refused.value.params) == ("sheet_missing", {"sheet": "没有"})


def test_it_says_when_there_is_no_sheet(path, refusal):
    assert refusal(workbooks.hand_written(path, sheets=[])).code == "no_sheet"


def test_it_reads_strict_open_xml(path, read):
    cells = read(workbooks.strict(path))[0].cells

    assert cells == {0: text("标签"), 1: Cell(Kind.DATE, "2026-05-03 14:30:00")}


def test_it_reads_elements_with_a_prefix(path, read):
    rows = read(workbooks.prefixed(path))

    assert [row.cells for row in rows] == [{0: text("shared"), 1: number("2")}, {0: text("b")}]


def test_it_reads_utf_16(path, read):
    assert read(workbooks.utf16(path))[0].cells == {0: text("标签")}


@pytest.mark.slow
def test_it_sees_as_many_rows_as_the_file_has(path, read):
    """An independent count: row elements in the XML of a file that openpyxl wrote."""
    workbooks.plain(path, [[f"id{n}", n, None, "a,b"] for n in range(20_000)])
    with zipfile.ZipFile(path) as archive:
        expected = len(re.findall(rb"<row ", archive.read("xl/worksheets/sheet1.xml")))

    rows = read(path)

    assert len(rows) == expected == 20_000
    assert rows[-1] == Row(20_000, {0: text("id19999"), 1: number("19999"), 3: text("a,b")})


def test_it_reads_plain_rows_around_odd_ones(path, read):
    """Plain rows and rows for the parser alternate, and keep their order."""
    odd, plain = (
        '<row r="{0}"><c r="A{0}"><f>1</f><v>{0}</v></c></row>',
        '<row r="{0}"><c r="A{0}"><v>{0}</v></c></row>',
    )
    workbooks.hand_written(path, "".join((odd if n % 3 else plain).format(n) for n in range(1, 9000)))

    assert [(row.number, row.cells[0].text) for row in read(path)] == [(n, str(n)) for n in range(1, 9000)]


@pytest.mark.parametrize(
    "rows",
    [
        "<row r='2'/><row r='1'/>",
        '<row r="1"><c r="A1"><v>1</v></c></row>' * 2,
        '<row r="1"><c r="A1"><v>1</v></c><c r="A1"><v>2</v></c></row>',
        '<row r="1"><row r="2"></row></row>',
        '<row r="1"><c r="1A"><v>1</v></c></row>',
        '<row r="x"/>',
        '<row r="1"><c r="A1"><v>1</v></row>',
        '<row r="1"><c r="A1"><v>a\x02</v></c></row>',
        '<row r="1"><c r="A1" t="str"><v>]]></v></c></row>',
    ],
)
def test_it_refuses_a_sheet_that_contradicts_itself(path, refusal, rows):
    assert refusal(workbooks.hand_written(path, rows)).code == "damaged"


def test_it_does_not_read_rows_inside_a_comment(path, read):
    row = '<row r="{0}"><c r="A{0}"><v>1</v></c></row>'
    hidden = "<!--" + "".join(row.format(n) for n in range(2, 9000)) + "-->"
    workbooks.hand_written(path, row.format(1) + hidden + row.format(9000))

    assert [row.number for row in read(path)] == [1, 9000]


def test_it_reads_no_rows_after_the_data(path, read):
    row = '<row r="{0}"><c r="A{0}"><v>1</v></c></row>'
    after = f"<extLst><sheetData>{row.format(2)}{row.format(3)}</sheetData></extLst>"
    workbooks.hand_written(path, row.format(1), after=after)

    assert [row.number for row in read(path)] == [1]


def test_it_takes_cells_in_any_order(path, read):
    workbooks.hand_written(path, '<row r="1"><c r="C1"><v>3</v></c><c r="A1"><v>1</v></c></row>')

    assert read(path)[0].cells == {0: number("1"), 2: number("3")}


@pytest.mark.parametrize("encoding", ["ATF-8", "gbk", "base64"])
def test_it_refuses_an_encoding_it_does_not_know(path, refusal, encoding):
    parts = workbooks.parts_of()
    sheet = parts["xl/worksheets/sheet1.xml"].replace("UTF-8", encoding)

    assert refusal(workbooks.package(path, {**parts, "xl/worksheets/sheet1.xml": sheet})).code == "damaged"
