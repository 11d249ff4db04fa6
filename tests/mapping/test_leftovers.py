"""What exports leave in and around values is taken away and told, or stops the row; nothing else is touched."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tagsync.mapping import leftovers
from tagsync.mapping.cleaning import CHANGES, PLACEHOLDER_IN_IDENTIFIER, Cleaned, Flaw, clean_shown_tags, without_tag
from tagsync.mapping.fields import CUSTOMER_ID, FIELDS, IDENTIFIERS
from tagsync.mapping.leftovers import MARKS, RULES
from tagsync.mapping.rows import CODES, Change, check_again, check_row
from tagsync.sheets.cells import Cell, FormattedCell, Kind

from .sheet import number, row, text
from .test_cleaning import codes

OPENID = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"
COLUMNS = {0: CUSTOMER_ID, 1: "openid", 2: "unionid", 3: "phone", 4: "tags"}

PLACEHOLDERS = [
    *("NULL", "null", "nan", "NaN", "NAN", "-nan", "None", "none", "nil", "NaT", "<NA>", "undefined", "1.#IND", r"\N"),
    *("N/A", "n/a", "NA", "#N/A", "#n/a", "#N/A N/A", "N.A.", "N / A", "not available", "no_data"),
    *(
        "(null)",
        "<null>",
        "[NULL]",
        "{null}",
        "（null）",
        "<nil>",
        '"null"',
        "(blank)",
        "(空白)",
        "【无】",
        "[]",
        "{}",
        "()",
    ),
    *("-", "--", "---", "—", "——", "－", "–", "_", "/", "\\", "／", ".", "...", "……", "(-)", "- -"),
    *("ＮＵＬＬ", "ｎｕｌｌ", "Ｎ／Ａ", "＃Ｎ／Ａ", "＜ｎｕｌｌ＞", "（ｎｕｌｌ）"),
    *("无", "空", "没有", "暂无", "無", "空值", "暂无数据"),
    *("'NULL", "`null`", "'-", " NULL ", "\u200bNULL", '="NULL"'),
]


def cleaned(key: str, typed: str | Cell) -> tuple[str, tuple[str, ...]]:
    found = FIELDS[key].clean(text(typed) if isinstance(typed, str) else typed)
    assert not found.flaws
    return found.value, found.changes


def test_every_rule_has_a_place_where_it_is_told() -> None:
    assert {rule.code for rule in RULES if rule.is_tidied} <= set(CHANGES)
    assert {rule.code for rule in RULES if not rule.is_tidied} <= set(CODES)


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("100234567.0", "100234567"),
        ("100234567.00", "100234567"),
        ("100234567.000000", "100234567"),
        ("１００２３４５６７．０", "100234567"),
        (" 100234567.0 ", "100234567"),
        ("'100234567.0", "100234567"),
        ("7.0", "7"),
        ("123456789012345.0", "123456789012345"),
        ("00123.0", "00123"),
    ],
)
def test_it_takes_zeros_behind_the_point_from_ids(typed: str, value: str) -> None:
    found, changes = cleaned(CUSTOMER_ID, typed)
    assert found == value
    assert "decimals_removed" in changes


@pytest.mark.parametrize("key", list(FIELDS))
@pytest.mark.parametrize(
    "typed", ["1234567890123456.0", "880000000000000123.0", "123456789012345678.00", "'1234567890123456.0"]
)
def test_it_stops_what_may_have_lost_digits_on_the_way(key: str, typed: str) -> None:
    assert codes(key, typed) == ["number_too_long"]


@pytest.mark.parametrize(
    "cell", [text("13800138000.0"), text("`13800138000.0`"), number("13800138000"), "＇138 0013 8000"]
)
def test_it_finds_the_mobile_in_what_an_export_made_of_it(cell: Cell | str) -> None:
    assert cleaned("phone", cell)[0] == "13800138000"


@pytest.mark.parametrize("typed", ["100234567.5", "100234567.05", "1.0.0", "-5.0", "1,000.0", "１.0版"])
def test_it_takes_nothing_from_other_numbers(typed: str) -> None:
    assert leftovers.bare(typed, leftovers.Of.IDENTIFIER).text == typed


def test_it_writes_a_whole_number_out_for_every_identifier() -> None:
    assert cleaned(CUSTOMER_ID, "1.00234567E+8") == ("100234567", ("number_expanded",))
    assert codes(CUSTOMER_ID, "1.2345678901234567E+16") == ["number_too_long"]


@pytest.mark.parametrize("mark", MARKS)
def test_it_takes_marks_from_identifiers_and_tags_alike(mark: str) -> None:
    for key, value in ((CUSTOMER_ID, "100234567"), ("openid", OPENID), ("phone", "13800138000"), ("tags", "VIP会员")):
        for typed in (mark + value, mark + value + mark, mark * 2 + value, f" {mark} {value}"):
            found, changes = cleaned(key, typed)
            assert found == value
            assert "apostrophe_removed" in changes


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("'VIP", "VIP"),
        ("`VIP`,`新客`", "VIP,新客"),
        ("'VIP,'新客", "VIP,新客"),
        ("'VIP,新客'", "VIP,新客"),
        ("‘VIP’", "VIP"),
        ("VIP,'新客", "VIP,新客"),
        ("'", ""),
        ("','", ""),
        ('="VIP"', "VIP"),
        ('="VIP";="新客"', "VIP,新客"),
        ('="他说""好"""', '他说"好"'),
        ("'\"VIP\"'", '"VIP"'),
        ('=""', ""),
        ("2024.0", "2024"),
        ("1.0,VIP", "1,VIP"),
        ("'5.0", "5"),
        ("５．０", "5"),
    ],
)
def test_it_takes_leftovers_from_tags(typed: str, value: str) -> None:
    assert cleaned("tags", typed)[0] == value


