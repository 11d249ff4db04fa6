"""Brings the database of the folder up to date, and copies it first. Knows neither processes nor people."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from tagsync.local.home import copy_database


def bring_up_to_date(home: Path) -> Path | None:
    """Migrate when something is pending. Returns the copy that was made of an existing SQLite file before."""
    try:
        if not _is_pending():
            return None
        database = _existing_file()
        connection.close()
        copy = copy_database(database, home, settings.TAGSYNC_KEPT_COPIES) if database else None
        call_command("migrate", interactive=False, verbosity=0)
        return copy
    finally:
        connection.close()


def is_new() -> bool:
    """Nothing is in it, not even tables."""
    try:
        return not connection.introspection.table_names()
    finally:
        connection.close()


def _is_pending() -> bool:
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def _existing_file() -> Path | None:
    """None for a database elsewhere: its copies are made by whoever runs it. None also for a new, empty file."""
    database = settings.DATABASES["default"]
    if not database["ENGINE"].endswith("sqlite3"):
        return None
    path = Path(database["NAME"])
    return path if path.exists() and path.stat().st_size and connection.introspection.table_names() else None
