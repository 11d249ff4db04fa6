"""The engines of this test run, for installations that tests start: embedded, or PostgreSQL and Redis of their own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import psycopg

NAMES = ("journey", "e2e", "faults")


@contextmanager
def engines(name: str) -> Iterator[dict[str, str]]:
    """Environment variables for an installation; a PostgreSQL database of its own is made and dropped again."""
    redis_url = os.environ.get("REDIS_URL", "")
    redis = {"REDIS_URL": urlunsplit(urlsplit(redis_url)._replace(path=f"/{_redis_number(name)}"))} if redis_url else {}
    with database(name) as address:
        yield {**redis, **address}


@contextmanager
def database(name: str) -> Iterator[dict[str, str]]:
    """Its variable; none where this run has no PostgreSQL."""
    database_url = os.environ.get("DATABASE_URL", "")
    if not database_url.startswith("postgres"):
        yield {}
        return
    database = f"tagsync_{name}_{os.getpid()}"
    with psycopg.connect(database_url, autocommit=True) as server:
        server.execute(f'DROP DATABASE IF EXISTS "{database}"')
        server.execute(f'CREATE DATABASE "{database}"')
        try:
            yield {"DATABASE_URL": urlunsplit(urlsplit(database_url)._replace(path=f"/{database}"))}
        finally:
            server.execute(f'DROP DATABASE "{database}" WITH (FORCE)')


def _redis_number(name: str) -> int:
    """A Redis database for each installation that may run at the same time; 0 is for the tests themselves."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    return 1 + NAMES.index(name) + len(NAMES) * worker
