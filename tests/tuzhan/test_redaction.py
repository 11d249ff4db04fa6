import pytest

from tagsync.tuzhan.redaction import redact, redact_code, redact_reference, tidy

OPENID = "oAbC_efGhIjKlMnOpQrStUvWxYz-"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("13800138000", "…"),
        ("手机号13800138000格式错误", "手机号…格式错误"),
        ("138 0013 8000", "…"),
        ("138-0013-8000", "…"),
        ("１３８００１３８０００", "…"),
        ("+8613800138000", "+…"),
        ("row 12345", "row 12345"),
        ("id 123456 and 12345678901234567", "id … and …"),
        (f"openid {OPENID} unknown", "openid … unknown"),
        ("trace 3f2a9c1b7d4e4f5a8b6c", "trace …"),
        ("AUDIENCE_TAG_IMPORT_ERROR", "AUDIENCE_TAG_IMPORT_ERROR"),
        ("数据异常", "数据异常"),
        ("", ""),
    ],
)
def test_it_hides_what_may_be_personal(text, expected):
    assert redact(text) == expected


def test_it_hides_known_identifiers_the_longest_first():
    assert redact("user wang.li@x and wang.li", ["wang.li", "wang.li@x"]) == "user … and …"


def test_it_leaves_very_short_known_values():
    assert redact("row 1 of 12", ["1", "12", ""]) == "row 1 of 12"


def test_it_takes_known_values_literally():
    assert redact("a.cd abcd", ["a.cd"]) == "… abcd"


def test_it_hides_a_known_identifier_that_was_cut_off():
    assert redact("bad: customer-abcdefg"[:18], ["customer-abcdefg"]) == "bad: …"


def test_it_makes_text_storable():
    assert tidy("a\x00b\ud800c\n\td\x1b") == "a\ufffdb\ufffdc\n\td\ufffd"


@pytest.mark.parametrize(
    ("code", "known", "kept"),
    [
        ("200", ["200"], "200"),
        ("100500", ["CUST-1"], "100500"),
        ("12345678", [], "12345678"),
        ("10086123", ["10086123"], "…"),
        ("13800138000", [], "…"),
        ("E13800138000", [], "E…"),
        ("CUST-77", ["CUST-77"], "…"),
        ("E_CUST-77", ["CUST-77"], "E_…"),
        ("NOT_FOUND", [], "NOT_FOUND"),
        ("", [], ""),
    ],
)
def test_a_code_names_nobody(code, known, kept):
    assert redact_code(code, known) == kept


@pytest.mark.parametrize(
    ("text", "known", "kept"),
    [
        ("12345678901234567", [], "12345678901234567"),
        ("123456789012345", ["CUST-1", "4567"], "123456789012345"),
        ("12345678901234567", ["12345678901234567"], "…"),
        ("008613800138000", ["13800138000"], "0086…"),
        ("13800138000", [], "…"),
        ("12345678901234", [], "…"),
        ("123456789012345678901", [], "…"),
        ("１２３４５６７８９０１２３４５６７", [], "…"),
        (OPENID, [], "…"),
        ("CUST-77", ["CUST-77"], "…"),
        ("T0k3nT0k3nT0k3nT0k3n", [], "…"),
        ("done", [], "done"),
    ],
)
def test_only_a_bare_batch_id_passes_as_reference(text, known, kept):
    assert redact_reference(text, known) == kept
