import io
import zipfile

import pytest
from openpyxl import load_workbook

from tagsync.sheets import reader, writer
from tagsync.sheets.cells import Kind

PAYLOADS = [
    "=1+1",
    "=cmd|'/c calc'!A1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "＝1+1",
    "#N/A",
    "TRUE",
    "00123",
    "13800138000",
    "880000000000000123",
    "1.5E+10",
    "2026-05-03",
    "  spaces  ",
    "two\nlines",
    "carriage\r\nreturn",
    "_x000D_",
    "_x005F_x000D_",
    "<b>&amp;</b>",
    "标签😀",
    "'quoted",
    "http://example.com",
]


@pytest.fixture
def texts(path):
    """What a reader sees of values that were written."""

    def texts(values):
        writer.write(path, writer.Sheet("失败", ["值"], [[value] for value in values]))
        return [row.cells.get(0) for row in reader.rows(path, "失败")][1:]

    return texts


def test_every_cell_is_the_text_it_was(texts):
    cells = texts(PAYLOADS)

    assert [cell.text for cell in cells] == PAYLOADS
    assert {cell.kind for cell in cells} == {Kind.TEXT}


def test_no_formula_is_born(texts, path):
    texts(PAYLOADS)

    with zipfile.ZipFile(path) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml")
    assert b"<f" not in sheet.replace(b"<font", b"") and b"inlineStr" in sheet


def test_it_leaves_out_what_a_workbook_cannot_hold(texts):
    cells = texts(["a\x00b\x1fc", "\ud83d!", "x\uffff", "y" * 40_000])

    assert [cell.text for cell in cells] == ["abc", "!", "x", "y" * 32_767]


def test_an_empty_text_is_a_blank_cell(texts):
    assert texts(["", "\x01"]) == [None, None]


def test_it_colours_what_is_wrong_also_where_nothing_stands(path):
    rows = [["ok", writer.Wrong("138"), writer.Wrong(""), "two\nlines"]]
    writer.write(path, writer.Sheet("a", ["x", "y", "z", "why"], rows, added=1, wrapped=[3]))

    sheet = load_workbook(path).active
    right, wrong, missing, why = sheet[2]
    assert [cell.fill.fgColor.rgb for cell in (wrong, missing)] == ["00FFC7CE"] * 2 and missing.value is None
    assert right.fill.fill_type is None and why.fill.fill_type is None
    assert (wrong.data_type, wrong.number_format, missing.number_format) == ("s", "@", "@")
    assert why.alignment.wrap_text and not wrong.alignment.wrap_text
    assert [cell.fill.fill_type for cell in sheet[1]] == [None, None, None, "solid"]


def test_what_is_wrong_is_no_formula_either(path):
    writer.write(path, writer.Sheet("a", ["x"], [[writer.Wrong("=1+1")], [writer.Wrong("#N/A")]]))

    assert {cell.data_type for row in load_workbook(path).active.iter_rows() for cell in row} == {"s"}


@pytest.mark.parametrize(
    ("name", "expected"), [("a/b:c*?[d]\\", "a b c   d  "), ("名" * 40, "名" * 31), ("''", "Sheet1")]
)
def test_it_writes_into_a_file_under_a_name_excel_takes(path, name, expected):
    file = io.BytesIO()
    writer.write(file, writer.Sheet(name, ["a"]))
    path.write_bytes(file.getvalue())

    assert reader.preview(path).sheet == expected


@pytest.mark.parametrize("step", ["row", "save"])
def test_it_leaves_nothing_in_the_temporary_folder(tmp_path, monkeypatch, step):
    """openpyxl's own files there hold all that was to be written."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def rows():
        yield ["13800138000"]
        if step == "row":
            raise ZeroDivisionError

    def full(_path):
        raise OSError(28, "No space left on device")

    if step == "save":
        monkeypatch.setattr("openpyxl.writer.excel.ExcelWriter.write_worksheet", lambda writer, sheet: full(sheet))
    with pytest.raises((ZeroDivisionError, OSError)):
        writer.write(tmp_path / "book.xlsx", writer.Sheet("a", ["phone"], rows()), writer.Sheet("b", ["x"]))

    assert {path.name for path in tmp_path.iterdir()} <= {"book.xlsx"}
