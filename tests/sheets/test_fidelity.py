"""What comes out of a cell, on purpose: every oddity once as a plain row, once through the parser."""

import pytest

from tagsync.sheets import reader
from tagsync.sheets.cells import Cell, FormattedCell, Kind
from tests import workbooks
from tests.workbooks import DATE, DAYS_TEXT, MOMENT, PERCENT, RED, TIME, ZEROS

STRINGS = [
    "<t>880000000000000123</t>",
    "<r><t>rich</t></r><r><rPr><b/></rPr><t>Text</t></r>",
    '<t>東京</t><rPh sb="0" eb="2"><t>トウキョウ</t></rPh>',
    '<t xml:space="preserve">  a b  </t>',
    "<t/>",
    "<t>a_x000D_b_x005F_x000D_</t>",
    "<t>Tom &amp; &#x4E2D;</t>",
]


def text(value):
    return Cell(Kind.TEXT, value)


def number(value):
    return Cell(Kind.NUMBER, value)


def formatted(shown, stored):
    return FormattedCell(Kind.FORMATTED, shown, stored)


def unshown(value):
    return FormattedCell(Kind.UNSHOWN, value, value, "General")


def date(value):
    return Cell(Kind.DATE, value)


def error(value):
    return Cell(Kind.ERROR, value)


FORMULA = Cell(Kind.FORMULA, "")

