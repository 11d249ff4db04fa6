"""Lets a process believe another time than the database, as a machine does whose clock is wrong."""

from __future__ import annotations

import datetime
import importlib
import sys
import time
from typing import Any

from django.utils import timezone

REAL = datetime.datetime


def shift_clocks(seconds: float) -> None:
    """What Python says the time is, for the rest of this process: time.time, datetime and Django's timezone.now.

    The database asks the system itself, SQLite within this process too; nothing of that is shifted.
    """
    for name in ("tagsync.delivery.actions", "tagsync.delivery.keeper", "tagsync.delivery.tasks"):
        importlib.import_module(name)  # what is looked up only later would not be found below
    by, real_time = datetime.timedelta(seconds=seconds), time.time
    time.time = lambda: real_time() + seconds

    class Kind(type):
        def __instancecheck__(cls, found: object) -> bool:
            return isinstance(found, REAL)

    class Shifted(REAL, metaclass=Kind):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Any:
            return REAL.now(tz) + by

        @classmethod
        def utcnow(cls) -> Any:
            return REAL.now(datetime.UTC).replace(tzinfo=None) + by

        @classmethod
        def today(cls) -> Any:
            return REAL.now() + by

    for name, module in list(sys.modules.items()):
        if name == timezone.__name__ or name.partition(".")[0] == "tagsync":
            for known, value in list(vars(module).items()):
                if value is REAL:
                    setattr(module, known, Shifted)
    assert abs((timezone.now() - REAL.now(datetime.UTC) - by).total_seconds()) < 1
