"""Sheets are found again by the name that is kept, whatever the file calls them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tagsync.sheets import reader
from tagsync.sheets.errors import Unreadable
from tagsync.sheets.names import NAME_CHARACTERS, distinct_names
from tests import workbooks

LONG = "客户" * 80


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (["名单", "A b", " x "], ["名单", "A b", " x "]),
        (["a\nb", "c\x00d", "e\x1b[2J", "f\ud800"], ["a b", "c\ufffdd", "e\ufffd[2J", "f\ufffd"]),
        (["", "x", ""], ["Sheet1", "x", "Sheet3"]),
        (["a", "a", "a (2)", "a"], ["a", "a (3)", "a (2)", "a (4)"]),
        ([LONG + "1", LONG + "2"], [LONG[:NAME_CHARACTERS], LONG[: NAME_CHARACTERS - 4] + " (2)"]),
    ],
)
def test_each_sheet_has_a_name_of_its_own(written: list[str], kept: list[str]) -> None:
    names = distinct_names(written)
    assert names == kept
    assert distinct_names(names) == names
    assert max(map(len, names)) <= NAME_CHARACTERS


def of_sheets(path: Path, *names: str) -> Path:
    """Each sheet holds its own position."""
    parts = workbooks.parts_of(sheets=[(name, "visible") for name in names])
    for place in range(1, len(names) + 1):
        part = f"xl/worksheets/sheet{place}.xml"
        row = f'<row r="1"><c r="A1"><v>{place}</v></c></row>'
        parts[part] = str(parts[part]).replace("<sheetData>", f"<sheetData>{row}")
    return workbooks.package(path, parts)


@pytest.mark.parametrize("names", [("a", LONG + "1", LONG + "2"), ("a", "b\u2028c", "b c"), ("a", "a", "a")])
def test_it_finds_each_by_the_name_it_gave(path: Path, names: tuple[str, ...]) -> None:
    of_sheets(path, *names)
    given = [sheet.name for sheet in reader.preview(path).sheets]
    found = [(reader.preview(path, name).rows, list(reader.rows(path, name))) for name in given]
    assert [(seen[0].cells[0].text, read[0].cells[0].text) for seen, read in found] == [
        ("1", "1"),
        ("2", "2"),
        ("3", "3"),
    ]


def test_it_finds_a_sheet_by_its_whole_name_too(path: Path) -> None:
    of_sheets(path, "a", LONG + "1", LONG + "2")
    preview = reader.preview(path, LONG + "2")
    assert (preview.sheet, preview.rows[0].cells[0].text) == (LONG[: NAME_CHARACTERS - 4] + " (2)", "3")


def test_it_takes_none_of_two_that_are_written_alike(path: Path) -> None:
    of_sheets(path, "a", LONG, LONG)
    with pytest.raises(Unreadable, match="sheet_missing"):
        reader.preview(path, LONG)


def test_it_finds_sheets_of_old_workbooks_by_position(tmp_path: Path) -> None:
    path = workbooks.old(tmp_path / "old.xls", [["a", "b"], ["1", "2"]])
    # The name stands in the file as a length and as letters; NUL is no letter that xlwt would write.
    content = path.read_bytes()
    assert content.count(b"\x06\x00Sheet1") == 1
    path.write_bytes(content.replace(b"\x06\x00Sheet1", b"\x06\x00She\x00t1"))
    assert reader.preview(path).sheet == "She\ufffdt1"
    assert len(list(reader.rows(path, "She\ufffdt1"))) == 2


def test_it_refuses_more_sheets_than_a_workbook_has(path: Path) -> None:
    parts = workbooks.parts_of(workbooks.rows_xml([["x"]]))
    one = '<sheet name="Sheet1" sheetId="1" r:id="rId1" state="visible"/>'
    assert one in str(parts["xl/workbook.xml"])
    parts["xl/workbook.xml"] = str(parts["xl/workbook.xml"]).replace(one, one * 3_000)
    workbooks.package(path, parts)
    with pytest.raises(Unreadable, match="too_many_members"):
        reader.preview(path)