CELLS = [
    # shared strings
    ('t="s"><v>0</v>', text("880000000000000123")),
    ('t="s"><v>1</v>', text("richText")),
    ('t="s"><v>2</v>', text("東京")),
    ('t="s"><v>3</v>', text("  a b  ")),
    ('t="s"><v>4</v>', None),
    ('t="s"><v>5</v>', text("a\rb_x000D_")),
    ('t="s"><v>6</v>', text("Tom & 中")),
    # texts in the cell
    ('t="inlineStr"><is><t>00123</t></is>', text("00123")),
    ('t="inlineStr"><is><t xml:space="preserve"> a </t></is>', text(" a ")),
    ('t="inlineStr"><is><r><t>ri</t></r><r><t>ch</t></r></is>', text("rich")),
    ('t="inlineStr"><is><t>字</t><rPh sb="0" eb="1"><t>じ</t></rPh></is>', text("字")),
    ('t="inlineStr"><is><t>a\nb</t></is>', text("a\nb")),
    ('t="inlineStr"><is><t>a\r\nb</t></is>', text("a\nb")),
    ('t="inlineStr"><is><t>a&lt;b&#10;c</t></is>', text("a<b\nc")),
    ('t="inlineStr"><is><t><![CDATA[<v>]]></t></is>', text("<v>")),
    ('t="inlineStr"><is><t>\u200b138\xa0</t></is>', text("\u200b138\xa0")),
    ('t="inlineStr"><is><t>_x000d_ _x0041_ _xD83D__xDE00_ _xZZZZ_</t></is>', text("\r A 😀 _xZZZZ_")),
    ('t="inlineStr"><is><t>_xD83D_</t></is>', text("\ufffd")),
    ('t="inlineStr"><is><t>NULL</t></is>', text("NULL")),
    ('t="inlineStr"><is><t></t></is>', None),
    ('t="inlineStr"><is/>', None),
    ('t="inlineStr"><v>1.0</v><is><t>1.</t></is>', text("1.")),
    ('t="inlineStr"><is><t>1.</t></is><v>1.0</v>', text("1.")),
    ('t="inlineStr"><v>1.0</v><is><t></t></is>', None),
    ('t="inlineStr"><v/><is><t>1.</t></is>', text("1.")),
    ('t="inlineStr"><v>1.0</v>', text("1.0")),
    ('t="inlineStr"><f>A1</f><is><t>1.</t></is>', text("1.")),
    ("><v>7</v><is><t>x</t></is>", number("7")),
    ("><is><t>7</t></is>", error("7")),
    ('t="n"><is><t>x</t></is>', error("x")),
    ('t="str"><v>v</v><is><t>x</t></is>', text("v")),
    ('t="str"><is><t>x</t></is>', error("x")),
    ('t="s"><is><t>0</t></is>', error("0")),
    ('t="b"><v>1</v><is><t>0</t></is>', Cell(Kind.BOOLEAN, "TRUE")),
    ('t="str"><v>1</v>', text("1")),
    # numbers
    ("><v>13800138000</v>", number("13800138000")),
    ("><v>13800138000.0</v>", number("13800138000")),
    ("><v>1.3800138E10</v>", number("13800138000")),
    ('t="n"><v>1.3800138e+10</v>', number("13800138000")),
    ("><v> 7\n</v>", number("7")),
    ("><v>0</v>", number("0")),
    ("><v>-0.0</v>", number("0")),
    ("><v>-12</v>", number("-12")),
    ("><v>007</v>", number("7")),
    ("><v>.5</v>", number("0.5")),
    ("><v>999999999999999</v>", number("999999999999999")),
    ("><v>1000000000000000</v>", number("1000000000000000")),
    ("><v>9007199254740993</v>", number("9007199254740993")),
    ("><v>123456789012345678</v>", number("123456789012345678")),
    ("><v>1.23456789012346E+17</v>", number("1.23456789012346E+17")),
    ("><v>1234567890123456.0</v>", number("1234567890123456.0")),
    ("><v>999999999999999.9</v>", unshown("999999999999999.9")),
    ("><v>1E9999</v>", number("1E9999")),
    ("><v>0.30000000000000004</v>", number("0.3")),
    ("><v>0.1</v>", number("0.1")),
    ("><v>1.0E-3</v>", number("0.001")),
    # Excel rounds them to what has room in the cell, or turns to an exponent.
    ("><v>0.33333333333333331</v>", unshown("0.333333333333333")),
    ("><v>-12345678.25</v>", number("-12345678.25")),
    ("><v>123456789.25</v>", unshown("123456789.25")),
    ("><v>1E-5</v>", unshown("0.00001")),
    ("><v>0.0001</v>", number("0.0001")),
    ('t=""><v>5</v>', number("5")),
    ('t="s"><v>0.0</v>', text("880000000000000123")),
    ("><v>1E-300</v>", number("1E-300")),
    (f's="{PERCENT}"><v>0.12</v>', formatted("12%", "0.12")),
    (f's="{ZEROS}"><v>1234</v>', formatted("00000001234", "1234")),
    (f's="{ZEROS}"><v>13800138000</v>', number("13800138000")),
    (f's="{ZEROS}"><v>-5</v>', formatted("-00000000005", "-5")),
    (f's="{ZEROS}"><v>0.5</v>', formatted("00000000001", "0.5")),
    (f's="{ZEROS}"><v>1E+300</v>', number("1E+300")),
    (f's="{ZEROS}"><v>abc</v>', error("abc")),
    (f's="{DAYS_TEXT}"><v>3</v>', formatted("3.00天", "3")),
    (f's="{DAYS_TEXT}" t="s"><v>0</v>', text("880000000000000123")),
    (f's="{RED}"><v>46000</v>', formatted("46,000", "46000")),
    (f's="{RED}"><v>460</v>', number("460")),
    ("><v>abc</v>", error("abc")),
    ("><v>１２</v>", error("１２")),
    ("><v>1_000</v>", error("1_000")),
    ("><v>NaN</v>", error("NaN")),
    # dates
    (f's="{DATE}"><v>46145</v>', date("2026-05-03")),
    (f's="{MOMENT}"><v>46145.604166666664</v>', date("2026-05-03 14:30:00")),
    (f's="{TIME}"><v>0.604166666666667</v>', date("14:30:00")),
    (f's="{DATE}"><v>1</v>', date("1900-01-01")),
    (f's="{DATE}"><v>59</v>', date("1900-02-28")),
    (f's="{DATE}"><v>60</v>', date("1900-02-29")),
    (f's="{DATE}"><v>61</v>', date("1900-03-01")),
    (f's="{DATE}"><v>2958465</v>', date("9999-12-31")),
    (f's="{DATE}"><v>2958465.9999999</v>', number("2958465.9999999")),
    (f's="{DATE}"><v>13800138000</v>', number("13800138000")),
    (f's="{DATE}"><v>-1</v>', number("-1")),
    (f's="{DATE}" t="s"><v>0</v>', text("880000000000000123")),
    ('t="d"><v>2026-01-02T03:04:05</v>', date("2026-01-02 03:04:05")),
    ('t="d"><v>2026-01-02T00:00:00Z</v>', date("2026-01-02")),
    ('t="d"><v>2026-01-02</v>', date("2026-01-02")),
    # the rest
    ('t="b"><v>1</v>', Cell(Kind.BOOLEAN, "TRUE")),
    ('t="b"><v>0</v>', Cell(Kind.BOOLEAN, "FALSE")),
    ('t="e"><v>#N/A</v>', error("#N/A")),
    ('t="e"><f>1/0</f><v>#DIV/0!</v>', error("#DIV/0!")),
    ('t="str"><f>"a"&amp;"bc"</f><v>abc</v>', text("abc")),
    ("><f>1+1</f><v>2</v>", number("2")),
    ('><f t="shared" si="0"/><v>3</v>', number("3")),
    ("><f>1+1</f>", FORMULA),
    ("><f>1+1</f><v></v>", FORMULA),
    ("><f>1+1</f><v/>", FORMULA),
    ('t="str"><f>""</f><v></v>', None),
    ('t="str"><f>A1</f>', FORMULA),
    ('t="str"><f t="shared" si="0"/>', FORMULA),
    ('t="inlineStr"><f>A1</f>', FORMULA),
    ('t="b"><f>A1</f>', FORMULA),
    ('t="e"><f>A1</f><v/>', FORMULA),
    ("><f>1-1</f><v>0</v>", number("0")),
    ('t="str"><f>"0"</f><v>0</v>', text("0")),
    ("><v></v>", None),
    (f's="{DATE}">', None),
    ('cm="1" vm="2"><v>5</v>', number("5")),
    ('foo="bar"><v>5</v>', number("5")),
]


