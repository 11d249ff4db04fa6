"""Sentences and lists put together as the reader's language does it: English joins with a space, Chinese does not."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce

from django.utils.translation import gettext as _


def sentences(*parts: object) -> str:
    """One after the other; empty ones are left out."""
    said = [str(part) for part in parts if part]
    return reduce(lambda first, second: _("%(first)s %(second)s") % {"first": first, "second": second}, said or [""])


def listed(items: Iterable[object]) -> str:
    texts = [str(item) for item in items]
    return reduce(lambda items, item: _("%(items)s, %(item)s") % {"items": items, "item": item}, texts or [""])
