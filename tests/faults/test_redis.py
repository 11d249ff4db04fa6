"""Redis is killed, hangs and forgets everything, with a whole installation around it: pages answer, imports end."""

from __future__ import annotations

import json
import signal
import sqlite3
import time
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg
import pytest
from redis import Redis

from tests.faults import pages
from tests.faults.pages import Browser
from tests.faults.redis_server import Server, redis_server
from tests.installation import Up, up, wait_for
from tests.invariants import check_words
from tests.legs import engines
from tests.making import customers

pytestmark = pytest.mark.journey

PASSWORD = "correct horse battery"
QUICK = {"TAGSYNC_CALL_SECONDS": "3", "TAGSYNC_KEEPER_SECONDS": "1", "TAGSYNC_ADMIN_PASSWORD": PASSWORD}
OUTAGE_SECONDS = 4
HANGS_SECONDS = 3.5


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with redis_server() as found:
        yield found


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory, server: Server) -> Iterator[Up]:
    home = tmp_path_factory.mktemp("redis") / "home"
    with engines("faults") as engine, up(home, workers=2, **{**QUICK, **engine, "REDIS_URL": server.url}) as started:
        yield started


@pytest.fixture
def person(installation: Up) -> Iterator[Browser]:
    installation.sandbox("DELETE", "/control/faults")
    installation.sandbox("POST", "/control/reset")
    found = pages.signed_in(installation, PASSWORD)
    with closing(found.http):
        yield found


def imports(installation: Up) -> dict[int, tuple[str, dict[str, int]]]:
    """Number → state and counts."""
    question, url = "SELECT id, status, counts FROM imports_importjob", installation.environment.get("DATABASE_URL", "")
    if url.startswith("postgres"):
        with psycopg.connect(url) as database:
            return {number: (status, counts) for number, status, counts in database.execute(question)}
    with closing(sqlite3.connect(installation.home / "tagsync.sqlite3")) as file:
        return {number: (status, json.loads(counts)) for number, status, counts in file.execute(question)}


def wait_for_state(installation: Up, number: int, status: str) -> dict[str, int]:
    wait_for(lambda: imports(installation)[number][0] == status, 60)
    return imports(installation)[number][1]


def arrived(installation: Up) -> set[str]:
    """Customers whose rows the test platform applied."""
    entries = [entry for entry in installation.sandbox("GET", "/control/ledger") if entry["applied"]]
    return {row["audienceUserId"] for entry in entries for row in entry["body"]["data"]}


@contextmanager
def killed(server: Server) -> Iterator[None]:
    server.send(signal.SIGKILL)
    try:
        yield
    finally:
        server.start(f"after-{time.monotonic()}")


@contextmanager
def hanging(server: Server) -> Iterator[None]:
    server.send(signal.SIGSTOP)
    try:
        yield
    finally:
        server.send(signal.SIGCONT)


def in_redis(server: Server) -> Iterator[str]:
    """Everything that stands in it, as text."""
    with closing(Redis.from_url(server.url)) as client:
        for key in client.scan_iter():
            yield repr(key)
            for packed in (client.dump(key) or b"", *(client.hvals(key) if client.type(key) == b"hash" else ())):
                yield repr(packed)
                # RQ packs what it keeps of exceptions.
                try:
                    yield zlib.decompress(packed).decode(errors="replace")
                except zlib.error:
                    continue


@pytest.mark.parametrize("outage", [killed, hanging])
def test_pages_answer_and_imports_end(installation: Up, server: Server, person: Browser, outage: object) -> None:
    assert callable(outage)
    sending, ready = pages.upload(person, customers(2000)), pages.upload(person, customers(700))
    wait_for_state(installation, sending, "ready")
    wait_for_state(installation, ready, "ready")
    installation.sandbox("POST", "/control/faults", [{"kind": "latency", "seconds": 0.5}])
    pages.start(person, sending)
    wait_for(lambda: installation.sandbox("GET", "/control/ledger"))
    began = time.monotonic()
    with outage(server):
        person.slowest_seconds = 0.0
        pages.start(person, ready)
        uploaded = pages.upload(person, customers(30))
        for path in ("/imports/", f"/imports/{sending}/", "/healthz"):
            person.get(path)
        assert person.slowest_seconds < pages.MAX_SECONDS
        wait_for(lambda: time.monotonic() - began > OUTAGE_SECONDS)
    assert wait_for_state(installation, sending, "finished") == {"accepted": 2000}
    assert wait_for_state(installation, ready, "finished") == {"accepted": 700}
    assert wait_for_state(installation, uploaded, "ready") == {"waiting": 30}
    assert arrived(installation) == {row[0] for row in customers(2000)}
    check_words(in_redis(server))
    check_words(path.read_text() for path in [installation.output, *(installation.home / "logs").glob("*.log*")])


def test_pages_hardly_wait_for_a_redis_that_hangs(installation: Up, server: Server, person: Browser) -> None:
    with hanging(server):
        for path in ("/imports/", "/imports/", "/imports/new/"):
            person.get(path)
    assert person.slowest_seconds < HANGS_SECONDS


def test_nothing_stands_in_redis_while_rows_are_sent(installation: Up, server: Server, person: Browser) -> None:
    installation.sandbox("POST", "/control/faults", [{"kind": "latency", "seconds": 0.4}])
    number = pages.upload(person, customers(1500))
    wait_for_state(installation, number, "ready")
    pages.start(person, number)
    wait_for(lambda: installation.sandbox("GET", "/control/ledger"))
    found = list(in_redis(server))
    assert any("run_import" in text for text in found)
    check_words(found)
    assert wait_for_state(installation, number, "finished") == {"accepted": 1500}
