"""Workbooks of Excel 97-2003: the same cells as from an .xlsx, and damage is never more than a sentence."""

import os
import random
import struct
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pytest
import xlwt

from tagsync.sheets import reader
from tagsync.sheets.cells import Kind
from tagsync.sheets.errors import Unreadable
from tests import workbooks

DAY = xlwt.easyxf(num_format_str="yyyy-mm-dd")
MOMENT = xlwt.easyxf(num_format_str="yyyy-mm-dd hh:mm:ss")
TIME = xlwt.easyxf(num_format_str="hh:mm:ss")


def save(path: Path, cells: dict[tuple[int, int], Any], starts_1904: bool = False) -> Path:
    book = xlwt.Workbook()
    book.dates_1904 = starts_1904
    sheet = book.add_sheet("会员")
    book.add_sheet("旧").visibility = 1
    for (row, column), value in cells.items():
        sheet.write(row, column, *(value if isinstance(value, tuple) else (value,)))
    book.save(str(path))
    return path


def test_it_reads_every_kind_of_cell(path: Path) -> None:
    values = ["手机号", 13800138000, 0.1 + 0.2, 123456789012345678, True, (date(2026, 5, 3), DAY)]
    values += [(datetime(2026, 5, 3, 14, 30), MOMENT), (time(14, 30), TIME), " VIP "]
    save(path, {(0, column): value for column, value in enumerate(values)})
    (row,) = reader.rows(path, "会员")
    assert row.number == 1
    assert list(row.cells.values()) == [
        (Kind.TEXT, "手机号"),
        (Kind.NUMBER, "13800138000"),
        (Kind.NUMBER, "0.3"),
        (Kind.NUMBER, "1.2345678901234568e+17"),
        (Kind.BOOLEAN, "TRUE"),
        (Kind.DATE, "2026-05-03"),
        (Kind.DATE, "2026-05-03 14:30:00"),
        (Kind.DATE, "14:30:00"),
        (Kind.TEXT, " VIP "),
    ]


def test_it_shows_the_zeros_that_excel_shows(path: Path) -> None:
    zeros = xlwt.easyxf(num_format_str="00000000")
    save(path, {(0, 0): (1234, zeros), (0, 1): 1234, (0, 2): (123456789, zeros), (0, 3): (date(2026, 5, 3), DAY)})
    (row,) = reader.rows(path, "会员")
    assert [cell.text for cell in row.cells.values()] == ["00001234", "1234", "123456789", "2026-05-03"]


def test_it_knows_errors(path: Path) -> None:
    book = xlwt.Workbook()
    sheet = book.add_sheet("会员")
    for column, code in enumerate([0x2A, 0x17, 0x0F]):
        sheet.row(0).set_cell_error(column, code)
    book.save(str(path))
    (row,) = reader.rows(path, "会员")
    assert list(row.cells.values()) == [(Kind.ERROR, "#N/A"), (Kind.ERROR, "#REF!"), (Kind.ERROR, "#VALUE!")]


def test_it_takes_no_result_from_a_library_that_does_not_calculate(path: Path) -> None:
    save(path, {(0, 0): xlwt.Formula('"VIP"'), (0, 1): "", (0, 2): 0, (1, 1): xlwt.Formula("1+1")})

    assert [row.cells for row in reader.rows(path, "会员")] == [
        {0: (Kind.FORMULA, ""), 2: (Kind.NUMBER, "0")},
        {1: (Kind.FORMULA, "")},
    ]


@pytest.mark.parametrize("result", [bytes(8), b"\3\0\0\0\0\0\xff\xff"], ids=["zero", "empty text"])
@pytest.mark.parametrize("saved_by_a_program", [False, True])
def test_it_takes_the_result_of_a_program_that_calculates(path: Path, result: bytes, saved_by_a_program: bool) -> None:
    save(path, {(0, 0): xlwt.Formula("1-1"), (0, 1): "VIP"})
    content = path.read_bytes().replace(b"\3\0\0\0\0\0\xff\xff", result)
    if saved_by_a_program:
        content += "\5SummaryInformation".encode("utf-16-le")
    path.write_bytes(content)

    (row,) = reader.rows(path, "会员")

    told = (Kind.NUMBER, "0") if result == bytes(8) else None
    assert row.cells.get(0) == (told if saved_by_a_program else (Kind.FORMULA, ""))


def test_it_counts_days_from_1904(path: Path) -> None:
    save(path, {(0, 0): (1.0, DAY)}, starts_1904=True)
    (row,) = reader.rows(path, "会员")
    assert row.cells[0] == (Kind.DATE, "1904-01-02")


def test_it_keeps_row_numbers_and_columns(path: Path) -> None:
    save(path, {(3, 2): "VIP", (5, 0): "x"})
    assert [(row.number, sorted(row.cells)) for row in reader.rows(path, "会员") if row.cells] == [(4, [2]), (6, [0])]


def test_it_names_sheets_and_marks_hidden_ones(path: Path) -> None:
    seen = reader.preview(save(path, {(0, 0): "手机号"}))
    assert (seen.sheet, seen.sheets) == ("会员", (("会员", False, "手机号", 1), ("旧", True, "", 0)))
    assert [row.number for row in seen.rows] == [1]


