"""What every test may use: three people and a connection to nowhere."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection as database
from django.test import Client

from tagsync.accounts.models import Person
from tagsync.accounts.roles import ADMINS, MARKETERS, give_role
from tagsync.connections.models import Connection
from tagsync.imports.restores import high_water
from tagsync.sandbox.running import Sandbox

PASSWORD = "correct horse battery"
# Of what takes long, all else is the same on every database.
DATABASE_MATTERS = (
    "/delivery/test_restore_drill",
    "/deploy/test_kit",
    "/imports/test_migrations",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    explained = "of the faults' cases every other one: CI runs one half on each engine"
    parser.addoption("--half", choices=("even", "odd"), help=explained)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What starts a whole installation first: a file of it takes long, and should not be waited for alone at the end.

    The browser's tests last: while Playwright's loop runs in a process, Django keeps other database connections. Of
    them, too, the longest files first.
    """
    for item in items:
        path = str(item.path)
        if "/faults/" in path:
            item.add_marker("faults")
        elif item.get_closest_marker("slow") and not any(part in path for part in DATABASE_MATTERS):
            item.add_marker("once")
    items.sort(key=lambda item: _turn(str(item.path)))
    if half := config.getoption("half"):
        _leave_out(config, items, 1 if half == "even" else 0)


def _leave_out(config: pytest.Config, items: list[pytest.Item], first: int) -> None:
    """Never of what runs on one engine alone: it would run nowhere."""
    cases: dict[str, list[pytest.Item]] = {}
    for item in items:
        if item.get_closest_marker("faults") and not any(map(item.get_closest_marker, ("once", "skipif", "whole"))):
            cases.setdefault(item.nodeid.partition("[")[0], []).append(item)
    left_out = {item for found in cases.values() if len(found) > 1 for item in found[first::2]}
    config.hook.pytest_deselected(items=list(left_out))
    items[:] = [item for item in items if item not in left_out]


def _turn(path: str) -> int:
    if "/e2e/" in path:
        return 2 if path.endswith("_pages.py") else 3
    return 0 if any(folder in path for folder in ("/journeys/", "/local/", "/queueing/")) else 1


def make_person(username: str, role: str) -> Person:
    person = Person.objects.create_user(username, password=PASSWORD, language="en")
    give_role(person, role)
    return person


@pytest.fixture(scope="session", autouse=True)
def quick_flush() -> Iterator[None]:
    """PostgreSQL truncates tables in a third of a second after each test with transactions; it deletes rows at once."""

    def deletes(_style: object, tables: Sequence[str], **_options: object) -> list[str]:
        return [f"DELETE FROM {database.ops.quote_name(table)}" for table in tables]

    with pytest.MonkeyPatch.context() as patch:
        if database.vendor == "postgresql":
            patch.setattr(database.ops, "sql_flush", deletes)
        yield


@pytest.fixture(autouse=True)
def database_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """What time it is, and that the program fits: some page would ask once a minute, and queries are counted."""
    monkeypatch.setattr("tagsync.database._asked", (time.monotonic(), datetime.now(UTC)))
    monkeypatch.setattr("tagsync.schema._asked", (time.monotonic(), False))


@pytest.fixture(autouse=True)
def installation_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which one this is: or else the first page of some test would ask, and queries are counted."""
    monkeypatch.setattr("tagsync.queueing.installation._known", "0123456789ab")


@pytest.fixture(autouse=True)
def nobody_else_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces are a few rows here; to wait after each one for other writers would take minutes."""
    monkeypatch.setattr("tagsync.database.OTHERS_WRITE_SECONDS", 0.0)


@pytest.fixture(autouse=True)
def own_mark(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The tests of all processes have one storage, each test has a database of its own: none is behind another's."""
    monkeypatch.setattr("tagsync.imports.restores.high_water.NAME", f"high-water-mark-{os.getpid()}")
    yield
    (Path(settings.MEDIA_ROOT) / high_water.NAME).unlink(missing_ok=True)


@pytest.fixture
def marketer(db: None) -> Person:
    return make_person("lin", MARKETERS)


@pytest.fixture
def signed(marketer: Person) -> Client:
    client = Client()
    client.force_login(marketer)
    return client


@pytest.fixture
def other_marketer(db: None) -> Person:
    return make_person("wang", MARKETERS)


@pytest.fixture
def admin_person(db: None) -> Person:
    return make_person("ada", ADMINS)


@pytest.fixture
def sandbox_connection(db: None) -> Connection:
    """A usable connection; the port is closed unless a test points it at a running sandbox."""
    connection = Connection(name="Sandbox", base_url="http://127.0.0.1:9", is_sandbox=True)
    connection.set_fixed_token("sandbox-token")
    connection.calls_per_period, connection.period_seconds = 1000, 1
    connection.save()
    return connection


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A running test platform; `sandbox_connection` leads nowhere until a test points it there."""
    with Sandbox() as platform:
        yield platform
