"""Deadlines that a suspended machine can't oversleep, and a transport for httpx that keeps them. Knows no platform.

httpx counts its read time-out anew for every chunk: a byte per second keeps a call alive for ever.
Source: https://github.com/encode/httpx/issues/1450
"""

from __future__ import annotations

import ipaddress
import selectors
import socket
import ssl
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

import httpcore
import httpx

from tagsync.tuzhan.addresses import is_public
from tagsync.tuzhan.outcomes import AddressRefused, Overslept

MAX_CONNECTIONS = 100

# A call stays in its thread from connect to the last byte, so the deadline need not travel through httpcore.
_call: ContextVar[_Call | None] = ContextVar("call", default=None)


def boot_seconds() -> float:
    """Since the machine began, its sleep included where the system has such a clock (Linux)."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


def wall_seconds() -> float:
    """What the machine believes the time is; set right after a sleep that no other clock has counted."""
    return time.time()


@dataclass(frozen=True)
class Deadline:
    """A number of seconds after a moment, by whichever clock has run further since.

    CLOCK_MONOTONIC leaves out the time that a laptop slept. The clock since the start of the machine counts it, but
    not the time that a virtual machine was held by its host; then only the wall clock jumps. A wall clock that is
    put forward for another reason ends a deadline early, one that is put back doesn't prolong it.
    """

    seconds: float
    by_boot: float
    by_wall: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        return cls(seconds, boot_seconds(), wall_seconds())

    def later(self, seconds: float) -> Deadline:
        """So many seconds after this one, counted from the same moment."""
        return Deadline(self.seconds + seconds, self.by_boot, self.by_wall)

    def left(self) -> float:
        """Seconds; 0 or less when it has passed."""
        return self.seconds - max(boot_seconds() - self.by_boot, wall_seconds() - self.by_wall)

    def has_passed(self) -> bool:
        return self.left() <= 0


@dataclass
class _Call:
    deadlines: tuple[Deadline, ...]
    has_written: bool = False  # any byte of the request was given to the system

    def left(self) -> float:
        return min(deadline.left() for deadline in self.deadlines)


@contextmanager
def within(seconds: float, end_by: Deadline | None = None) -> Iterator[None]:
    """What this thread does through a `DeadlineTransport` inside the block is over after so many seconds.

    `end_by`: after which it is over in any case; a process that slept does not start anew.
    """
    whole = Deadline.after(seconds)
    token = _call.set(_Call((whole, end_by) if end_by else (whole,)))
    try:
        yield
    finally:
        _call.reset(token)


class DeadlineTransport(httpx.HTTPTransport):
    """httpx's own transport on sockets that know the deadline; `public_only` refuses private addresses."""

    def __init__(self, *, public_only: bool = False) -> None:
        context = _tls()
        super().__init__(verify=context, trust_env=False)
        self._pool.close()
        # httpx has no public way to hand httpcore a network backend; a test fails when this stops working.
        self._pool = httpcore.ConnectionPool(
            ssl_context=context,
            max_connections=MAX_CONNECTIONS,
            http1=True,
            http2=False,
            network_backend=_Backend(public_only),
        )


@cache
def _tls() -> ssl.SSLContext:
    """One for all clients of a process: to read the certificates takes as long as many a call."""
    return httpx.create_ssl_context(trust_env=False)


def _left(timeout: float | None, too_late: type[Exception]) -> float | None:
    call = _call.get()
    if call is None:
        return timeout
    left = call.left()
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
        connected_by = None if left is None else Deadline.after(left)
        addresses = _resolve(host, port, left)
        if self._public_only and not all(map(is_public, addresses)):
            raise AddressRefused
        stream = self._connect_first(addresses, port, connected_by, local_address, socket_options)
        return _Stream(stream)

    def _connect_first(
        self,
        addresses: list[str],
        port: int,
        connected_by: Deadline | None,
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
        # Own loop: httpcore's counts the time-out anew for every piece that a slow reader takes. The socket never
        # waits inside `send`, so that the deadline is looked at right before each piece, after each wait.
        connection = self._inner.get_extra_info("socket")
        rest = memoryview(buffer)
        try:
            connection.settimeout(0)
            while rest:
                left = _left(timeout, _too_late_to_write())
                try:
                    sent = connection.send(rest)
                except (BlockingIOError, ssl.SSLWantWriteError):
                    _wait_for(connection, selectors.EVENT_WRITE, left)
                except ssl.SSLWantReadError:
                    _wait_for(connection, selectors.EVENT_READ, left)
                else:
                    _has_written()
                    rest = rest[sent:]
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


def _too_late_to_write() -> type[Exception]:
    # As long as no byte of the request is out, it is known that the platform has nothing of it.
    call = _call.get()
    return httpcore.WriteTimeout if call is None or call.has_written else Overslept


def _has_written() -> None:
    if call := _call.get():
        call.has_written = True


def _wait_for(connection: socket.socket, event: int, timeout: float | None) -> None:
    with selectors.DefaultSelector() as selector:
        selector.register(connection, event)
        if not selector.select(timeout):
            raise httpcore.WriteTimeout("write timed out")


def _share(connected_by: Deadline | None, is_last: bool) -> float | None:
    # Half of what is left, so that a dead first address (IPv6 that leads nowhere) leaves time for the next.
    if connected_by is None:
        return None
    left = connected_by.left()
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


def _look_up(host: str, port: int, results: SimpleQueue[list[str] | OSError]) -> None:
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
