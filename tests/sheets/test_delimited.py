"""CSV and TSV: encoding and delimiter are found, records keep their numbers, and nothing is swallowed."""

from pathlib import Path

import pytest

from tagsync.sheets import reader
from tagsync.sheets.cells import Kind, column_letter
from tagsync.sheets.errors import Unreadable
from tagsync.sheets.guard import Limits
from tagsync.sheets.reading import AS_FOUND, Reading

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


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "gb18030", "gbk"])
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


@pytest.mark.parametrize("content", [b"a,b\n\xff\xff\xff,2\n", b"a,b\n" * 100_000 + b"a,\x81"])
def test_it_stops_the_cell_that_is_no_text(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    cells = [cell for row in reader.rows(path, "CSV") for cell in row.cells.values()]
    assert [cell for cell in cells if cell.kind is not Kind.TEXT] == [(Kind.UNDECODED, "\ufffd")]


def test_it_refuses_what_is_a_text_in_no_encoding(path: Path) -> None:
    assert refused(path, "prénom,tag\nZoë,crème\nJosé,Curaçao\n".encode("latin-1")).code == "unknown_encoding"
    assert refused(path, "手机号,标签\n".encode("utf-32")).code == "unknown_encoding"


def test_it_takes_quotation_marks_behind_a_space_for_what_they_are(path: Path) -> None:
    path.write_text('a, b, c\n13800138000, "VIP,新客", x\n13800138001, 老客, "y"\n')
    assert texts(path) == {
        **{"A1": "a", "B1": "b", "C1": "c"},
        **{"A2": "13800138000", "B2": "VIP,新客", "C2": "x"},
        **{"A3": "13800138001", "B3": "老客", "C3": "y"},
    }


@pytest.mark.parametrize("space", ["\t", " ", " \t "])
def test_it_takes_space_behind_a_quotation_mark_for_nothing(path: Path, space: str) -> None:
    rows = (("手机号", "标签"), ("13800138000", "VIP,新客"), ("13800138001", '5""屏'))
    path.write_text("".join(f'"{phone}"{space},"{tags}"{space}\r\n' for phone, tags in rows))
    assert texts(path) == {
        **{"A1": "手机号", "B1": "标签", "A2": "13800138000", "B2": "VIP,新客"},
        **{"A3": "13800138001", "B3": '5"屏'},
    }


def test_it_takes_spaces_for_a_delimiter_where_that_is_said(path: Path) -> None:
    assert kinds(path, b"a b c\n1  3\n", Reading("", " "))[1] == [(Kind.TEXT, "1"), (Kind.TEXT, "3")]


@pytest.mark.parametrize(
    "content",
    [
        'a,b\n13800138000,"VIP\n13800138001,新客\n13800138002,老客"\n',
        'a,b\n13800138000,"VIP\r\n13800138001\t,新客"\r\n13800138002,老客\r\n',
        'a,b\n"VIP,13800138000\n新客,13800138001\n老客",13800138002\n',
        'a,b\nKH001,"VIP\nKH002,新客\nKH003,老客"\n',
    ],
)
def test_it_loses_no_rows_between_two_stray_quotation_marks(path: Path, content: str) -> None:
    error = refused(path, content.encode())
    assert (error.code, error.params) == ("open_quote", {"row": 2})


def test_it_reads_lines_inside_a_cell_that_are_no_rows(path: Path) -> None:
    path.write_text('a,b\nKH001,"VIP,新客\n老客,2 年\n13800138001"\n13800138000,"VIP\n新客"\n')
    assert texts(path)["B2"] == "VIP,新客\n老客,2 年\n13800138001"


def test_it_minds_the_limits(path: Path) -> None:
    assert refused(path, b"a,b\n1,2\n3,4\n", max_rows=2).code == "too_many_rows"
    assert refused(path, b"a,b\n1,2,3\n", max_columns=2).params == {"cell": "C2", "max_columns": 2}
    assert refused(path, b"a,b\n1," + b"x" * 50, max_cell_characters=20).code == "cell_too_long"


def test_it_refuses_a_line_without_end(path: Path) -> None:
    error = refused(path, b"a,b\n" + b"1," * 3_000_000)
    assert (error.code, error.params["line"]) == ("line_too_long", 2)


def kinds(path: Path, content: bytes, reading: Reading = AS_FOUND) -> list[list[tuple[Kind, str]]]:
    path.write_bytes(content)
    return [[(cell.kind, cell.text) for cell in row.cells.values()] for row in reader.rows(path, "CSV", reading)]


def sampled(path: Path, content: bytes, code: str) -> tuple[str, tuple[str, ...], dict[str, list[str]]]:
    path.write_bytes(content)
    (question,) = (one for one in reader.preview(path).questions if one.code == code)
    return question.found, question.answers, question.facts["samples"]


def test_it_shows_how_the_file_is_read(path: Path) -> None:
    found, answers, samples = sampled(path, "手机号,标签\n13800138000,会员\n1,VIP\n".encode(), "encoding")
    assert (found, answers) == ("utf-8", ("utf-8", "gb18030", "big5"))
    assert samples["utf-8"] == ["手机号,标签", "13800138000,会员"]
    assert samples["gb18030"][1] == "13800138000,浼氬憳"
    assert sampled(path, path.read_bytes(), "delimiter") == (",", (",",), {",": ["手机号", "标签"]})


def test_it_shows_plain_lines_where_there_is_nothing_else(path: Path) -> None:
    found, answers, samples = sampled(path, b"phone,tag\n1,VIP\n2,VIP\n3,VIP\n", "encoding")
    assert (found, answers[0], samples["utf-8"]) == ("utf-8", "utf-8", ["phone,tag", "1,VIP", "2,VIP"])


def test_it_reads_no_rows_before_somebody_has_said_how(path: Path) -> None:
    content = "phone,tag\n13800138000,女\n".encode("gbk")
    assert sampled(path, content, "encoding")[:2] == ("", ("gb18030", "big5", "utf-8"))
    assert refused(path, content).code == "encoding_undecided"
    assert kinds(path, content, Reading("gb18030"))[1][1] == (Kind.TEXT, "女")
    assert kinds(path, content, Reading("gbk"))[1][1] == (Kind.TEXT, "女")


@pytest.mark.parametrize(
    ("reading", "code"),
    [
        (Reading("latin-1"), "encoding_unusable"),
        (Reading("nonsense"), "encoding_unusable"),
        (Reading("\udc80"), "encoding_unusable"),
        (Reading("utf\0"), "encoding_unusable"),
        (Reading("", '"'), "delimiter_unusable"),
        (Reading("", "ab"), "delimiter_unusable"),
        (Reading("", "\n"), "delimiter_unusable"),
        (Reading("", "\udc80"), "delimiter_unusable"),
    ],
)
def test_it_refuses_what_nobody_can_mean(path: Path, reading: Reading, code: str) -> None:
    path.write_bytes(b"a,b\n")
    with pytest.raises(Unreadable, match=code):
        reader.preview(path, reading=reading)


def test_it_keeps_a_broken_file_in_its_encoding(path: Path) -> None:
    lines = ["手机号,标签", "13800138000,会员", "13800138001,会员", "13800138002,VIP会员"]
    content = "\n".join(lines).encode().replace("1,会".encode(), b"1," + "会".encode()[:-1])
    assert [row[1] for row in kinds(path, content)] == [
        (Kind.TEXT, "标签"),
        (Kind.TEXT, "会员"),
        (Kind.UNDECODED, "\ufffd员"),
        (Kind.TEXT, "VIP会员"),
    ]


@pytest.mark.parametrize("good", [0, 1, 3])
@pytest.mark.parametrize("broken", ["会员".encode()[:-1], "会员".encode()[1:], b"\xff" + "会员".encode(), b"\xe5\x91"])
def test_it_keeps_a_small_broken_file_in_its_encoding(path: Path, good: int, broken: bytes) -> None:
    content = "手机号,标签\n".encode() + "13800138000,会员\n".encode() * good + b"13800138009," + broken
    assert sampled(path, content, "encoding")[0] == "utf-8"
    assert kinds(path, content)[-1][1][0] is Kind.UNDECODED


def test_it_stops_what_was_added_in_another_encoding(path: Path) -> None:
    lines = [f"1380013800{number},会员\n".encode() for number in range(8)]
    added = ["13800138008,会员\n".encode("gbk"), "13800138009,女\n".encode("gbk"), "1,café\n".encode()]
    found = [row[1] for row in kinds(path, b"".join([*lines, *added]))]
    assert found[:8] == [(Kind.TEXT, "会员")] * 8
    assert [kind for kind, _ in found[8:]] == [Kind.UNDECODED, Kind.UNDECODED, Kind.TEXT]


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
@pytest.mark.parametrize("word", ["テスト", "こんにちは", "カフェ好き", "новый", "Ελλάδα"])
def test_it_does_not_doubt_words_of_foreign_letters(path: Path, encoding: str, word: str) -> None:
    content = f"手机号,标签\n13800138000,会员\n13800138001,{word}\n13800138002,新客户\n".encode(encoding)
    assert kinds(path, content)[2][1] == (Kind.TEXT, word)


def test_it_reads_a_text_with_some_control_characters(path: Path) -> None:
    found = kinds(path, "手机号,标签\n13800138000,会\0员\n13800138001,\x01VIP\n13800138002,老客\x0b女\n".encode("gbk"))
    assert [row[1] for row in found[1:]] == [(Kind.TEXT, text) for text in ("会\0员", "\x01VIP", "老客\x0b女")]


def test_it_takes_marks_and_halves_for_what_they_mean(path: Path) -> None:
    mark, halves = b"\xef\xbb\xbf", b"\xed\xa0\xbd\xed\xb8\x80"
    content = mark * 2 + "手机号,标签\n1,会员".encode() + halves + b"\n" + mark + '"2","会员,VIP"\n'.encode()
    assert kinds(path, content)[1:] == [
        [(Kind.TEXT, "1"), (Kind.TEXT, "会员😀")],
        [(Kind.TEXT, "2"), (Kind.TEXT, "会员,VIP")],
    ]
    assert kinds(path, "手机号,标签\n1,满100".encode("gbk") + b"\x80\n")[1][1] == (Kind.TEXT, "满100€")


def test_it_reads_a_long_file_as_its_later_lines_are(path: Path) -> None:
    content = b"13800138000,VIP\n" * 100_000 + "13800138001,会员|新客回流\n".encode("gbk") * 20
    assert sampled(path, content, "encoding")[0] == "gb18030"


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("\t手机号,\t标签\n\t13800138000,\tVIP\n\t13800138001,\tVIP\n", ","),
        ("手机号\t,标签\t\n13800138000\t,VIP\t\n13800138001\t,VIP\t\n", ","),
        ("手机号,标签\n13800138000\t,VIP\n13800138001\t,VIP\n", ","),
        ("手机号\t,标签\t,\n13800138000\t,VIP\t,\n13800138001\t,VIP\t,\n", ","),
        ("会员\t,标签\t\nKH01\t,VIP\t\nKH02\t,VIP\t\n", ","),
        ("13800138000,VIP;新客;春季\n13800138001,VIP;老客;春季\n", ","),
        ("13800138000;VIP,新客,春季\n13800138001;VIP,老客,春季\n", ";"),
        ("o6_bmjrPTlm6_2sgVt7hMZOPfL2M|VIP;新客\noabcdefghijklmnopqrstuvwxyz1|VIP;老客\n", "|"),
        ("880000000000123456\tVIP,20260503,a\n880000000000123457\tVIP,20260504,b\n", "\t"),
        ("phone,tags,\n13800138000,VIP;新客,\n13800138001,VIP;老客,\n", ","),
        ("客户,标签\nKH1,VIP;新客\nKH2,VIP;老客\n", ","),
        ("#账务;明细\n#账号：[1]\n单号,手机号,标签\n1,13800138000,VIP\n2,13800138001,VIP\n#合计;3;笔\n", ","),
        ("#,手机号,标签\n1,13800138000,VIP\n", ","),
        ("标签\nVIP\n", ","),
        ("KH1,VIP;新客\nKH2,VIP;老客\n", ""),
    ],
)
def test_it_finds_the_delimiter_of_the_table(path: Path, text: str, delimiter: str) -> None:
    assert sampled(path, text.encode(), "delimiter")[0] == delimiter


