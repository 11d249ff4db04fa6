"""A neighbour that misbehaves on the wire as told: raw sockets, because http.server is too polite."""

import contextlib
import socket
import threading
import time

import pytest

from tagsync.tuzhan.client import Client


class Wire:
    """Accepts connections in a thread; each request is read whole and handed to `act(connection, request)`."""

    def __init__(self, act, wrap=lambda connection: connection):
        self.requests = []
        self.over = threading.Event()
        self._act, self._wrap = act, wrap
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.settimeout(20)
            self._threads.append(threading.Thread(target=self._serve, args=(connection,), daemon=True))
            self._threads[-1].start()

    def _serve(self, connection):
        with contextlib.closing(connection), contextlib.suppress(OSError):
            wrapped = self._wrap(connection)
            with contextlib.closing(wrapped):
                while request := read_request(wrapped):
                    self.requests.append(request)
                    if self._act(wrapped, request) == "close":
                        return

    def drip(self, connection, text, seconds):
        for byte in text:
            if self.over.wait(seconds):
                return
            connection.sendall(bytes([byte]))

    def close(self):
        self.over.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        deadline = time.monotonic() + 10
        for thread in self._threads:
            thread.join(max(0, deadline - time.monotonic()))


def read_request(connection):
    found = b""
    while b"\r\n\r\n" not in found:
        if not (more := connection.recv(65536)):
            return b""
        found += more
    head, _, body = found.partition(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    wanted = int(lengths[0].split(b":")[1]) if lengths else 0
    while len(body) < wanted:
        if not (more := connection.recv(65536)):
            return b""
        body += more
    return head + b"\r\n\r\n" + body


@pytest.fixture
def wire():
    """wire(act, wrap=…) starts one."""
    started = []

    def start(act, **options):
        started.append(Wire(act, **options))
        return started[-1]

    yield start
    for one in started:
        one.close()


@pytest.fixture
def client():
    """client(url, …) makes one."""
    with contextlib.ExitStack() as stack:
        yield lambda url, **options: stack.enter_context(
            Client(url, "/api/integrate/audience/tag/batchAdd", "/api/token", **options)
        )
