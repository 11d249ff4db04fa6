"""Backup and restore of the database of this process, as deploy/README.md says, while others work on it."""

from __future__ import annotations

import shutil
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
        with (
            closing(sqlite3.connect(database.settings_dict["NAME"])) as read,
            closing(sqlite3.connect(copy)) as written,
        ):
            read.backup(written)
    else:
        subprocess.run(["pg_dump", "--format=custom", "--file", copy, database_url()], check=True)


def restore(copy: Path) -> None:
    """Nobody may be at work."""
    connections.close_all()
    if database.vendor == "sqlite":
        for ending in ("", "-wal", "-shm"):
            Path(f"{database.settings_dict['NAME']}{ending}").unlink(missing_ok=True)
        shutil.copy(copy, database.settings_dict["NAME"])
        return
    address = urlsplit(database_url())
    name = address.path.removeprefix("/")
    with psycopg.connect(urlunsplit(address._replace(path="/postgres")), autocommit=True) as server:
        server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        server.execute(f'CREATE DATABASE "{name}"')
    subprocess.run(["pg_restore", "--exit-on-error", "--no-owner", "--dbname", database_url(), copy], check=True)
