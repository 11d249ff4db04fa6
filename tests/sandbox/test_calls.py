import json
import socket
import threading
import time

import pytest

from tagsync.sandbox import DEFAULT_PATH, DEFAULT_TOKEN, DEFAULT_TOKEN_PATH, Sandbox

from .conftest import PARAMS, Caller

GOOD_TOKEN_QUERY = "?instanceAppid=sandbox&instanceSecrect=sandbox-secret"


def test_it_takes_a_batch_and_tags_the_customers(sandbox, caller):
    status, answer = caller.rows({"audienceUserId": "1", "tags": "a,b"}, {"phone": "13800138000", "tags": "新客"})
    assert status == 200
    assert answer.pop("data").isdecimal()
    assert answer == {"code": "200", "errorCode": "SUCCESS", "msg": "ok"}
    assert sandbox.tags == {"1": {"a", "b"}, "13800138000": {"新客"}}
    (entry,) = sandbox.ledger
    assert (entry.number, entry.token_ok, entry.http_status, entry.applied) == (1, True, 200, True)
    assert (entry.operation, entry.row_count, entry.applied_rows, entry.fault) == ("add", 2, 2, "")
    assert entry.rows[1] == {"phone": "13800138000", "tags": "新客"}


def test_it_gives_each_batch_an_id_of_17_digits(caller):
    ids = {caller.rows({"phone": "1", "tags": "a"})[1]["data"] for _ in range(5)}
    assert len(ids) == 5
    assert {len(one) for one in ids} == {17}


def test_it_takes_tags_off_again(sandbox, caller):
    caller.rows({"phone": "1", "tags": "a,b,c"})
    caller.rows({"phone": "1", "tags": "b,x"}, {"phone": "2", "tags": "a"}, operation="delete")
    assert sandbox.tags == {"1": {"a", "c"}}


def test_it_knows_a_customer_by_any_identifier(sandbox, caller):
    caller.rows({"audienceUserId": "1", "phone": "138", "tags": "a"})
    caller.rows({"phone": "138", "openid": "o1", "tags": "b"})
    caller.rows({"openid": "o1", "tags": "c"})
    caller.rows({"thirdId": "1", "tags": "d"})
    assert sandbox.tags == {"1": {"a", "b", "c", "d"}}


def test_it_goes_by_the_identify_way(sandbox, caller):
    caller.rows({"unionid": "u", "tags": "x"}, {"phone": "138", "tags": "y"})
    both = {"unionid": "u", "phone": "138", "tags": "z"}
    caller.batch({"publicParams": {**PARAMS, "identifyWay": 2}, "data": [both]})
    assert sandbox.tags == {"u": {"x"}, "138": {"y", "z"}}


@pytest.mark.parametrize("path", [DEFAULT_PATH, "/tag/batchAdd", "/api/open/audience/tag/batchAdd"])
def test_it_answers_under_any_prefix(caller, path):
    assert caller.rows({"phone": "1", "tags": "a"}, path=path)[0] == 200


@pytest.mark.parametrize("path", ["/", "/nothing", "/api/integrate/audience/tag/v2/batchAdd"])
def test_it_knows_no_other_address(sandbox, caller, path):
    assert caller.rows({"phone": "1", "tags": "a"}, path=path)[0] == 404
    assert sandbox.ledger == []


def test_it_wants_the_right_method(caller):
    assert caller.call("GET", DEFAULT_PATH)[0] == 405
    assert caller.call("POST", DEFAULT_TOKEN_PATH, b"")[0] == 405


@pytest.mark.parametrize("token", [None, "", "wrong", "sandbox-token "[::-1], "令牌".encode().decode("latin-1")])
def test_it_refuses_a_wrong_token_and_writes_it_down(sandbox, caller, token):
    status, answer = caller.rows({"phone": "1", "tags": "a"}, token=token)
    assert (status, answer["code"], answer["errorCode"]) == (401, "100200", "TOKEN_ERROR")
    (entry,) = sandbox.ledger
    assert (entry.token_ok, entry.applied, entry.row_count) == (False, False, 1)
    assert sandbox.tags == {}


def test_it_refuses_a_wrong_field_by_name_and_applies_nothing(sandbox, caller):
    status, answer = caller.rows({"phone": "1", "tags": "a"}, {"phone": 2, "tags": "a"})
    assert (status, answer["code"]) == (200, "100400")
    assert "data[1].phone" in answer["msg"]
    assert sandbox.tags == {}


