"""Whose a key in Redis is: everything that we name there carries the identifier of our installation."""

from __future__ import annotations

import re
from typing import Any

from django.apps import apps as apps_now
from django.apps.registry import Apps
from django.db import router

from tagsync.queueing.models import IDENTIFIER_BYTES, Installation

_PREFIX = re.compile(rf":tagsync-([0-9a-f]{{{2 * IDENTIFIER_BYTES}}})-")
_known = ""  # what the database has told


def identifier() -> str:
    """Asked for once by each process. Raises DatabaseError, and Installation.DoesNotExist before `migrate`."""
    global _known
    if not _known:
        _known = Installation.objects.get().identifier
    return _known


def named(name: str) -> str:
    """What a queue, a job or a worker of this installation is called in Redis; what is called so already stays."""
    prefix = f"tagsync-{identifier()}-"
    return name if name.startswith(prefix) else prefix + name


def owner(key: str) -> str:
    """The identifier of the installation whose key in Redis this is; "" for what is not tagsync's."""
    found = _PREFIX.search(key)
    return found[1] if found else ""


def make(using: str, apps: Apps = apps_now, **_: Any) -> None:
    """Once, at the end of `migrate`; and of `flush`, which empties the table."""
    try:
        model = apps.get_model("queueing", "Installation")
    except LookupError:
        # Migrated to a state without it.
        return
    if router.allow_migrate_model(using, model):
        model._default_manager.using(using).get_or_create(pk=1)