@pytest.mark.parametrize(
    "tag",
    [
        *(
            "O'Brien",
            "rock'n'roll",
            "会员's",
            "“双十一”",
            '"VIP"',
            "v3.0",
            "3.0版",
            "1.0.0",
            "5.5",
            "0",
            "C#",
            "=VIP",
            "*",
        ),
        *(
            "Nan",
            "无理由退货",
            "空巢老人",
            "NULL用户",
            "A/B",
            "-1",
            "12/31",
            "未知",
            "unknown",
            "N",
            "没有-",
            "【新】",
            "1-2",
        )[1:],
    ],
)
def test_it_leaves_tags_that_only_look_like_it(tag: str) -> None:
    assert FIELDS["tags"].clean(text(tag)) == Cleaned(tag)


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ('="00123"', "00123"),
        ('"100234567"', "100234567"),
        ("“100234567”", "100234567"),
        ("'\"100234567\"'", "100234567"),
        ('\'="100234567"', "100234567"),
    ],
)
def test_it_takes_quotation_marks_and_formulas_from_identifiers(typed: str, value: str) -> None:
    found, changes = cleaned(CUSTOMER_ID, typed)
    assert found == value
    assert changes


def test_a_tag_that_a_format_shows_or_a_person_typed_is_meant() -> None:
    assert cleaned("tags", FormattedCell(Kind.FORMATTED, "5.00", "5")) == ("5.00", ())
    assert clean_shown_tags("3.0") == Cleaned("3.0")
    assert clean_shown_tags("NULL").flaws == (Flaw("placeholder_in_tags", {"placeholder": "NULL"}),)


@pytest.mark.parametrize("typed", PLACEHOLDERS)
def test_it_knows_what_stands_for_nothing(typed: str) -> None:
    for key in IDENTIFIERS:
        assert codes(key, typed) == [PLACEHOLDER_IN_IDENTIFIER]
    assert (
        codes("tags", typed)
        == codes("tags", f"VIP,{typed}")
        == codes("tags", f"{typed}；新客")
        == ["placeholder_in_tags"]
    )


@pytest.mark.parametrize("typed", ["未知", "unknown", "不详"])
def test_what_may_be_a_tag_is_no_identifier(typed: str) -> None:
    assert codes(CUSTOMER_ID, typed) == [PLACEHOLDER_IN_IDENTIFIER]
    assert cleaned("tags", typed) == (typed, ())


