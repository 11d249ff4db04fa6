"""The web server of a local installation: `python -m tagsync.local.web`.

waitress reads a whole request before it takes a thread for it, so a slow connection costs a socket and no thread. It
has no deadline of its own but for silence: a request that comes a byte at a time is ended here, and of too many
connections that wait the oldest goes, instead of nobody being let in any more.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from http.cookies import CookieError
from io import BytesIO
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import DatabaseError, close_old_connections
from django.http.cookie import parse_cookie
from django.utils.module_loading import import_string
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher
from waitress.utilities import RequestEntityTooLarge

from tagsync.body_limits import ANONYMOUS_BYTES, most_bytes

THREADS = 12
HEADER_SECONDS = 10
KEEP_ALIVE_SECONDS = 60
# A body that brings less than this in a period is given up.
LEAST_BODY_BYTES, BODY_PERIOD_SECONDS = 15 * 1024, 15
MOST_CONNECTIONS = 500
LOOK_SECONDS = 1
# `up` gives three seconds in all.
GRACE_SECONDS = 2


class Discarded:
    """In the place of a body that nobody may send: read to its end, or a browser would show an error of its own instead
    of our answer, and kept nowhere.
    """

    def __init__(self, size: int) -> None:
        self.left = size
        self.completed = False
        self.error = None

    def received(self, data: bytes) -> int:
        taken = min(len(data), self.left)
        self.left -= taken
        self.completed = not self.left
        return taken

    def getfile(self) -> BytesIO:
        return BytesIO()

    getbuf = getfile


class Request(HTTPRequestParser):
    """Large bodies are taken from those who are signed in, and only as large as a file may be."""

    body_rcv: Any
    most_chunked_bytes = 0

    def parse_header(self, header_plus: bytes) -> None:
        super().parse_header(header_plus)
        if self.body_rcv is None:
            return
        allowed = most_bytes()
        if self.chunked or self.content_length > ANONYMOUS_BYTES:
            allowed = allowed if _is_signed_in(self.headers.get("COOKIE", "")) else ANONYMOUS_BYTES
        self.most_chunked_bytes = allowed
        if self.content_length > allowed:
            # The answer is the application's, which sees the length that was announced.
            self.body_rcv = Discarded(min(self.content_length, 2 * most_bytes()))
            self.connection_close = True

    def received(self, data: bytes) -> int:
        taken: int = super().received(data)
        if self.chunked and self.body_bytes_received > self.most_chunked_bytes:
            self.error = RequestEntityTooLarge("The request is too large.")
            self.completed = True
        return taken


def _is_signed_in(cookies: str) -> bool:
    """Whoever cannot be looked up is let in: the application will say what is the matter."""
    try:
        key = parse_cookie(cookies).get(settings.SESSION_COOKIE_NAME, "")
    except CookieError:
        return False
    if not key.isalnum():
        return False
    close_old_connections()
    try:
        return SESSION_KEY in SessionStore(key)
    except DatabaseError:
        return True
    finally:
        close_old_connections()


class Channel(HTTPChannel):
    parser_class = Request
    idle_seconds = HEADER_SECONDS
    # What is waited for: the request, and whether its headers are there; since when, and how much had come by then.
    stage: tuple[Any, bool] | None = None
    since, bytes_then = 0.0, 0

    def service(self) -> None:
        self.idle_seconds = KEEP_ALIVE_SECONDS
        super().service()

    def handle_close(self) -> None:
        super().handle_close()
        if self.request is not None:
            self.request.close()  # what has come of its body

    def is_waiting(self) -> bool:
        return not (self.requests or self.total_outbufs_len or self.will_close)

    def give_up(self) -> None:
        """The loop closes it at its next turn. Closed at once, its number would go to a new connection, and what the
        loop has just seen of this one would be taken for news of that.
        """
        self.will_close = True

    def is_late(self, now: float) -> bool:
        """Whether what it waits for takes too long; to be asked every second."""
        if self.total_outbufs_len:
            return now - self.last_activity > KEEP_ALIVE_SECONDS
        request = self.request
        stage = None if self.requests else (request, request is not None and request.headers_finished)
        if stage is None or stage != self.stage:
            self.stage, self.since, self.bytes_then = stage, now, 0
            return False
        if request is None:
            return now - self.since > self.idle_seconds
        if not request.headers_finished:
            return now - self.since > HEADER_SECONDS
        return self._brings_too_little(request, now)

    def _brings_too_little(self, request: HTTPRequestParser, now: float) -> bool:
        if now - self.since < BODY_PERIOD_SECONDS:
            return False
        came = request.body_bytes_received - self.bytes_then
        self.since, self.bytes_then = now, request.body_bytes_received
        return came < LEAST_BODY_BYTES


class Server(TcpWSGIServer):
    channel_class = Channel
    active_channels: dict[int, Channel]  # type: ignore[assignment]  # its stub names one channel
    _map: dict[int, Any]

    def maintenance(self, now: float) -> None:
        for channel in list(self.active_channels.values()):
            if channel.is_late(now):
                channel.give_up()

    def handle_accept(self) -> None:
        if len(self.active_channels) >= MOST_CONNECTIONS:
            self._shed()
        super().handle_accept()

    def _shed(self) -> None:
        """Close the connection that has waited longest; one that brings a body is the last to go."""
        waiting = [channel for channel in self.active_channels.values() if channel.is_waiting()]
        if waiting:
            min(waiting, key=_patience).give_up()

    def run(self) -> None:
        try:
            self.asyncore.loop(timeout=LOOK_SECONDS, map=self._map, use_poll=True)
        except (SystemExit, KeyboardInterrupt):
            self.task_dispatcher.shutdown(timeout=GRACE_SECONDS)


def _patience(channel: Channel) -> tuple[bool, float]:
    brings_body = channel.request is not None and channel.request.headers_finished
    return brings_body, channel.since or channel.creation_time


def make_server(application: Any, listener: socket.socket) -> Server:
    limits = Adjustments(
        ident=None,
        threads=THREADS,
        cleanup_interval=LOOK_SECONDS,
        # Beyond these nobody would be let in; ours closes others first.
        connection_limit=2 * MOST_CONNECTIONS,
        max_request_header_size=64 * 1024,
        # Told by the application, which has a page for it.
        max_request_body_size=sys.maxsize,
        sockets=[listener],
        # Behind a proxy they count for what the settings say; else they are anybody's claim.
        clear_untrusted_proxy_headers=not settings.TAGSYNC_BEHIND_PROXY,
    )
    dispatcher = ThreadedTaskDispatcher()
    dispatcher.set_thread_count(THREADS)
    named = (listener.family, listener.type, listener.proto, listener.getsockname())
    server = Server(
        application, {}, True, listener, dispatcher=dispatcher, adj=limits, sockinfo=named, bind_socket=False
    )
    return server


def main() -> None:
    """Serves on the listening socket whose handle `TAGSYNC_LISTEN` names."""
    # By its name, as any server does: settings depend on the door, and this is the first that needs them.
    application = import_string("tagsync.wsgi.application")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    make_server(application, socket.socket(fileno=int(os.environ["TAGSYNC_LISTEN"]))).run()


if __name__ == "__main__":
    main()
