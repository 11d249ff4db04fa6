"""What only the database can say for all processes on all machines: what time it is, and that a deadlock was its end.

Knows no model. A time that decides anything is compared inside the database with `Now()`, or asked for here.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import DatabaseError, OperationalError, connection

TIMES_REPEATED = 3
# Source: https://www.postgresql.org/docs/current/errcodes-appendix.html
DEADLOCK_DETECTED = "40P01"

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
