"""The stand-in over HTTP, on loopback only: the platform's two calls, a control address for tests, a page for people.

Must not decide what an answer says; that is in platform.
"""

import contextlib
import ipaddress
import logging
import socket
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tagsync.sandbox.control import ACTS, Request, json_reply
from tagsync.sandbox.platform import Platform, Reply, answer

DEFAULT_PATH = "/api/integrate/audience/tag/batchAdd"
DEFAULT_TOKEN_PATH = "/api/open/app/getOrgAccessToken"
MAX_BODY_BYTES = 20_000_000

logger = logging.getLogger(__name__)

_SAFE_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'",
}


def is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Server(ThreadingHTTPServer):
    """A thread for each connection; `stop` closes those that are open, so that nothing outlives it."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, host: str, port: int, platform: Platform) -> None:
        if not is_loopback(host):
            raise ValueError("the sandbox listens on loopback addresses only")
        if ":" in host:
            self.address_family = socket.AF_INET6
        self.platform = platform
        self.stopping = threading.Event()
        self._connections: set[Any] = set()
        super().__init__((host, port), Handler)

    def server_bind(self) -> None:
        # HTTPServer's own looks the host's name up, which can take seconds.
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        logger.exception("a request could not be handled")

    def stop(self) -> None:
        """Ends the loop of `serve_forever`, calls that hang, and open connections."""
        self.stopping.set()
        self.shutdown()
        self.server_close()
        for connection in list(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    server_version = "tagsync-sandbox"
    sys_version = ""
    timeout = 75
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body in one packet

    def handle(self) -> None:
        # A client that goes away is what the faults are for, not an error.
        with contextlib.suppress(ConnectionError, TimeoutError):
            super().handle()

    def finish(self) -> None:
        with contextlib.suppress(OSError):
            super().finish()

    def do_GET(self) -> None:
        self._route("GET")

    def do_POST(self) -> None:
        self._route("POST")

    def do_DELETE(self) -> None:
        self._route("DELETE")

    def log_message(self, format: str, *args: Any) -> None:
        # Addresses carry the secret of the token call.
        pass

    def _route(self, method: str) -> None:
        try:
            path, is_from_here = urlsplit(self.path).path, self._is_from_here()
        except ValueError:  # "//[" and the like
            path, is_from_here = "", False
        if not is_from_here:
            self._send(answer("403", "FORBIDDEN", "loopback only", http_status=403), close=True)
        elif path.endswith("/tag/batchAdd"):
            self._batch() if method == "POST" else self._refuse_method()
        elif path.endswith("/getOrgAccessToken"):
            self._token() if method == "GET" else self._refuse_method()
        else:
            self._control(method, path)

    def _is_from_here(self) -> bool:
        # A web page from elsewhere, open in this machine's browser, must neither read the ledger nor switch a fault.
        host = urlsplit("//" + self.headers.get("Host", "")).hostname or ""
        origin = self.headers.get("Origin")
        return is_loopback(host) and (origin is None or origin == f"http://{self.headers['Host']}")

    def _batch(self) -> None:
        delay, fault = self.server.platform.faults.take("batch")
        self.server.stopping.wait(delay)
        raw = None
        if fault is None or fault.kind != "close_before_read":
            raw = self._read()
            if raw is None:
                return
        if self.headers.get_content_type() != "application/json":
            self._send(answer("415", "ERROR", "Content-Type: application/json", http_status=415))
            return
        self._send(self.server.platform.batch(self.headers.get("X-Token"), raw, fault))

    def _token(self) -> None:
        delay, fault = self.server.platform.faults.take("token")
        self.server.stopping.wait(delay)
        query = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        self._send(self.server.platform.token(query, fault))

    def _refuse_method(self) -> None:
        self._send(answer("405", "ERROR", "Method Not Allowed", http_status=405), close=True)

    def _control(self, method: str, path: str) -> None:
        raw = self._read() if method == "POST" else b""
        if raw is None:
            return
        act = ACTS.get((method, path))
        if act is None:
            self._send(answer("404", "ERROR", "Not Found", http_status=404))
            return
        try:
            self._send(act(self.server.platform, Request(raw, urlsplit(self.path).query)))
        except (ValueError, TypeError, AttributeError) as error:
            self._send(json_reply({"error": str(error)}, 400))

    def _read(self) -> bytes | None:
        """The body; None when its length is missing or absurd (answered already) or the client left."""
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal():
            self._send(answer("411", "ERROR", "Length Required", http_status=411), close=True)
            return None
        if len(length) > 9 or int(length) > MAX_BODY_BYTES:
            self._send(answer("413", "ERROR", "Payload Too Large", http_status=413), close=True)
            return None
        raw = self.rfile.read(int(length))
        if len(raw) < int(length):
            self.close_connection = True
            return None
        return raw

    def _send(self, reply: Reply, close: bool = False) -> None:
        self.server.stopping.wait(reply.wait_seconds)
        if reply.http_status is None or self.server.stopping.is_set():
            self._cut(reply.reset)
            return
        self.send_response(reply.http_status)
        for name, value in {**_SAFE_HEADERS, **reply.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        if close:
            self.send_header("Connection", "close")
        self.end_headers()
        self._write(reply)

    def _write(self, reply: Reply) -> None:
        if not reply.seconds_per_byte:
            self.wfile.write(reply.body)
            self.wfile.flush()
            return
        for byte in reply.body:
            self.wfile.flush()
            if self.server.stopping.wait(reply.seconds_per_byte):
                self.close_connection = True
                return
            self.wfile.write(bytes([byte]))

    def _cut(self, reset: bool) -> None:
        self.close_connection = True
        if reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
