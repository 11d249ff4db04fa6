"""Server time, queries and weight of the pages, with 1,000 imports of which two have a million rows each.

    python -m tests.benchmarks.pages [--rows 1000000] [--repeats 40]

Builds its own database: SQLite in a throwaway folder, or the (empty) PostgreSQL database of DATABASE_URL. Every page is
asked for through Django's test client, so there is no network in it and no server; each repeat asks for another place
or another customer. Not collected by pytest: nothing here is asserted against a clock.
"""

# ruff: noqa: E402 - Django is set up before its models are imported
from __future__ import annotations

import argparse
import gzip
import hashlib
import os
import random
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import islice
from typing import Any, NamedTuple

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
from tagsync.imports.check import staging
from tagsync.imports.models import Delivery, ImportJob, JobTag
from tagsync.imports.models.row import Origin
from tagsync.imports.problems.groups import problem_for
from tagsync.imports.sending import counts
from tagsync.imports.states import JobStatus
from tagsync.queueing import health
from tests.making import COLUMNS

IMPORTS = 1000
SMALL_ROWS = 1000
CUSTOMERS = 2_000_000
TAGS = ("VIP", "新客", "活动2026", "老客回流", "高价值,沉睡用户", "会员日,母婴,华东")
REFUSALS = ("客户不存在", "标签不存在", "参数错误")
CHECK_CODES = ("phone_invalid", "openid_invalid", "no_tags", "number_too_long")
BUSY = 7  # this customer stands in every import


def identifiers(customer: int) -> tuple[str, str, str, str]:
    digest = hashlib.md5(str(customer).encode(), usedforsecurity=False).hexdigest()
    phone = 13_000_000_000 + customer * 2_654_435_761 % 6_999_999_999
    unionid = f"u{digest[4:31]}" if customer % 3 else ""
    return f"{880000000000000000 + customer * 37}", f"o{digest[:27]}", unionid, str(phone)


# -- building


def build(rows: int) -> tuple[ImportJob, ImportJob]:
    """Two large imports, one ended and one checked, among many small ones."""
    call_command("migrate", verbosity=0)
    people = [Person.objects.create_user(f"p{number}", language="zh-hans") for number in range(10)]
    for person in people:
        give_role(person, ADMINS if person == people[0] else MARKETERS)
    platform = Connection(name="华东", base_url="https://integrate.rabbitpre.com")
    platform.set_fixed_token("token")
    platform.save()
    ended = checked = None
    for number in range(IMPORTS):
        owner, size = people[1 + number % 9], SMALL_ROWS
        if number == IMPORTS // 2:
            ended = fill(make(owner, platform, number, JobStatus.FINISHED), rows)
        elif number == IMPORTS // 2 + 9:
            checked = fill(make(owner, platform, number, JobStatus.READY), rows)
        else:
            fill(make(owner, platform, number, JobStatus.FINISHED), size)
    assert ended and checked
    return ended, checked


def make(owner: Person, platform: Connection, number: int, status: JobStatus) -> ImportJob:
    job = ImportJob(owner=owner, connection=platform, status=status, file_name=f"会员_{number}.xlsx", columns=COLUMNS)
    job.sheet, job.header_row, job.operation = "Sheet1", 1, ("add", "delete")[number % 2]
    if status == JobStatus.FINISHED:
        job.run, job.queue_number = 1, number
        job.first_confirmed_at = timezone.now() - timedelta(hours=IMPORTS - number)
        job.ended_at = job.first_confirmed_at + timedelta(minutes=30)
    job.save()
    return job


