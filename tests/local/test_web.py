"""The local web server: who is slow costs nobody else anything, and a body is kept only where it may be sent."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore

from tagsync.body_limits import ANONYMOUS_BYTES, most_bytes
from tagsync.local import web
from tests.making import beside

GET = b"GET /page HTTP/1.1\r\nHost: localhost\r\n"
Connect = Callable[..., socket.socket]


class Clock:
    """As much later as is said."""

    later = 0.0

    def time(self) -> float:
        return time.time() + self.later


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("waitress.server.time", clock)
    monkeypatch.setattr(web, "LOOK_SECONDS", 0.01)
    return clock


def application(environ: dict[str, Any], start: Any) -> list[bytes]:
    """Says what of the request reaches it."""
    size = sum(len(chunk) for chunk in iter(lambda: environ["wsgi.input"].read(65536), b""))
    said = {
        "body": size,
        "announced": environ.get("CONTENT_LENGTH"),
        "scheme": environ["wsgi.url_scheme"],
        "forwarded": sorted(name for name in environ if "FORWARDED" in name),
    }
    content = json.dumps(said).encode()
    start("200 OK", [("Content-Length", str(len(content)))])
    return [content]


@pytest.fixture
def server(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[web.Server]:
    monkeypatch.setattr(web, "THREADS", 1)
    listener = socket.create_server(("127.0.0.1", 0))
    server = web.make_server(application, listener)
    thread = beside(server.run)
    yield server
    server.add_task(Ended(server))
    thread.join(30)
    assert not thread.is_alive()


class Ended:
    """A task that ends the server's loop, as a signal does."""

    def __init__(self, server: web.Server) -> None:
        self.server = server

    def service(self) -> None:
        # A loop of nothing is over.
        self.server._map.clear()

    def cancel(self) -> None:
        pass


@pytest.fixture
def connect(server: web.Server) -> Iterator[Connect]:
    opened = []

    def connect(sent: bytes = b"") -> socket.socket:
        one = socket.create_connection(("127.0.0.1", int(server.effective_port)), timeout=20)
        one.sendall(sent)
        opened.append(one)
        return one

    yield connect
    for one in opened:
        one.close()


def answer_of(one: socket.socket) -> tuple[int, dict[str, Any]]:
    """Status and what the application says; the connection is left as it is."""
    received = b""
    while b"\r\n\r\n" not in received:
        more = one.recv(65536)
        assert more, "closed without an answer"
        received += more
    head, content = received.split(b"\r\n\r\n", 1)
    length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
    while len(content) < length:
        content += one.recv(65536)
    status = int(head.split(b" ", 2)[1])
    return status, json.loads(content) if status == 200 else {}


def is_open(one: socket.socket) -> bool:
    one.settimeout(0.3)
    try:
        return one.recv(1) != b""
    except TimeoutError:
        return True
    except ConnectionError:
        return False
    finally:
        one.settimeout(20)


def settled(server: web.Server, coming: int, silent: int = 0) -> None:
    """So many connections with a part of a request have been looked at, and so many with nothing."""
    until = time.monotonic() + 20
    while True:
        stages = [channel.stage for channel in list(server.active_channels.values())]
        seen = [stage[0] is not None for stage in stages if stage]
        if len(seen) == len(stages) and (seen.count(True), seen.count(False)) == (coming, silent):
            return
        assert time.monotonic() < until
        time.sleep(0.01)


def post(length: int, cookie: str = "") -> bytes:
    head = f"POST /page HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n"
    return f"{head}Cookie: sessionid={cookie}\r\n\r\n".encode() if cookie else f"{head}\r\n".encode()


def test_a_slow_one_takes_no_thread(connect: Connect) -> None:
    """There is one thread."""
    connect(GET)
    connect(post(1000) + b"x")
    assert answer_of(connect(GET + b"\r\n"))[0] == 200


def test_headers_have_a_deadline(server: web.Server, clock: Clock, connect: Connect) -> None:
    silent, slow = connect(), connect(GET)
    settled(server, coming=1, silent=1)
    clock.later = web.HEADER_SECONDS - 2
    slow.sendall(b"X-Slow: a")
    assert is_open(slow) and is_open(silent)
    clock.later = web.HEADER_SECONDS + 2
    assert not is_open(slow) and not is_open(silent)


