"""A Redis server of the tests' own."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tagsync.local import redis
from tests.installation import wait_for


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    server = redis.find_server()
    assert server
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        socket = Path(folder) / "redis.sock"
        process = subprocess.Popen(redis.command(server, socket, Path(folder) / "data"), stdout=subprocess.DEVNULL)
        try:
            wait_for(lambda: redis.answers(redis.url_of(socket)))
            yield redis.url_of(socket)
        finally:
            process.terminate()
            process.wait(60)