def test_it_refuses_more_than_500_rows(sandbox, caller):
    rows = [{"phone": str(number), "tags": "a"} for number in range(501)]
    assert "500" in caller.rows(*rows)[1]["msg"]
    assert caller.rows(*rows[:500])[1]["code"] == "200"
    assert len(sandbox.tags) == 500


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff", b"[" * 100_000])
def test_it_refuses_what_is_not_json(sandbox, caller, raw):
    assert caller.batch(raw)[0] == 400
    assert sandbox.ledger[0].rows == []


def test_it_wants_the_content_type(caller):
    status, _, _ = caller.call("POST", DEFAULT_PATH, b"{}", {"X-Token": DEFAULT_TOKEN, "Content-Type": "text/plain"})
    assert status == 415


def fetch_token(caller, query=GOOD_TOKEN_QUERY):
    return json.loads(caller.call("GET", DEFAULT_TOKEN_PATH + query)[2])


def test_it_hands_out_tokens_that_open_the_door(sandbox, caller):
    first, second = fetch_token(caller), fetch_token(caller)
    assert (first["code"], first["errorCode"], first["data"]["expire"]) == ("200", "0", 7200)
    for answer in (first, second):
        assert caller.rows({"phone": "1", "tags": "a"}, token=answer["data"]["orgAccessToken"])[0] == 200
    assert first["data"]["orgAccessToken"] != second["data"]["orgAccessToken"]
    assert sandbox.token_calls == 2


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?instanceAppid=sandbox",
        "?instanceAppid=sandbox&instanceSecrect=wrong",
        "?instanceAppid=wrong&instanceSecrect=sandbox-secret",
        "?instanceAppid=sandbox&instanceSecret=sandbox-secret",
    ],
)
def test_it_refuses_a_wrong_app(caller, query):
    found = fetch_token(caller, query)
    assert (found["code"], found["errorCode"]) == ("100100", "APPID_SECRET_ERROR")


def test_it_lets_tokens_expire():
    with Sandbox(token_lifetime_seconds=0.05) as sandbox:
        caller = Caller(sandbox.url)
        token = fetch_token(caller)["data"]["orgAccessToken"]
        deadline = time.monotonic() + 5
        while caller.rows({"phone": "1", "tags": "a"}, token=token)[0] != 401:
            assert time.monotonic() < deadline
        assert caller.rows({"phone": "1", "tags": "a"})[0] == 200


def test_it_can_be_told_to_forget_issued_tokens(sandbox, caller):
    token = fetch_token(caller)["data"]["orgAccessToken"]
    sandbox.expire_tokens()
    assert caller.rows({"phone": "1", "tags": "a"}, token=token)[0] == 401
    assert caller.rows({"phone": "1", "tags": "a"})[0] == 200


def test_it_takes_its_own_credentials():
    with Sandbox(token="t", app_id="i", app_secret="s") as sandbox:
        caller = Caller(sandbox.url)
        assert caller.rows({"phone": "1", "tags": "a"})[0] == 401
        assert caller.rows({"phone": "1", "tags": "a"}, token="t")[0] == 200
        assert fetch_token(caller, "?instanceAppid=i&instanceSecrect=s")["code"] == "200"


@pytest.mark.parametrize("host", ["0.0.0.0", "", "192.168.1.1", "example.com", "::"])
def test_it_listens_on_loopback_only(host):
    with pytest.raises(ValueError, match="loopback"):
        Sandbox(host)


@pytest.mark.parametrize(
    "headers", [{"Host": "evil.example"}, {"Origin": "http://evil.example"}, {"Origin": "null"}, {"Host": "[::"}]
)
@pytest.mark.parametrize("path", ["/", "/control/ledger", "/control/faults"])
def test_it_does_not_serve_pages_from_elsewhere(caller, headers, path):
    assert caller.call("GET", path, headers=headers)[0] == 403


def test_it_keeps_connections_and_writes_everything_down_under_load(sandbox):
    body = json.dumps({"publicParams": PARAMS, "data": [{"phone": "1", "tags": "a"}]}).encode()
    head = (
        f"POST {DEFAULT_PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Token: {DEFAULT_TOKEN}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    host, port = sandbox.url.removeprefix("http://").split(":")
    oks = []

    def work():
        with socket.create_connection((host, int(port)), timeout=10) as connection, connection.makefile("rb") as lines:
            for _ in range(50):
                connection.sendall(head + body)
                status, length = lines.readline(), 0
                while (line := lines.readline()) != b"\r\n":
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                lines.read(length)
                oks.append(b" 200 " in status)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert oks == [True] * 400
    assert [entry.number for entry in sandbox.ledger] == list(range(1, 401))


def test_it_stops_at_once_while_calls_hang(caller, sandbox):
    sandbox.faults.add("apply_then_hang", seconds=60)

    def call():
        with pytest.raises(OSError):
            caller.rows({"phone": "1", "tags": "a"})

    thread = threading.Thread(target=call)
    thread.start()
    deadline = time.monotonic() + 5
    while not sandbox.ledger:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    started = time.monotonic()
    sandbox.stop()
    thread.join()
    assert time.monotonic() - started < 2


def test_it_can_be_stopped_without_having_started():
    Sandbox().stop()