def xml(first: str = "") -> str:
    """One cell a row, in column B, and a mark in column C."""
    rows = (
        f'<row r="{n}"><c r="B{n}" {rest}</c><c r="C{n}"><v>1</v></c></row>'.replace(" >", ">")
        for n, (rest, _) in enumerate(CELLS, 1)
    )
    return first + "".join(rows)


@pytest.mark.parametrize("first", ["", "<!-- from here on nothing is plain -->"], ids=["plain", "parser"])
def test_it_keeps_what_the_file_says(path, read, first):
    rows = read(workbooks.hand_written(path, xml(first), strings=STRINGS))

    found = [(row.number, row.cells.get(1)) for row in rows]
    assert found == [(n, cell) for n, (_, cell) in enumerate(CELLS, 1)]
    assert all(row.cells[2] == number("1") and set(row.cells) <= {1, 2} for row in rows)


def test_it_counts_days_from_1904_where_the_workbook_does(path, read):
    workbooks.hand_written(path, f'<row r="1"><c r="A1" s="{DATE}"><v>46000</v></c></row>', starts_1904=True)

    assert read(path)[0].cells == {0: date("2029-12-10")}


# As writers that do not calculate leave them (XlsxWriter, PhpSpreadsheet): they ask Excel to, when it opens the file.
NEVER_CALCULATED = [
    ("><f>A2</f><v>0</v>", FORMULA),
    ("><f>A2</f><v>0.0</v>", FORMULA),
    ("><f>A2</f><v>0.00E+00</v>", FORMULA),
    ('t="n"><f>A2</f><v> 0 </v>', FORMULA),
    ('t="str"><f>A2</f><v>0</v>', FORMULA),
    ('t="str"><f>A2</f><v></v>', FORMULA),
    ('t="b"><f>A2</f><v>0</v>', FORMULA),
    ('><f t="array" ref="B1">A2</f><v>0</v>', FORMULA),
    ('><f t="shared" si="0"/><v>0</v>', FORMULA),
    (f's="{DATE}"><f>A2</f><v>0</v>', FORMULA),
    # no formulas, or results that somebody gave
    ("><v>0</v>", number("0")),
    ("><f>A2</f><v>2</v>", number("2")),
    ('t="str"><f>A2</f><v>VIP</v>', text("VIP")),
    ('t="e"><f>A2</f><v>#N/A</v>', error("#N/A")),
    ('t="b"><f>A2</f><v>1</v>', Cell(Kind.BOOLEAN, "TRUE")),
]


@pytest.mark.parametrize(
    ("calculation", "is_calculated"),
    [
        ('calcId="124519" fullCalcOnLoad="1"', False),
        ('fullCalcOnLoad="true"', False),
        ('calcCompleted="0"', False),
        ('calcId="191029"', True),
        ('fullCalcOnLoad="0" calcCompleted="1"', True),
    ],
)
def test_it_takes_no_result_from_a_workbook_that_was_never_calculated(path, read, calculation, is_calculated):
    rows = "".join(f'<row r="{n}"><c r="B{n}" {rest}</c></row>' for n, (rest, _) in enumerate(NEVER_CALCULATED, 1))
    found = [row.cells.get(1) for row in read(workbooks.hand_written(path, rows, calculation=calculation))]
    if is_calculated:
        assert FORMULA not in found
    else:
        assert found == [cell for _, cell in NEVER_CALCULATED]


@pytest.mark.parametrize("twice", ["<v>1</v><v>2</v>", "<is><t>1</t></is><is><t>2</t></is>"])
def test_it_refuses_a_cell_that_says_two_things(path, refusal, twice):
    assert refusal(workbooks.hand_written(path, f'<row r="7"><c r="B7">{twice}</c></row>')).params["cell"] == "B7"


@pytest.mark.parametrize("kind", ["s", "zz"])
def test_it_refuses_a_cell_that_means_nothing(path, refusal, kind):
    workbooks.hand_written(path, f'<row r="7"><c r="B7" t="{kind}"><v>99</v></c></row>', strings=["<t>x</t>"])

    assert refusal(path).code == "damaged"
    assert refusal(path).params["cell"] == "B7"


def test_it_shows_the_same_in_preview_and_rows(path, read):
    workbooks.hand_written(path, xml(), strings=STRINGS)

    assert list(reader.preview(path).rows) == read(path)
