import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagsync.mapping.cleaning import Cleaned, Flaw
from tagsync.mapping.fields import FIELDS, IDENTIFIERS
from tagsync.mapping.rows import CODES
from tagsync.sheets.cells import Cell, FormattedCell, Kind

from .sheet import number, text

AWKWARD = (
    "'\"-–()+86 \t\n\r\x00\x1f\x85\u00a0\u200b\u200d\u3000\ufeff\ufffd０１８Ａａ＋－，,、;；|#N/A.eE❤\ufe0f\ud800客标"
    "=｛{}`’＇nNuUlL．无空"
)
awkward_text = st.text(st.one_of(st.sampled_from(AWKWARD), st.characters(codec=None)), max_size=40)
FORMATTED = (Kind.FORMATTED, Kind.UNSHOWN)
any_cell = st.one_of(
    st.builds(Cell, st.sampled_from([kind for kind in Kind if kind not in FORMATTED]), awkward_text),
    st.builds(FormattedCell, st.sampled_from(FORMATTED), awkward_text, awkward_text, awkward_text),
)


def value(key: str, cell: Cell | str) -> str:
    cleaned = FIELDS[key].clean(text(cell) if isinstance(cell, str) else cell)
    assert not cleaned.flaws
    return cleaned.value


def codes(key: str, cell: Cell | str) -> list[str]:
    return [flaw.code for flaw in FIELDS[key].clean(text(cell) if isinstance(cell, str) else cell).flaws]


@given(st.sampled_from(list(FIELDS)), any_cell)
def test_it_answers_whatever_comes_with_a_value_or_known_codes(key: str, cell: Cell) -> None:
    cleaned = FIELDS[key].clean(cell)
    assert {flaw.code for flaw in cleaned.flaws} <= set(CODES)
    if cleaned.flaws:
        assert cleaned.value == cell.text
    else:
        cleaned.value.encode()


@given(st.sampled_from(list(FIELDS)), any_cell)
def test_it_leaves_clean_values_as_they_are(key: str, cell: Cell) -> None:
    once = FIELDS[key].clean(cell)
    if not once.flaws:
        assert FIELDS[key].clean(text(once.value)) == Cleaned(once.value)


@given(st.data(), st.sampled_from(list(FIELDS)))
def test_it_calls_plain_only_what_cleaning_returns_unchanged(data: st.DataObject, key: str) -> None:
    plain = data.draw(st.one_of(st.from_regex(FIELDS[key].plain, fullmatch=True), awkward_text))
    if FIELDS[key].plain.fullmatch(plain):
        assert value(key, plain) == plain


@given(st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True), st.data())
def test_it_finds_the_mobile_in_every_way_of_writing_it(mobile: str, data: st.DataObject) -> None:
    filler = st.sampled_from(["", " ", "-", "\u00a0", "\u200b", "\u3000", "–", "(", "）"])
    spread = "".join(digit + data.draw(filler) for digit in mobile)
    typed = data.draw(st.sampled_from(["", "+86", "＋86 ", "0086-", "86", "(+86)", "'"])) + spread
    if data.draw(st.booleans()):
        typed = typed.translate({ord(str(digit)): chr(0xFF10 + digit) for digit in range(10)})
    assert value("phone", typed) == mobile


@pytest.mark.parametrize(
    ("typed", "clean"),
    [
        ("13800138000\t", "13800138000"),
        ("+852 9123 4567", "+85291234567"),
        ("+1 (415) 555-2671", "+14155552671"),
        ("+123456", "+123456"),
        ("  ", ""),
        ("\ufeff", ""),
    ],
)
def test_it_cleans_phones(typed: str, clean: str) -> None:
    assert value("phone", typed) == clean


@pytest.mark.parametrize(
    "typed",
    [
        "12800138000",
        "1380013800",
        "138001380001",
        "13800138000/13900139000",
        "010-88888888",
        "+8612800138000",
        "+861088888888",
        "+12345",
        "+1234567890123456",
        "+0123456789",
        "1380013800²",
        "١٣٨٠٠١٣٨٠٠٠",
        "13800138000.5",
        "13800138000.",
        "0",
    ],
)
def test_it_refuses_what_is_no_phone(typed: str) -> None:
    assert codes("phone", typed) == ["phone_invalid"]


def test_it_takes_numbers_for_phones_and_customer_ids() -> None:
    assert value("phone", number("13800138000")) == "13800138000"
    assert value("phone", number("8613800138000")) == "13800138000"
    assert value("audienceUserId", number("100200300400500")) == "100200300400500"


