"""A Redis of one test alone, so that it can be treated badly whatever the others use."""

from __future__ import annotations

import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tagsync.local import redis
from tests.installation import wait_for


@dataclass
class Server:
    folder: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return redis.url_of(self.folder / "redis.sock")

    def start(self, data: str) -> None:
        """`data`: the folder of what it remembers; a new one is a Redis that forgot everything."""
        server = redis.find_server()
        assert server
        line = redis.command(server, self.folder / "redis.sock", self.folder / data)
        self.process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: redis.answers(self.url))

    def send(self, number: signal.Signals) -> None:
        assert self.process
        self.process.send_signal(number)
        if number == signal.SIGKILL:
            self.process.wait()


@contextmanager
def redis_server() -> Iterator[Server]:
    # The path of a socket must be short.
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        found = Server(Path(folder))
        found.start("first")
        try:
            yield found
        finally:
            found.send(signal.SIGCONT)
            found.send(signal.SIGKILL)
