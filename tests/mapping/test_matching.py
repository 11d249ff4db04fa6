import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagsync.mapping.fields import FIELDS
from tagsync.mapping.matching import REASONS, Suggestion, guess_header, header_key, headers, suggest
from tagsync.sheets.cells import Cell, Kind, Row

from .sheet import number, row


def reasons(*names: str) -> list[tuple[str | None, str]]:
    return [(suggestion.field, suggestion.reason) for suggestion in suggest(dict(enumerate(names)))]


@pytest.mark.parametrize(
    ("key", "names"),
    [
        ("audienceUserId", "客户ID|customer id|audienceUserId|Customer_ID|thirdId|会员ID|用户 id|ｃｕｓｔｏｍｅｒＩＤ"),
        ("openid", "openid|微信openid|OpenID|open_id| 微信 OpenId |open\u200bid"),
        ("unionid", "unionid|微信unionid|UNION_ID"),
        ("phone", "手机|手机号|手机号码|phone|mobile|Phone Number|电话|联系电话|PHONE\n"),
        ("tags", "标签|客户标签|tags|Tag|标签名称|标签名"),
    ],
)
def test_it_takes_known_names_without_asking(key: str, names: str) -> None:
    for name in names.split("|"):
        suggestion = suggest({3: name})[0]
        assert suggestion[:5] == (3, name, key, "exact", True)
        assert header_key(suggestion.matched) == header_key(name)


@pytest.mark.parametrize(
    ("name", "key", "reason"),
    [
        ("手机号（必填）", "phone", "contains"),
        ("Customer phoneNo", "phone", "contains"),
        ("wx-open-id", "openid", "contains"),
        ("标签（多个用逗号分隔）", "tags", "contains"),
        ("客户编号", "audienceUserId", "contains"),
        ("audienceUserIds", "audienceUserId", "similar"),
        ("phnoe", "phone", "similar"),
    ],
)
def test_it_only_suggests_weaker_matches(name: str, key: str, reason: str) -> None:
    suggestion = suggest({0: name})[0]
    assert suggestion[:5] == (0, name, key, reason, False)
    assert suggestion.matched


@pytest.mark.parametrize(
    "name", ["stage", "percentage", "姓名", "备注", "", " ", "订单金额", "ID", "x" * 300, "标" * 300]
)
def test_it_suggests_nothing_for_other_columns(name: str) -> None:
    assert suggest({0: name}) == [Suggestion(0, name, None, "none", False)]


def test_it_gives_a_field_to_the_first_of_equal_names() -> None:
    assert reasons("手机", "标签", "手机号", "备用手机号码") == [
        ("phone", "exact"),
        ("tags", "exact"),
        ("phone", "taken"),
        ("phone", "taken"),
    ]


def test_it_prefers_a_proper_name_to_a_stand_in() -> None:
    assert reasons("会员ID", "客户ID") == [("audienceUserId", "taken"), ("audienceUserId", "exact")]
    assert reasons("会员ID", "用户ID") == [("audienceUserId", "exact"), ("audienceUserId", "taken")]


@given(
    st.dictionaries(st.integers(0, 50), st.one_of(st.text(max_size=20), st.sampled_from(["手机", "tags", "openid"])))
)
def test_it_decides_on_every_column_and_never_twice_for_a_field(names: dict[int, str]) -> None:
    suggestions = suggest(names)
    assert [(suggestion.column, suggestion.header) for suggestion in suggestions] == list(names.items())
    taken = [suggestion.field for suggestion in suggestions if suggestion.exact]
    assert len(taken) == len(set(taken))
    for suggestion in suggestions:
        assert suggestion.reason in REASONS
        assert suggestion.exact == (suggestion.reason == "exact")
        assert (suggestion.field is None) == (suggestion.reason == "none")


def test_it_knows_no_name_for_two_fields() -> None:
    owners: dict[str, str] = {}
    for field in FIELDS.values():
        for name in (field.key, field.label, *field.aliases, *field.stand_ins, *field.hints):
            assert owners.setdefault(header_key(name), field.key) == field.key


