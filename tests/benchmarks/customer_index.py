"""What the indexes by which customers are found cost, and what they give, in a table that is already large.

    python -m tests.benchmarks.customer_index [--rows 2000000]

Three tables side by side in one run: without such indexes, with one on each identifier, and with the row's shelf
(`imports.models.row.Shelf`) before it. Each takes 100,000 new rows as the check writes them (5,000 in a transaction),
settles them as sending does (500 in a transaction), and is searched. SQLite in a throwaway folder, or the PostgreSQL
database of DATABASE_URL; a database that holds rows already is filled up to the number asked for. Not collected by
pytest: nothing here is asserted against a clock.
"""

# ruff: noqa: E402 - Django is set up before its models are imported
from __future__ import annotations

import argparse
import os
import random
import time
from collections.abc import Callable, Iterable
from functools import partial
from itertools import islice
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django

django.setup()

from django.core.management import call_command
from django.db import connection, models, transaction
from django.utils import timezone

from tagsync.accounts.models import Person
from tagsync.imports.check import staging
from tagsync.imports.customer_search import holding, search_for, sought
from tagsync.imports.models import ImportJob, ImportRow
from tagsync.imports.models.row import IDENTIFIER_COLUMNS, is_filled
from tagsync.imports.states import JobStatus
from tests.benchmarks.pages import CUSTOMERS, identifiers

SMALL_ROWS = 20_000
NEW_ROWS = 100_000
LOOKS = 300

SHELVED = [index for index in ImportRow._meta.indexes if index.name.startswith("row_by_")]
PLAIN = [
    models.Index(fields=[column], name=f"plain_{column}"[:30], condition=is_filled(column))
    for column in IDENTIFIER_COLUMNS
]
VARIANTS: dict[str, list[models.Index]] = {"none": [], "identifier": PLAIN, "shelf, identifier": SHELVED}


def new_import() -> ImportJob:
    person, _made = Person.objects.get_or_create(username="bench")
    return ImportJob.objects.create(owner=person, status=JobStatus.FINISHED, first_confirmed_at=timezone.now())


def write(job: ImportJob, size: int, status: str) -> None:
    chance = random.Random(job.pk)
    rows = (
        staging._Staged(job.pk, number, *identifiers(chance.randrange(CUSTOMERS)), "VIP,新客", status, None, "[]")
        for number in range(2, size + 2)
    )
    while chunk := list(islice(rows, 5000)):
        with transaction.atomic():
            staging._insert(chunk)


def settle(job: ImportJob, size: int) -> None:
    for first in range(2, size + 2, 500):
        with transaction.atomic():
            rows = ImportRow.objects.filter(job=job, status="waiting", row_number__in=range(first, first + 500))
            rows.update(status="accepted", settled_run=1)


def search(variant: str) -> list[float]:
    """Milliseconds of each look for one customer in all four columns, sorted."""
    chance, times = random.Random(1), []
    rows = ImportRow.objects.all()
    if variant.startswith("shelf"):
        rows = search_for(Person(username="bench", is_superuser=True), "x").rows()
    for _ in range(LOOKS):
        began = time.perf_counter()
        for question in holding(rows, sought(identifiers(chance.randrange(CUSTOMERS))[1])):
            list(question.order_by("-job_id", "-row_number")[:51])
        times.append((time.perf_counter() - began) * 1000)
    return sorted(times)


def change(indexes: Iterable[models.Index], *, add: bool) -> None:
    with connection.schema_editor() as editor:
        for index in indexes:
            (editor.add_index if add else editor.remove_index)(ImportRow, index)


def refresh() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        if connection.vendor == "postgresql":
            cursor.execute("CHECKPOINT")
        else:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def written() -> float:
    """MB that the database has written so far: of this process with SQLite, of the write-ahead log with PostgreSQL."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn")
            return float(cursor.fetchone()[0]) / 1e6
    lines = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(lines["wchar"]) / 1e6


def timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--rows", type=int, default=2_000_000)
    options = asked.parse_args()
    call_command("migrate", verbosity=0)
    change(SHELVED, add=False)
    while ImportRow.objects.count() < options.rows:
        for _ in range(10):
            write(new_import(), SMALL_ROWS, "accepted")
    print(f"{connection.vendor}, {ImportRow.objects.count():,} rows before\n")
    print("| indexes on | building s | check s | MB written | sending s | MB written | search median ms | p95 ms |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for name, indexes in VARIANTS.items():
        building = timed(partial(change, indexes, add=True))
        refresh()
        job = new_import()
        before = written()
        writing = timed(partial(write, job, NEW_ROWS, "waiting"))
        between = written()
        settling = timed(partial(settle, job, NEW_ROWS))
        amounts = between - before, written() - between
        times = search(name) if indexes else []
        found = f"{times[LOOKS // 2]:.1f} | {times[LOOKS * 95 // 100]:.1f}" if times else "– | –"
        check, sending = f"{writing:.1f} | {amounts[0]:.0f}", f"{settling:.1f} | {amounts[1]:.0f}"
        print(f"| {name} | {building:.0f} | {check} | {sending} | {found} |", flush=True)
        ImportRow.objects.filter(job=job).delete()
        change(indexes, add=False)
    change(SHELVED, add=True)


if __name__ == "__main__":
    main()
