"""Facts that can be known at the start, as Django's system checks: of `tagsync check`, and of commands before they run.

The words are those of the facts, and so are the ids: `tagsync.` and what `doctor --json` calls the fact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.core import checks
from django.core.checks import CheckMessage, Tags, register
from django.db import DEFAULT_DB_ALIAS
from django.utils import translation

from tagsync.operations import at_start, records
from tagsync.operations.fact import Fact
from tagsync.terminal import CHECKS, language


@register(*CHECKS)
def known_at_start(**_asked: Any) -> list[CheckMessage]:
    return _told(at_start.at_start)


@register(Tags.database)
def known_to_the_database(*, databases: Sequence[str] | None = None, **_asked: Any) -> list[CheckMessage]:
    """Run by `check --database default` and by `migrate`, which have nothing to ask before there are tables."""
    return _told(_records) if DEFAULT_DB_ALIAS in (databases or ()) else []


def _records() -> Iterable[Fact]:
    database = records.database()
    if database not in at_start.at_start():
        yield database
    if database.ok and records.migrations().ok:
        yield from records.records()


def _told(look: Callable[[], Iterable[Fact]]) -> list[CheckMessage]:
    # Warnings, for none of them is a reason not to run the command that mends it.
    with translation.override(language()):
        wrong = [fact for fact in look() if not fact.ok]
        return [checks.Warning(fact.says, hint=fact.advice or None, id=f"tagsync.{fact.check}") for fact in wrong]
