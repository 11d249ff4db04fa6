"""CSV and TSV: encoding and delimiter are found, records keep their numbers, and nothing is swallowed."""

from pathlib import Path

import pytest

from tagsync.sheets import reader
from tagsync.sheets.cells import Kind, column_letter
from tagsync.sheets.errors import Unreadable
from tagsync.sheets.guard import Limits

TABLE = [["手机号", "客户标签"], ["13800138000", "VIP,春季活动"]]


def texts(path: Path, **limits: int) -> dict[str, str]:
    rows = list(reader.rows(path, "CSV", limits=Limits(**limits)))
    assert all(cell.kind is Kind.TEXT for row in rows for cell in row.cells.values())
    return {f"{column_letter(c)}{row.number}": cell.text for row in rows for c, cell in row.cells.items()}


def refused(path: Path, content: bytes, **limits: int) -> Unreadable:
    path.write_bytes(content)
    with pytest.raises(Unreadable) as caught:
        texts(path, **limits)
    return caught.value


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030", "gbk"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_it_finds_encoding_and_delimiter(path: Path, encoding: str, delimiter: str) -> None:
    lines = [f'{phone}{delimiter}"{tags}"' for phone, tags in TABLE]
    path.write_bytes("\r\n".join(lines).encode(encoding))
    assert texts(path) == {"A1": "手机号", "B1": "客户标签", "A2": "13800138000", "B2": "VIP,春季活动"}


def test_it_reads_big_endian_text(path: Path) -> None:
    path.write_bytes(b"\xfe\xff" + "手机号,标签".encode("utf-16-be"))
    assert texts(path) == {"A1": "手机号", "B1": "标签"}


def test_it_takes_the_delimiter_of_the_table_not_of_its_tags(path: Path) -> None:
    path.write_text("手机号\t标签\n13800138000\tVIP,春季;新客|老客\n13800138001\tVIP\n13800138002\ta,b,c\n")
    assert texts(path)["B2"] == "VIP,春季;新客|老客"


def test_it_reads_titles_above_the_table(path: Path) -> None:
    path.write_text("会员导出 2026-05-03\n\n手机号,标签,备注\n" + "13800138000,VIP,x\n" * 5)
    assert texts(path)["A1"] == "会员导出 2026-05-03"
    assert texts(path)["B3"] == "标签"


def test_it_numbers_records_as_excel_does(path: Path) -> None:
    path.write_text('手机号,标签\n\n13800138000,"VIP\n春季"\n13800138001,VIP\n')
    rows = list(reader.rows(path, "CSV"))
    assert [(row.number, len(row.cells)) for row in rows] == [(1, 2), (2, 0), (3, 2), (4, 2)]
    assert rows[2].cells[1].text == "VIP\n春季"


def test_it_obeys_and_hides_the_separator_line(path: Path) -> None:
    path.write_text("sep=|\n手机号|标签\n13800138000|VIP,春季\n")
    assert texts(path) == {"A1": "手机号", "B1": "标签", "A2": "13800138000", "B2": "VIP,春季"}


def test_it_takes_text_out_of_its_formula(path: Path) -> None:
    path.write_text('id,tags\n"=""00880""",VIP\n="00881",=1+1\n')
    assert texts(path) == {"A1": "id", "B1": "tags", "A2": "00880", "B2": "VIP", "A3": "00881", "B3": "=1+1"}


def test_it_reads_a_single_column(path: Path) -> None:
    path.write_text("标签\nVIP\n")
    assert texts(path) == {"A1": "标签", "A2": "VIP"}


def test_it_shows_the_beginning_and_the_sheet(path: Path) -> None:
    path.write_text("a,b\n" + "1,2\n" * 500)
    seen = reader.preview(path, max_rows=20)
    assert (seen.sheet, [sheet.name for sheet in seen.sheets], len(seen.rows)) == ("CSV", ["CSV"], 20)


def test_it_loses_no_rows_to_an_open_quotation_mark(path: Path) -> None:
    error = refused(path, b'a,b\n1,2\n"3,4\n5,6\n')
    assert (error.code, error.params) == ("open_quote", {"row": 3})


@pytest.mark.parametrize("content", [b"a,b\n\xff\xff\xff,2\n", b"a,b\n" * 500_000 + b"\x81"])
def test_it_guesses_no_characters(path: Path, content: bytes) -> None:
    assert refused(path, content).code == "unknown_encoding"


def test_it_minds_the_limits(path: Path) -> None:
    assert refused(path, b"a,b\n1,2\n3,4\n", max_rows=2).code == "too_many_rows"
    assert refused(path, b"a,b\n1,2,3\n", max_columns=2).params == {"cell": "C2", "max_columns": 2}
    assert refused(path, b"a,b\n1," + b"x" * 50, max_cell_characters=20).code == "cell_too_long"


def test_it_refuses_a_line_without_end(path: Path) -> None:
    error = refused(path, b"a,b\n" + b"1," * 3_000_000)
    assert (error.code, error.params["line"]) == ("line_too_long", 2)
