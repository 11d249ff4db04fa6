"""A transport for httpx whose calls end in time, however slowly the other side drips. Knows no platform.

httpx counts its read time-out anew for every chunk: a byte per second keeps a call alive for ever.
Source: https://github.com/encode/httpx/issues/1450
"""

import ipaddress
import socket
import ssl
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import inf
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

import httpcore
import httpx

from .addresses import is_public
from .errors import AddressRefused

MAX_CONNECTIONS = 100
KEEPALIVE_SECONDS = 5.0

# A call stays in its thread from connect to the last byte, so the deadline need not travel through httpcore.
_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


@contextmanager
def within(seconds: float, end_by: float = inf) -> Iterator[None]:
    """What this thread does through a `DeadlineTransport` inside the block is over after so many seconds.

    `end_by`: monotonic seconds after which it is over in any case; a process that slept does not start anew.
    """
    token = _deadline.set(min(time.monotonic() + seconds, end_by))
    try:
        yield
    finally:
        _deadline.reset(token)


class DeadlineTransport(httpx.HTTPTransport):
    """httpx's own transport on sockets that know the deadline; `public_only` refuses private addresses."""

    def __init__(self, *, public_only: bool = False) -> None:
        context = httpx.create_ssl_context(trust_env=False)
        super().__init__(verify=context, trust_env=False)
        self._pool.close()
        # httpx has no public way to hand httpcore a network backend; a test fails when this stops working.
        self._pool = httpcore.ConnectionPool(
            ssl_context=context,
            max_connections=MAX_CONNECTIONS,
            keepalive_expiry=KEEPALIVE_SECONDS,
            http1=True,
            http2=False,
            network_backend=_Backend(public_only),
        )


def _left(timeout: float | None, too_late: type[Exception]) -> float | None:
    deadline = _deadline.get()
    if deadline is None:
        return timeout
    left = deadline - time.monotonic()
    if left <= 0:
        raise too_late("deadline passed")
    return left if timeout is None else min(timeout, left)


class _Backend(httpcore.NetworkBackend):
    def __init__(self, public_only: bool) -> None:
        self._public_only = public_only
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        if not 0 < port < 65536:
            raise AddressRefused
        left = _left(timeout, httpcore.ConnectTimeout)
        connected_by = None if left is None else time.monotonic() + left
        addresses = _resolve(host, port, left)
        if self._public_only and not all(map(is_public, addresses)):
            raise AddressRefused
        stream = self._connect_first(addresses, port, connected_by, local_address, socket_options)
        return _Stream(stream)

    def _connect_first(
        self,
        addresses: list[str],
        port: int,
        connected_by: float | None,
        local_address: str | None,
        socket_options: Iterable[Any] | None,
    ) -> httpcore.NetworkStream:
        failure: Exception = httpcore.ConnectTimeout("no time left to connect")
        for index, address in enumerate(addresses):
            share = _share(connected_by, is_last=index == len(addresses) - 1)
            if share is not None and share <= 0:
                break
            try:
                return self._inner.connect_tcp(address, port, share, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        # Own loop: httpcore's counts the time-out anew for every piece that a slow reader takes.
        connection = self._inner.get_extra_info("socket")
        rest = memoryview(buffer)
        try:
            while rest:
                connection.settimeout(_left(timeout, httpcore.WriteTimeout))
                rest = rest[connection.send(rest) :]
        except TimeoutError as error:
            raise httpcore.WriteTimeout("write timed out") from error
        except OSError as error:
            raise httpcore.WriteError("write failed") from error

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = _left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def _share(connected_by: float | None, is_last: bool) -> float | None:
    # Half of what is left, so that a dead first address (IPv6 that leads nowhere) leaves time for the next.
    if connected_by is None:
        return None
    left = connected_by - time.monotonic()
    return left if is_last else left / 2


def _resolve(host: str, port: int, timeout: float | None) -> list[str]:
    # getaddrinfo knows no time-out, so it gets a thread of its own; one that hangs is left to end by itself.
    if _is_address(host):
        return [host]
    results: SimpleQueue[list[str] | OSError] = SimpleQueue()
    Thread(target=_look_up, args=(host, port, results), daemon=True, name="dns").start()
    try:
        found = results.get(timeout=timeout)
    except Empty:
        raise httpcore.ConnectTimeout("name lookup timed out") from None
    if isinstance(found, list):
        return found
    try:
        raise found
    except OSError as error:
        # Raised from within, because httpcore's pool wipes `__cause__`; only the context of a handler survives.
        raise httpcore.ConnectError("name lookup failed") from error


def _look_up(host: str, port: int, results: "SimpleQueue[list[str] | OSError]") -> None:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        results.put(error)
    except UnicodeError:  # a label over 63 characters
        results.put(socket.gaierror(socket.EAI_NONAME, "not a host name"))
    else:
        results.put(list(dict.fromkeys(str(address[0]) for *_, address in found)))


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
