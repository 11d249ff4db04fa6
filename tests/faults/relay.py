"""A line between a process and its database or Redis that can go dead: nothing comes through, and nobody is told."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

PIECE_BYTES = 65536


class Relay:
    """Listens on a port of its own and hands on what `connect` leads to. Callers of a dead line wait for ever."""

    def __init__(self, connect: Callable[[], socket.socket]) -> None:
        self._connect = connect
        self._alive = threading.Event()
        self._alive.set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = [self._listener]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def go_dead(self) -> None:
        self._alive.clear()

    def come_back(self) -> None:
        self._alive.set()

    def close(self) -> None:
        self._alive.set()
        for one in self._open:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                caller, _address = self._listener.accept()
                threading.Thread(target=self._serve, args=(caller,), daemon=True).start()

    def _serve(self, caller: socket.socket) -> None:
        self._alive.wait()
        try:
            server = self._connect()
        except OSError:
            caller.close()
            return
        self._open += [caller, server]
        threading.Thread(target=self._hand_on, args=(caller, server), daemon=True).start()
        self._hand_on(server, caller)

    def _hand_on(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(PIECE_BYTES):
                self._alive.wait()
                target.sendall(piece)
            self._alive.wait()
            target.shutdown(socket.SHUT_WR)


@contextmanager
def relay(connect: Callable[[], socket.socket]) -> Iterator[Relay]:
    found = Relay(connect)
    try:
        yield found
    finally:
        found.close()


def to_unix_socket(path: str) -> socket.socket:
    found = socket.socket(socket.AF_UNIX)
    found.connect(path)
    return found
