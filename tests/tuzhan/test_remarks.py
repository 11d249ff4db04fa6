"""What an accepted answer adds: a remark for whatever speaks of failure, and none for an ordinary success."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tagsync.tuzhan.outcomes import Accepted, classify
from tagsync.tuzhan.remarks import MAX_REMARKS_CHARACTERS, MAX_VALUES


def accepted(**added):
    found = classify(200, {}, json.dumps({"code": "200", **added}, ensure_ascii=False).encode())
    assert isinstance(found, Accepted)
    return found


PLAIN = [
    {},
    {"errorCode": "SUCCESS", "msg": "ok"},  # the user's document
    {"errorCode": "SUCCESS", "msg": "ok", "data": "20240101123456789"},  # page 986414
    {"errorCode": None, "msg": "success", "data": None},
    {"errorCode": "", "msg": ""},
    {"errorCode": "0", "msg": "操作成功"},
    {"errorCode": 0, "msg": "OK."},
    {"errorCode": "00000", "msg": "Success!"},
    {"errorCode": "200"},
    {"errorCode": "success", "success": True},
    {"success": "true", "traceId": "a1b2", "timestamp": 1700000000000, "path": "/tag/batchAdd"},
    {"errcode": 0, "errmsg": "ok"},
    {"errorMsg": "处理成功", "failReason": None},
    {"data": {"total": 3, "success": 3, "fail": 0, "failList": []}},
    {"data": {"successCount": 500, "failCount": "0", "failRate": "0.0%", "errors": {}}},
    {"data": {"errors": {"fields": [], "count": 0}, "failed": False, "hasError": "false"}},
    {"data": [{"id": "7", "status": "done", "error": None}]},
    {"msg": "成功 500 条，失败 0 条"},
    {"msg": "500 rows accepted, 0 failed, no errors"},
    {"msg": "处理完成，无异常"},
    {"msg": "failed: 0, errors: none"},
    {"msg": "全部分组已处理"},
    {"msg": "已受理"},
    {"msg": "see https://example.com/docs/errors.html"},
    {"data": {"failCount": -1, "invalidRows": 0.0}},
]


@pytest.mark.parametrize("added", PLAIN, ids=str)
def test_it_has_no_remark_on_an_ordinary_success(added):
    assert accepted(**added).remarks == ""


@pytest.mark.parametrize(
    ("added", "said"),
    [
        ({"errorCode": "PARTIAL_FAIL"}, "errorCode: PARTIAL_FAIL"),
        ({"errorCode": 17}, "errorCode: 17"),
        ({"errorCode": ["E1"]}, 'errorCode: ["E1"]'),
        ({"error_code": "E1"}, "error_code: E1"),
        ({"success": False}, "success: false"),
        ({"success": "False"}, "success: False"),
        ({"success": 0}, "success: 0"),
        ({"data": {"isSuccess": False}}, "data.isSuccess: false"),
        ({"result": False}, "result: false"),
        ({"data": {"status": "PARTIAL_SUCCESS"}}, "data.status: PARTIAL_SUCCESS"),
        ({"status": 500}, "status: 500"),
        ({"data": {"fail": 3}}, "data.fail: 3"),
        ({"data": {"FAILCOUNT": "3"}}, "data.FAILCOUNT: 3"),
        ({"data": {"rows_failed": 1.0}}, "data.rows_failed: 1.0"),
        ({"data": {"errNum": 2}}, "data.errNum: 2"),
        ({"data": {"失败条数": 1}}, "data.失败条数: 1"),
        ({"data": {"unmatched": 4}}, "data.unmatched: 4"),
        ({"data": {"failRate": "2.5%"}}, "data.failRate: 2.5%"),
        ({"data": {"a": {"b": [[{"invalidNum": "1"}]]}}}, "b.invalidNum: 1"),
        ({"data": {"failList": [{"row": 3}]}}, 'data.failList: [{"row": "3"}]'),
        ({"errors": {"3": "bad phone"}}, 'errors: {"3": "bad phone"}'),
        ({"data": {"rejected": [None]}}, "data.rejected: [null]"),
        ({"data": {"partial": True}}, "data.partial: true"),
        ({"data": {"failReason": "手机号格式"}}, "data.failReason: 手机号格式"),
        ({"data": {"total": 500, "success": 497}}, "data.success: 497"),
        ({"data": "部分客户未找到"}, "data: 部分客户未找到"),
        ({"msg": "部分成功"}, "msg: 部分成功"),
        ({"msg": "成功 497 条，失败 3 条"}, "msg: 成功 497 条，失败 3 条"),
        ({"msg": "成功 490 条，失败 10 条"}, "msg: 成功 490 条，失败 10 条"),
        ({"msg": "失败 0 条，异常 2 条"}, "msg: 失败 0 条，异常 2 条"),
        ({"msg": "10 failed"}, "msg: 10 failed"),
        ({"msg": "some tags are INVALID"}, "msg: some tags are INVALID"),
        ({"warning": "2 tags were cut"}, "warning: 2 tags were cut"),
        ({"errorCode": "E1", "data": {"fail": 2}}, "errorCode: E1; data.fail: 2"),
        ({"data": {"total": 3, "success": 1}, "success": False}, "success: false; data.success: 1"),
    ],
    ids=str,
)
def test_it_remarks_what_speaks_of_failure(added, said):
    assert accepted(**added).remarks == said


def test_it_remembers_the_first_of_a_key_that_stands_twice():
    found = classify(200, {}, b'{"code":"200","success":false,"success":true}')
    assert isinstance(found, Accepted) and "success: false" in found.remarks


def test_it_keeps_what_it_does_not_know_without_a_remark():
    found = accepted(hint="see page 12", phone="13800138000")
    assert found.remarks == ""
    assert found.answer.excerpt == '{"hint": "see page 12", "phone": "…"}'


def test_it_remarks_no_other_answer():
    found = classify(200, {}, b'{"code":"100500","errorCode":"E","data":{"fail":3}}')
    assert not hasattr(found, "remarks")


# -- redacted and bounded


def test_it_hides_identifiers():
    listed = [{"phone": "13800138000", "openid": "oAbCdEfGhIjKlMnOpQrStUvWxYz01", "id": "12345678"}]
    found = classify(
        200,
        {},
        json.dumps({"code": "200", "data": {"failList": listed, "failed": "my-token"}}).encode(),
        known=["my-token"],
    )
    assert isinstance(found, Accepted)
    for secret in ("13800138000", "oAbCdEfGh", "12345678", "my-token"):
        assert secret not in found.remarks


def test_a_sentence_in_data_is_no_batch_reference():
    assert accepted(data="客户 13800138000 不存在").answer.data == "客户 … 不存在"
    assert accepted(data="20240101123456789").answer.data == "20240101123456789"


@pytest.mark.parametrize("lead", range(120, 170))
def test_it_leaves_no_half_of_an_identifier(lead):
    """A caller that knows the identifiers of the call finds only whole ones."""
    said = accepted(failReason="x " * (lead // 2) + "CUST-77-blue, and more").remarks
    assert "CUST-77-blue" in said or "CUST" not in said


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.text(max_size=600), st.text(max_size=600) | st.integers(), max_size=30))
def test_it_stays_short(listed):
    found = accepted(errors={"why": listed, "count": 3}, **{f"fail{key}": 1 for key in listed if key})
    assert 0 < len(found.remarks) <= MAX_REMARKS_CHARACTERS
    found.remarks.encode("utf-8")


@pytest.mark.parametrize("deep", [10, 500, *range(960, 1000, 3)])
@pytest.mark.parametrize("text", ['{"code":"200","fail":%s3%s}', '{"code":"200","data":%s{"fail":3}%s}'])
def test_it_survives_any_depth(deep, text):
    found = classify(200, {}, (text % ("[" * deep, "]" * deep)).encode())
    assert not isinstance(found, Accepted) or "fail" in found.remarks


def test_it_says_when_there_is_too_much_to_read():
    assert accepted(data=[0] * (MAX_VALUES + 1)).remarks == "…: …"


# -- every kind, wherever it stands

plain_values = st.none() | st.booleans() | st.integers() | st.sampled_from(["ok", "20240101", "成功", ""])
plain_keys = st.sampled_from(["id", "batchId", "count", "name", "total", "taskNo", "时间", "list"])
plain = st.recursive(
    plain_values,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(plain_keys, inner, max_size=3),
    max_leaves=8,
)
failing = st.tuples(
    st.sampled_from(
        [
            "fail",
            "failed",
            "failure",
            "error",
            "errors",
            "invalid",
            "rejected",
            "failCount",
            "errorNum",
            "fail_rows",
            "FailNum",
            "failcount",
            "ERRORS",
            "invalidRows",
            "totalFailed",
            "失败",
            "失败数",
            "errCount",
        ]
    ),
    st.integers(1, 500) | st.integers(1, 500).map(str) | st.floats(0.01, 500) | st.lists(plain_values, min_size=1),
)


@settings(max_examples=300, deadline=None)
@given(plain)
def test_it_has_no_remark_on_plain_data(data):
    assert accepted(errorCode="SUCCESS", msg="ok", data=data).remarks == ""


@settings(max_examples=300, deadline=None)
@given(plain, failing, st.lists(st.sampled_from(["data", "result", "info", ""]), max_size=6))
def test_it_finds_a_failure_at_any_depth(beside, failure, path):
    found = {failure[0]: failure[1], "beside": beside}
    for name in path:
        found = {name: found, "beside": beside} if name else {"list": [beside, found]}
    assert failure[0] in accepted(**found).remarks
