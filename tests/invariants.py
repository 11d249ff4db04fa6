"""The promises C1–C8 of design.md, section 7: what is in the database against what the sandbox says it got."""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from django.db import transaction
from django.db.models import Q

from tagsync.connections.models import Connection
from tagsync.imports import figures
from tagsync.imports.local_files import local_file
from tagsync.imports.models import Delivery, ImportJob, ImportRow, JobEvent, Problem, RepairedRow
from tagsync.imports.models.delivery import UNKNOWN_FATE, DeliveryOutcome, DeliveryState
from tagsync.imports.problems import TEXTS, sentence
from tagsync.imports.sending.counts import counted
from tagsync.imports.states import ENDED, Act, JobStatus, Mark, RowStatus
from tagsync.mapping.rows import check_row, identifiers
from tagsync.sandbox.ledger import Entry
from tagsync.sheets.reader import rows as read_rows

NEEDS_PROBLEM = {RowStatus.TO_FIX, RowStatus.REJECTED, RowStatus.IN_DOUBT, RowStatus.SUPERSEDED}
MAY_HAVE_ARRIVED = {"", DeliveryOutcome.ACCEPTED, DeliveryOutcome.UNANSWERED, DeliveryOutcome.WORKER_DIED}

# The sandbox notes a call when it has read and applied it, which on a busy machine is a little after it was sent.
SLACK = timedelta(seconds=0.5)

# What tests.making writes into sheets, and the sandbox's credentials: none of it may stand in a log or in Redis.
CANARIES = re.compile(r"8800000000\d{8}|[ou]\d{27}|(?<![0-9a-f])138\d{8}(?!\d)|sandbox-token|sandbox-secret")

Key = tuple[str, tuple[tuple[str, str], ...], str]


def key_of(row: dict[str, str]) -> tuple[tuple[tuple[str, str], ...], str]:
    return identifiers(row), row["tags"]


def applied_rows(ledger: Iterable[Entry]) -> Counter[object]:
    return Counter(key_of(row) for entry in ledger for row in entry.rows[: entry.applied_rows])


@dataclass(frozen=True)
class Arrivals:
    """How often each row with each operation reached the platform, and how often it was applied."""

    received: Counter[Key]
    applied: Counter[Key]


def arrivals(ledger: Iterable[Entry]) -> Arrivals:
    found = Arrivals(Counter(), Counter())
    for entry in ledger:
        keys = [(entry.operation, *key_of(row)) for row in entry.rows]
        found.received.update(keys)
        found.applied.update(keys[: entry.applied_rows])
    return found


@dataclass
class Tries:
    """The calls that held a row, of all imports: another import may have sent the very same row."""

    calls: int = 0
    may_be_applied: int = 0
    accepted_rows: int = 0


def check_invariants(job: ImportJob, ledger: Iterable[Entry], rows_in_file: int | None = None) -> None:
    """C1, C2, C3, C6 of one import; the ledger may hold calls of other imports too."""
    job, found = ImportJob.objects.get(pk=job.pk), arrivals(ledger)
    _check_counts(job, rows_in_file)
    check_fates(job)
    tries = _tries(ImportJob.objects.filter(connection=job.connection, operation=job.operation))
    for row in job.rows.select_related("problem"):
        _check_row(row, found, tries, str(job.operation))
    _check_sheet(job)
    _check_end(job)


def check_connection(connection: Connection, ledger: Iterable[Entry], tags: dict[str, set[str]]) -> None:
    """Everything about all imports of a connection: C1–C6. `tags`: customer → tags, as the sandbox has them now."""
    ledger = list(ledger)
    found, jobs = arrivals(ledger), list(ImportJob.objects.filter(connection=connection))
    for operation in ("add", "delete"):
        same = [job for job in jobs if job.operation == operation]
        tries = _tries(same)
        for job in same:
            _check_counts(job, None)
            check_fates(job)
            for row in job.rows.select_related("problem"):
                _check_row(row, found, tries, operation)
            _check_sheet(job)
            _check_end(job)
    check_leases(jobs, ledger)
    check_tags(jobs, found, tags)


# -- C1


def _check_counts(job: ImportJob, rows_in_file: int | None) -> None:
    with transaction.atomic():
        # Together: a late answer may settle rows of an import that has ended.
        job = ImportJob.objects.select_for_update().get(pk=job.pk)
        assert counted(job) == job.counts, f"C1: counts of import {job.pk} are {job.counts}, rows {counted(job)}"
        if job.status in ENDED:
            kept = {name: getattr(job, name) for name in figures.KEPT}
            figures.recount(job)
            now = {name: getattr(job, name) for name in figures.KEPT}
            assert kept == now, f"C1: of the failures of import {job.pk} {kept} is kept, but it is {now}"
    if rows_in_file is not None:
        assert job.total == rows_in_file, f"C1: rows of import {job.pk}"


