"""Whether the database has exactly the migrations of this program. One that differs works on nothing.

During an upgrade an old process may still run, or a new one be started too early: each would misread the other's rows.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import cache, wraps
from typing import NamedTuple

from django.db import Error, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

ASKED_ANEW_SECONDS = 60.0

log = logging.getLogger(__name__)


@cache
def of_program() -> frozenset[tuple[str, str]]:
    """(App, migration) on the disk when this was first asked: at the start, so that an upgrade in place is noticed."""
    return frozenset(MigrationLoader(None).disk_migrations)


class Difference(NamedTuple):
    """Migrations of this program that the database lacks, and those that it has and this program does not know."""

    missing: frozenset[tuple[str, str]]
    unknown: frozenset[tuple[str, str]]


def difference() -> Difference:
    """One query. What the database says of apps that this program does not have is not looked at."""
    ours = of_program()
    apps = {app for app, _ in ours}
    recorded = MigrationRecorder(connection).Migration.objects.using(connection.alias).filter(app__in=apps)
    applied = frozenset(recorded.values_list("app", "name"))
    return Difference(ours - applied, applied - ours)


def differs() -> bool:
    return any(difference())


def differed_lately() -> bool:
    """The same for pages, asked once a minute."""
    global _asked
    now = time.monotonic()
    if _asked is None or now - _asked[0] > ASKED_ANEW_SECONDS:
        _asked = (now, differs())
    return _asked[1]


_asked: tuple[float, bool] | None = None


def may_work() -> bool:
    """False, and a line in the log, when it differs, or when the database cannot be asked: the keeper rings again."""
    try:
        fits = not differs()
    except Error as error:
        log.warning("the database cannot be used: %s", type(error).__name__)
        connection.close()
        return False
    if fits:
        return True
    log.error("this process and its database have different migrations: nothing is claimed; migrate, or restart it")
    return False


def only_when_it_fits(task: Callable[[int], None]) -> Callable[[int], None]:
    """For what a ring runs: left undone, and the keeper rings again."""

    @wraps(task)
    def guarded(record_id: int) -> None:
        if may_work():
            task(record_id)

    return guarded
