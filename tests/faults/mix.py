"""Random mixes: people start, stop and retry imports while senders are killed and put to sleep and the platform fails.

Every choice comes from the seed; what the machine does between two steps does not, so a seed finds its way back to the
same acts, not always to the same moment. At quiet points the faults end, everything has to end, and C1–C8 must hold.
"""

from __future__ import annotations

import contextlib
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.delivery import acts
from tagsync.imports.models import Delivery, ImportJob
from tagsync.imports.retrying import NothingToRetry, Selection
from tagsync.imports.states import ENDED, RESTING, RETRYABLE, JobStatus, MoveRefused, RowStatus
from tagsync.sandbox import DEFAULT_APP_ID, DEFAULT_APP_SECRET, Sandbox
from tests.faults.senders import Sender, Senders
from tests.faults.steps import SENDING
from tests.installation import wait_for
from tests.invariants import check_connection, check_words, stored_words
from tests.making import customer, draft

CUSTOMERS = 150
TAGS = ("春季活动", "会员", "新客")
ROWS_PER_CALL = 10
STEPS_BETWEEN_QUIET_POINTS = 25
AT_WORK = 2  # senders that are neither dead nor asleep
ALIVE = 5
CALL_TAKES_SECONDS = 0.15  # or an import would be over before anything can happen to it
NAP_SECONDS = 3.5  # longer than a lease
# A lease, a hold-back and a few back-offs, for each import in a line of opposite operations one after the other.
QUIET_SECONDS = 90.0

FAULTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("latency", {"seconds": 0.3, "times": 5}),
    ("close_before_read", {}),
    ("cut", {}),
    ("status", {"http_status": 500}),
    ("status", {"http_status": 413, "times": 1}),
    ("status", {"http_status": 403, "times": 1}),
    ("status", {"http_status": 429, "retry_after": "1", "times": 1}),
    ("busy", {"retry_after": "1", "times": 1}),
    ("token_expired", {"times": 1}),
    ("html", {}),
    ("refuse_all", {"times": 1}),
    ("refuse_rows", {"field": "phone"}),
    ("apply_half", {}),
    ("apply_then_hang", {"seconds": 1.5, "times": 1}),
    ("apply_then_cut", {}),
    ("truncated_json", {}),
    ("slow_drip", {"seconds": 0.02, "times": 1}),
    ("cut", {"on": "token"}),
    ("status", {"http_status": 500, "on": "token"}),
)


@dataclass
class World:
    rng: random.Random
    owner: Person
    connection: Connection
    sandbox: Sandbox
    senders: Senders
    rows: dict[int, int] = field(default_factory=dict)  # import → rows in its file
    sums: Counter[str] = field(default_factory=Counter)
    longest_recovery_seconds: float = 0.0
    read_to: int = 0  # senders whose words were read


def prepare(connection: Connection, sandbox: Sandbox) -> None:
    connection.base_url, connection.rows_per_call = sandbox.url, ROWS_PER_CALL
    connection.set_app(DEFAULT_APP_ID, DEFAULT_APP_SECRET)
    connection.save()


def run(world: World, steps: int) -> None:
    """Raises AssertionError with what is broken."""
    names, weights = zip(*((name, weight) for name, (weight, _) in STEPS.items()), strict=True)
    mend_everything(world)
    with waking(world):
        for number in range(1, steps + 1):
            staff(world)
            name = world.rng.choices(names, weights)[0]
            with contextlib.suppress(MoveRefused, NothingToRetry, acts.NothingToSend):
                STEPS[name][1](world)
                world.sums[name] += 1
            world.sums["steps"] += 1
            if number % STEPS_BETWEEN_QUIET_POINTS == 0 or number == steps:
                quiet_point(world)


# -- people


def jobs(world: World, *statuses: str) -> list[ImportJob]:
    return list(ImportJob.objects.filter(connection=world.connection, status__in=statuses).order_by("id"))


def one_of(world: World, found: list[ImportJob]) -> ImportJob | None:
    return world.rng.choice(found) if found else None


def upload(world: World) -> None:
    rng = world.rng
    numbers = [rng.randrange(CUSTOMERS) for _ in range(rng.randint(10, 120))]
    rows = [customer(number, ",".join(rng.sample(TAGS, rng.randint(1, 2)))) for number in numbers]
    if rng.random() < 0.3:
        rows += [rows[0], ("", "", "", "12", "x")]
    job = draft(world.owner, world.connection, rows, operation=rng.choice(("add", "add", "delete")))
    acts.check(job, world.owner)
    world.rows[job.pk] = len(rows)


def start(world: World) -> None:
    job, trial = one_of(world, jobs(world, JobStatus.READY)), world.rng.random() < 0.15
    if job:
        acts.start(job, world.owner, 10 if trial else None)


def stop(world: World) -> None:
    if job := one_of(world, jobs(world, JobStatus.QUEUED, JobStatus.RUNNING)):
        acts.stop(job, world.owner)


