"""What people, senders and the platform do in a random mix: one function an act, chosen by weight from ACTS."""

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

from django.db import connection as database
from django.db import transaction

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.connections.pace import forget_slots
from tagsync.delivery import actions, connection_actions
from tagsync.imports.drafts import deletion, drafts
from tagsync.imports.followups import undo
from tagsync.imports.followups.retry import Selection
from tagsync.imports.models import ImportJob
from tagsync.imports.states import ENDED, RETRYABLE, JobStatus, RowStatus
from tagsync.sandbox import DEFAULT_APP_ID, DEFAULT_APP_SECRET, DEFAULT_TOKEN, Sandbox
from tests.faults.senders import Sender, Senders
from tests.faults.steps import SENDING
from tests.making import FIELDS, customer, draft

CUSTOMERS = 150
TAGS = ("春季活动", "会员", "新客")
ROWS_PER_CALL = 10
AT_WORK = 2  # senders that are neither dead nor asleep
ALIVE = 5
CALL_TAKES_SECONDS = 0.15  # or an import would be over before anything can happen to it
NAP_SECONDS = 3.5  # longer than a lease
# How far a sender's clock is ahead of the database's.
CLOCKS_SECONDS = (0, 0, 0, -90, 300, 25 * 3600)
FIXED_TAGS = ("", "节日")

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
    actions.check(job, world.owner)
    world.rows[job.pk] = len(rows)


def start(world: World) -> None:
    job, trial = one_of(world, jobs(world, JobStatus.READY)), world.rng.random() < 0.15
    if job:
        actions.start(job, world.owner, 10 if trial else None)


def stop(world: World) -> None:
    if job := one_of(world, jobs(world, JobStatus.QUEUED, JobStatus.RUNNING)):
        actions.stop(job, world.owner)


def resume(world: World) -> None:
    if job := one_of(world, jobs(world, JobStatus.STOPPED, JobStatus.BLOCKED)):
        actions.resume(job, world.owner)


def retry(world: World) -> None:
    one = (RowStatus.REJECTED, RowStatus.IN_DOUBT, RowStatus.SUPERSEDED)
    statuses = world.rng.choice((RETRYABLE, *(frozenset({status}) for status in one)))
    failed = [job for job in jobs(world, *ENDED) if job.failed or job.count(RowStatus.SUPERSEDED)]
    if job := one_of(world, failed):
        actions.retry(job, Selection(statuses), world.owner)


def check_anew(world: World) -> None:
    """Other columns, while a check runs or after it."""
    if job := one_of(world, jobs(world, JobStatus.CHECKING, JobStatus.READY)):
        columns = actions.Columns(dict(enumerate(FIELDS)), world.rng.choice(FIXED_TAGS))
        actions.choose_and_check(job, columns, drafts.Choices(world.connection, job.operation, "fuzzy", 1), world.owner)


def discard(world: World) -> None:
    if job := one_of(world, jobs(world, JobStatus.READY)):
        number = job.pk
        deletion.discard(job, world.owner)
        world.rows.pop(number, None)


def undo_import(world: World) -> None:
    done = [job for job in jobs(world, *ENDED) if job.count(RowStatus.ACCEPTED)]
    if job := one_of(world, done):
        made = undo.undo_draft(job, world.owner)
        if made.status == JobStatus.DRAFT:
            actions.check(made, world.owner)
        with made.file.open("rb") as written:
            world.rows[made.pk] = sum(1 for _ in written) - 1  # the first line names the columns


# -- admins


def stored(world: World) -> Connection:
    """Locked, as the page does it. Call it inside a transaction."""
    return Connection.objects.select_for_update(no_key=True).get(pk=world.connection.pk)


def change_token(world: World) -> None:
    with transaction.atomic():
        connection = stored(world)
        if world.rng.random() < 0.5:
            connection.set_fixed_token(DEFAULT_TOKEN)
        else:
            connection.set_app(DEFAULT_APP_ID, DEFAULT_APP_SECRET)
        connection.save()
    if world.rng.random() < 0.5:
        world.sandbox.expire_tokens()


def edit(world: World) -> None:
    with transaction.atomic():
        connection = stored(world)
        connection.rows_per_call = world.rng.choice((3, ROWS_PER_CALL))
        connection.resend_unanswered = world.rng.random() < 0.7
        connection.parallel_calls = world.rng.choice((1, 2, 4))
        connection.calls_per_period, connection.period_seconds = world.rng.choice(((1000, 1), (5, 1), (1, 3600)))
        connection.save()
        forget_slots(connection)


def archive(world: World) -> None:
    connection_actions.archive(world.connection, world.owner, 10**9)
    if world.rng.random() < 0.8:
        restore(world)


def restore(world: World) -> None:
    stale = Connection.objects.get(pk=world.connection.pk)
    if stale.archived_at:
        stale.restore()


# -- senders


def staff(world: World) -> None:
    """Always somebody at work, and never a crowd."""
    alive = world.senders.running
    awake = [sender for sender in alive if not sender.is_paused]
    for _ in range(AT_WORK - len(awake)):
        world.senders.start(clock_seconds=world.rng.choice(CLOCKS_SECONDS))
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


def cut_off(world: World) -> None:
    """The database ends everybody's connection but this one's, as its restart does."""
    if database.vendor == "postgresql":
        world.sums["cut off"] += 1
        with database.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )


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


ACTS: dict[str, tuple[int, Callable[[World], None]]] = {
    "upload": (10, upload),
    "start": (14, start),
    "stop": (3, stop),
    "resume": (5, resume),
    "retry": (4, retry),
    "check anew": (3, check_anew),
    "discard": (1, discard),
    "undo": (1, undo_import),
    "change the token": (2, change_token),
    "edit the connection": (3, edit),
    "archive": (1, archive),
    "restore": (1, restore),
    "cut off": (1, cut_off),
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
