"""Random mixes: people do whatever they can do while senders are killed, put to sleep, cut off from the database and
given wrong clocks, and the platform fails.

Every choice comes from the seed; what the machine does between two steps does not, so a seed finds its way back to the
same acts, not always to the same moment. At quiet points the faults end, everything has to end, and C1–C8 must hold.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from django.db import transaction
from django.utils import timezone

from tagsync.connections.models import Connection
from tagsync.connections.pace import forget_slots
from tagsync.delivery import actions
from tagsync.imports.followups.retry import NothingToRetry
from tagsync.imports.models import Delivery, ImportJob
from tagsync.imports.states import RESTING, MoveRefused, RowStatus
from tests.faults.mixed_acts import ACTS, World, mend_everything, repair_connection, restore, staff, stored, waking
from tests.installation import wait_for
from tests.invariants import check_connection, check_words, stored_words

STEPS_BETWEEN_QUIET_POINTS = 25
# A lease, a hold-back and a few back-offs, for each import in a line of opposite operations one after the other.
QUIET_SECONDS = 90.0
REFUSALS = (MoveRefused, NothingToRetry, actions.NothingToSend, actions.ConnectionArchived, actions.NotAsChecked)


def run(world: World, steps: int) -> None:
    """Raises AssertionError with what is broken."""
    names, weights = zip(*((name, weight) for name, (weight, _) in ACTS.items()), strict=True)
    mend_everything(world)
    with waking(world):
        for number in range(1, steps + 1):
            staff(world)
            name = world.rng.choices(names, weights)[0]
            with contextlib.suppress(*REFUSALS):
                ACTS[name][1](world)
                world.sums[name] += 1
            world.sums["steps"] += 1
            if number % STEPS_BETWEEN_QUIET_POINTS == 0 or number == steps:
                quiet_point(world)


def quiet_point(world: World) -> None:
    """The faults end; then everything must end by itself, and what is written must be true."""
    mend_everything(world)
    # Or the pace would get slower and slower over a long run.
    with transaction.atomic():
        connection = stored(world)
        connection.calls_per_period, connection.period_seconds, connection.slow_factor = 1000, 1, 1
        connection.max_body_bytes, connection.asked_to_wait_until = None, None
        connection.save()
        forget_slots(connection)
    restore(world)
    repair_connection(world)
    began = time.monotonic()
    wait_for(lambda: is_quiet(world), QUIET_SECONDS)
    world.longest_recovery_seconds = max(world.longest_recovery_seconds, time.monotonic() - began)
    world.sums["quiet points"] += 1
    check_connection(world.connection, world.sandbox.ledger, world.sandbox.tags)
    for job in ImportJob.objects.filter(pk__in=world.rows):
        assert job.total == world.rows[job.pk], f"C1: rows of import {job.pk}"
    listen(world)


def is_quiet(world: World) -> bool:
    # A sender that was to be struck meets its step only now, perhaps.
    staff(world)
    unblocked = not Connection.objects.filter(pk=world.connection.pk, state="blocked").exists()
    if not unblocked:
        # What was in flight when the faults ended may have blocked it once more.
        repair_connection(world)
    # Whoever wakes may still have a late answer to note.
    asleep = any(sender.is_paused for sender in world.senders.running)
    return unblocked and not asleep and not ImportJob.objects.exclude(status__in=RESTING).exists()


def listen(world: World) -> None:
    """C8, and what nobody foresaw, in the words of senders that have ended since the last time."""
    check_words(stored_words(ImportJob.objects.filter(connection=world.connection)))
    for sender in list(world.senders.all):
        text = sender.output.read_text()
        check_words([text])
        assert "counts of import" not in text, f"C1: {text}"
        if not sender.runs:
            world.sums["struck"] += sender.was_struck
            assert not [one for one in unforeseen(text) if not is_foreseen(world, one)], text
            world.senders.bury(sender)


def is_foreseen(world: World, error: str) -> bool:
    """Whoever lost the connection says so, and was struck no other way; or slept too long over a transaction."""
    cut_off = bool(world.sums["cut off"]) and "OperationalError" in error
    return cut_off or "idle-in-transaction timeout" in error


def unforeseen(text: str) -> list[str]:
    """The last line of each traceback, which names the exception."""
    found = []
    for part in text.split("UNFORESEEN\n")[1:]:
        around = (" ", "\t", "Traceback", "The above")
        lines = [line for line in part.splitlines() if line and not line.startswith(around)]
        lines = [line for line in lines if not line.startswith(("During", "2", "SIGKILL", "SIGSTOP"))]
        found.append(lines[-1] if lines else "?")
    return found


def unfinished(world: World) -> Iterator[str]:
    """What stands in the way, when something did not end."""
    for job in ImportJob.objects.exclude(status__in=RESTING).order_by("queue_number"):
        waits = f"waits {job.wait_reason} until {job.wait_until}" if job.wait_until else "waits for nothing"
        yield (
            f"import {job.pk} ({job.operation}, place {job.queue_number}, run {job.run}) {job.status},"
            f" fence {job.fence}, lease until {job.lease_until}, {waits}, {job.counts}"
        )
    yield str({name: value for name, value in vars(Connection.objects.get(pk=world.connection.pk)).items() if value})
    yield from (f"sender {one.pid}: {'asleep' if one.is_paused else 'awake'}" for one in world.senders.running)
    yield f"now {timezone.now()}, faults {world.sandbox.faults.active()}"


def summary(world: World) -> dict[str, object]:
    calls = Delivery.objects.filter(job__connection=world.connection).exclude(state="planned")
    again = calls.filter(attempt__gt=1).exclude(outcome="not_sent")
    found = ImportJob.objects.filter(connection=world.connection)
    accepted = sum(job.count(RowStatus.ACCEPTED) for job in found)
    return {
        "steps": world.sums["steps"],
        "quiet points": world.sums["quiet points"],
        "imports": len(world.rows),
        "started": found.exclude(run=0).count(),
        "rows": sum(world.rows.values()),
        "rows accepted": accepted,
        "rows lost": sum(world.rows.values()) - sum(job.total for job in found),
        "rows counted twice": accepted - sum(job.rows.filter(status=RowStatus.ACCEPTED).count() for job in found),
        "calls": calls.count(),
        "calls sent again": again.count(),
        "rows sent again": sum(again.values_list("row_count", flat=True)),
        "senders killed or stopped at a step": world.sums["struck"],
        "senders killed at any moment": world.sums["kill"],
        "longest recovery, seconds": round(world.longest_recovery_seconds, 1),
    }
