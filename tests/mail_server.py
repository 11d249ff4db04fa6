"""A mail server for tests: says what SMTP asks for, keeps every letter, refuses when it is told to."""

from __future__ import annotations

import socketserver
import threading
from email import message_from_bytes, policy
from email.message import EmailMessage


class MailServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.letters: list[EmailMessage] = []
        self.conversations = 0
        self.refuses: set[str] = set()
        self.thread = threading.Thread(target=self.serve_forever, daemon=True)

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def __enter__(self) -> MailServer:
        self.thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.shutdown()
        self.server_close()
        self.thread.join()


class _Conversation(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        self.server.conversations += 1
        self._say("220 tests")
        for line in iter(self.rfile.readline, b""):
            word, _space, rest = line.decode().strip().partition(" ")
            if word.upper() == "DATA":
                self._say("354 go on")
                self._keep()
            elif word.upper() == "RCPT" and any(address in rest for address in self.server.refuses):
                self._say("550 nobody of this name")
            else:
                self._say("221 bye" if word.upper() == "QUIT" else "250 ok")

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())

    def _keep(self) -> None:
        lines = list(iter(self.rfile.readline, b".\r\n"))
        self.server.letters.append(message_from_bytes(b"".join(lines), policy=policy.default))
        self._say("250 kept")
