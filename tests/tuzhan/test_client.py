import gzip
import logging
import socket
import struct
import threading
import time

import httpx
import pytest

from tagsync.tuzhan.client import Client, Token
from tagsync.tuzhan.outcomes import Accepted, Blocked, NotSent, Throttled, TokenRejected, Unanswered

OK = b'{"code":"200","errorCode":"SUCCESS","msg":"ok","data":"12345678901234567"}'
TOKEN = "canary-token"


def reply(body=OK, status=200, headers=b""):
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n%s\r\n%s" % (status, len(body), headers, body)


def answering(text):
    return lambda connection, request: connection.sendall(text)


def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def test_it_sends_a_batch_as_documented(wire, client):
    neighbour = wire(answering(reply()))
    found = client(neighbour.url).send(TOKEN, '{"标签":1}'.encode())
    assert type(found) is Accepted
    assert found.answer.data == "12345678901234567"
    head, _, body = neighbour.requests[0].partition(b"\r\n\r\n")
    lines = [line.lower() for line in head.split(b"\r\n")]
    assert head.startswith(b"POST /api/integrate/audience/tag/batchAdd HTTP/1.1\r\n")
    assert b"x-token: " + TOKEN.encode() in lines
    assert b"content-type: application/json" in lines
    assert b"accept-encoding: identity" in lines
    assert body == '{"标签":1}'.encode()


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("path", ["x/y", "/x/y"])
def test_it_joins_address_and_path(wire, slash, path):
    neighbour = wire(answering(reply()))
    with Client(neighbour.url + "/prefix" + slash, path, "/t") as found:
        found.send(TOKEN, b"{}")
    assert neighbour.requests[0].startswith(b"POST /prefix/x/y HTTP/1.1\r\n")


def test_it_serves_threads(wire, client):
    neighbour = wire(answering(reply()))
    shared = client(neighbour.url)
    found = []
    threads = [
        threading.Thread(target=lambda: found.extend(shared.send(TOKEN, b"{}") for _ in range(25))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 100
    assert {type(one) for one in found} == {Accepted}
    assert len(neighbour.requests) == 100


@pytest.mark.parametrize(
    "head",
    [
        b"",  # a drip from the first byte of the head on
        b"HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
)
def test_it_ends_a_slow_drip_in_time(wire, client, head):
    text = b"HTTP/1.1 200 OK\r\nX: " if not head else b"1\r\n{\r\n" * 10 if b"chunked" in head else b"{" * 60

    def act(connection, request):
        connection.sendall(head)
        neighbour.drip(connection, text, 0.1)

    neighbour = wire(act)
    started = time.monotonic()
    found = client(neighbour.url, timeout_seconds=0.8).send(TOKEN, b"{}")
    assert time.monotonic() - started < 1.8
    assert type(found) is Unanswered
    assert found.reason == "timeout"
    assert found.answer.duration_ms >= 700


def test_it_ends_in_time_when_the_body_is_not_taken(client):
    # Nobody accepts: the kernel takes some, then writing stalls.
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        started = time.monotonic()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        found = client(url, timeout_seconds=0.8).send(TOKEN, b"x" * 20_000_000)
    assert time.monotonic() - started < 1.8
    assert type(found) is Unanswered


def test_it_ends_in_time_when_informational_answers_never_end(wire, client):
    def act(connection, request):
        while not neighbour.over.wait(0.05):
            connection.sendall(b"HTTP/1.1 102 Processing\r\n\r\n")

    neighbour = wire(act)
    started = time.monotonic()
    assert type(client(neighbour.url, timeout_seconds=0.8).send(TOKEN, b"{}")) is Unanswered
    assert time.monotonic() - started < 1.8


def test_it_ends_in_time_when_the_name_server_hangs(client, monkeypatch):
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: over.wait(10) and [])
    started = time.monotonic()
    found = client("http://slow.example", timeout_seconds=5, connect_timeout_seconds=0.5).send(TOKEN, b"{}")
    over.set()
    assert time.monotonic() - started < 1.5
    assert type(found) is NotSent


def test_it_tries_the_next_address_of_a_name(wire, client, monkeypatch):
    neighbour = wire(answering(reply()))
    real = socket.getaddrinfo

    def look_up(host, port, *args, **options):
        if host != "two.example":
            return real(host, port, *args, **options)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in ("127.0.0.99", "127.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    port = neighbour.url.rsplit(":", 1)[1]
    assert type(client(f"http://two.example:{port}").send(TOKEN, b"{}")) is Accepted


def test_it_leaves_no_deadline_behind(wire, client):
    slow = wire(lambda connection, request: slow.over.wait(5))
    quick = wire(answering(reply()))
    assert type(client(slow.url, timeout_seconds=0.2).send(TOKEN, b"{}")) is Unanswered
    assert type(client(quick.url).send(TOKEN, b"{}")) is Accepted


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "cut"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "cut"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n" + OK, "cut"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n" + OK, "cut"),
        (b"SSH-2.0-OpenSSH\r\n", "cut"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n<htm", "unreadable"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\nContent-Length: 11\r\n\r\n" + OK, "cut"),
        (b"HTTP/1.1 502 X\r\nContent-Length: 0\r\n\r\n", "server_error"),
    ],
)
def test_it_calls_a_broken_answer_unanswered(wire, client, text, reason):
    def act(connection, request):
        connection.sendall(text)
        return "close"

    found = client(wire(act).url).send(TOKEN, b"{}")
    assert type(found) is Unanswered
    assert found.reason == reason


