"""What people do to an import and its connection, each by the code or the page that a browser would reach."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cache

import openpyxl
from django.db.models.functions import Now
from django.test import Client

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.delivery import actions
from tagsync.imports.check import repairs
from tagsync.imports.drafts import deletion, drafts
from tagsync.imports.followups.retry import NothingToRetry, Selection
from tagsync.imports.models import ImportJob, Repair
from tagsync.imports.models.repair import RepairKind
from tagsync.imports.states import RETRYABLE, MoveRefused
from tagsync.sandbox import DEFAULT_TOKEN, Sandbox
from tagsync.web.connections.forms import FIXED
from tests.making import FIELDS, HEADER, customer

SENDABLE, ROWS_PER_CALL = 30, 10
REPAIRED, BROKEN = SENDABLE + 1, SENDABLE + 2  # their row numbers
OLD, NEW = 4, 5  # the columns of the old and of the new tags


class Told(Exception):
    """A page says that it is not possible."""


REFUSALS = (MoveRefused, actions.NothingToSend, NothingToRetry, Told)


@dataclass(frozen=True)
class Hands:
    """Two people at their browsers."""

    owner: Person
    admin: Client
    sandbox: Sandbox


# -- the workbook


@cache
def sheets() -> bytes:
    """Three sheets of the same customers; the first with old and new tags."""
    book, file = openpyxl.Workbook(), io.BytesIO()
    book.remove(book.active)
    good = [customer(number, "旧") for number in range(SENDABLE)]
    broken = [(*customer(number)[:3], "12", "旧") for number in (SENDABLE - 1, SENDABLE)]
    for name, tags in (("一", "新"), ("二", "秋"), ("三", "冬")):
        sheet = book.create_sheet(name)
        sheet.append((*HEADER[:4], "旧标签", "新标签") if name == "一" else HEADER)
        for row in (*good[: SENDABLE - 1], *broken):
            sheet.append((*row, tags) if name == "一" else (*row[:4], tags))
    book.save(file)
    return file.getvalue()


def columns(tags: int) -> dict[int, str | None]:
    fields: dict[int, str | None] = dict(enumerate(FIELDS[:4]))
    return {**fields, OLD: None, NEW: None, tags: "tags"}


def choices(connection: Connection) -> drafts.Choices:
    return drafts.Choices(connection, "add", "fuzzy", 1)


def repair(job: ImportJob, number: int, by: Person) -> None:
    cell = Repair(kind=RepairKind.CELL, row_number=number, field="phone", before="12", after=f"138{number:08d}")
    repairs.make(job, cell, by)


# -- what people do


def change_sheet(job: ImportJob, hands: Hands) -> None:
    drafts.choose_sheet(job, "三", None, hands.owner)


def change_columns(job: ImportJob, hands: Hands) -> None:
    """The button of the columns page."""
    connection = Connection.objects.get(pk=job.connection_id)
    actions.choose_and_check(job, actions.Columns(columns(NEW), ""), choices(connection), hands.owner)


def undo(job: ImportJob, hands: Hands) -> None:
    assert hands.admin.post(f"/imports/{job.pk}/undo/").status_code == 302
    if not ImportJob.objects.filter(undoes=job).exists():
        raise Told


def archive(job: ImportJob, hands: Hands) -> None:
    assert hands.admin.post(f"/connections/{job.connection_id}/archive/", {"seen": "999999"}).status_code == 302


def edit(job: ImportJob, hands: Hands, **changed: str) -> None:
    connection = Connection.objects.get(pk=job.connection_id)
    kept = ("name", "base_url", "path", "token_path", "customer_id_key", "way_two_order", "rows_per_call",
            "calls_per_period", "period_seconds", "parallel_calls")  # fmt: skip
    form = {name: str(getattr(connection, name)) for name in kept}
    form |= {"credentials": FIXED, "fixed_token": "", "resend_unanswered": "on", **changed}
    answer = hands.admin.post(f"/connections/{connection.pk}/", form)
    if answer.status_code != 302:
        assert "can’t be changed while" in answer.text.replace("'", "’").replace("&#x27;", "’")
        raise Told


def change_address(job: ImportJob, hands: Hands) -> None:
    edit(job, hands, base_url=hands.sandbox.url.replace("127.0.0.1", "localhost"), fixed_token=DEFAULT_TOKEN)


def change_token(job: ImportJob, hands: Hands) -> None:
    """And at the same moment the platform ends the one before."""
    edit(job, hands, fixed_token=DEFAULT_TOKEN)
    hands.sandbox.expire_tokens()


def correct_pace(job: ImportJob, hands: Hands) -> None:
    """It was a call in an hour, and the next slot is that far away."""
    in_an_hour = {"calls_per_period": 1, "period_seconds": 3600, "next_slot_at": Now() + timedelta(hours=1)}
    Connection.objects.filter(pk=job.connection_id).update(**in_an_hour)
    edit(job, hands, calls_per_period="1000", period_seconds="1")


def switch_resending_off(job: ImportJob, hands: Hands) -> None:
    """And the next call gets no answer."""
    hands.sandbox.faults.add("apply_then_cut", times=1)
    edit(job, hands, resend_unanswered="")


def block(job: ImportJob, hands: Hands) -> None:
    """Another worker was refused."""
    Connection.objects.get(pk=job.connection_id).block("forbidden")


def unblock(job: ImportJob, hands: Hands) -> None:
    block(job, hands)
    assert hands.admin.post(f"/connections/{job.connection_id}/unblock/").status_code == 302


DEEDS: dict[str, Callable[[ImportJob, Hands], object]] = {
    "sheet": change_sheet,
    "columns": change_columns,
    "check": lambda job, hands: actions.check(job, hands.owner),
    "repair": lambda job, hands: repair(job, BROKEN, hands.owner),
    "undo of a repair": lambda job, hands: repairs.undo(job.repairs.get(), hands.owner),
    "discard": lambda job, hands: deletion.discard(job, hands.owner),
    "start": lambda job, hands: actions.start(job, hands.owner),
    "go on after a trial": lambda job, hands: actions.resume(job, hands.owner),
    "stop": lambda job, hands: actions.stop(job, hands.owner),
    "resume": lambda job, hands: actions.resume(job, hands.owner),
    "retry": lambda job, hands: actions.retry(job, Selection(RETRYABLE), hands.owner),
    "undo": undo,
    "archive": archive,
    "address": change_address,
    "token": change_token,
    "pace": correct_pace,
    "size": lambda job, hands: edit(job, hands, rows_per_call=str(ROWS_PER_CALL // 2)),
    "resending": switch_resending_off,
    "block": block,
    "unblock": unblock,
}
