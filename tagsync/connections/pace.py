"""Calls per period of a connection, shared by all workers on all machines through one row, by the database's clock.

A limiter in Redis would forget with Redis; this one costs a conditional update per call.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import F, Q
from django.db.models.functions import Greatest, Least, Now

from tagsync.connections.models import Connection

# Slots further away are not taken: the worker does something else meanwhile and asks again.
MAX_WAIT_SECONDS = 2.0
SLOWEST_FACTOR = 32.0
# Several calls in flight are told the same thing at once: it counts once.
SLOW_ONCE = timedelta(seconds=1)
RECOVER_AFTER = timedelta(seconds=5)


@dataclass(frozen=True)
class Slot:
    """`taken`: the call may begin in `wait_seconds`. Otherwise ask again in `wait_seconds`."""

    taken: bool
    wait_seconds: float


def take_slot(connection: Connection) -> Slot:
    """The next evenly spaced slot: no window of a period ever holds too many calls."""
    while True:
        next_slot, slow_factor, now = (
            Connection.objects.filter(pk=connection.pk)
            .annotate(database_now=Now())
            .values_list("next_slot_at", "slow_factor", "database_now")
            .get()
        )
        begin = max(next_slot or now, now)
        wait_seconds = (begin - now).total_seconds()
        if wait_seconds > MAX_WAIT_SECONDS:
            return Slot(False, wait_seconds)
        interval = timedelta(seconds=slow_factor * connection.period_seconds / connection.calls_per_period)
        # Compare and swap: of two workers that saw the same slot, one gets it.
        if Connection.objects.filter(pk=connection.pk, next_slot_at=next_slot).update(next_slot_at=begin + interval):
            return Slot(True, wait_seconds)


def slow_down(connection: Connection, wait_seconds: float) -> None:
    """The platform asked for it: the whole connection waits, and then goes on at half its pace."""
    now = Connection.objects.filter(pk=connection.pk).annotate(now=Now()).values_list("now", flat=True).get()
    until = now + timedelta(seconds=wait_seconds)
    row = Connection.objects.filter(pk=connection.pk)
    row.filter(Q(next_slot_at=None) | Q(next_slot_at__lt=until)).update(next_slot_at=until)
    fresh = Q(slowed_at=None) | Q(slowed_at__lt=now - SLOW_ONCE)
    row.filter(fresh).update(slow_factor=Least(F("slow_factor") * 2.0, SLOWEST_FACTOR), slowed_at=now)


def speed_up(connection: Connection) -> None:
    """A call was answered: when nobody complained for a while, the pace comes back step by step."""
    if connection.slow_factor <= 1:
        return
    quiet = Connection.objects.filter(pk=connection.pk, slow_factor__gt=1, slowed_at__lt=Now() - RECOVER_AFTER)
    quiet.update(slow_factor=Greatest(F("slow_factor") / 2.0, 1.0), slowed_at=Now())
    connection.refresh_from_db(fields=["slow_factor"])