@pytest.mark.parametrize("keep", [600, 2000, 4000])
def test_it_refuses_what_is_cut_off(path: Path, keep: int) -> None:
    save(path, {(row, 0): f"1380013{row:04d}" for row in range(100)})
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(Unreadable) as caught:
        reader.preview(path)
    assert caught.value.code in ("damaged", "not_a_workbook")


def test_it_survives_loops_of_sectors(path: Path) -> None:
    """Every entry of the allocation table points at the same sector."""
    content = bytearray(save(path, {(row, 0): f"客户{row}" for row in range(2000)}).read_bytes())
    table = 512 * (1 + int.from_bytes(content[76:80], "little"))
    content[table : table + 512] = (3).to_bytes(4, "little") * 128
    path.write_bytes(content)
    with pytest.raises(Unreadable) as caught:
        reader.preview(path)
    assert caught.value.code == "damaged"


def test_it_says_something_about_any_damage(path: Path) -> None:
    content = save(path, {(row, column): f"{row}-{column}" for row in range(30) for column in range(3)}).read_bytes()
    chosen = random.Random(7)
    for _ in range(25 if os.environ.get("CI") else 8):
        damaged = bytearray(content)
        for _ in range(chosen.randint(1, 8)):
            damaged[chosen.randrange(len(damaged))] = chosen.randrange(256)
        path.write_bytes(damaged)
        try:
            reader.preview(path)
        except Unreadable as error:
            assert error.code != "reader_failed", error.params


def test_it_refuses_other_containers(path: Path) -> None:
    with pytest.raises(Unreadable) as caught:
        reader.preview(workbooks.ole2(path, "WordDocument"))
    assert caught.value.code == "not_a_workbook"


def test_it_says_when_a_password_is_in_the_way(path: Path) -> None:
    """The record behind the first one becomes FILEPASS, which says how the rest is encrypted."""
    content = bytearray(save(path, {(0, 0): "手机号"}).read_bytes())
    first = content.index(b"\x09\x08\x10\x00")
    behind = first + 4 + 16
    content[behind : behind + 2] = b"\x2f\x00"
    path.write_bytes(content)
    with pytest.raises(Unreadable) as caught:
        reader.preview(path)
    assert caught.value.code == "password_protected"


def test_it_names_macros_and_embedded_objects(path: Path) -> None:
    content = save(path, {(0, 0): "手机号"}).read_bytes()
    path.write_bytes(content + "_VBA_PROJECT_CUR".encode("utf-16-le") + "MBD00AB12CD".encode("utf-16-le"))
    assert reader.preview(path).unopened == ("macros", "embeddings")


def biff5(path: Path, rows: list[list[bytes]], code_page: int | None = None) -> Path:
    """A workbook of Excel 5 without a container: its texts are bytes, in whatever encoding the program had."""

    def record(kind: int, content: bytes) -> bytes:
        return struct.pack("<HH", kind, len(content)) + content

    begin = record(0x0809, struct.pack("<HHHH", 0x0500, 0x0005, 0, 1994))
    if code_page:
        begin += record(0x0042, struct.pack("<H", code_page))
    at = len(begin) + 4 + 12 + 4
    begin += record(0x0085, struct.pack("<IBB", at, 0, 0) + b"\x05Sheet") + record(0x000A, b"")
    cells = b"".join(
        record(0x0204, struct.pack("<HHHH", row, column, 0, len(text)) + text)
        for row, texts in enumerate(rows)
        for column, text in enumerate(texts)
    )
    path.write_bytes(
        begin + record(0x0809, struct.pack("<HHHH", 0x0500, 0x0010, 0, 1994)) + cells + record(0x000A, b"")
    )
    return path


def kinds(path: Path) -> list[tuple[str, str]]:
    return [(cell.kind, cell.text) for row in reader.rows(path, "Sheet") for cell in row.cells.values()]


def test_it_reads_old_workbooks_without_a_code_page_as_chinese(path: Path) -> None:
    biff5(path, [["手机号".encode("gbk"), b"VIP"], ["会员".encode("gbk"), "客户€".encode("gb18030")]])
    assert kinds(path) == [
        (Kind.TEXT, "手机号"), (Kind.TEXT, "VIP"), (Kind.TEXT, "会员"), (Kind.TEXT, "客户€")
    ]  # fmt: skip


def test_it_takes_no_other_encoding_for_chinese(path: Path) -> None:
    biff5(path, [["Müller".encode("latin-1"), "café".encode("latin-1"), "會員".encode("big5")]])
    assert {kind for kind, _ in kinds(path)} == {Kind.UNDECODED}


def test_it_stops_the_broken_cell_of_an_old_workbook(path: Path) -> None:
    biff5(path, [["会员".encode("gbk"), "会员".encode("gbk")[:-1]]], code_page=936)
    assert kinds(path) == [(Kind.TEXT, "会员"), (Kind.UNDECODED, "会\ufffd")]
    biff5(path, [["會員".encode("cp950"), b"caf\xe9"]], code_page=950)
    assert kinds(path) == [(Kind.TEXT, "會員"), (Kind.UNDECODED, "caf\ufffd")]