def test_who_was_answered_may_be_silent_for_longer(server: web.Server, clock: Clock, connect: Connect) -> None:
    one = connect(GET + b"\r\n")
    answer_of(one)
    settled(server, coming=0, silent=1)
    clock.later = web.HEADER_SECONDS + 2
    assert is_open(one)
    one.sendall(GET + b"\r\n")
    assert answer_of(one)[0] == 200
    settled(server, coming=0, silent=1)
    clock.later += web.KEEP_ALIVE_SECONDS + 2
    assert not is_open(one)


def test_a_body_has_a_least_rate(server: web.Server, clock: Clock, connect: Connect) -> None:
    slow, steady = connect(post(60_000)), connect(post(60_000))
    settled(server, coming=2)
    for _ in range(2):
        slow.sendall(b"x")
        steady.sendall(b"x" * (web.LEAST_BODY_BYTES + 1))
        assert is_open(steady)
        clock.later += web.BODY_PERIOD_SECONDS + 1
    assert not is_open(slow)
    steady.sendall(b"x" * (60_000 - 2 * (web.LEAST_BODY_BYTES + 1)))
    assert answer_of(steady)[1]["body"] == 60_000


def test_the_oldest_that_waits_goes_when_there_are_too_many(
    server: web.Server, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "MOST_CONNECTIONS", 3)
    body = connect(post(1000) + b"x")
    settled(server, coming=1)
    oldest = connect(GET)
    settled(server, coming=2)
    younger = connect(GET)
    settled(server, coming=3)
    assert answer_of(connect(GET + b"\r\n"))[0] == 200
    assert not is_open(oldest)
    assert is_open(younger) and is_open(body)


def test_a_large_body_of_a_stranger_is_kept_nowhere(connect: Connect) -> None:
    length = ANONYMOUS_BYTES + 1
    assert answer_of(connect(post(length) + b"x" * length)) == (
        200,
        {"body": 0, "announced": str(length), "scheme": "http", "forwarded": []},
    )
    assert answer_of(connect(post(ANONYMOUS_BYTES) + b"x" * ANONYMOUS_BYTES))[1]["body"] == ANONYMOUS_BYTES


@pytest.mark.slow
def test_a_cookie_that_is_no_session_helps_nobody(db: None, connect: Connect) -> None:
    length = ANONYMOUS_BYTES + 1
    for cookie in ("abcdefgh", "x" * 3_000, '"\\000"'):
        assert answer_of(connect(post(length, cookie) + b"x" * length))[1]["body"] == 0


@pytest.mark.django_db(transaction=True)
def test_a_large_body_of_who_is_signed_in_arrives(connect: Connect) -> None:
    session, length = SessionStore(), 10 * ANONYMOUS_BYTES
    session[SESSION_KEY] = "1"
    session.save()
    assert answer_of(connect(post(length, session.session_key or "") + b"x" * length))[1]["body"] == length


@pytest.mark.django_db(transaction=True)
def test_what_is_larger_than_any_file_is_kept_nowhere(connect: Connect, settings: Any) -> None:
    settings.TAGSYNC_MAX_UPLOAD_BYTES = 100_000
    session, length = SessionStore(), most_bytes() + 1
    session[SESSION_KEY] = "1"
    session.save()
    assert answer_of(connect(post(length, session.session_key or "") + b"x" * length))[1]["body"] == 0


def test_a_body_of_no_announced_length_has_the_same_limit(connect: Connect) -> None:
    head = b"POST /page HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"%x\r\n" % ANONYMOUS_BYTES + b"x" * ANONYMOUS_BYTES + b"\r\n"
    assert answer_of(connect(head + chunk + b"1\r\nx\r\n0\r\n\r\n"))[0] == 413
    assert answer_of(connect(head + b"1\r\nx\r\n0\r\n\r\n"))[1]["body"] == 1


def test_forwarded_headers_are_anybodys_claim(connect: Connect) -> None:
    claimed = b"X-Forwarded-Proto: https\r\nX-Forwarded-For: 1.2.3.4\r\nForwarded: proto=https\r\n\r\n"
    assert answer_of(connect(GET + claimed))[1] | {"body": 0} == {
        "body": 0,
        "announced": None,
        "scheme": "http",
        "forwarded": [],
    }
