"""Machines' clocks differ: what is compared or kept is the database's time. This finds who asks the host instead."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tagsync import database

HOUSE = Path(__file__).parent.parent / "tagsync"
ROOMS = ("accounts", "connections", "imports", "delivery", "web")
HOST_TIME = re.compile(
    r"timezone\.now\b|auto_now|datetime\.(now|utcnow|today)\b|date\.today\b|\btime\.time(_ns)?\b|localtime\(\)|localdate\(\)"
)
# file → why it may
EXCEPTIONS = {
    # Django's own column: when an account was made, shown to admins.
    "accounts/migrations/0001_initial.py": "django.utils.timezone.now",
    # What these said is the database's since a later migration.
    "connections/migrations/0001_initial.py": "auto_now_add",
    "imports/migrations/0001_initial.py": "auto_now_add",
    "imports/migrations/0004_repairs_and_exports.py": "auto_now_add",
    "imports/migrations/0006_notices.py": "auto_now_add",
}


def asks() -> list[tuple[str, int, str]]:
    """(file, line number, line) of each place that asks what time the host believes it is."""
    found = []
    for room in ROOMS:
        for path in sorted((HOUSE / room).rglob("*.py")):
            for number, line in enumerate(path.read_text().splitlines(), start=1):
                if HOST_TIME.search(line):
                    found.append((path.relative_to(HOUSE).as_posix(), number, line))
    return found


def test_nobody_asks_the_host_what_time_it_is() -> None:
    guilty = [f"{file}:{number}: {line.strip()}" for file, number, line in asks() if file not in EXCEPTIONS]
    assert not guilty, "use Now(), db_default=Now(), database_now(), or shown_now() for what is only shown: " + str(
        guilty
    )


@pytest.mark.parametrize("file", EXCEPTIONS)
def test_each_exception_is_still_one(file: str) -> None:
    lines = [line for name, _, line in asks() if name == file]
    assert lines
    assert all(EXCEPTIONS[file] in line for line in lines)


@pytest.mark.parametrize(
    "line",
    ["x = timezone.now()", "models.DateTimeField(auto_now=True)", "datetime.now(UTC)", "time.time()", "localdate()"],
)
def test_it_sees_who_asks(line: str) -> None:
    assert HOST_TIME.search(line)


@pytest.mark.parametrize("line", ["Now()", "database_now()", "time.monotonic()", "timezone.localdate(shown_now())"])
def test_it_lets_others_alone(line: str) -> None:
    assert not HOST_TIME.search(line)


@pytest.mark.django_db
def test_pages_show_the_databases_time_and_ask_once_a_minute(
    monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    monkeypatch.setattr(database, "_asked", None)
    with django_assert_num_queries(1):
        assert abs(database.shown_now() - datetime.now(UTC)) < timedelta(seconds=5)
        database.shown_now()
    now = time.monotonic()
    monkeypatch.setattr(database, "_asked", (now - 30, datetime(2030, 1, 1, tzinfo=UTC)))
    with django_assert_num_queries(0):
        assert timedelta(seconds=30) <= database.shown_now() - datetime(2030, 1, 1, tzinfo=UTC) < timedelta(seconds=35)
    monkeypatch.setattr(database, "_asked", (now - 61, datetime(2030, 1, 1, tzinfo=UTC)))
    with django_assert_num_queries(1):
        assert database.shown_now().year != 2030
