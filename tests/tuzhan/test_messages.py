import json

import pytest

from tagsync.tuzhan.messages import Settings, batch_body, encode

ROW = {"audienceUserId": "1", "openid": "", "unionid": "", "phone": "", "tags": "tag1,tag2"}


def test_it_writes_the_document_s_sample():
    assert batch_body(Settings("fuzzy", 1, "add"), [ROW]) == {
        "publicParams": {"isMatching": True, "matchingType": 2, "identifyWay": 1, "optType": "add"},
        "data": [{"audienceUserId": "1", "tags": "tag1,tag2"}],
    }


@pytest.mark.parametrize(
    ("settings", "params"),
    [
        (Settings("none", None, "delete"), {"isMatching": False, "optType": "delete"}),
        (Settings("none", 2, "add"), {"isMatching": False, "optType": "add"}),
        (Settings("exact", 1, "add"), {"isMatching": True, "matchingType": 1, "optType": "add"}),
        (
            Settings("fuzzy", 2, "delete"),
            {"isMatching": True, "matchingType": 2, "identifyWay": 2, "optType": "delete"},
        ),
    ],
)
def test_it_leaves_out_what_has_no_meaning(settings, params):
    assert batch_body(settings, [ROW])["publicParams"] == params


def test_it_renames_the_customer_id():
    body = batch_body(Settings("none", None, "add"), [ROW], customer_id_key="thirdId")
    assert body["data"] == [{"thirdId": "1", "tags": "tag1,tag2"}]


def test_it_ignores_other_keys_and_keeps_the_order_of_rows():
    rows = [{"phone": str(n), "tags": "t", "row_number": "9"} for n in range(3)]
    found = batch_body(Settings("none", None, "add"), rows)["data"]
    assert found == [{"phone": str(n), "tags": "t"} for n in range(3)]


def test_it_needs_a_way_for_fuzzy_matching():
    with pytest.raises(ValueError, match="identify_way"):
        Settings("fuzzy", None, "add")


@pytest.mark.parametrize("row", [{"phone": "13800138000", "tags": ""}, {"phone": "13800138000"}, {"tags": "t"}, {}])
def test_it_refuses_a_row_that_must_not_be_sent_without_quoting_it(row):
    with pytest.raises(ValueError) as caught:
        batch_body(Settings("none", None, "delete"), [row])
    assert "138" not in str(caught.value)


def test_it_encodes_chinese_as_it_is_and_long_numbers_as_text():
    row = {"audienceUserId": "12345678901234567", "tags": "高净值"}
    raw = encode(batch_body(Settings("none", None, "add"), [row]))
    assert '"tags":"高净值"'.encode() in raw
    assert b" " not in raw
    assert json.loads(raw)["data"] == [row]