@pytest.mark.parametrize("key", IDENTIFIERS)
@pytest.mark.parametrize(
    "cell",
    [
        number("1234567890123456"),
        number("1000000000000000"),
        number("1.23456789012346E+17"),
        number("1234567890123456.5"),
        number("-1234567890123456"),
        text("1.23457E+17"),
        text("1E+17"),
        text("1.2e17"),
        text("１．２３Ｅ＋１７"),
    ],
)
def test_it_refuses_identifiers_that_lost_digits(key: str, cell: Cell) -> None:
    assert codes(key, cell) == ["number_too_long"]


@pytest.mark.parametrize("typed", ["123E45", "12e5", "12345678901234567", "987654321012345678"])
def test_it_keeps_long_and_odd_ids_that_are_text(typed: str) -> None:
    assert value("audienceUserId", typed) == typed


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("audienceUserId", "customer_id_invalid"),
        ("openid", "openid_invalid"),
        ("unionid", "unionid_invalid"),
        ("phone", "phone_invalid"),
    ],
)
def test_it_refuses_fractions_and_negative_numbers(key: str, code: str) -> None:
    assert codes(key, number("13800138000.5")) == [code]
    assert codes(key, number("-13800138000")) == [code]


@pytest.mark.parametrize("key", IDENTIFIERS)
@pytest.mark.parametrize(
    ("kind", "shown", "code"),
    [
        (Kind.DATE, "2026-05-03", "date_in_identifier"),
        (Kind.BOOLEAN, "TRUE", "boolean_in_identifier"),
        (Kind.ERROR, "#N/A", "error_cell"),
        (Kind.FORMULA, "", "formula_without_value"),
        (Kind.TEXT, "#ref!", "error_cell"),
        (Kind.TEXT, "abc\x07def", "control_character"),
        (Kind.TEXT, "abc\ufffddef", "control_character"),
        (Kind.TEXT, "abc\ud800def", "control_character"),
        (Kind.TEXT, "???", "characters_lost"),
        (Kind.TEXT, " \ufffd？", "characters_lost"),
        (Kind.TEXT, "锟斤拷锟斤拷", "characters_lost"),
        (Kind.TEXT, "ï¿½ï¿½", "characters_lost"),
        (Kind.UNDECODED, "13800138000\ufffd", "cell_not_decoded"),
        (Kind.MISQUOTED, "13800138000", "text_behind_quote"),
        (Kind.REMARK, "13800138000", "line_is_remark"),
    ],
)
def test_it_names_what_stands_in_place_of_an_identifier(key: str, kind: Kind, shown: str, code: str) -> None:
    assert codes(key, Cell(kind, shown)) == [code]


@pytest.mark.parametrize("key", ["openid", "unionid"])
def test_it_checks_openids_and_unionids(key: str) -> None:
    assert value(key, " oUpF8uMuAJO_M2pxb1Q9zNjWeS6o\u200b") == "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"
    assert value(key, "ｏＵｐＦ８ｕ") == "oUpF8u"
    assert value(key, "a" * 64) == "a" * 64
    for typed in ("abcde", "a" * 65, "oUpF8 uMuAJO", "oUpF8uMu。", "oUpF8,uMuAJO"):
        assert codes(key, typed) == [f"{key}_invalid"]


@pytest.mark.parametrize(
    ("typed", "clean"),
    [
        (" C-001 ", "C-001"),
        ("'123456789012345678", "123456789012345678"),
        ("客户1", "客户1"),
        ("１２３", "123"),
        ("7", "7"),
    ],
)
def test_it_cleans_customer_ids(typed: str, clean: str) -> None:
    assert value("audienceUserId", typed) == clean


@pytest.mark.parametrize("typed", ["12 34", "12\n34", "12\u300034", "x" * 65, "0", "000", "-0"])
def test_it_refuses_odd_customer_ids(typed: str) -> None:
    assert codes("audienceUserId", typed) == ["customer_id_invalid"]
    assert codes("audienceUserId", number("0")) == ["customer_id_invalid"]


@pytest.mark.parametrize(
    ("typed", "clean"),
    [
        ("新客, VIP，老客、a;b；c|d\ne\r\nf", "新客,VIP,老客,a,b,c,d,e,f"),
        ("VIP,vip,VIP, VIP ", "VIP,vip"),
        (" ,， ;|", ""),
        ("春\u200b季\ufeff活动", "春季活动"),
        ("ＶＩＰ１（新）", "VIP1（新）"),
        ("高 价值\u00a0客户", "高 价值 客户"),
        ("❤\ufe0f\u200d🔥,a\u200db", "❤\ufe0f\u200d🔥,ab"),
        ("t" * 255, "t" * 255),
        ("C#", "C#"),
    ],
)
def test_it_splits_and_cleans_tags(typed: str, clean: str) -> None:
    assert value("tags", typed) == clean


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (text("t" * 256), ["tag_too_long"]),
        (text("a\tb"), ["control_character"]),
        (text("a\x00b," + "t" * 256 + ",#N/A"), ["control_character", "tag_too_long", "placeholder_in_tags"]),
        (text("a\x00b,#REF!"), ["error_cell", "control_character"]),
        (Cell(Kind.DATE, "2026-05-03"), ["date_in_tags"]),
        (Cell(Kind.BOOLEAN, "TRUE"), ["boolean_in_tags"]),
        (Cell(Kind.ERROR, "#N/A"), ["error_cell"]),
        (Cell(Kind.FORMULA, ""), ["formula_without_value"]),
        (number("1.23456789012346E+17"), ["number_too_long"]),
    ],
)
def test_it_names_every_flaw_of_tags(cell: Cell, expected: list[str]) -> None:
    assert codes("tags", cell) == expected