def test_it_asks_where_two_delimiters_cut_alike(path: Path) -> None:
    content = "KH1,VIP;新客\nKH2,VIP;老客\n".encode()
    assert sampled(path, content, "delimiter") == ("", (",", ";"), {",": ["KH1", "VIP;新客"], ";": ["KH1,VIP", "新客"]})
    assert refused(path, content).code == "delimiter_undecided"
    assert [text for _, text in kinds(path, content, Reading("", ";"))[1]] == ["KH2,VIP", "老客"]
    assert [text for _, text in kinds(path, content, Reading("", ":"))[1]] == ["KH2,VIP;老客"]


def test_it_knows_remarks_from_rows(path: Path) -> None:
    above = "#账务明细\n#起始日期：[1日],终止日期：[2日]\n"
    table = "手机号,标签,备注\n13800138000,VIP,x\n#新品,13800138001\n13800138002\n"
    below = "#导出时间：[2日],经办,张三\n合计：3笔\n"
    found = kinds(path, (above + table + below).encode())
    assert [{kind for kind, _ in row} for row in found] == [
        {Kind.REMARK}, {Kind.REMARK}, *([{Kind.TEXT}] * 4), {Kind.REMARK}, {Kind.REMARK}
    ]  # fmt: skip
    assert [text for _, text in found[6]] == ["#导出时间：[2日]", "经办", "张三"]


