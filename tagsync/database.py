"""What only the database can say for all processes on all machines: what time it is, and that another was in the way.

Knows no model. A time that decides anything is compared inside the database with `Now()`, or asked for here.
"""

from __future__ import annotations

import errno
import logging
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

from django.db import DatabaseError, Error, OperationalError, close_old_connections, connection

TIMES_REPEATED = 3
# More than the 100 ms after which SQLite looks again for a writer that has waited for a while.
# Source: sqlite3.c, sqliteDefaultBusyCallback
OTHERS_WRITE_SECONDS = 0.12
# How long what is only shown relies on what the database said last.
ASKED_ANEW_SECONDS = 60.0
# Source: https://www.postgresql.org/docs/current/errcodes-appendix.html
DEADLOCK_DETECTED = "40P01"
LOCK_NOT_AVAILABLE = "55P03"  # also after lock_timeout
QUERY_CANCELED = "57014"  # statement_timeout
DISK_FULL = "53100"
IDLE_IN_TRANSACTION = "25P03"  # it was frozen so long that its locks were taken from it
NO_ROOM_BYTES = 1024 * 1024
GAVE_WAY = frozenset({DEADLOCK_DETECTED, LOCK_NOT_AVAILABLE, QUERY_CANCELED, IDLE_IN_TRANSACTION})

log = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")


def database_now() -> datetime:
    """The time on the database's clock, in UTC. Hosts differ; what they write and compare must not."""
    sql = (
        "SELECT STATEMENT_TIMESTAMP()"
        if connection.vendor == "postgresql"
        else "SELECT STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', 'now')"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [])
        (found,) = cursor.fetchone()
    return found if isinstance(found, datetime) else datetime.fromisoformat(found).replace(tzinfo=UTC)


def shown_now() -> datetime:
    """The database's time for what is only shown: asked for once a minute, and counted on from there.

    Pages ask often; a host's own clock may be hours away from the times that stand in the database.
    """
    global _asked
    running = time.monotonic()
    if _asked is None or running - _asked[0] > ASKED_ANEW_SECONDS:
        _asked = (running, database_now())
    when, told = _asked
    return told + timedelta(seconds=running - when)


_asked: tuple[float, datetime] | None = None  # what the database told, and at which moment of time.monotonic()


def repeated_after_deadlock(act: Callable[P, R]) -> Callable[P, R]:
    """Do it again when the database ended its transaction to break a deadlock: nothing of it was kept.

    Only for what may be done twice when the first time left nothing; inside a transaction of the caller it is not.
    """

    @wraps(act)
    def repeated(*args: P.args, **kwargs: P.kwargs) -> R:
        for left in reversed(range(TIMES_REPEATED)):
            try:
                return act(*args, **kwargs)
            except OperationalError as error:
                if not left or connection.in_atomic_block or sqlstate(error) != DEADLOCK_DETECTED:
                    raise
        raise AssertionError("unreachable")

    return repeated


def sqlstate(error: DatabaseError) -> str:
    """PostgreSQL's code of an error, "" elsewhere."""
    return getattr(error.__cause__, "sqlstate", None) or ""


def gave_way(error: BaseException | None) -> bool:
    """Whether the database ended a transaction because of what others do at the same time.

    Nothing of the transaction was kept, and a moment later the same may succeed.
    """
    if not isinstance(error, DatabaseError):
        return False
    cause = error.__cause__
    if isinstance(cause, sqlite3.OperationalError):
        # The low byte; the rest says more precisely why. Source: https://www.sqlite.org/rescode.html
        code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
        return code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
    return sqlstate(error) in GAVE_WAY


def has_no_room(error: BaseException | None) -> bool:
    """Whether a disk was full: the database's, or the one that files are stored on."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        if getattr(error, "sqlstate", None) == DISK_FULL:  # psycopg's name for it
            return True
        if isinstance(error, sqlite3.Error) and _is_full(getattr(error, "sqlite_errorcode", 0) & 0xFF):
            return True
        error = error.__cause__ or error.__context__
    return False


def _is_full(code: int) -> bool:
    """SQLite has a code for it, and for some of its files says only that they could not be written or opened."""
    if code not in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN):
        return code == sqlite3.SQLITE_FULL
    with suppress(OSError):
        return shutil.disk_usage(Path(connection.settings_dict["NAME"]).parent).free < NO_ROOM_BYTES
    return False


def is_of_database(error: BaseException) -> bool:
    """Whether the database is what failed: by Django's names, by the driver's, or as the cause of something else.

    psycopg's errors are known by their `sqlstate`: it takes a tenth of a second to import, in each process.
    """
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, (Error, sqlite3.Error)) or hasattr(seen, "sqlstate"):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def let_others_write() -> None:
    """Between two pieces of a long work: whoever waits to write gets its turn.

    SQLite has one writer and no queue for it. Who waits looks again every 100 ms, and would for seconds not find the
    moment between two pieces.
    """
    if connection.vendor == "sqlite" and not connection.in_atomic_block:
        time.sleep(OTHERS_WRITE_SECONDS)


def attempt_after_error(act: Callable[[], object]) -> None:
    """Do what can also be left, after an error of the database: on a new connection where the old one is broken."""
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()
    with suppress(Error):
        act()


@contextmanager
def on_its_own(what: str) -> Iterator[None]:
    """What goes wrong with one thing in the database leaves the others of a round alone; the next looks again."""
    try:
        yield
    except DatabaseError as error:
        # Not its text, which may quote a row.
        log.warning("%s: left for the next round (%s)", what, sqlstate(error) or type(error).__name__)
        # Whoever lost its connection over it gets a new one.
        close_old_connections()
