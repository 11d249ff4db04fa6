import email.utils
import inspect
import json
import socket
import ssl
import time

import httpcore
import httpx
import pytest

from tagsync.tuzhan import outcomes
from tagsync.tuzhan.outcomes import (
    Accepted,
    AddressRefused,
    BatchRefused,
    Blocked,
    NotSent,
    Throttled,
    TokenRejected,
    TooLarge,
    Unanswered,
    classify,
    translate,
)

OK = b'{"code":"200","errorCode":"SUCCESS","msg":"ok","data":"12345678901234567"}'
BUSY = '{"code":"500","msg":"操作频繁,请稍后重试"}'.encode()


def refused(code):
    return json.dumps({"code": code, "errorCode": "X", "msg": "no"}).encode()


@pytest.mark.parametrize(
    ("http_status", "body", "kind"),
    [
        (200, OK, Accepted),
        (201, OK, Accepted),
        (200, b'{"code":200}', Accepted),
        (200, b' {"code":"200"}\r\n', Accepted),
        (200, b'{"code":"0"}', BatchRefused),
        (200, b'{"code":"2OO"}', BatchRefused),
        (200, b'{"code":"200 "}', BatchRefused),
        (200, refused("100500"), BatchRefused),
        (200, refused(100500), BatchRefused),
        (400, refused("100500"), BatchRefused),
        (422, refused("100500"), BatchRefused),
        (200, refused("100200"), TokenRejected),
        (200, refused(100200), TokenRejected),
        (400, refused("100200"), TokenRejected),
        (401, b"", TokenRejected),
        (401, OK, TokenRejected),
        (403, OK, Blocked),
        (404, b"<html>", Blocked),
        (405, b"", Blocked),
        (301, OK, Blocked),
        (304, b"", Blocked),
        (307, b"", Blocked),
        (200, refused("100100"), Blocked),
        (200, refused("100300"), Blocked),
        (413, b"<html>", TooLarge),
        (429, OK, Throttled),
        (200, BUSY, Throttled),
        (400, BUSY, Throttled),
        (200, '{"code":"200","msg":"操作频繁"}'.encode(), Throttled),
        (200, '{"code":"100200","msg":"操作频繁"}'.encode(), Throttled),
        (200, '{"msg":"操作频繁"}'.encode(), Throttled),
        (500, BUSY, Unanswered),
        (500, OK, Unanswered),
        (502, b"<html>", Unanswered),
        (503, refused("100500"), Unanswered),
        (400, OK, Unanswered),
        (400, b"", Unanswered),
        (400, b"<html>", Unanswered),
        (418, b'{"msg":"no code"}', Unanswered),
        (100, OK, Unanswered),
        (600, OK, Unanswered),
    ],
)
def test_it_reads_an_answer_as_what_the_caller_may_do(http_status, body, kind):
    assert type(classify(http_status, {}, body)) is kind


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"true",
        b'"200"',
        b"200",
        b'[{"code":"200"}]',
        b"{}",
        b'{"code":NaN}',
        b'{"code":"200","data":NaN}',
        b'{"code":"200","data":Infinity}',
        b'{"code":200.0}',
        b'{"code":null}',
        b'{"code":true}',
        b'{"code":["200"]}',
        b'{"code":""}',
        b'{"CODE":"200"}',
        OK[:-1],
        OK + b"}",
        OK + b"<script>",
        b"\xef\xbb\xbf" + OK,
        OK.decode().encode("utf-16"),
        OK.decode().encode("utf-16-le"),
        '{"code":"200","msg":"成功"}'.encode("gb18030"),
        b'{"code":"500","code":"200"}',
        b"{'code':'200'}",
        b'callback({"code":"200"})',
        b"<html>200</html>",
        b"[" * 200_000,
        b'{"data":' * 100_000,
        b'{"code":"200","msg":"a\x00b"}',
    ],
)
def test_it_never_takes_an_unreadable_answer_for_success(body):
    found = classify(200, {}, body)
    assert type(found) is Unanswered
    assert found.reason == "unreadable"


def test_it_does_not_trust_an_answer_that_was_cut_short():
    assert type(classify(200, {}, OK, complete=False)) is Unanswered


@pytest.mark.parametrize(
    ("http_status", "body", "reason"),
    [
        (403, b"", "forbidden"),
        (404, b"", "wrong_address"),
        (405, b"", "wrong_address"),
        (302, b"", "redirected"),
        (200, refused("100100"), "app_id_or_secret"),
        (200, refused("100300"), "authorisation_code"),
    ],
)
def test_it_says_why_a_connection_is_blocked(http_status, body, reason):
    assert classify(http_status, {}, body).reason == reason


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, 5),
        ("", 5),
        ("soon", 5),
        ("-1", 5),
        ("1e3", 5),
        ("0", 1),
        ("7", 7),
        (" 7 ", 7),
        ("900", 900),
        ("901", 900),
        ("9" * 5000, 900),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 1),
        ("Wed, 21 Oct 2099 07:28:00 GMT", 900),
        ("Wed, 21 Oct 2099 07:28:00 -0000", 900),
        ("Wed, 99 Oct 2099 07:28:00 GMT", 5),
    ],
)
@pytest.mark.parametrize(("http_status", "body"), [(429, b""), (200, BUSY)])
def test_it_reads_how_long_to_wait(http_status, body, header, seconds):
    headers = {} if header is None else {"retry-after": header}
    assert classify(http_status, headers, body).retry_after_seconds == seconds


