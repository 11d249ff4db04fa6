"""Backup and restore of the database of this process, as deploy/README.md says, while others work on it."""

from __future__ import annotations

import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from django.db import connection as database
from django.db import connections

from tests.faults.senders import database_url


def back_up(copy: Path) -> None:
    if database.vendor == "sqlite":
        _copy(Path(database.settings_dict["NAME"]), copy)
    else:
        subprocess.run(["pg_dump", "--format=custom", "--file", copy, database_url()], check=True)


def restore(copy: Path) -> None:
    """Nobody may be at work."""
    connections.close_all()
    if database.vendor == "sqlite":
        _copy(copy, Path(database.settings_dict["NAME"]))
        return
    address = urlsplit(database_url())
    name = address.path.removeprefix("/")
    with psycopg.connect(urlunsplit(address._replace(path="/postgres")), autocommit=True) as server:
        server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        server.execute(f'CREATE DATABASE "{name}"')
    subprocess.run(["pg_restore", "--exit-on-error", "--no-owner", "--dbname", database_url(), copy], check=True)


def _copy(source: Path, target: Path) -> None:
    """What `.backup` of SQLite's shell does."""
    with closing(sqlite3.connect(source)) as read, closing(sqlite3.connect(target)) as written:
        read.backup(written)