# -- C2, C3, C6


def _tries(jobs: Iterable[ImportJob]) -> dict[Key, Tries]:
    """By row, over all of these imports."""
    tries: dict[Key, Tries] = defaultdict(Tries)
    for job in jobs:
        keys = {row.row_number: (str(job.operation), *key_of(row.values_by_field())) for row in job.rows.all()}
        for number in job.rows.filter(status=RowStatus.ACCEPTED).values_list("row_number", flat=True):
            tries[keys[number]].accepted_rows += 1
        numbers = sorted(keys)
        for delivery in job.deliveries.exclude(state=DeliveryState.PLANNED):
            for number in _numbers(delivery, numbers):
                tries[keys[number]].calls += delivery.outcome != DeliveryOutcome.NOT_SENT
                tries[keys[number]].may_be_applied += delivery.outcome in MAY_HAVE_ARRIVED
    return tries


def _numbers(delivery: Delivery, numbers: list[int]) -> Iterator[int]:
    for first, last in delivery.row_ranges:
        yield from numbers[bisect_left(numbers, first) : bisect_left(numbers, last + 1)]


def _check_row(row: ImportRow, found: Arrivals, tries: dict[Key, Tries], operation: str) -> None:
    key, where = (operation, *key_of(row.values_by_field())), f"row {row.row_number} of import {row.job_id}"
    mine = tries.get(key, Tries())
    # Each accepted row was applied; each row that was applied, or only seen, is a call that stands in our record.
    assert found.applied[key] >= mine.accepted_rows, f"C2: accepted, but not in the ledger: {where}"
    assert found.applied[key] <= mine.may_be_applied, f"C2: in the ledger, but shown as not sent: {where}"
    assert found.received[key] <= mine.calls, f"C3: a call that nobody wrote down: {where}"
    if row.status in NEEDS_PROBLEM:
        _check_problem(row.problem, where)


def _check_sheet(job: ImportJob) -> None:
    """What was accepted is what the sheet says in the columns that the page shows, except where it was repaired."""
    accepted = {row.row_number: row.values_by_field() for row in job.rows.filter(status=RowStatus.ACCEPTED)}
    for number in RepairedRow.objects.filter(repair__job=job).values_list("row_number", flat=True):
        accepted.pop(number, None)
    # One that comes back corrected is read together with the import that it corrects.
    if not accepted or job.corrects_id or not job.file.storage.exists(str(job.file.name)):
        return
    with local_file(job.file) as path, closing(read_rows(path, job.sheet, job.reading)) as source:
        for row in source:
            if row.number in accepted:
                said = check_row(row, job.mapped_columns(), job.fixed_tags).values
                assert accepted.pop(row.number) == said, f"C2: not what the sheet says: row {row.number} of {job}"
    assert not accepted, f"C2: accepted rows that do not stand in the sheet of {job}"


def _check_problem(problem: Problem | None, where: str) -> None:
    assert problem is not None, f"C6: no problem: {where}"
    assert problem.code in TEXTS, f"C6: no sentence for {problem.code}: {where}"
    said = sentence(problem.code, problem.params)
    assert said.title and said.advice and said.mover, f"C6: {problem.code}: {where}"


def _check_end(job: ImportJob) -> None:
    if job.status not in ENDED:
        return
    assert job.lease_until is None, f"import {job.pk} has ended and is leased"
    waits = job.rows.filter(status=RowStatus.WAITING).exists()
    open_states = {DeliveryState.SENDING, *([] if waits else [DeliveryState.PLANNED])}
    assert not job.deliveries.filter(state__in=open_states).exists(), f"import {job.pk} has ended with open calls"
    waiting = list(
        job.rows.filter(status=RowStatus.WAITING).values_list("row_number", flat=True).order_by("row_number")
    )
    assert not (waiting and job.status == JobStatus.FINISHED), f"import {job.pk} is finished and rows wait"
    assert job.retry_selection is None, f"import {job.pk} has ended and a retry is not taken up"
    unknown = job.deliveries.filter(outcome__in=UNKNOWN_FATE)
    left = {number for delivery in unknown for number in _numbers(delivery, waiting)}
    assert not left, f"import {job.pk}: rows {sorted(left)[:5]} may have been sent and are shown as waiting"