def test_it_reads_a_date_to_wait_for():
    date = email.utils.formatdate(time.time() + 120, usegmt=True)
    assert 115 < classify(429, {"retry-after": date}, b"").retry_after_seconds <= 120


def test_a_date_is_one_of_the_platforms_clock():
    told = {"date": "Fri, 02 Jan 2026 03:04:05 GMT", "retry-after": "Fri, 02 Jan 2026 03:04:45 GMT"}
    assert classify(429, told, b"").retry_after_seconds == 40
    assert 1 <= classify(429, {**told, "date": "soon"}, b"").retry_after_seconds <= outcomes.MAX_RETRY_AFTER_SECONDS


def test_it_keeps_what_the_platform_said():
    answer = classify(200, {}, OK, duration_ms=12).answer
    assert (answer.http_status, answer.code, answer.error_code, answer.message) == (200, "200", "SUCCESS", "ok")
    assert (answer.data, answer.excerpt, answer.duration_ms) == ("12345678901234567", "", 12)


def test_it_keeps_a_batch_id_that_came_as_a_number():
    assert classify(200, {}, b'{"code":"200","data":12345678901234567890}').answer.data == "12345678901234567890"


def test_it_keeps_other_data_as_redacted_text():
    found = classify(200, {}, b'{"code":"200","data":{"phones":["13800138000"],"n":1}}').answer.data
    assert found == '{"phones": ["…"], "n": "1"}'


def test_it_keeps_the_beginning_of_an_unreadable_body_redacted():
    excerpt = classify(200, {}, ("<p>手机 13800138000</p>" + "x " * 1000).encode()).answer.excerpt
    assert excerpt.startswith("<p>手机 …</p>x x")
    assert len(excerpt) == 500


def test_it_can_read_a_chinese_gateway_s_page():
    assert classify(502, {}, "<h1>网关错误</h1>".encode("gb18030")).answer.excerpt == "<h1>网关错误</h1>"


def test_it_does_not_keep_phones_or_the_token_from_a_message():
    token = "T0ken-canary"
    body = json.dumps({"code": "1", "msg": f"bad 13800138000 {token}", "errorCode": token, "data": token}).encode()
    answer = classify(200, {}, body, known=[token]).answer
    assert "13800138000" not in repr(answer)
    assert token not in repr(answer)
    assert token not in repr(classify(200, {}, token.encode(), known=[token]))
    assert token not in repr(classify(200, {}, json.dumps({"code": token}).encode(), known=[token]))


@pytest.mark.parametrize(
    ("code", "kind"),
    [("100200", TokenRejected), ("100100", Blocked), ("100300", Blocked), ("5001", BatchRefused)],
)
def test_what_it_keeps_of_a_code_does_not_change_what_it_means(code, kind):
    outcome = classify(200, {}, json.dumps({"code": code}).encode(), known=[code])
    assert isinstance(outcome, kind)
    assert outcome.answer.code == "…"


def test_it_keeps_only_what_a_database_can_store():
    body = b'{"code":"1\\u0000","msg":"a\\u0000b\\ud800c","data":"\\ud800","errorCode":"\\u0007"}'
    answer = classify(200, {}, body).answer
    for text in (answer.code, answer.message, answer.data, answer.error_code):
        assert "\x00" not in text
        text.encode("utf-8")


def test_it_has_a_place_for_every_error_of_httpx():
    known = [kind for _, kind in inspect.getmembers(httpx, inspect.isclass) if issubclass(kind, Exception)]
    assert len(known) > 20
    assert [kind.__name__ for kind in known if kind not in outcomes.PLACES] == []


@pytest.mark.parametrize("kind", outcomes.PLACES)
def test_it_never_calls_an_error_success_or_refusal(kind):
    error = kind("secret", request=None, response=None) if kind is httpx.HTTPStatusError else _make(kind)
    found = translate(error, 7)
    assert isinstance(found, NotSent | Unanswered | Blocked)
    assert found.answer.duration_ms == 7
    assert "secret" not in repr(found)


def _make(kind):
    try:
        return kind("secret")
    except TypeError:
        return kind()


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (httpx.ConnectError, NotSent),
        (httpx.ConnectTimeout, NotSent),
        (httpx.PoolTimeout, NotSent),
        (httpx.WriteError, Unanswered),
        (httpx.WriteTimeout, Unanswered),
        (httpx.ReadError, Unanswered),
        (httpx.ReadTimeout, Unanswered),
        (httpx.RemoteProtocolError, Unanswered),
        (ConnectionResetError, Unanswered),
        (AddressRefused, Blocked),
        (KeyError, Unanswered),
    ],
)
def test_it_calls_only_that_unsent_of_which_nothing_was_written(kind, expected):
    assert type(translate(_make(kind))) is expected


def _raised(*causes):
    """The last cause, raised while the ones before it were handled."""
    try:
        try:
            raise causes[0]
        except Exception as error:
            raise httpcore.ConnectError("x") from error
    except Exception as error:
        outer = httpx.ConnectError("x")
        outer.__cause__ = error
        return outer


@pytest.mark.parametrize(
    ("cause", "kind", "reason"),
    [
        (ssl.SSLCertVerificationError("bad"), Blocked, "certificate"),
        (ssl.SSLError("old protocol"), NotSent, "tls"),
        (socket.gaierror(-2, "unknown"), NotSent, "dns"),
        (ConnectionRefusedError(), NotSent, "connect"),
    ],
)
def test_it_tells_causes_of_a_failed_connect_apart(cause, kind, reason):
    found = translate(_raised(cause))
    assert type(found) is kind
    assert found.reason == reason
