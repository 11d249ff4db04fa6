"""Pages beside slow connections: `python -m tests.benchmarks.slow_connections URL [COUNT]`.

Half of the connections send a header a byte a second, half a body; those that are closed are opened again. Meanwhile a
person asks for pages. Prints the seconds of a page without them and beside them.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import statistics
import sys
import threading
import time
from urllib.parse import urlsplit

PAGES = 200
HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
BODY = b"POST /login/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50000\r\n\r\n"


class Slow:
    """Many connections that send a byte a second each, from one thread."""

    def __init__(self, host: str, port: int, count: int) -> None:
        self.place, self.count = (host, port), count
        self.closed, self.refused = 0, 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Slow:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _open(self, number: int) -> socket.socket | None:
        try:
            one = socket.create_connection(self.place, timeout=1)
            one.sendall(HEAD if number % 2 else BODY)
            one.setblocking(False)
        except OSError:
            self.refused += 1
            return None
        return one

    def _run(self) -> None:
        held = [self._open(number) for number in range(self.count)]
        while not self._over.wait(1):
            for number, one in enumerate(held):
                try:
                    if one is None or one.send(b"a") == 0 or _is_closed(one):
                        raise OSError
                except OSError:
                    self.closed += one is not None
                    if one is not None:
                        one.close()
                    held[number] = self._open(number)
        for one in held:
            if one is not None:
                one.close()


def _is_closed(one: socket.socket) -> bool:
    with contextlib.suppress(BlockingIOError):
        return one.recv(4096) == b""
    return False


def pages(host: str, port: int, path: str) -> tuple[list[float], int]:
    """Seconds of each page, and how many failed; each on a connection of its own."""
    seconds, failed = [], 0
    for _ in range(PAGES):
        began = time.monotonic()
        caller = http.client.HTTPConnection(host, port, timeout=20)
        try:
            caller.request("GET", path, headers={"Host": "localhost"})
            answer = caller.getresponse()
            answer.read()
            failed += answer.status != 200
        except (OSError, http.client.HTTPException):
            failed += 1
        caller.close()
        seconds.append(time.monotonic() - began)
    return seconds, failed


def told(name: str, found: tuple[list[float], int]) -> str:
    seconds, failed = found
    p95 = statistics.quantiles(seconds, n=20)[18]
    return f"{name}: median {statistics.median(seconds):.3f} s, p95 {p95:.3f} s, {failed} of {len(seconds)} failed"


def main() -> int:
    url = urlsplit(sys.argv[1])
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 200
    host, port, path = url.hostname or "127.0.0.1", url.port or 80, url.path or "/login/"
    print(told("alone", pages(host, port, path)))
    with Slow(host, port, count) as slow:
        time.sleep(3)
        print(told(f"beside {count} slow connections", pages(host, port, path)))
        print(f"slow ones closed {slow.closed}, refused {slow.refused}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