def test_a_dash_that_a_format_shows_for_zero_is_nothing() -> None:
    for key in IDENTIFIERS:
        assert codes(key, FormattedCell(Kind.FORMATTED, " - ", "0")) == [PLACEHOLDER_IN_IDENTIFIER]
    assert codes("tags", FormattedCell(Kind.FORMATTED, " - ", "0")) == ["placeholder_in_tags"]


@pytest.mark.parametrize("typed", PLACEHOLDERS)
def test_it_is_empty_beside_a_usable_identifier_and_told(typed: str) -> None:
    checked = check_row(row("100234567", typed, None, typed, "VIP", at=4), COLUMNS)
    assert checked.notes == ()
    assert checked.values == {CUSTOMER_ID: "100234567", "openid": "", "unionid": "", "phone": "", "tags": "VIP"}
    assert checked.changes == (
        Change("placeholder_emptied", "openid", 1, typed, ""),
        Change("placeholder_emptied", "phone", 3, typed, ""),
    )


def test_it_stops_the_row_where_nothing_else_identifies() -> None:
    checked = check_row(row("NULL", None, None, "-", "VIP"), COLUMNS)
    assert [(note.code, note.field, note.params) for note in checked.notes] == [
        (PLACEHOLDER_IN_IDENTIFIER, CUSTOMER_ID, {"placeholder": "NULL"}),
        (PLACEHOLDER_IN_IDENTIFIER, "phone", {"placeholder": "-"}),
    ]
    assert (checked.values[CUSTOMER_ID], checked.values["phone"]) == ("NULL", "-")


def test_an_identifier_to_mend_comes_before_a_placeholder() -> None:
    checked = check_row(row("NULL", None, None, "138", "VIP"), COLUMNS)
    assert [(note.code, note.field) for note in checked.notes] == [
        ("phone_invalid", "phone"),
        (PLACEHOLDER_IN_IDENTIFIER, CUSTOMER_ID),
    ]
    again = check_again(checked, "phone", "13800138000", COLUMNS)
    assert again.notes == ()
    assert (again.values[CUSTOMER_ID], again.values["phone"]) == ("", "13800138000")


def test_it_names_each_placeholder_among_the_tags() -> None:
    found = FIELDS["tags"].clean(text("VIP,NULL，-;NULL")).flaws
    assert found == tuple(Flaw("placeholder_in_tags", {"placeholder": word}) for word in ("NULL", "-"))


def test_it_drops_one_tag_or_takes_it_as_meant() -> None:
    assert without_tag("VIP，NULL;新客|ＮＵＬＬ", "NULL") == "VIP,新客"
    assert without_tag("NULL", "NULL") == ""
    assert clean_shown_tags("VIP,无", meant="无") == Cleaned("VIP,无")
    assert clean_shown_tags("-,无", meant="无").flaws == (Flaw("placeholder_in_tags", {"placeholder": "-"}),)


AROUND = st.text(st.sampled_from([*MARKS, *'"“”()[]<>{} 　\t=.0,;，']), max_size=6)
INSIDE = st.sampled_from(
    ["VIP", "NULL", "无", "100234567", "5.0", "1234567890123456.0", "", "n/a", "O'B", "O`,`B", '=""']
)


@given(st.sampled_from(list(FIELDS)), AROUND, INSIDE, AROUND)
def test_what_is_clean_once_stays_as_it_is(key: str, before: str, inside: str, after: str) -> None:
    once = FIELDS[key].clean(text(before + inside + after))
    if not once.flaws:
        assert FIELDS[key].clean(text(once.value)) == Cleaned(once.value)
        for tag in once.value.split(",") if key == "tags" and once.value else [once.value]:
            assert not tag.startswith(tuple(MARKS)) or not tag
            assert not (leftovers.is_no_tag(tag) if key == "tags" else leftovers.is_no_identifier(tag))


@settings(deadline=None)
@given(st.text(st.sampled_from([*MARKS, *'"()[]=\u3000 a'])), st.sampled_from([1, 20_000]))
def test_it_takes_linear_time(start: str, times: int) -> None:
    typed = (start * times)[:32_767]
    for key in FIELDS:
        FIELDS[key].clean(text(typed))
