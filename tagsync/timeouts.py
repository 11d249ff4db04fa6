"""How long each kind of process waits inside PostgreSQL before it gives up, so that one frozen process stops no other.

The doors (`__main__.py`, `wsgi.py`) say in TAGSYNC_PROCESS what they open; `settings` reads it. Knows no Django.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

VARIABLE = "TAGSYNC_PROCESS"


class Role(StrEnum):
    WEB = "web"
    CHECKS = "checks"
    SENDS = "sends"
    KEEPER = "keeper"
    COMMAND = "command"
    # Migrations and whoever looks into the database by hand: as long as it takes.
    UNLIMITED = "unlimited"


# `up` migrates before it starts anybody.
UNLIMITED_COMMANDS = frozenset(
    {"dbshell", "dumpdata", "flush", "inspectdb", "loaddata", "migrate", "sqlmigrate", "test", "up"}
)
KNOWN_COMMANDS = {"runserver": Role.WEB, "keeper": Role.KEEPER}


def role_of(arguments: Sequence[str]) -> Role:
    """What `manage.py` with these arguments (its own name first) is."""
    command, rest = arguments[1] if len(arguments) > 1 else "", arguments[2:]
    if command == "rqworker":
        return Role.SENDS if Role.SENDS.value in rest else Role.CHECKS
    if command in UNLIMITED_COMMANDS:
        return Role.UNLIMITED
    return KNOWN_COMMANDS.get(command, Role.COMMAND)


class Timeouts(NamedTuple):
    """Seconds. `lock`: waiting for another's lock. `idle`: an open transaction whose process says nothing."""

    lock: float
    statement: float
    idle: float


# A person at a page is told to try again rather than kept waiting.
PAGE_LOCK_SECONDS = 3.0
# A short lease is for tests; below these a busy machine would be taken for a frozen one.
SHORTEST = Timeouts(lock=1.25, statement=1.5, idle=1.0)

# As parts of a lease, for whoever works under one must have given up, or been given up, before it ends.
# - idle: a quarter. A process that is frozen inside a transaction is ended, and its locks with it, while all the others
#   still wait. None of ours thinks for so long between two statements of a transaction; reading a sheet, calling the
#   platform and writing a workbook happen outside of them.
# - lock: longer than idle for workers, so that an answer or 5,000 rows in hand outlast whoever was frozen; a twelfth
#   for the keeper, which locks only what is free and has other imports to look after.
# - statement: longer than lock, which counts in it. Sending needs none above a second but the counting of all rows of
#   an import. A check copies 5,000 rows at once and looks for customers who stand in it several times (seconds for a
#   million rows), and renews its lease before and after, not during.
PARTS = {
    Role.WEB: Timeouts(lock=1 / 4, statement=1 / 2, idle=1 / 4),
    Role.CHECKS: Timeouts(lock=3 / 8, statement=3 / 4, idle=1 / 4),
    Role.SENDS: Timeouts(lock=3 / 8, statement=1 / 2, idle=1 / 4),
    Role.KEEPER: Timeouts(lock=1 / 12, statement=1 / 2, idle=1 / 4),
    Role.COMMAND: Timeouts(lock=3 / 8, statement=3 / 4, idle=1 / 4),
}
# Pages and the keeper give up early also where the lease is short.
MAY_GIVE_UP_EARLY = (Role.WEB, Role.KEEPER)

# SQLite has one writer, and whoever waits for it looks again and again without a place in line: time enough to find
# the gap between two transactions of a check. Workers have nobody who watches them wait.
SQLITE_PAGE_SECONDS = 5
SQLITE_SECONDS = 20


def timeouts_of(role: Role, lease_seconds: float) -> Timeouts | None:
    """None: as long as it takes."""
    if role not in PARTS:
        return None
    lock, statement, idle = (
        max(part * lease_seconds, least) for part, least in zip(PARTS[role], SHORTEST, strict=True)
    )
    if role in MAY_GIVE_UP_EARLY:
        lock = PARTS[role].lock * lease_seconds
    if role == Role.WEB:
        lock = min(lock, PAGE_LOCK_SECONDS)
    return Timeouts(lock, statement, idle)


def postgresql_options(role: Role, lease_seconds: float) -> str:
    """For the connection option `options`; "" when there is nothing to say.

    Source: https://www.postgresql.org/docs/current/runtime-config-client.html
    """
    found = timeouts_of(role, lease_seconds)
    if found is None:
        return ""
    names = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")
    return " ".join(f"-c {name}={round(seconds * 1000)}" for name, seconds in zip(names, found, strict=True))