def test_it_reads_headers_on_one_line() -> None:
    found = headers(row("手机号\n（必填）", None, "  ", number("2026"), Cell(Kind.FORMULA, "")))
    assert found == {0: "手机号 （必填）", 3: "2026", 4: ""}


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], None),
        ([row(" ", "\u200b", at=1), Row(2, {})], None),
        ([row("手机号", "标签", at=1), row("13800138000", "手机,标签", at=2)], 1),
        ([row("客户标签导入表", at=1), Row(2, {}), row("手机号", "标签", at=4), row("13800138000", "VIP", at=5)], 4),
        ([row("标签", at=1), row("手机号必填", "标签用逗号分隔", at=2), row("手机号", "标签", at=3)], 3),
        ([row("手机号(必填)", "标签(可多个)", at=1), row("x", "手机", at=2)], 1),
        ([row("五月名单", at=2), row("编号", "类别", at=3), row("A1", "手机用户", at=4)], 3),
        ([row("五月名单", at=2), row(number("1"), at=3)], 2),
        ([row("openid", at=7), row("oUpF8uMuAJO", at=8)], 7),
        ([row("编号", "类别", at=1), *(row("a", "b", at=n) for n in range(2, 40)), row("手机", "标签", at=40)], 0),
        ([row("手机号", "标签", number("20260501"), at=1), row("13800138000", "VIP", "x", at=2)], 1),
        ([row("手机号", at=1), row("13800138000", at=2)], 1),
        ([row("称呼", "类别", at=1), row("13800138000", "VIP", at=2)], 1),
        ([row("称呼", "联系方式", at=1), row("林", "lin@example.com", at=2)], 1),
    ],
)
def test_it_finds_the_header_below_titles(rows: list[Row], expected: int | None) -> None:
    assert guess_header(rows) == expected


@pytest.mark.parametrize(
    "rows",
    [
        [row("13800138010", "VIP"), row("13800138011", "新客", at=2)],
        [row("13800138010"), row("13800138011", at=2)],
        [row("13800138010", "手机,标签"), row("13800138011", "手机", at=2)],
        [row("13800138010", "手机", "标签"), row("13800138011", "手机", "标签", at=2)],
        [row("138-0013-8010", "手机", "标签"), row("+86 138 0013 8011", "手机", "标签", at=2)],
        [row("１３８００１３８０１０", "手机", "标签"), row("'13800138011", "手机", "标签", at=2)],
        [row("138****8010", "手机", "标签"), row("138****8011", "手机", "标签", at=2)],
        [row("1.38001E+10", "手机", "标签"), row("1.38001E+10", "手机", "标签", at=2)],
        [row("100234567.0", "手机", "标签"), row("100234568.0", "手机", "标签", at=2)],
        [row("`880000000012345678", "手机", "标签"), row("`880000000012345679", "手机", "标签", at=2)],
        [
            row("oUpF8uMuAJO_M2pxb1Q9zNjWeS6o", "手机", "标签"),
            row("oUpF8uMuAJO-M2pxb1Q9zNjWeS6o", "手机", "标签", at=2),
        ],
        [row(number("13800138010"), "VIP"), row(number("13800138011"), "新客", at=2)],
        [row("A1001", "VIP"), row("A1002", "新客", at=2)],
        [row("林", "VIP"), row("王", "新客", at=2)],
        [row("林", None, "VIP"), row("王", "13800138011", "新客", at=2)],
        [row("客户名单"), row("13800138010", "VIP", at=2), row("13800138011", "新客", at=3)],
    ],
)
def test_it_makes_no_customer_a_header(rows: list[Row]) -> None:
    assert guess_header(rows) == 0


def test_it_knows_openids_that_hold_a_dash() -> None:
    values = [row(f"oUpF8uMuAJO-M2pxb1Q9zNjWeS{n:02}", at=n) for n in range(3)]
    assert suggest({0: ""}, values)[0].field == "openid"


def test_it_takes_no_remark_for_the_header() -> None:
    remarks = (Cell(Kind.REMARK, "#起始日期：[1日]"), Cell(Kind.REMARK, "终止日期：[2日]"))
    assert guess_header([row(*remarks, at=1), row("单号", "金额", at=2), row("KH1", "VIP", at=3)]) == 2
