"""A server may close a connection between two calls whenever it likes; no call is lost in one that it has closed."""

import socket
import ssl
import struct
from threading import Thread

import pytest

from tagsync.tuzhan import deadline
from tagsync.tuzhan.client import Client
from tagsync.tuzhan.outcomes import Accepted, Unanswered
from tests.matrix import most_slow
from tests.tuzhan.test_client import TOKEN, reply
from tests.tuzhan.test_tls import certificate

CALLS = 24
RESET = struct.pack("ii", 1, 0)


def close(connection, seconds, wire):
    wire().over.wait(seconds)
    return "close"


def reset(connection, seconds, wire):
    wire().over.wait(seconds)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    return "close"


@pytest.fixture(params=["plain", "tls"])
def started(request, wire, tmp_path, monkeypatch):
    """started(act): a neighbour's address that is spoken to with and without TLS."""
    if request.param == "plain":
        return lambda act: (neighbour := wire(act), neighbour.url)
    path = certificate(tmp_path, "localhost", 9)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    trusting = ssl.create_default_context(cafile=str(path))
    monkeypatch.setattr(deadline, "_tls", lambda: trusting)

    def start(act):
        neighbour = wire(act, wrap=lambda connection: context.wrap_socket(connection, server_side=True))
        return neighbour, neighbour.url.replace("http://127.0.0.1", "https://localhost")

    return start


@pytest.mark.parametrize("seconds", [0, 0.001, 0.02])
@pytest.mark.parametrize("end", [close, reset])
def test_it_loses_no_call_when_the_server_closes_after_its_answer(started, end, seconds):
    # Without "Connection: close", so that nobody is told; 27 of 54 calls went into such a connection once.
    def act(connection, request):
        # A reset throws away what still waits to be sent together with more.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(reply())
        return end(connection, seconds, lambda: neighbour)

    neighbour, url = started(act)
    with Client(url, "/x", "/t") as client:
        found = [client.send(TOKEN, b"x" * 20_000) for _ in range(CALLS)]
    assert [type(one) for one in found] == [Accepted] * CALLS
    assert len(neighbour.requests) == CALLS


@pytest.mark.parametrize("gap", most_slow((0.19, 0.2, 0.21), at_once=(0.2,)))
def test_it_loses_no_call_when_the_server_closes_what_is_idle(started, gap):
    idle_seconds = 0.2

    def act(connection, request):
        connection.sendall(reply())
        connection.settimeout(idle_seconds)  # the next read of a request ends the connection

    neighbour, url = started(act)
    with Client(url, "/x", "/t") as client:
        found = []
        for _ in range(8):
            found.append(client.send(TOKEN, b"x" * 20_000))
            neighbour.over.wait(gap)
    assert [type(one) for one in found] == [Accepted] * 8
    assert len(neighbour.requests) == 8


def test_it_loses_no_call_of_several_threads(started):
    def act(connection, request):
        connection.sendall(reply())
        return "close"

    neighbour, url = started(act)
    found = []
    with Client(url, "/x", "/t") as client:
        threads = [
            Thread(target=lambda: found.extend(client.send(TOKEN, b"{}") for _ in range(CALLS))) for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [type(one) for one in found] == [Accepted] * 4 * CALLS
    assert len(neighbour.requests) == 4 * CALLS


def test_it_says_so_to_the_server_and_keeps_no_connection(started):
    neighbour, url = started(
        lambda connection, request: connection.sendall(reply(headers=b"Connection: keep-alive\r\n"))
    )
    with Client(url, "/x", "/t") as client:
        for _ in range(3):
            assert type(client.send(TOKEN, b"{}")) is Accepted
    assert all(b"\r\nconnection: close\r\n" in request.lower() for request in neighbour.requests)
    assert len(neighbour._threads) == 1 + 3


def test_it_still_calls_a_connection_that_is_cut_unanswered(started):
    _, url = started(lambda connection, request: "close")
    with Client(url, "/x", "/t") as client:
        assert type(client.send(TOKEN, b"{}")) is Unanswered


def test_it_writes_a_large_body_whole(started):
    def act(connection, request):
        connection.sendall(reply())

    neighbour, url = started(act)
    body = bytes(range(256)) * 20_000
    with Client(url, "/x", "/t") as client:
        assert type(client.send(TOKEN, body)) is Accepted
    assert neighbour.requests[0].endswith(body)
