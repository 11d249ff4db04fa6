"""Two machines send at the same time; one of them is killed, then cut off and let back, then frozen and woken.

Each import is worked on by one machine at a time; what the struck one leaves, or does too late, must harm nobody.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from tagsync.connections.models import Connection
from tagsync.imports.models import Delivery, ImportJob, JobEvent
from tagsync.imports.states import Act, JobStatus, RowStatus
from tagsync.sandbox import Sandbox
from tests.faults import pages
from tests.faults.drill import Figures
from tests.faults.machines import LEASE_SECONDS, Machine, machine, set_up, shared_by_all, unforeseen
from tests.faults.redis_server import redis_server
from tests.faults.relay import Relay, relay, to_unix_socket
from tests.installation import wait_for
from tests.invariants import check_connection, check_words, stored_words
from tests.making import customers

IMPORTS = 2
# Slow enough that all three strikes meet imports that are under way.
CALLS, CALLS_PER_SECOND, LATENCY_SECONDS = 500, 6, 0.3
# What the keeper needs to see that a lease is over, and a busy machine adds.
NOTICED_SECONDS = LEASE_SECONDS + 4
PATIENCE_SECONDS = 600


@contextmanager
def two_machines(folder: Path) -> Iterator[tuple[Machine, Machine, tuple[Relay, Relay]]]:
    """The first reaches database and Redis through these two lines. Set up, and nothing is started."""
    with redis_server() as redis:
        shared = shared_by_all(folder, redis.url)
        database = urlsplit(shared["DATABASE_URL"])
        to_database = relay(lambda: socket.create_connection((database.hostname or "", database.port or 5432)))
        to_redis = relay(lambda: to_unix_socket(str(redis.folder / "redis.sock")))
        with to_database as line, to_redis as other_line:
            account = database.netloc.rpartition("@")[0]
            through = {
                "DATABASE_URL": urlunsplit(database._replace(netloc=f"{account}@127.0.0.1:{line.port}")),
                "REDIS_URL": f"redis://127.0.0.1:{other_line.port}/0",
            }
            with machine(folder / "a", {**shared, **through}) as one, machine(folder / "b", shared) as other:
                set_up(one)
                yield one, other, (line, other_line)


def run(folder: Path, rows: int) -> Figures:
    """`rows` of all imports together."""
    with Sandbox() as sandbox, two_machines(folder) as (one, other, lines):
        connection = Connection(name="Sandbox", base_url=sandbox.url, rows_per_call=max(rows // CALLS, 1))
        connection.calls_per_period, connection.period_seconds = CALLS_PER_SECOND, 1
        connection.set_fixed_token("sandbox-token")
        connection.save()
        sandbox.faults.add("latency", seconds=LATENCY_SECONDS)
        one.start()
        other.start()
        assert_all_is_well(one, other)
        figures = Strikes(one, other, lines, sandbox, rows).run()
        one.end()
        other.end()
        check_connection(connection, sandbox.ledger, sandbox.tags)
        check_words([*one.said(), *other.said(), *stored_words(ImportJob.objects.all())])
        # Who loses its database says so; the other one has nothing to say.
        assert not unforeseen(other.said()), "\n".join(other.said())
    return figures


def assert_all_is_well(*machines: Machine) -> None:
    """Each says so: processes, versions, clocks, one storage for all."""
    for one in machines:
        wait_for(lambda one=one: "✗" not in one.manage("doctor", may_fail=True))


class Strikes:
    def __init__(self, one: Machine, other: Machine, lines: tuple[Relay, Relay], sandbox: Sandbox, rows: int) -> None:
        self.one, self.other, self.lines, self.sandbox, self.rows = one, other, lines, sandbox, rows
        self.figures: Figures = {"rows": rows}

    def run(self) -> Figures:
        self._start_imports()
        began = time.monotonic()
        self._strike("killed", self.one.kill, self.one.start)
        self._strike("cut off", self._cut_off, self._let_back)
        self._strike("frozen", self.one.freeze, self.one.let_go_on)
        self._let_the_rest_go_fast()
        wait_for(self._all_is_sent, PATIENCE_SECONDS)
        again = Delivery.objects.filter(attempt__gt=1).exclude(outcome="not_sent")
        self.figures |= {
            "seconds": time.monotonic() - began,
            "calls": len(self.sandbox.ledger),
            "calls sent again": again.count(),
            "rows accepted": sum(job.count(RowStatus.ACCEPTED) for job in ImportJob.objects.all()),
        }
        return self.figures

    def _start_imports(self) -> None:
        """Each from the pages of another machine: they share what was uploaded."""
        each = self.rows // IMPORTS
        with self.one.browser() as here, self.other.browser() as there:
            for number in range(IMPORTS):
                pages.upload(here, customers(each, tags=f"春季活动{number}"))
            ready = ImportJob.objects.filter(status=JobStatus.READY)
            wait_for(lambda: ready.count() == IMPORTS, PATIENCE_SECONDS)
            for browser, job in zip((here, there), ready.order_by("pk"), strict=True):
                pages.start(browser, job.pk)

    def _strike(self, what: str, strike: Callable[[], None], mend: Callable[[], None]) -> None:
        """While it works on an import; for so long that the other machine takes that over."""
        both = ImportJob.objects.filter(status=JobStatus.RUNNING)
        wait_for(lambda: both.count() == IMPORTS and self.one.works_on_an_import, PATIENCE_SECONDS)
        lost = JobEvent.objects.filter(act=Act.PAUSE, why="lease_expired")
        before, calls = lost.count(), len(self.sandbox.ledger)
        strike()
        wait_for(lambda: lost.count() > before, 3 * NOTICED_SECONDS)
        assert lost.count() == before + 1
        wait_for(lambda: len(self.sandbox.ledger) > calls, NOTICED_SECONDS)
        mend()
        self.figures[f"calls when it was {what}"] = calls

    def _cut_off(self) -> None:
        for line in self.lines:
            line.go_dead()

    def _let_back(self) -> None:
        for line in self.lines:
            line.come_back()

    def _let_the_rest_go_fast(self) -> None:
        self.sandbox.faults.clear()
        Connection.objects.update(calls_per_period=1000, next_slot_at=None)

    def _all_is_sent(self) -> bool:
        return not ImportJob.objects.exclude(status=JobStatus.FINISHED).exists()