def test_it_takes_tags_with_a_hash_for_tags(path: Path) -> None:
    content = "标签,客户\n#新品#,KH1\n#春季#,KH2\n#VIP,KH3\n".encode()
    assert {kind for row in kinds(path, content) for kind, _ in row} == {Kind.TEXT}


def test_it_stops_the_row_with_text_behind_a_closing_quotation_mark(path: Path) -> None:
    content = '手机号,标签\n13800138000,"VIP"x\n13800138001,"他说"好",走了"\n13800138002,"VIP"\n13800138003,"新客"y'
    assert kinds(path, content.encode())[1:] == [
        [(Kind.MISQUOTED, "13800138000"), (Kind.MISQUOTED, "VIPx")],
        [(Kind.MISQUOTED, "13800138001"), (Kind.MISQUOTED, '他说好"'), (Kind.MISQUOTED, '走了"')],
        [(Kind.TEXT, "13800138002"), (Kind.TEXT, "VIP")],
        [(Kind.MISQUOTED, "13800138003"), (Kind.MISQUOTED, "新客y")],
    ]


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ('a,b\n1,"2\n3,4\n5,"6",7\n8,9\n', 2),
        ('a,b\n1,2\n3,"4"x,"5\n6,7\n', 3),
        ('a,b\n"1\n2",3\n4,"5\n6,7\n', 3),
        ('a,b\n1,2\n3,"4', 3),
    ],
)
def test_it_says_in_which_row_a_quotation_mark_was_opened(path: Path, text: str, row: int) -> None:
    error = refused(path, text.encode())
    assert (error.code, error.params) == ("open_quote", {"row": row})


def test_a_customer_s_number_in_a_remark_is_no_row_that_was_swallowed(tmp_path: Path) -> None:
    """Of several lines, in quotation marks, with a comma: it has fewer cells than a row."""
    content = '手机号,姓名,备注,标签\n13800138000,林,"来电：\n换号, 13900139000",VIP\n13800138001,王,,新客\n'
    (tmp_path / "a.csv").write_text(content)
    assert [row.number for row in reader.rows(tmp_path / "a.csv", "CSV")] == [1, 2, 3]
