"""What a person does not see when she opens the file: rows that are read as hidden, and columns that are named."""

from __future__ import annotations

from pathlib import Path

import pytest
import xlwt

from tagsync.sheets import child, reader
from tagsync.sheets.guard import Limits
from tagsync.sheets.reader import HiddenCount
from tagsync.sheets.sources import open_source
from tests import workbooks
from tests.matrix import one_in

# How programs write it, and what shows all the same.
HIDDEN = (
    *('hidden="1"', 'hidden="true"', 'ht="0" customHeight="1"', 'ht="0.00"', 'outlineLevel="1" hidden="1"'),
    *(
        "hidden='1'",
        'spans="1:1"\nhidden="1"',
        '\thidden="true"',
        'hidden = "1"',
        "ht='0'",
        'ht = "0"',
        'hidden="&#49;"',
    ),
)
SHOWN = ("", 'hidden="0"', 'hidden="false"', 'ht="0.75"', 'ht="15" collapsed="1"', 'hidden=""')
ROW = '<row r="{0}" {1}><c r="A{0}"><v>{0}</v></c></row>'


def hidden_rows(path: Path) -> list[int]:
    return [row.number for row in reader.rows(path, "Sheet1") if row.hidden]


@pytest.mark.parametrize("before", ["", "<!-- -->"], ids=["scanned", "parsed"])
@pytest.mark.parametrize("attribute", one_in(6, [*HIDDEN, *SHOWN]))
def test_it_tells_hidden_rows_from_others(path: Path, attribute: str, before: str) -> None:
    workbooks.hand_written(path, before + ROW.format(1, "") + ROW.format(2, attribute) + ROW.format(3, ""))

    assert hidden_rows(path) == ([2] if attribute in HIDDEN else [])
    assert [row.number for row in reader.rows(path, "Sheet1")] == [1, 2, 3]
    seen = reader.preview(path)
    assert [row.hidden for row in seen.rows] == [False, attribute in HIDDEN, False]
    assert seen.hidden_rows.hidden == (attribute in HIDDEN)


def test_it_sees_hidden_rows_in_another_encoding(path: Path) -> None:
    parts = workbooks.parts_of(ROW.format(1, "") + ROW.format(2, 'hidden="1"'))
    sheet = str(parts["xl/worksheets/sheet1.xml"]).replace("UTF-8", "UTF-16")
    workbooks.package(path, {**parts, "xl/worksheets/sheet1.xml": sheet.encode("utf-16")})

    assert hidden_rows(path) == [2]
    assert reader.preview(path).hidden_rows == HiddenCount(1, 1)


def test_it_counts_hidden_rows_of_the_whole_sheet(path: Path) -> None:
    """Also far below the beginning that a preview shows; blank ones are nothing."""
    blank = '<row r="{0}" hidden="1"><c r="A{0}" s="0"/></row>'
    rows = [ROW.format(n, 'hidden="1"' if n % 3 == 0 and n > 3_000 else "") for n in range(1, 9_001)]
    workbooks.hand_written(path, "".join(rows) + "".join(blank.format(n) for n in range(9_001, 9_101)))

    assert reader.preview(path).hidden_rows == HiddenCount(2_000, 7_000)


@pytest.mark.parametrize(("rows_counted", "seconds"), [(1, 60.0), (1_000_000, 0.0)], ids=["large", "slow"])
def test_it_leaves_large_and_slow_sheets_uncounted(
    path: Path, monkeypatch: pytest.MonkeyPatch, rows_counted: int, seconds: float
) -> None:
    monkeypatch.setattr(child, "ROWS_COUNTED", rows_counted)
    # Read in two pieces: it is asked between them.
    rows = [ROW.format(number, 'hidden="1"' if number == 1 else "") for number in range(1, 4_001)]
    workbooks.hand_written(path, "".join(rows))
    with open_source(path, Limits()) as source:
        hidden, shown, whole = child._hidden_rows(source, 0, seconds)
    assert not whole
    assert hidden + shown < len(rows)


def test_it_reads_what_a_filter_of_openpyxl_hides(path: Path) -> None:
    workbooks.filtered(path, [[f"{number}", "VIP"] for number in range(1, 6)], [3], "B")

    seen = reader.preview(path)

    assert [row.number for row in seen.rows if row.hidden] == [3]
    assert (seen.hidden_columns, seen.hidden_rows) == ((1,), HiddenCount(1, 4))


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        ('<col min="2" max="3" hidden="1"/>', (1, 2)),
        ('<col min="1" max="1" width="0" customWidth="1"/>', (0,)),
        ('<col min="2" max="16384" hidden="true"/>', tuple(range(1, 200))),
        ('<col min="1" max="2" width="9.5"/>', ()),
        ('<col min="x" max="2" hidden="1"/>', ()),
        ('<col min="3" max="1" hidden="1"/>', ()),
        ('<col min="-99999999999" max="1" hidden="1"/>', (0,)),
    ],
)
def test_it_names_hidden_columns(path: Path, columns: str, found: tuple[int, ...]) -> None:
    parts = workbooks.parts_of(ROW.format(1, ""))
    sheet = parts["xl/worksheets/sheet1.xml"]
    assert isinstance(sheet, str)
    parts["xl/worksheets/sheet1.xml"] = sheet.replace("<sheetData>", f"<cols>{columns}</cols><sheetData>")
    workbooks.package(path, parts)

    assert reader.preview(path).hidden_columns == found


@pytest.mark.parametrize("attributes", ['hidden="TRUE"', 'ht="-0"', 'ht=".0"', 'ht="00.0"', "ht='+0'"])
def test_it_sees_other_spellings_of_nothing(path: Path, attributes: str) -> None:
    workbooks.hand_written(path, ROW.format(1, "") + ROW.format(2, attributes))

    assert reader.preview(path).hidden_rows == HiddenCount(1, 1)


def test_it_counts_no_rows_for_a_hidden_column(path: Path) -> None:
    parts = workbooks.parts_of(ROW.format(1, "") + ROW.format(2, ""))
    sheet = parts["xl/worksheets/sheet1.xml"]
    assert isinstance(sheet, str)
    columns = '<cols><col min="2" max="2" hidden="1"/></cols>'
    parts["xl/worksheets/sheet1.xml"] = sheet.replace("<sheetData>", f"{columns}<sheetData>")
    workbooks.package(path, parts)

    with open_source(path, Limits()) as source:
        assert source.hidden_columns(0) == [1]
        assert source.may_hide_rows(0) is False


def test_it_reads_what_an_old_workbook_hides(tmp_path: Path) -> None:
    book = xlwt.Workbook()
    sheet = book.add_sheet("Sheet1")
    for row in range(4):
        sheet.write(row, 0, f"k{row}")
    sheet.row(2).hidden = True
    sheet.row(1).height = 0  # nothing but "as the sheet says"
    sheet.row(1).height_mismatch = False
    sheet.row(1).has_default_height = 1
    sheet.col(3).hidden = True
    book.save(str(tmp_path / "old.xls"))

    seen = reader.preview(tmp_path / "old.xls")

    assert hidden_rows(tmp_path / "old.xls") == [3]
    assert (seen.hidden_columns, seen.hidden_rows) == ((3,), HiddenCount(1, 3))
