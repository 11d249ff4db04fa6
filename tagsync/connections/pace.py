"""Calls per period of a connection, shared by all workers on all machines through one column of its row."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db.models.functions import Now

from tagsync.connections.models import Connection

# Slots further away are not taken: the worker does something else meanwhile and asks again.
MAX_WAIT_SECONDS = 2.0


@dataclass(frozen=True)
class Slot:
    """`taken`: the call may begin in `wait_seconds`. Otherwise ask again in `wait_seconds`."""

    taken: bool
    wait_seconds: float


def take_slot(connection: Connection) -> Slot:
    """The next evenly spaced slot, by the database's clock: no window of a period ever holds too many calls."""
    interval = timedelta(seconds=connection.period_seconds / connection.calls_per_period)
    while True:
        next_slot, now = (
            Connection.objects.filter(pk=connection.pk)
            .annotate(database_now=Now())
            .values_list("next_slot_at", "database_now")
            .get()
        )
        begin = max(next_slot or now, now)
        wait_seconds = (begin - now).total_seconds()
        if wait_seconds > MAX_WAIT_SECONDS:
            return Slot(False, wait_seconds)
        # Compare and swap: of two workers that saw the same slot, one gets it.
        if Connection.objects.filter(pk=connection.pk, next_slot_at=next_slot).update(next_slot_at=begin + interval):
            return Slot(True, wait_seconds)
