"""Builds imports that are under way or over, with rows, problems and calls, without running any."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.utils import timezone

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.imports.models import Delivery, ImportJob, ImportRow, Problem
from tagsync.imports.models.delivery import DeliveryOutcome, DeliveryState
from tagsync.imports.models.row import Origin
from tagsync.imports.problems.groups import problem_for
from tagsync.imports.sending import counts
from tagsync.imports.sending.row_ranges import as_ranges
from tagsync.imports.states import ENDED, UNSTARTED, JobStatus, RowStatus

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
    job.sheet, job.header_row = "Sheet1", 1
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


def blame(
    job: ImportJob, status: RowStatus, problem_code: str, origin: Origin = Origin.PLATFORM, /, **params: Any
) -> Problem:
    """Give the rows of this state that have no problem yet this one."""
    problem = problem_for(job, origin, problem_code, params)
    job.rows.filter(status=status, problem=None).update(problem=problem)
    return problem


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


def text_of(response: Any) -> str:
    return response.content.decode()
