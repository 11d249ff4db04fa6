"""Makes imports for tests: from rows to a checked, started import, through the code that the pages use."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterable, Sequence

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection as database

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.delivery import actions, tasks
from tagsync.imports.drafts import drafts
from tagsync.imports.models import ImportJob
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
