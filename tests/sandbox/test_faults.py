import http.client
import json
import time

import pytest

from tagsync.sandbox import DEFAULT_PATH, DEFAULT_TOKEN_PATH

from .conftest import PARAMS

ROW = {"phone": "13800138000", "tags": "a,b"}
TOKEN_CALL = DEFAULT_TOKEN_PATH + "?instanceAppid=sandbox&instanceSecrect=sandbox-secret"
CUT = (ConnectionError, http.client.HTTPException, OSError)


def only(sandbox):
    (entry,) = sandbox.ledger
    return entry


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ({"kind": "busy"}, 200, "500"),
        ({"kind": "busy", "http_status": 429, "retry_after": 3}, 429, "500"),
        ({"kind": "token_expired"}, 200, "100200"),
        ({"kind": "token_expired", "http_status": 401}, 401, "100200"),
        ({"kind": "refuse_all"}, 200, "100500"),
        ({"kind": "refuse_all", "http_status": 400}, 400, "100500"),
        ({"kind": "status"}, 500, "500"),
        ({"kind": "status", "http_status": 403}, 403, "403"),
        ({"kind": "status", "http_status": 201}, 201, "500"),
    ],
)
def test_it_answers_with_a_fault_instead_of_applying(sandbox, caller, fault, status, code):
    sandbox.faults.add(**fault)
    found, answer = caller.rows(ROW)
    assert (found, answer["code"]) == (status, code)
    assert (only(sandbox).applied, only(sandbox).http_status, only(sandbox).fault) == (False, status, fault["kind"])
    assert sandbox.tags == {}


def test_it_says_too_frequent_in_the_documented_words(sandbox, caller):
    sandbox.faults.add("busy")
    assert caller.rows(ROW)[1]["msg"] == "操作频繁,请稍后重试"


def test_it_sends_headers_with_a_status(sandbox, caller):
    sandbox.faults.add("status", http_status=429, json=False, retry_after=7)
    status, headers, text = caller.call("POST", DEFAULT_PATH, {}, {"Content-Type": "application/json"})
    assert (status, headers["Retry-After"], text) == (429, "7", "HTTP 429")


def test_it_redirects(sandbox, caller):
    sandbox.faults.add("status", http_status=302, location="http://127.0.0.1:1/x")
    status, headers, _ = caller.call("POST", DEFAULT_PATH, {}, {"Content-Type": "application/json"})
    assert (status, headers["Location"]) == (302, "http://127.0.0.1:1/x")


def test_it_answers_with_a_web_page(sandbox, caller):
    sandbox.faults.add("html")
    status, headers, text = caller.call("POST", DEFAULT_PATH, {}, {"Content-Type": "application/json"})
    assert (status, headers["Content-Type"]) == (200, "text/html")
    assert text.startswith("<!doctype html>")


@pytest.mark.parametrize(("kind", "applied"), [("cut", False), ("close_before_read", False), ("apply_then_cut", True)])
def test_it_closes_without_an_answer(sandbox, caller, kind, applied):
    sandbox.faults.add(kind, times=1)
    with pytest.raises(CUT):
        caller.rows(ROW)
    assert (only(sandbox).applied, only(sandbox).http_status) == (applied, None)
    assert caller.rows(ROW)[1]["code"] == "200"


def test_it_applies_and_then_hangs(sandbox, caller):
    sandbox.faults.add("apply_then_hang", seconds=60)
    with pytest.raises(TimeoutError):
        caller.rows(ROW, timeout=0.3)
    assert only(sandbox).applied


def test_it_truncates_the_answer_after_applying(sandbox, caller):
    sandbox.faults.add("truncated_json")
    with pytest.raises(json.JSONDecodeError):
        caller.rows(ROW)
    assert only(sandbox).applied


def test_it_applies_half(sandbox, caller):
    sandbox.faults.add("apply_half", times=1)
    assert caller.rows(*[{"phone": str(n), "tags": "a"} for n in range(3)])[0] == 500
    assert (only(sandbox).applied_rows, only(sandbox).row_count) == (2, 3)
    assert list(sandbox.tags) == ["0", "1"]


def test_it_takes_a_batch_and_says_that_some_rows_failed(sandbox, caller):
    sandbox.faults.add("remarks", failed=2, success=False)
    _, answer = caller.rows(*[{"phone": str(n), "tags": "a"} for n in range(3)])
    assert (answer["code"], answer["errorCode"], answer["success"]) == ("200", "PARTIAL_FAIL", False)
    assert (answer["data"]["total"], answer["data"]["success"], answer["data"]["fail"]) == (3, 1, 2)
    assert [row["phone"] for row in answer["data"]["failList"]] == ["1", "2"]
    assert list(sandbox.tags) == ["0"]


def test_it_drips(sandbox, caller):
    sandbox.faults.add("slow_drip", seconds=0.005)
    started = time.monotonic()
    assert caller.rows(ROW)[1]["code"] == "200"
    assert time.monotonic() - started > 0.3


