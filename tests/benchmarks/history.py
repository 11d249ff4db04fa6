"""What the list of imports costs with a long history: 10,000 imports of ten people on three connections.

    python -m tests.benchmarks.history [--imports 10000] [--repeats 40] [--again]

Builds its own database: SQLite in a throwaway folder, or the (empty) PostgreSQL database of DATABASE_URL. Seconds are
those of the processor, of this process and (with PostgreSQL) not of the server: to compare two states of the code, run
both one after the other and take the ratio. Not collected by pytest.
"""

# ruff: noqa: E402 - Django is set up before its models are imported
from __future__ import annotations

import argparse
import gzip
import os
import random
import statistics
import time
from datetime import timedelta

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django

django.setup()

from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tagsync.accounts.models import Person
from tagsync.accounts.roles import ADMINS, MARKETERS, give_role
from tagsync.connections.models import Connection
from tagsync.imports.models import ImportJob, JobTag, Problem
from tagsync.imports.states import JobStatus
from tagsync.queueing import health
from tests.making import COLUMNS

TAGS = ("VIP", "新客", "活动2026", "老客回流", "高价值", "会员日")
# Of a hundred imports: most are finished, many with failures, a few are in every other state.
STATES = ["finished"] * 88 + ["stopped"] * 4 + ["blocked", "queued", "queued", "running", "ready", "ready", "draft"]


def build(number: int) -> None:
    call_command("migrate", verbosity=0)
    people = [Person.objects.create_user(f"p{one}", language="zh-hans", first_name=f"李{one}") for one in range(10)]
    for person in people:
        give_role(person, ADMINS if person == people[0] else MARKETERS)
    platforms = [Connection(name=name, base_url=f"https://{name}.rabbitpre.com") for name in ("east", "south", "west")]
    for platform in platforms:
        platform.set_fixed_token("token")
        platform.save()
    platforms[2].block("forbidden")
    chance = random.Random(1)
    jobs = [job_of(order, number, chance, people, platforms) for order in range(number)]
    ImportJob.objects.bulk_create(jobs, batch_size=500)
    JobTag.objects.bulk_create((JobTag(job=job, tag=tag, rows=9) for job in jobs for tag in TAGS[:3]), batch_size=5000)
    blame([job for job in jobs if "rejected" in job.counts or "to_fix" in job.counts])


def job_of(
    order: int, number: int, chance: random.Random, people: list[Person], platforms: list[Connection]
) -> ImportJob:
    status, platform = JobStatus(chance.choice(STATES)), chance.choice(platforms)
    job = ImportJob(owner=chance.choice(people), connection=platform, status=status, file_name=f"会员_{order}.xlsx")
    job.columns, job.sheet, job.header_row, job.operation = COLUMNS * 4, "Sheet1", 1, chance.choice(("add", "delete"))
    job.summary = {"tags": [[tag, 9] for tag in TAGS], "tag_count": 6, "identifiers": [[["phone"], 1000]] * 30}
    job.counts = {"accepted": 990, "duplicate": 2}
    if chance.random() < 0.4:
        job.counts |= {"rejected": 5, "to_fix": 3}
    if status not in ("draft", "ready"):
        job.first_confirmed_at = timezone.now() - timedelta(minutes=(number - order) * 6)
        job.run, job.queue_number = 1, order + 1
    return job


def blame(jobs: list[ImportJob]) -> None:
    """A cause for the rejected rows and one for those to fix, of which nothing was done in four of five imports."""
    refused = [
        Problem(job=job, origin="platform", code="refused", params={"message": "标签不存在"}, fingerprint="a")
        for job in jobs
    ]
    to_fix = [Problem(job=job, origin="check", code="phone_invalid", fingerprint="b") for job in jobs]
    Problem.objects.bulk_create([*refused, *to_fix], batch_size=5000)
    if not hasattr(ImportJob, "left_causes"):
        return
    for job, one, other in zip(jobs, refused, to_fix, strict=True):
        if job.status in ("finished", "stopped", "blocked"):
            job.fixed_failures, job.left_to_owner, job.left_to_admins = (8, 0, 0) if job.pk % 5 == 0 else (0, 3, 5)
            job.left_causes = [] if job.pk % 5 == 0 else [[one.pk, 5], [other.pk, 3]]
    kept = ["fixed_failures", "left_to_owner", "left_to_admins", "left_causes"]
    ImportJob.objects.bulk_update(jobs, kept, batch_size=500)


def measure(client: Client, address: str, repeats: int) -> str:
    client.get(address)
    with CaptureQueriesContext(connection) as queries:
        response = client.get(address)
    assert response.status_code == 200, response.status_code
    number, times = len(queries), []
    for _ in range(repeats):
        began = time.process_time()
        client.get(address)
        times.append((time.process_time() - began) * 1000)
    times.sort()
    p95 = times[min(int(len(times) * 0.95), len(times) - 1)]
    body = response.content
    weight = f"{len(body) / 1000:.1f} | {len(gzip.compress(body)) / 1000:.1f}"
    return f"{number} | {statistics.median(times):.1f} | {p95:.1f} | {weight}"


PAGES = {
    "history": "/imports/",
    "history, older": "/imports/?before=5000",
    "history, with failures": "/imports/?status=finished_with_failures",
    "history, by name": "/imports/?q=_77.",
    "history, a week": "/imports/?since=2026-11-20",
}


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--imports", type=int, default=10_000)
    asked.add_argument("--repeats", type=int, default=40)
    asked.add_argument("--again", action="store_true", help="measure the database that an earlier run built")
    options = asked.parse_args()
    health._look = lambda: health.QueueHealth(True, 1, 1, 1)
    if not options.again:
        build(options.imports)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")  # as the server itself does after a while
    print(f"{connection.vendor}, {options.imports:,} imports\n")
    print("| page | who | queries | median CPU ms | p95 CPU ms | kB | kB gzipped |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: |")
    for who, name in (("admin", "p0"), ("marketer", "p1")):
        client = Client(headers={"host": "localhost"})
        client.force_login(Person.objects.get(username=name))
        for page, address in PAGES.items():
            print(f"| {page} | {who} | {measure(client, address, options.repeats)} |", flush=True)


if __name__ == "__main__":
    main()
