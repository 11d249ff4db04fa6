"""How long a person's press takes while another import is worked on in pieces, and who waits for a silent platform.

    python -m tests.benchmarks.presses [rows]

Each long piece of work runs in a thread of its own, on an import of many rows; meanwhile another person starts small
imports one after the other, and the slowest of these presses is told. Then: two workers, six imports on a platform that
accepts and never answers, and how soon an import of one call on another platform begins. SQLite, as in a local
installation; with DATABASE_URL set, in a database of its own there. Nothing is asserted against a clock.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django

from tests.legs import engines

PRESSES = 400
CALL_SECONDS = "30"


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder, engines("faults") as engine:
        quiet = {"TAGSYNC_LOG_LEVEL": "ERROR", "TAGSYNC_CALL_SECONDS": CALL_SECONDS}
        os.environ.update({**engine, **quiet, "TAGSYNC_HOME": folder, "DJANGO_SETTINGS_MODULE": "tests.settings"})
        django.setup()
        run(Path(folder), rows)


def run(folder: Path, rows: int) -> None:
    """Everything that needs Django, which needs the environment first."""
    from django.core.management import call_command

    from tagsync.queueing import doorbell

    call_command("migrate", verbosity=0)
    doorbell.ring = lambda bell, record_id: True
    for name, prepare, work in works():
        job = prepare(rows)
        slowest, presses, seconds = pressing(lambda job=job, work=work: work(job))
        print(f"{name}, {rows} rows: {seconds:.1f} s; slowest of {presses} presses {slowest * 1000:.0f} ms", flush=True)
    hanging(folder)


def pressing(work: Callable[[], object]) -> tuple[float, int, float]:
    """Slowest press in seconds, presses, and how long the work took."""
    from django.db import connections

    from tagsync.delivery import actions

    jobs = [small() for _number in range(PRESSES)]
    done, took = threading.Event(), []

    def in_thread() -> None:
        began = time.monotonic()
        try:
            work()
        finally:
            took.append(time.monotonic() - began)
            done.set()
            connections.close_all()

    thread = threading.Thread(target=in_thread)
    thread.start()
    slowest, presses = 0.0, 0
    while not done.wait(0.02) and jobs:
        job = jobs.pop()
        began = time.monotonic()
        actions.start(job, job.owner)
        slowest, presses = max(slowest, time.monotonic() - began), presses + 1
    thread.join()
    return slowest, presses, took[0]


def works() -> list[tuple[str, Callable[[int], Any], Callable[[Any], object]]]:
    from tagsync.delivery import actions, tasks
    from tagsync.imports.drafts import deletion
    from tagsync.imports.followups import retry
    from tagsync.imports.sending import superseded

    def made_superseded(rows: int) -> Any:
        old, newer = many(rows, "waiting", "running", "add"), many(rows, "accepted", "finished", "delete")
        newer.__class__.objects.filter(pk=newer.pk).update(first_queue_number=(old.first_queue_number or 0) + 1)
        return old

    def supersede(job: Any) -> None:
        assert superseded.mark(job)
        job.refresh_from_db()
        assert set(job.counts) == {"superseded"}, job.counts

    def retry_all(job: Any) -> None:
        actions.retry(job, retry.Selection(), job.owner)
        assert retry.take_up(job, lambda: True)

    def discard(job: Any) -> None:
        deletion.discard(job, job.owner)
        while job.__class__.objects.filter(pk=job.pk).exists():
            deletion.discard_the_rest()

    return [
        ("superseding", made_superseded, supersede),
        ("retry of all rows", lambda rows: many(rows, "rejected", "finished"), retry_all),
        ("stop of rows in doubt", lambda rows: many(rows, "waiting", "queued", unanswered=True), stop),
        ("discard", lambda rows: many(rows, "waiting", "ready"), discard),
        ("check", sheet, lambda job: tasks.run_check(job.pk)),
    ]


def stop(job: Any) -> None:
    from tagsync.delivery import actions

    actions.stop(job, job.owner)
    assert set(job.counts) == {"in_doubt"}, job.counts


def many(rows: int, status: str, of_job: str, operation: str = "add", *, unanswered: bool = False) -> Any:
    """An import of so many rows, written by the database itself."""
    from django.db import connection

    from tagsync.imports.models import ImportJob

    job = ImportJob.objects.create(
        owner=person(), connection=platform("big"), file="none.xlsx", file_name="big.xlsx", file_sha256="0" * 64,
        operation=operation, status=of_job, run=1, counts={status: rows}, queue_number=1, first_queue_number=1,
    )  # fmt: skip
    numbers = (
        f"generate_series(2, {rows + 1}) AS numbers(n)"
        if connection.vendor == "postgresql"
        else f"(WITH RECURSIVE r(n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM r WHERE n < {rows + 1}) SELECT n FROM r)"
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO imports_importrow (job_id, row_number, customer_id, openid, unionid, phone, tags, status,"
            f" notes, unanswered_at) SELECT {job.pk}, n, '88' || n, '', '', '', 'VIP', '{status}', '[]',"
            f" {'CURRENT_TIMESTAMP' if unanswered else 'NULL'} FROM {numbers}"
        )
        if connection.vendor == "postgresql":
            cursor.execute("ANALYZE imports_importrow")
    return job


def sheet(rows: int) -> Any:
    from tagsync.delivery import actions
    from tests.making import customers, draft

    job = draft(person(), platform("big"), customers(rows))
    actions.check(job, job.owner)
    return job


def small() -> Any:
    from tagsync.imports.models import ImportJob

    job = ImportJob(
        owner=person(), connection=platform("small"), file="none.xlsx", file_name="small.xlsx", file_sha256="0" * 64,
        status="ready", counts={"waiting": 1},
    )  # fmt: skip
    job.asked_sha256 = job.choices_sha256()
    job.save()
    job.rows.create(row_number=2, phone="13800138000", tags="VIP", status="waiting")
    return job


def person() -> Any:
    from tagsync.accounts.models import Person

    return Person.objects.filter(username="bench").first() or Person.objects.create_user("bench")


def platform(name: str, url: str = "http://127.0.0.1:9") -> Any:
    from tagsync.connections.models import Connection

    found = Connection.objects.filter(name=name).first()
    if found is None:
        found = Connection(name=name, base_url=url, is_sandbox=True, calls_per_period=1000, period_seconds=1)
        found.set_fixed_token("sandbox-token")
        found.save()
    return found


def hanging(folder: Path) -> None:
    from tagsync.imports.models import Delivery, ImportJob
    from tagsync.sandbox import Sandbox
    from tests.faults import senders
    from tests.making import customers, started

    ImportJob.objects.exclude(status="draft").update(status="finished", lease_until=None)
    senders.QUICK["TAGSYNC_CALL_SECONDS"] = CALL_SECONDS
    with (
        Sandbox() as dead,
        Sandbox() as healthy,
        senders.forker() as process,
        senders.senders_of(process, folder) as workers,
    ):
        dead.faults.add("apply_then_hang", seconds=600)
        for _number in range(6):
            started(person(), platform("dead", dead.url), customers(5))
        for _number in range(2):
            workers.start()
        for after in (3, 20, 20, 20):
            time.sleep(after)
            began, job = time.monotonic(), started(person(), platform("healthy", healthy.url), customers(1))
            while not Delivery.objects.filter(job=job).exists():
                time.sleep(0.01)
            print(f"beside six hanging imports, two workers: begins after {time.monotonic() - began:.2f} s", flush=True)
        workers.end()


if __name__ == "__main__":
    main()
