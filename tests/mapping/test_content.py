"""Columns whose values betray what they are, and headers that stand in two rows."""

from tagsync.mapping.matching import headers, suggest
from tagsync.sheets.cells import Row

from .sheet import row

PHONES = [f"138 0013 80{number:02d}" for number in range(10)]
OPENIDS = [f"o{number:027d}" for number in range(10)]
IDS = [f"88000000000012{number:04d}" for number in range(10)]


def below(*columns: list[str]) -> list[Row]:
    return [row(*cells, at=number) for number, cells in enumerate(zip(*columns, strict=True), 2)]


def test_it_suggests_by_content_what_the_header_does_not_say() -> None:
    found = suggest({0: "列1", 1: "", 2: "编码", 3: "姓名"}, below(PHONES, OPENIDS, IDS, ["林"] * 10))
    assert [(one.field, one.reason, one.exact) for one in found] == [
        ("phone", "content", False),
        ("openid", "content", False),
        ("audienceUserId", "content", False),
        (None, "none", False),
    ]
    assert (found[0].fitting, found[0].values) == (10, 10)


def test_it_needs_nearly_all_of_some_values() -> None:
    assert suggest({0: "x"}, below(PHONES[:2]))[0].reason == "none"
    assert suggest({0: "x"}, below([*PHONES[:7], "a", "b", "c"]))[0].reason == "none"
    mostly = suggest({0: "x"}, below([*PHONES[:9], "?"]))[0]
    assert (mostly.reason, mostly.fitting, mostly.values) == ("content", 9, 10)


def test_it_doubts_a_name_that_its_values_contradict() -> None:
    found = suggest({0: "openid", 1: "手机号", 2: "unionid"}, below(PHONES, PHONES, OPENIDS))
    assert [(one.field, one.exact, one.contradicts(str(one.field))) for one in found] == [
        ("openid", True, True),
        ("phone", True, False),
        ("unionid", True, False),
    ]
    assert found[1].contradicts("tags")


def test_it_reads_names_that_are_merged_over_two_rows() -> None:
    above, names = row("手机号", "标签", ""), row("", "主", "次", at=2)
    assert headers(names, above) == {0: "手机号", 1: "主", 2: "次"}
    title = row("会员导出", "", "")
    assert headers(row("", "手机号", "标签", at=2), title) == {1: "手机号", 2: "标签"}


def test_it_carries_a_name_of_tags_over_the_columns_that_it_is_merged_over() -> None:
    found = suggest({0: "手机号", 1: "", 2: "标签", 3: "", 4: "", 5: "备注", 6: ""})
    assert [one.field for one in found] == ["phone", None, "tags", "tags", "tags", None, None]
    assert [one.exact for one in found[2:5]] == [True, False, False]
