"""Calls per period of a connection, shared by all workers on all machines through one row, by the database's clock.

A limiter in Redis would forget with Redis; this one costs a conditional update per call.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Greatest, Least, Now

from tagsync.connections.models import Connection
from tagsync.connections.signals import pace_changed

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
    """The next evenly spaced slot: no window of a period ever holds too many calls.

    At the pace that is stored: an admin may have changed it since `connection` was read.
    """
    while True:
        next_slot, slow_factor, calls, period_seconds, now = (
            Connection.objects.filter(pk=connection.pk)
            .annotate(database_now=Now())
            .values_list("next_slot_at", "slow_factor", "calls_per_period", "period_seconds", "database_now")
            .get()
        )
        begin = max(next_slot or now, now)
        wait_seconds = (begin - now).total_seconds()
        if wait_seconds > MAX_WAIT_SECONDS:
            return Slot(False, wait_seconds)
        interval = timedelta(seconds=slow_factor * period_seconds / calls)
        # Compare and swap: of two workers that saw the same slot, one gets it; and none at a pace of before.
        seen = Connection.objects.filter(
            pk=connection.pk, next_slot_at=next_slot, calls_per_period=calls, period_seconds=period_seconds
        )
        if seen.update(next_slot_at=begin + interval):
            return Slot(True, wait_seconds)


def forget_slots(connection: Connection) -> None:
    """After a change of the pace: slots at the old one hold nobody up. What the platform asked to wait does."""
    with transaction.atomic():
        Connection.objects.filter(pk=connection.pk).update(next_slot_at=F("asked_to_wait_until"))
        connection.refresh_from_db(fields=["next_slot_at", "asked_to_wait_until"])
        pace_changed.send(sender=Connection, connection=connection)


def seconds_to_slot(connection_id: int) -> float:
    """How far away the next slot is. Locks the connection until the transaction ends.

    Whoever writes down such a wait does it before a change of the pace, which ends it, or after it.
    """
    locked = Connection.objects.select_for_update(no_key=True).filter(pk=connection_id)
    next_slot, now = locked.annotate(now=Now()).values_list("next_slot_at", "now").get()
    return max(0.0, (next_slot - now).total_seconds()) if next_slot else 0.0


def slow_down(connection: Connection, wait_seconds: float) -> None:
    """The platform asked for it: the whole connection waits, and then goes on at half its pace."""
    now = Connection.objects.filter(pk=connection.pk).annotate(now=Now()).values_list("now", flat=True).get()
    until = now + timedelta(seconds=wait_seconds)
    row = Connection.objects.filter(pk=connection.pk)
    row.filter(Q(next_slot_at=None) | Q(next_slot_at__lt=until)).update(next_slot_at=until)
    row.filter(Q(asked_to_wait_until=None) | Q(asked_to_wait_until__lt=until)).update(asked_to_wait_until=until)
    fresh = Q(slowed_at=None) | Q(slowed_at__lt=now - SLOW_ONCE)
    row.filter(fresh).update(slow_factor=Least(F("slow_factor") * 2.0, SLOWEST_FACTOR), slowed_at=now)


def speed_up(connection: Connection) -> None:
    """A call was answered: when nobody complained for a while, the pace comes back step by step."""
    if connection.slow_factor <= 1:
        return
    quiet = Connection.objects.filter(pk=connection.pk, slow_factor__gt=1, slowed_at__lt=Now() - RECOVER_AFTER)
    quiet.update(slow_factor=Greatest(F("slow_factor") / 2.0, 1.0), slowed_at=Now())
    connection.refresh_from_db(fields=["slow_factor"])