def test_it_is_slow_and_faulty_at_once(sandbox, caller):
    sandbox.faults.add("latency", seconds=0.2)
    sandbox.faults.add("busy")
    started = time.monotonic()
    assert caller.rows(ROW)[1]["code"] == "500"
    assert time.monotonic() - started >= 0.2


@pytest.mark.parametrize(
    ("fault", "row", "refused"),
    [
        ({"field": "phone", "equals": "13800138000"}, ROW, True),
        ({"field": "phone", "equals": "1380013800"}, ROW, False),
        ({"field": "phone", "contains": "8000"}, ROW, True),
        ({"field": "tags", "equals": "b"}, ROW, True),
        ({"field": "tags", "equals": "a,b"}, ROW, True),
        ({"field": "tags", "equals": ","}, ROW, False),
        ({"field": "openid", "contains": "o"}, ROW, False),
        ({"field": "audienceUserId", "equals": "7"}, {"audienceUserId": "7", "tags": "a"}, True),
        ({"field": "audienceUserId", "equals": "7"}, {"thirdId": "7", "tags": "a"}, True),
    ],
)
def test_it_refuses_a_batch_for_one_row_without_naming_it(sandbox, caller, fault, row, refused):
    sandbox.faults.add("refuse_rows", **fault)
    status, answer = caller.rows({"phone": "2", "tags": "x"}, row)
    assert status == 200
    if refused:
        assert answer == {"code": "100500", "errorCode": "DATA_ERROR", "msg": "数据异常"}
        assert sandbox.tags == {}
        assert only(sandbox).fault == "refuse_rows"
    else:
        assert answer["code"] == "200"


def test_it_counts_only_calls_that_meet_the_fault(sandbox, caller):
    sandbox.faults.add("refuse_rows", field="phone", equals="1", times=1)
    codes = [caller.rows({"phone": phone, "tags": "a"})[1]["code"] for phone in ("2", "1", "1")]
    assert codes == ["200", "100500", "200"]
    assert sandbox.faults.active() == []


def test_it_works_through_faults_in_order(sandbox, caller):
    sandbox.faults.add("busy", times=2)
    sandbox.faults.add("token_expired", times=1)
    assert [caller.rows(ROW)[1]["code"] for _ in range(4)] == ["500", "500", "100200", "200"]


@pytest.mark.parametrize(("on", "token_code", "batch_code"), [("token", "500", "200"), ("all", "500", "500")])
def test_it_can_spoil_the_token_call_too(sandbox, caller, on, token_code, batch_code):
    sandbox.faults.add("busy", on=on)
    assert caller.json("GET", TOKEN_CALL)["code"] == token_code
    assert caller.rows(ROW)[1]["code"] == batch_code


def test_it_spares_the_token_call_otherwise(sandbox, caller):
    sandbox.faults.add("busy")
    assert caller.json("GET", TOKEN_CALL)["code"] == "200"


@pytest.mark.parametrize(
    "fault",
    [
        {},
        {"kind": "nonsense"},
        {"kind": "busy", "times": 0},
        {"kind": "busy", "times": "1"},
        {"kind": "busy", "on": "moon"},
        {"kind": "busy", "seconds": 1},
        {"kind": "latency", "seconds": -1},
        {"kind": "latency", "seconds": "1"},
        {"kind": "status", "http_status": 99},
        {"kind": "status", "http_status": "500"},
        {"kind": "status", "location": "/\r\nX: y"},
        {"kind": "refuse_rows"},
        {"kind": "refuse_rows", "field": "name", "equals": "x"},
        "busy",
        7,
    ],
)
def test_it_refuses_a_fault_it_does_not_know(caller, fault):
    assert caller.call("POST", "/control/faults", [fault])[0] == 400
    assert caller.json("GET", "/control/faults") == []


def test_it_takes_all_of_a_list_or_nothing(caller):
    assert caller.call("POST", "/control/faults", [{"kind": "busy"}, {"kind": "nonsense"}])[0] == 400
    assert caller.json("GET", "/control/faults") == []


def test_it_is_controlled_over_http(sandbox, caller):
    (fault,) = caller.json("POST", "/control/faults", [{"kind": "latency", "seconds": 0, "times": 9}])
    assert fault == {"id": 1, "kind": "latency", "times": 9, "on": "batch", "seconds": 0}
    caller.rows(ROW)
    assert caller.json("GET", "/control/faults")[0]["times"] == 8
    assert caller.json("DELETE", "/control/faults") == []
    assert caller.json("GET", "/control/tags") == {"13800138000": ["a", "b"]}
    (entry,) = caller.json("GET", "/control/ledger")
    assert (entry["applied"], entry["body"]) == (True, {"publicParams": PARAMS, "data": [ROW]})
    assert caller.json("GET", "/control/ledger?after=1") == []
    assert caller.call("GET", "/control/ledger?after=x")[0] == 400
    assert caller.json("POST", "/control/reset", b"") == {}
    assert (sandbox.ledger, sandbox.tags) == ([], {})


def test_it_expires_tokens_over_http(caller):
    token = caller.json("GET", TOKEN_CALL)["data"]["orgAccessToken"]
    caller.json("POST", "/control/expire_tokens", b"")
    assert caller.rows(ROW, token=token)[0] == 401