def test_it_calls_a_reset_after_the_body_unanswered(wire, client):
    def act(connection, request):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return "close"

    assert type(client(wire(act).url).send(TOKEN, b"{}")) is Unanswered


@pytest.mark.parametrize(
    ("url", "kind", "reason"),
    [
        ("http://nobody.invalid", NotSent, "dns"),
        ("http://" + "x" * 70 + ".example", NotSent, "dns"),
        ("ftp://127.0.0.1", Blocked, "wrong_address"),
        ("no-scheme", Blocked, "wrong_address"),
        ("http://127.0.0.1:99999", Blocked, "wrong_address"),
        ("http://[::1", Blocked, "wrong_address"),
        ("http://\x00", Blocked, "wrong_address"),
    ],
)
def test_it_knows_that_nothing_was_sent(client, url, kind, reason):
    found = client(url).send(TOKEN, b"{}")
    assert (type(found), found.reason) == (kind, reason)


def test_it_knows_that_a_closed_port_got_nothing(client):
    found = client(f"http://127.0.0.1:{closed_port()}").send(TOKEN, b"{}")
    assert (type(found), found.reason) == (NotSent, "connect")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_it_never_follows_a_redirect(wire, client, status):
    other = wire(answering(reply()))
    first = wire(answering(reply(b"", status, b"Location: %s/x\r\n" % other.url.encode())))
    found = client(first.url).send(TOKEN, b"{}")
    assert (type(found), found.reason) == (Blocked, "redirected")
    assert other.requests == []


def test_it_ignores_proxies_of_the_environment(wire, client, monkeypatch):
    proxy = wire(answering(reply()))
    neighbour = wire(answering(reply()))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy.url)
    assert type(client(neighbour.url).send(TOKEN, b"{}")) is Accepted
    assert proxy.requests == []


def test_it_keeps_no_cookies(wire, client):
    neighbour = wire(answering(reply(headers=b"Set-Cookie: a=b; Path=/\r\n")))
    shared = client(neighbour.url)
    for _ in range(2):
        assert type(shared.send(TOKEN, b"{}")) is Accepted
    assert b"cookie" not in neighbour.requests[1].lower()


def test_it_reads_no_more_than_a_megabyte(wire, client):
    big = b'{"code":"200","msg":"' + b"x" * 3_000_000 + b'"}'
    found = client(wire(answering(reply(big))).url).send(TOKEN, b"{}")
    assert type(found) is Unanswered
    assert found.answer.excerpt.startswith('{"code":"200"')


def test_it_reads_a_compressed_answer_but_no_bomb(wire, client):
    small = wire(answering(reply(gzip.compress(OK, mtime=0), headers=b"Content-Encoding: gzip\r\n")))
    assert type(client(small.url).send(TOKEN, b"{}")) is Accepted
    bomb = gzip.compress(b'{"code":"200","msg":"' + b"x" * 50_000_000 + b'"}', mtime=0)
    large = wire(answering(reply(bomb, headers=b"Content-Encoding: gzip\r\n")))
    assert type(client(large.url).send(TOKEN, b"{}")) is Unanswered


@pytest.mark.parametrize("encoding", [b"gzip", b"br", b"nonsense"])
@pytest.mark.parametrize("body", [OK, gzip.compress(OK, mtime=0)[:-9]])
def test_it_does_not_trust_a_badly_compressed_answer(wire, client, encoding, body):
    neighbour = wire(answering(reply(body, headers=b"Content-Encoding: " + encoding + b"\r\n")))
    assert type(client(neighbour.url).send(TOKEN, b"{}")) is Unanswered


