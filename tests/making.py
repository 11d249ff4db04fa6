"""Makes imports for tests: from rows to a checked, started import, through the code that the pages use; and records of
imports that are under way or over, without running any."""

from __future__ import annotations

import io
import threading
import uuid
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection as database
from django.utils import timezone

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.delivery import actions, tasks
from tagsync.imports import figures
from tagsync.imports.check import staging
from tagsync.imports.drafts import drafts
from tagsync.imports.models import Delivery, ImportJob, ImportRow, Problem
from tagsync.imports.models.delivery import DeliveryOutcome, DeliveryState
from tagsync.imports.models.row import Origin
from tagsync.imports.problems.groups import problem_for
from tagsync.imports.sending import counts
from tagsync.imports.sending.row_ranges import as_ranges
from tagsync.imports.states import ENDED, UNSTARTED, Act, JobStatus, RowStatus
from tagsync.sheets import writer

HEADER = ("客户ID", "微信openid", "微信unionid", "手机号", "客户标签")
FIELDS = ("audienceUserId", "openid", "unionid", "phone", "tags")


def customer(number: int, tags: str = "春季活动") -> tuple[str, ...]:
    # Among the first few hundred no ID ends in zeros, as one would that Excel has cut.
    return (
        f"8800000000{(37 * number + 11) % 10**8:08d}",
        f"o{number:027d}",
        f"u{number:027d}",
        f"138{number:08d}",
        tags,
    )


def customers(count: int, tags: str = "春季活动") -> list[tuple[str, ...]]:
    return [customer(number, tags) for number in range(count)]


def workbook(
    rows: Iterable[Sequence[str]], header: Sequence[str] = HEADER, name: str = "会员.xlsx"
) -> SimpleUploadedFile:
    file = io.BytesIO()
    writer.write(file, writer.Sheet("Sheet1", header, rows))
    return SimpleUploadedFile(name, file.getvalue())


def draft(owner: Person, connection: Connection, rows: Iterable[Sequence[str]], **settings: object) -> ImportJob:
    job = drafts.create(owner, workbook(rows))
    assert isinstance(job, ImportJob), job
    choices = {"operation": "add", "match": "fuzzy", "identify_way": 1, **settings}
    drafts.choose_settings(job, drafts.Choices(connection=connection, **choices))
    return job


def checked(owner: Person, connection: Connection, rows: Iterable[Sequence[str]], **settings: object) -> ImportJob:
    job = draft(owner, connection, rows, **settings)
    actions.check(job, owner)
    tasks.run_check(job.pk)
    job.refresh_from_db()
    return job


def started(owner: Person, connection: Connection, rows: Iterable[Sequence[str]], **settings: object) -> ImportJob:
    job = checked(owner, connection, rows, **settings)
    actions.start(job, owner)
    return job


def run_to_end(job: ImportJob, slices: int = 50) -> ImportJob:
    """Run slice after slice as workers would, until the import rests or waits."""
    for _ in range(slices):
        tasks.run_import(job.pk)
        job.refresh_from_db()
        if job.status not in ("queued", "running"):
            break
    return job


def beside(act: Callable[[], object]) -> threading.Thread:
    """Do it in a thread, which lets go of its connection to the database at the end."""

    def run() -> None:
        try:
            act()
        finally:
            database.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


# -- a small sheet: phone, name, tags

SMALL_HEADER = ("手机号", "姓名", "标签")
SMALL_ROWS = (
    ("13800138000", "林晓雨", "春季活动,会员"),
    ("13800138001", "王子涵", "新客"),
    ("138", "赵一鸣", "新客"),
)


def small_workbook(header: Sequence[str] = SMALL_HEADER, rows: Sequence[Sequence[str]] = SMALL_ROWS) -> bytes:
    file = io.BytesIO()
    writer.write(file, writer.Sheet("客户", header, rows))
    return file.getvalue()


def upload_of(content: bytes, name: str = "双11会员.xlsx") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def finish_check(job: ImportJob) -> ImportJob:
    """Do what the worker would do."""
    staging.stage(job, lambda: True)
    job.move(Act.CHECKED)
    return job


# -- records of imports that nobody ran

# Of records that went through no code: phone, a note, tags.
COLUMNS = [
    {"column": 0, "header": "手机号", "field": "phone"},
    {"column": 1, "header": "备注", "field": None},
    {"column": 2, "header": "客户标签", "field": "tags"},
]
S = RowStatus


def make_import(
    owner: Person, connection: Connection, status: JobStatus, rows: Sequence[RowStatus] = (), **changes: Any
) -> ImportJob:
    """Rows are numbered from 2, as below a header; phones are 138 0000 0002 and so on."""
    job = ImportJob(owner=owner, connection=connection, status=status, file_name="双11会员.xlsx", columns=COLUMNS)
    # No two are of the same file.
    job.sheet, job.header_row, job.file_sha256 = "Sheet1", 1, uuid.uuid4().hex * 2
    if status not in UNSTARTED:
        job.run, job.queue_number, job.first_confirmed_at = 1, connection.take_queue_number(), timezone.now()
        job.first_queue_number = job.queue_number
    if status in ENDED:
        job.ended_at = timezone.now() - timedelta(hours=1)
    for name, value in changes.items():
        setattr(job, name, value)
    job.asked_sha256 = job.choices_sha256()
    job.save()
    add_rows(job, rows)
    return job


def add_rows(job: ImportJob, statuses: Sequence[RowStatus], first: int = 2) -> None:
    made = [
        ImportRow(job=job, row_number=number, phone=f"138{number:08d}", tags="华东,VIP", status=status)
        for number, status in enumerate(statuses, start=first)
    ]
    ImportRow.objects.bulk_create(made)
    job.counts = counts.counted(job)
    job.save(update_fields=["counts"])
    figures.recount(job)


def blame(
    job: ImportJob, status: RowStatus, problem_code: str, origin: Origin = Origin.PLATFORM, /, **params: Any
) -> Problem:
    """Give the rows of this state that have no problem yet this one."""
    problem = problem_for(job, origin, problem_code, params)
    job.rows.filter(status=status, problem=None).update(problem=problem)
    figures.recount(job)
    return problem


def corrected(job: ImportJob, *numbers: int, into: RowStatus = S.ACCEPTED, **changes: Any) -> ImportJob:
    """The import of a corrected sheet: of these rows, each of which came to this state."""
    assert job.connection
    made = make_import(job.owner, job.connection, JobStatus.FINISHED, [into] * len(numbers), corrects=job, **changes)
    for row, number in zip(made.rows.order_by("row_number"), numbers, strict=True):
        made.rows.filter(pk=row.pk).update(corrects_row=number)
    figures.recount_corrected(made)
    job.refresh_from_db()
    return made


def add_call(job: ImportJob, row_numbers: Sequence[int], **changes: Any) -> Delivery:
    fields = {
        "run": job.run,
        "batch": 1,
        "state": DeliveryState.ANSWERED,
        "outcome": DeliveryOutcome.ACCEPTED,
        "http_status": 200,
        "code": "200",
        "answered_at": timezone.now(),
        **changes,
    }
    ranges = as_ranges(row_numbers)
    return Delivery.objects.create(
        job=job, row_ranges=ranges, row_count=len(row_numbers), body_sha256="0" * 64, fence=1, **fields
    )
