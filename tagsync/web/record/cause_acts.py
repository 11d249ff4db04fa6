"""Which acts a cause offers, the likeliest first: that one is a button, the others stand in a menu. Asks nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from tagsync.web.record.causes import Cause, Causes


@dataclass(frozen=True)
class Offers:
    """What this person may do with causes of this import now."""

    ended: bool
    retry: bool
    settle: bool


def with_acts(found: Causes, may: Offers) -> Causes:
    return found._replace(shown=[replace(cause, acts=tuple(_acts(cause, may))) for cause in found.shown])


def _acts(cause: Cause, may: Offers) -> Iterator[str]:
    """Names of `job/_cause_act.html`. Sending over a newer import is never the likeliest."""
    settled = cause.settled_at is not None
    if settled and may.settle:
        yield "reopen"
    if may.retry and cause.retryable:
        yield "retry"
    if not may.ended or cause.is_over or cause.superseded == cause.rows:
        yield "rows"
        yield from ["download"] if may.ended else []
    else:
        yield from ("download", "rows")
    if may.retry and cause.superseded:
        yield "anyway"
    if not cause.is_over and may.settle:
        yield "settle"