def resume(world: World) -> None:
    if job := one_of(world, jobs(world, JobStatus.STOPPED, JobStatus.BLOCKED)):
        acts.resume(job, world.owner)


def retry(world: World) -> None:
    statuses = world.rng.choice((RETRYABLE, frozenset({RowStatus.REJECTED}), frozenset({RowStatus.IN_DOUBT})))
    failed = [job for job in jobs(world, *ENDED) if job.failed]
    if job := one_of(world, failed):
        acts.retry(job, Selection(statuses), world.owner)


# -- senders


def staff(world: World) -> None:
    """Always somebody at work, and never a crowd."""
    alive = world.senders.running
    awake = [sender for sender in alive if not sender.is_paused]
    for _ in range(AT_WORK - len(awake)):
        world.senders.start()
    for sender in alive[: max(0, len(alive) - ALIVE)]:
        sender.send(signal.SIGKILL)


def someone(world: World) -> Sender:
    return world.rng.choice(world.senders.running or [world.senders.start()])


def kill(world: World) -> None:
    someone(world).send(signal.SIGKILL)


def end_politely(world: World) -> None:
    someone(world).send(signal.SIGTERM)


def put_to_sleep(world: World) -> None:
    someone(world).send(signal.SIGSTOP)


def strike(world: World) -> None:
    """A sender that will be struck at a certain step; the others make room for it."""
    step, nth = world.rng.choice(SENDING), world.rng.choice((1, 1, 1, 2, 3))
    how = world.rng.choice(("SIGKILL", "SIGKILL", "SIGSTOP"))
    someone(world).send(signal.SIGTERM)
    world.senders.start(step, nth, how)


@contextlib.contextmanager
def waking(world: World) -> Iterator[None]:
    """Who sleeps is woken after a while: on SQLite it may hold the only lock, and then nobody else could do it."""
    over = threading.Event()

    def watch() -> None:
        asleep: dict[int, float] = {}
        while not over.wait(0.1):
            paused = [sender for sender in list(world.senders.all) if sender.is_paused]
            asleep = {sender.pid: asleep.get(sender.pid, time.monotonic()) for sender in paused}
            for sender in paused:
                if time.monotonic() - asleep[sender.pid] > NAP_SECONDS:
                    sender.wake()

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


# -- the platform


def break_something(world: World) -> None:
    kind, options = world.rng.choice(FAULTS)
    more: dict[str, Any] = {"times": world.rng.randint(1, 4)}
    if kind == "refuse_rows":
        more = {"equals": customer(world.rng.randrange(CUSTOMERS))[3]}
    world.sandbox.faults.add(kind, **{**more, **options})


def mend_everything(world: World) -> None:
    world.sandbox.faults.clear()
    world.sandbox.faults.add("latency", seconds=CALL_TAKES_SECONDS)


def repair_connection(world: World) -> None:
    world.connection.unblock()


def let_tokens_expire(world: World) -> None:
    world.sandbox.expire_tokens()


def let_time_pass(world: World) -> None:
    time.sleep(world.rng.uniform(0.05, 0.6))


STEPS: dict[str, tuple[int, Callable[[World], None]]] = {
    "upload": (10, upload),
    "start": (14, start),
    "stop": (3, stop),
    "resume": (5, resume),
    "retry": (4, retry),
    "kill": (3, kill),
    "strike": (8, strike),
    "end politely": (1, end_politely),
    "put to sleep": (2, put_to_sleep),
    "break something": (7, break_something),
    "mend everything": (3, mend_everything),
    "repair the connection": (3, repair_connection),
    "let tokens expire": (1, let_tokens_expire),
    "let time pass": (12, let_time_pass),
}

# -- quiet points


def quiet_point(world: World) -> None:
    """The faults end; then everything must end by itself, and what is written must be true."""
    mend_everything(world)
    # Or the batches would get smaller and smaller over a long run.
    Connection.objects.filter(pk=world.connection.pk).update(effective_rows_per_call=None)
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
    return unblocked and not ImportJob.objects.exclude(status__in=RESTING).exists()


def listen(world: World) -> None:
    """C8, and what nobody foresaw, in the words of senders that have ended since the last time."""
    check_words(stored_words(ImportJob.objects.filter(connection=world.connection)))
    for sender in list(world.senders.all):
        text = sender.output.read_text()
        check_words([text])
        assert "counts of import" not in text, f"C1: {text}"
        if not sender.runs:
            world.sums["struck"] += sender.was_struck
            assert not unforeseen(text), text
            world.senders.bury(sender)


def unforeseen(text: str) -> list[str]:
    """The last line of each traceback, which names the exception."""
    found = []
    for part in text.split("UNFORESEEN\n")[1:]:
        lines = [line for line in part.splitlines() if line and not line.startswith((" ", "Traceback", "The above"))]
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
