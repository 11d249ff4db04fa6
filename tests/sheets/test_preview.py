"""The beginning of a sheet, for the price of the beginning."""

import time

import openpyxl
import pytest

from tagsync.sheets import reader
from tagsync.sheets.cells import FormattedCell, Kind
from tagsync.sheets.guard import Limits
from tagsync.sheets.xlsx.package import Package
from tagsync.sheets.xlsx.strings import SharedStrings
from tests import workbooks


def test_it_shows_the_first_rows_that_are_not_blank(path):
    rows = [["title"], [], ["", " "], ["a", 1], *([n] for n in range(300))]
    workbooks.plain(path, rows)

    preview = reader.preview(path, max_rows=5)

    assert [row.number for row in preview.rows] == [1, 4, 5, 6, 7]
    assert (preview.sheet, preview.sheets) == ("Sheet1", (("Sheet1", False, "", None),))


def test_it_shows_formatted_numbers_as_the_rows_have_them(path):
    book = openpyxl.Workbook()
    for column, code in enumerate(('"KH"000000', "# ?/?", f'"{"长" * 200}"0'), 1):
        book.active.cell(1, column, 5).number_format = code
    book.save(path)

    def shown(row):
        cells = row.cells.values()
        assert all(isinstance(cell, FormattedCell) for cell in cells)
        return [(cell.kind, cell.text, cell.stored, cell.format) for cell in cells]

    (row,) = reader.rows(path, "Sheet")
    assert shown(reader.preview(path).rows[0]) == shown(row)
    assert shown(row)[:2] == [(Kind.FORMATTED, "KH000005", "5", ""), (Kind.UNSHOWN, "5", "5", "# ?/?")]


def test_it_finds_a_header_far_down(path):
    preview = reader.preview(workbooks.header_far_down(path, blank=3_000))

    assert [(row.number, [cell.text for cell in row.cells.values()]) for row in preview.rows] == [
        (1, ["会员名单"]),
        (3002, ["openid"]),
        (3003, ["o123"]),
    ]


def test_a_blank_sheet_has_no_rows(path):
    assert reader.preview(workbooks.plain(path, [])).rows == ()


def test_it_counts_errors_and_lost_formulas_as_something(path):
    cells = '<row r="1"><c r="A1"><f>1</f></c></row><row r="2"><c r="A2" t="e"><v>#N/A</v></c></row>'
    rows = reader.preview(workbooks.hand_written(path, cells)).rows

    assert [row.cells[0].kind for row in rows] == [Kind.FORMULA, Kind.ERROR]


def test_it_reads_only_the_strings_it_needs(path):
    workbooks.shared(path, [[f"text {n}"] for n in range(100_000)])

    with Package(path, Limits()) as package:
        strings = SharedStrings(package, "xl/sharedStrings.xml")
        assert strings.get(10) == "text 10"
        assert len(strings.known) < 10_000


def test_it_finds_a_string_at_the_end_of_the_table(path):
    strings = [f"<t>text {n}</t>" for n in range(50_000)]
    workbooks.hand_written(path, '<row r="1"><c r="A1" t="s"><v>49999</v></c></row>', strings=strings)

    assert reader.preview(path).rows[0].cells[0].text == "text 49999"


def test_it_does_not_read_to_the_end(path):
    """What is broken or too wide far down is the business of the check, not of the preview."""
    rows = workbooks.rows_xml([["x" * 500] * 5] * 3_000)
    workbooks.hand_written(path, rows + '<row r="3001"><c r="ZZ3001"><v>1</v></c></row>')

    assert len(reader.preview(path).rows) == 200
    with pytest.raises(reader.Unreadable, match="too_many_columns"):
        list(reader.rows(path, "Sheet1"))


def test_it_gives_up_on_endless_blank_rows(path):
    workbooks.formatted_below(path, 50_000)
    began = time.process_time()

    assert [row.number for row in reader.preview(path).rows] == [1]
    assert time.process_time() - began < 5


def test_it_cuts_long_cells_and_the_check_does_not(path):
    text = "标" * 301
    workbooks.plain(path, [["a", "签" * 300], [text]])

    first, second = reader.preview(path).rows

    assert first.cells[1].text == "签" * 300
    assert second.cells[0].text == "标" * 299 + "…"
    assert reader.preview(path, whole_cells=True).rows[1].cells[0].text == text
    assert list(reader.rows(path, "Sheet1"))[1].cells[0].text == text


def test_it_cuts_long_literals_and_errors(path):
    number = "1" * 500
    workbooks.hand_written(path, f'<row r="1"><c r="A1"><v>{number}</v></c><c r="B1" t="e"><v>#{number}</v></c></row>')

    cells = reader.preview(path).rows[0].cells

    assert [(cell.kind, len(cell.text)) for cell in cells.values()] == [(Kind.NUMBER, 300), (Kind.ERROR, 300)]


@pytest.mark.slow
@pytest.mark.parametrize("whole_cells", [False, True])
def test_it_answers_with_two_megabytes_at_most(path, whole_cells, monkeypatch):
    answers, decode = [], reader._decode
    monkeypatch.setattr(reader, "_decode", lambda line: answers.append(len(line)) or decode(line))
    workbooks.inline(path, [["标签" * 200] * 200] * 200)

    preview = reader.preview(path, whole_cells=whole_cells)

    assert answers[0] < 2_000_000
    assert len(preview.rows) > 3