def test_it_takes_a_number_as_a_tag() -> None:
    assert value("tags", number("2026")) == "2026"
    assert value("tags", number("0.3")) == "0.3"


@pytest.mark.parametrize("field", ["phone", "openid", "unionid", "audienceUserId"])
@pytest.mark.parametrize("masked", ["138****0000", "****", "oABC…yz", "100****01"])
def test_it_never_takes_a_mask_for_a_value(field: str, masked: str) -> None:
    assert codes(field, masked) == ["masked_value"]


def shown(text: str, stored: str, code: str = "") -> FormattedCell:
    return FormattedCell(Kind.FORMATTED, text, stored, code)


@pytest.mark.parametrize(
    ("key", "cell", "clean", "changes"),
    [
        ("audienceUserId", shown("KH000123", "123"), "KH000123", ()),
        ("audienceUserId", shown("00123", "123"), "00123", ()),
        ("audienceUserId", shown("123,456", "123456"), "123456", ("format_removed",)),
        ("audienceUserId", shown("0,000,123", "123"), "0000123", ("format_removed",)),
        ("audienceUserId", shown("KH1,234", "1234"), "KH1234", ("format_removed",)),
        ("audienceUserId", shown("5.00", "5"), "5", ("format_removed",)),
        ("phone", shown("13,800,138,000.00", "13800138000"), "13800138000", ("format_removed",)),
        ("phone", shown("138-0013-8000", "13800138000"), "13800138000", ("punctuation_removed",)),
        ("phone", shown("+85291234567", "85291234567"), "+85291234567", ()),
        ("tags", shown("VIP5", "5"), "VIP5", ()),
        ("tags", shown("50%", "0.5"), "50%", ()),
        ("tags", shown("5.00", "5"), "5.00", ()),
        ("tags", shown("1,200", "1200"), "1200", ("format_removed",)),
        ("tags", shown("¥1,234,567.50", "1234567.5"), "¥1234567.50", ("format_removed",)),
        ("tags", shown("VIP,5", "5"), "VIP,5", ()),
    ],
)
def test_it_takes_what_a_number_format_shows(
    key: str, cell: FormattedCell, clean: str, changes: tuple[str, ...]
) -> None:
    assert FIELDS[key].clean(cell) == Cleaned(clean, (), changes)


@pytest.mark.parametrize(
    "cell",
    [
        shown("¥123", "123"),
        shown("12300%", "123"),
        shown("(123)", "-123"),
        shown("124", "123.5"),
        shown("会员", "123"),
        shown("13,800,138,001", "13800138000.5"),
    ],
)
def test_it_takes_no_amount_for_an_identifier(cell: FormattedCell) -> None:
    assert codes("audienceUserId", cell) == ["customer_id_invalid"]
    assert codes("phone", cell) == ["phone_invalid"]


@pytest.mark.parametrize("key", list(FIELDS))
def test_it_stops_a_format_that_is_not_understood(key: str) -> None:
    cleaned = FIELDS[key].clean(FormattedCell(Kind.UNSHOWN, "123", "123", "[>9]0\x00"))
    assert cleaned == Cleaned("123", (Flaw("format_not_understood", {"format": "[>9]0\ufffd"}),))


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        (text("????"), "characters_lost"),
        (text("VIP，？？"), "characters_lost"),
        (text("VIP;\ufffd\ufffd"), "characters_lost"),
        (text("烫锟斤拷烫"), "characters_lost"),
        (text("会员\ufffd"), "control_character"),
        (Cell(Kind.UNDECODED, "会\ufffd"), "cell_not_decoded"),
        (Cell(Kind.MISQUOTED, "VIP"), "text_behind_quote"),
        (Cell(Kind.REMARK, "合计"), "line_is_remark"),
    ],
)
def test_it_sends_no_tag_whose_characters_are_lost(cell: Cell, code: str) -> None:
    assert codes("tags", cell) == [code]


@pytest.mark.parametrize("typed", ["VIP?", "会员？", "锟", "斤拷"])
def test_it_leaves_questions_in_tags(typed: str) -> None:
    assert value("tags", typed) == typed