def fill(job: ImportJob, size: int) -> ImportJob:
    rows = staged(job, size)
    while chunk := list(islice(rows, 5000)):
        staging._insert(chunk)
    job.counts = counts.counted(job)
    tags = [(tag, size // len(TAGS)) for tags in TAGS for tag in tags.split(",")]
    job.summary = {"tags": tags, "tag_count": len(tags), "identifiers": [[["phone"], size]], "changes": []}
    job.summary |= {"warnings": [], "look_alikes": []}
    job.save()
    JobTag.objects.bulk_create(JobTag(job=job, tag=tag, rows=rows) for tag, rows in dict(tags).items())
    if job.status == JobStatus.FINISHED:
        calls = (
            Delivery(
                job=job, run=1, batch=at // 500 + 1, row_ranges=[[at + 2, at + 501]], row_count=500, fence=1,
                state="answered", outcome="accepted", http_status=200, code="200", answered_at=job.first_confirmed_at,
            )
            for at in range(0, size, 500)
        )  # fmt: skip
        Delivery.objects.bulk_create(calls, batch_size=2000)
    return job


def staged(job: ImportJob, size: int) -> Iterator[staging._Staged]:
    """Of a hundred rows four were rejected, one is in doubt, three are to fix and two are duplicates."""
    chance = random.Random(job.pk)
    is_ended = job.status == JobStatus.FINISHED
    refused = [problem_for(job, Origin.PLATFORM, "refused", {"message": text}).pk for text in REFUSALS]
    doubt = problem_for(job, Origin.US, "no_answer", {}).pk
    to_fix = [problem_for(job, Origin.CHECK, code, {"field": "phone"}).pk for code in CHECK_CODES]
    for number in range(2, size + 2):
        customer = BUSY if number == 2 else chance.randrange(CUSTOMERS)
        state, problem = "accepted" if is_ended else "waiting", None
        match number % 100:
            case 10 | 30 | 50 | 70 if is_ended:
                state, problem = "rejected", refused[number // 100 % 3]
            case 90 if is_ended:
                state, problem = "in_doubt", doubt
            case 20 | 40 | 60:
                state, problem = "to_fix", to_fix[number // 100 % 4]
            case 80 | 81:
                state = "duplicate"
        notes = "[]" if state != "to_fix" else '[{"code": "phone_invalid", "field": "phone", "column": "A"}]'
        yield staging._Staged(job.pk, number, *identifiers(customer), chance.choice(TAGS), state, problem, notes)


# -- measuring


class Result(NamedTuple):
    median: float
    p95: float
    queries: int
    plain: int
    packed: int


def measure(client: Client, address: Callable[[int], str], repeats: int, typed: Callable[[int], str] | None) -> Result:
    """With `typed`, the address takes it by POST, and the page that this leads to is measured together with it."""

    def ask(turn: int) -> Any:
        if typed is None:
            return client.get(address(turn))
        return client.get(client.post(address(turn), {"typed": typed(turn)})["Location"])

    ask(0)
    with CaptureQueriesContext(connection) as queries:
        response = ask(0)
        number = len(queries)
    assert response.status_code == 200, response.status_code
    times = []
    for turn in range(1, repeats + 1):
        began = time.perf_counter()
        ask(turn)
        times.append((time.perf_counter() - began) * 1000)
    times.sort()
    body = response.content
    p95 = times[min(int(len(times) * 0.95), len(times) - 1)]
    return Result(statistics.median(times), p95, number, len(body), len(gzip.compress(body)))


def pages(ended: ImportJob, checked: ImportJob, rows: int) -> dict[str, tuple[Any, Any]]:
    at, chance = f"/imports/{ended.pk}", random.Random(3)
    customers = [chance.randrange(CUSTOMERS) for _ in range(1000)]
    numbers = [chance.randrange(2, rows) for _ in range(1000)]
    refused = ended.problems.filter(code="refused").first()
    assert refused

    def here(row: int) -> str:
        return ended.rows.values_list("openid", flat=True).get(row_number=row)

    known = [here(number) for number in numbers[:200]]
    return {
        "history": (lambda turn: f"/imports/?page={turn % 40 + 1}", None),
        "history, with failures": (lambda turn: "/imports/?status=finished_with_failures", None),
        "history, by name": (lambda turn: f"/imports/?q=_{turn * 7}.", None),
        "job page": (lambda turn: f"{at}/", None),
        "calls of the job": (lambda turn: f"{at}/calls/?page={turn + 1}", None),
        "rows, first page": (lambda turn: f"{at}/rows/", None),
        "rows, deep page": (lambda turn: f"{at}/rows/?after={numbers[turn]}", None),
        "rows by state, first page": (lambda turn: f"{at}/rows/?status=rejected", None),
        "rows by state, deep page": (lambda turn: f"{at}/rows/?status=rejected&after={numbers[turn]}", None),
        "rows by cause": (lambda turn: f"{at}/rows/?problem={refused.pk}&after={numbers[turn]}", None),
        "one row opened": (lambda turn: f"{at}/rows/?row={numbers[turn]}&after={numbers[turn] - 1}", None),
        "row search, identifier": (lambda turn: f"{at}/rows/search/", lambda turn: known[turn % 200]),
        "row search, number": (lambda turn: f"{at}/rows/search/", lambda turn: str(numbers[turn])),
        "row search, nothing": (lambda turn: f"{at}/rows/search/", lambda turn: f"oNobody{turn:021d}"),
        "customer, one of many": (lambda turn: "/customers/", lambda turn: identifiers(customers[turn])[turn % 2]),
        "customer in 1,000 imports": (lambda turn: "/customers/", lambda turn: identifiers(BUSY)[turn % 2]),
        "customer, nobody": (lambda turn: "/customers/", lambda turn: f"139{turn:08d}"),
        "check page": (lambda turn: f"/imports/{checked.pk}/check/", None),
    }


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--rows", type=int, default=1_000_000)
    asked.add_argument("--repeats", type=int, default=40)
    asked.add_argument("--again", action="store_true", help="measure the database that an earlier run built")
    options = asked.parse_args()
    health._look = lambda: health.QueueHealth(True, 1, 1)
    began = time.perf_counter()
    if options.again:
        large = ImportJob.objects.filter(pk__in=(IMPORTS // 2 + 1, IMPORTS // 2 + 10)).order_by("pk")
        ended, checked = large[0], large[1]
    else:
        ended, checked = build(options.rows)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")  # as the server itself does after a while
    print(f"{connection.vendor}, {options.rows:,} rows, built in {time.perf_counter() - began:.0f} s\n")
    print("| page | who | queries | median ms | p95 ms | kB | kB gzipped |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: |")
    for who, person in (("admin", Person.objects.get(username="p0")), ("owner", ended.owner)):
        client = Client(headers={"host": "localhost"})
        client.force_login(person)
        for name, (address, typed) in pages(ended, checked, options.rows).items():
            one = measure(client, address, options.repeats, typed)
            weight = f"{one.plain / 1000:.1f} | {one.packed / 1000:.1f}"
            print(f"| {name} | {who} | {one.queries} | {one.median:.1f} | {one.p95:.1f} | {weight} |", flush=True)


if __name__ == "__main__":
    main()