def check_fates(job: ImportJob) -> None:
    """What a row may have done is a fact of all its calls: no state, and no remark, says less than they do."""
    rows = list(job.rows.exclude(status=RowStatus.ACCEPTED).order_by("row_number"))
    numbers = [row.row_number for row in rows]
    unknown = job.deliveries.filter(outcome__in=UNKNOWN_FATE)
    carried = {number for delivery in unknown for number in _numbers(delivery, numbers)}
    if job.events.filter(act=Mark.RESTORE, params__rows__gt=0).exists():
        # Calls made after the backup stand in no record.
        carried.update(row.row_number for row in rows if row.unanswered_at)
    for row in rows:
        where = f"row {row.row_number} of import {job.pk}, {row.status}"
        assert row.unanswered_at or row.row_number not in carried, f"C2: may have been applied, unsaid: {where}"
        assert row.unanswered_at is None or row.row_number in carried, f"C2: no call of unknown fate: {where}"
        assert row.status != RowStatus.IN_DOUBT or row.unanswered_at, f"C2: in doubt for no call: {where}"
    accepted = job.rows.filter(status=RowStatus.ACCEPTED, unanswered_at__isnull=False)
    assert not accepted.exists(), f"C2: accepted and in doubt in import {job.pk}"


# -- C4


def check_tags(jobs: Iterable[ImportJob], found: Arrivals, tags: dict[str, set[str]]) -> None:
    """For each customer and tag the last word is that of the accepted row with the newest first confirmation."""
    wanted: dict[tuple[str, str], str] = {}
    unsure: set[tuple[str, str]] = set()
    rows = [(job, row) for job in jobs for row in job.rows.exclude(status=RowStatus.TO_FIX)]
    for job, row in sorted(rows, key=lambda pair: pair[1].confirmed_number or pair[0].first_queue_number or 0):
        values = row.values_by_field()
        pairs = [(identifiers(values)[0][1], tag) for tag in values["tags"].split(",")]
        if row.status == RowStatus.ACCEPTED:
            wanted.update(dict.fromkeys(pairs, str(job.operation)))
        elif row.status != RowStatus.DUPLICATE and found.applied[(str(job.operation), *key_of(values))]:
            # The platform took it and did not say so: what it did is known to nobody.
            unsure.update(pairs)
    got = {(name, tag) for name, has in tags.items() for tag in has}
    expected = {pair for pair, operation in wanted.items() if operation == "add"}
    assert got - unsure == expected - unsure, f"C4: {len((got ^ expected) - unsure)} customers have other tags"


# -- C5


def check_leases(jobs: Iterable[ImportJob], ledger: Iterable[Entry], slack: timedelta = SLACK) -> None:
    """One runner at a time, and each call arrived while the runner that wrote it down held its import."""
    free: dict[str, list[tuple[datetime, datetime]]] = defaultdict(list)
    for job in jobs:
        windows = _windows(job)
        for delivery in job.deliveries.exclude(state=DeliveryState.PLANNED):
            free[delivery.body_sha256].append(windows[delivery.fence])
    for entry in ledger:
        if not entry.rows or entry.body is None:
            continue
        at, mine = datetime.fromisoformat(entry.time), free[hashlib.sha256(entry.body).hexdigest()]
        fitting = [(end, begin) for begin, end in mine if begin - SLACK <= at <= end + slack]
        assert fitting, f"C5: call {entry.number} arrived at {entry.time}, nobody held its import: {mine}"
        end, begin = min(fitting)
        mine.remove((begin, end))


def _windows(job: ImportJob) -> dict[int, tuple[datetime, datetime]]:
    """Fence → from the claim to the end of the lease."""
    # A stop is asked for while the runner goes on; every other move ends its work.
    asked = Q(act=Act.STOP, after=JobStatus.STOPPING)
    moves = JobEvent.objects.filter(job=job, fence__isnull=False).exclude(asked).order_by("id")
    windows: dict[int | None, tuple[datetime, datetime]] = {}
    for event, after in pairwise([*moves, None]):
        if event is not None and event.act == Act.CLAIM:
            assert after is None or after.act != Act.CLAIM, f"C5: import {job.pk}: two runners"
            end = after.at if after else datetime.max.replace(tzinfo=UTC) - SLACK * 4
            windows[event.fence] = (event.at, end)
    return windows


# -- C8


def check_words(texts: Iterable[str]) -> None:
    """Nothing personal and no credential in what may be read by those who run the installation."""
    for text in texts:
        leak = CANARIES.search(text)
        # Only the kind of what leaked, and where: the rest of the line would repeat it.
        assert leak is None, f"C8: {leak[0][:3]}… at {leak.start()}"


def stored_words(jobs: Iterable[ImportJob]) -> Iterator[str]:
    """The texts of the record that pages and logs may show to everybody."""
    for job in jobs:
        for delivery in job.deliveries.all():
            yield " ".join((delivery.error_code, delivery.message, delivery.data, delivery.excerpt, delivery.remarks))
        yield from (str(problem.params) for problem in job.problems.all())
        yield from job.events.values_list("why", flat=True)