def test_it_reads_retry_after_from_the_head(wire, client):
    found = client(wire(answering(reply(b"", 429, b"Retry-After: 17\r\n"))).url).send(TOKEN, b"{}")
    assert found == Throttled(found.answer, 17)


@pytest.mark.parametrize("token", ["", "a\nb", "a\r\nX-Evil: 1", "a b", "中文", "a\x7f", "x" * 5000])
def test_it_sends_no_token_that_can_not_stand_in_a_header(wire, client, token):
    neighbour = wire(answering(reply()))
    found = client(neighbour.url).send(token, b"{}")
    assert type(found) is TokenRejected
    assert neighbour.requests == []


def test_it_can_refuse_addresses_that_are_not_public(wire, client):
    neighbour = wire(answering(reply()))
    by_name = neighbour.url.replace("127.0.0.1", "localhost")
    for url in (neighbour.url, by_name, "http://169.254.169.254", "http://[::ffff:127.0.0.1]", "http://[::1]"):
        found = client(url, public_only=True).send(TOKEN, b"{}")
        assert (type(found), found.reason) == (Blocked, "wrong_address")
    assert neighbour.requests == []


def token_reply(data):
    return answering(reply(b'{"code":"200","errorCode":"0","msg":"ok","data":%s}' % data))


@pytest.mark.parametrize(
    ("expire", "seconds"),
    [(b"7000", 7000), (b'"7000"', 7000), (b"0", 7200), (b"null", 7200), (b"-5", 7200), (b"9999999999", 30 * 86400)],
)
def test_it_fetches_a_token(wire, client, expire, seconds):
    neighbour = wire(token_reply(b'{"orgAccessToken":"abc","orgRefreshToken":"r","expire":%s}' % expire))
    for app_id, secret in (("an id", "s"), ("id", "秘密"), ("", "s")):
        assert type(client(neighbour.url).fetch_token(app_id, secret)) is Blocked
    assert client(neighbour.url).fetch_token("id", "a&b=c/") == Token("abc", seconds)
    assert neighbour.requests[0].startswith(b"GET /api/token?instanceAppid=id&instanceSecrect=a%26b%3Dc%2F HTTP/1.1")


def test_it_fetches_a_token_without_expire(wire, client):
    assert client(wire(token_reply(b'{"orgAccessToken":"abc"}')).url).fetch_token("i", "s") == Token("abc", 7200)


@pytest.mark.parametrize(
    "data",
    [
        b"null",
        b"[]",
        b'"abc"',
        b"{}",
        b'{"orgAccessToken":""}',
        b'{"orgAccessToken":["x"]}',
        b'{"orgAccessToken":"a b"}',
    ],
)
def test_it_does_not_take_anything_for_a_token(wire, client, data):
    assert type(client(wire(token_reply(data)).url).fetch_token("i", "s")) is Unanswered


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (reply(b'{"code":"100100","errorCode":"APPID_SECRET_ERROR","msg":"x"}'), "app_id_or_secret"),
        (reply(b'{"code":"100300","errorCode":"AUTHCODE_ERROR","msg":"x"}'), "authorisation_code"),
        (reply(b"", 401), "app_id_or_secret"),
        (reply(b"", 404), "wrong_address"),
    ],
)
def test_it_says_why_there_is_no_token(wire, client, text, reason):
    found = client(wire(answering(text)).url).fetch_token("i", "s")
    assert (type(found), found.reason) == (Blocked, reason)


def test_it_shows_neither_token_nor_secret(wire, client, caplog):
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore.http11", "httpcore.connection"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    echo = wire(lambda connection, request: connection.sendall(reply(request, 500)))
    found = [client(echo.url).send(TOKEN, b"{}"), client(echo.url).fetch_token("id", "canary-secret")]
    found.append(client(wire(token_reply(b'{"orgAccessToken":"canary-token"}')).url).fetch_token("id", "canary-secret"))
    assert "canary" not in repr(found)
    assert "canary" not in caplog.text


def test_it_takes_another_transport(client):
    fake = httpx.MockTransport(lambda request: httpx.Response(200, json={"code": "200"}))
    assert type(client("https://example.com", transport=fake).send(TOKEN, b"{}")) is Accepted
