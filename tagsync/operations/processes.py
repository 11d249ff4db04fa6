"""Each process says about once a minute that it runs, where, in which version, and what its clock shows."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from importlib import metadata
from typing import Any

from django.db import Error
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import translation

from tagsync.database import database_now
from tagsync.operations import storage
from tagsync.operations.at_start import at_start
from tagsync.operations.fact import Fact
from tagsync.operations.models import Process
from tagsync.operations.records import records

log = logging.getLogger(__name__)

SAY_EVERY_SECONDS = 60.0
# Three times not heard of.
GONE_AFTER = timedelta(minutes=3)
FORGOTTEN_AFTER = timedelta(days=1)

# (role, pid) → when this process said it last; a fork begins anew
_said: dict[tuple[str, int], float] = {}


def say_alive(role: str, **_signal: Any) -> None:
    """Receives `queueing.signals.alive`. Never raises: nobody stops working because this cannot be written down."""
    key, now = (role, os.getpid()), time.monotonic()
    is_first = key not in _said
    if not is_first and now - _said[key] < SAY_EVERY_SECONDS:
        return
    _said[key] = now
    if is_first:
        _warn_of(at_start)
    try:
        record(role)
        if is_first:
            _warn_of(records)
    except Error:
        return


def _warn_of(look: Callable[[], Iterable[Fact]]) -> None:
    """In the language of logs. What comes and goes later, doctor and the page tell."""
    with translation.override("en"):
        for fact in look():
            if not fact.ok:
                log.warning("%s %s", fact.says, fact.advice)


def version() -> str:
    try:
        return metadata.version("tagsync")
    except metadata.PackageNotFoundError:
        return "0"  # a checkout that nobody has installed


def record(role: str) -> None:
    before, now = datetime.now(UTC), database_now()
    told = {
        "version": version(),
        # A slow answer of the database is no fault of the clock.
        "clock_ahead_seconds": (before + (datetime.now(UTC) - before) / 2 - now).total_seconds(),
        "storage": storage.identity(),
        "seen_at": Now(),
    }
    Process.objects.update_or_create(role=role, host=socket.gethostname()[:100], pid=os.getpid(), defaults=told)
    Process.objects.filter(seen_at__lt=Now() - FORGOTTEN_AFTER).delete()


def running() -> QuerySet[Process]:
    return Process.objects.filter(seen_at__gte=Now() - GONE_AFTER).order_by("role", "host", "pid")
