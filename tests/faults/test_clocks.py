"""Machines whose clocks are wrong, each process in turn: what is compared is the database's time, or a number."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.database import database_now
from tagsync.exports import lifecycle
from tagsync.exports.models import Export
from tagsync.imports.models import ImportJob
from tagsync.notifications.models import Notice, NoticeKind
from tagsync.sandbox import DEFAULT_APP_ID, DEFAULT_APP_SECRET, Sandbox
from tests.faults.conftest import ROWS_PER_CALL, ended
from tests.faults.senders import HOLD_BACK_SECONDS, Sender, Senders
from tests.installation import wait_for
from tests.making import checked, customers, started

pytestmark = pytest.mark.django_db(transaction=True)

Check = Callable[..., None]
ROWS = 3 * ROWS_PER_CALL
DAY = 24 * 3600
wrong_clocks = pytest.mark.parametrize("seconds", [-90, 300, 25 * 3600, 8 * DAY])


@wrong_clocks
def test_a_wrong_clock_beside_a_right_one_sends_everything_once(
    owner: Person, connection: Connection, sandbox: Sandbox, senders: Senders, all_is_well: Check, seconds: float
) -> None:
    add = started(owner, connection, customers(ROWS))
    delete = started(owner, connection, customers(ROWS), operation="delete")
    senders.start()
    senders.start(clock_seconds=seconds)
    assert ended(add).counts == ended(delete).counts == {"accepted": ROWS}
    assert len(sandbox.ledger) == 2 * ROWS / ROWS_PER_CALL
    all_is_well()


@wrong_clocks
def test_the_opposite_operation_is_held_back_after_an_unanswered_call(
    owner: Person, connection: Connection, sandbox: Sandbox, senders: Senders, all_is_well: Check, seconds: float
) -> None:
    # Nothing is sent again: the add is over with its rows in doubt, and the delete is next.
    Connection.objects.update(resend_unanswered=False)
    sandbox.faults.add("apply_then_cut", times=1)
    add = started(owner, connection, customers(ROWS_PER_CALL))
    delete = started(owner, connection, customers(ROWS_PER_CALL), operation="delete")
    senders.start(clock_seconds=seconds)
    assert ended(add).counts == {"in_doubt": ROWS_PER_CALL}
    assert ended(delete).counts == {"accepted": ROWS_PER_CALL}
    first, *_, last = [datetime.fromisoformat(entry.time) for entry in sandbox.ledger if entry.rows]
    assert last - first > timedelta(seconds=HOLD_BACK_SECONDS)
    all_is_well()


@wrong_clocks
@pytest.mark.parametrize("who", ["the add's", "the delete's"])
def test_the_import_that_was_confirmed_later_has_the_last_word(
    owner: Person,
    connection: Connection,
    sandbox: Sandbox,
    senders: Senders,
    all_is_well: Check,
    seconds: float,
    who: str,
) -> None:
    """Whoever's web host is wrong: a retry of the add is overtaken by the delete that was confirmed after it."""
    Connection.objects.update(resend_unanswered=False)
    sandbox.faults.add("cut", times=1)
    add = checked(owner, connection, customers(ROWS_PER_CALL))
    confirm(senders, "start", add, seconds if who == "the add's" else 0)
    senders.start()
    assert ended(add).counts == {"in_doubt": ROWS_PER_CALL}
    delete = checked(owner, connection, customers(ROWS_PER_CALL), operation="delete")
    confirm(senders, "start", delete, seconds if who == "the delete's" else 0)
    assert ended(delete).counts == {"accepted": ROWS_PER_CALL}
    confirm(senders, "retry", add, seconds)
    assert ended(add).counts == {"superseded": ROWS_PER_CALL}
    assert not any(sandbox.tags.values())
    all_is_well()


@wrong_clocks
def test_an_outage_of_seconds_is_no_outage_of_a_day(
    owner: Person, connection: Connection, sandbox: Sandbox, senders: Senders, all_is_well: Check, seconds: float
) -> None:
    sandbox.faults.add("close_before_read", on="all", times=4)
    job = started(owner, connection, customers(ROWS))
    senders.start(clock_seconds=seconds)
    assert ended(job).counts == {"accepted": ROWS}
    assert not Notice.objects.filter(kind=NoticeKind.WAITS).exists()
    all_is_well()


@wrong_clocks
def test_a_token_is_fetched_once(
    owner: Person, connection: Connection, sandbox: Sandbox, senders: Senders, all_is_well: Check, seconds: float
) -> None:
    connection.set_app(DEFAULT_APP_ID, DEFAULT_APP_SECRET)
    connection.save()
    senders.start(clock_seconds=seconds)
    for _ in range(2):
        assert ended(started(owner, connection, customers(ROWS))).counts == {"accepted": ROWS}
    connection.refresh_from_db()
    assert connection.token_expires_at is not None
    assert timedelta(0) < connection.token_expires_at - database_now() < timedelta(hours=3)
    stored = connection.token_encrypted
    senders.start()
    assert ended(started(owner, connection, customers(ROWS))).counts == {"accepted": ROWS}
    connection.refresh_from_db()
    assert connection.token_encrypted == stored
    all_is_well()


@wrong_clocks
def test_nothing_is_cleaned_up_before_its_time(
    owner: Person, connection: Connection, senders: Senders, seconds: float
) -> None:
    job = checked(owner, connection, customers(ROWS))
    lifecycle.ask(job, owner, {}, language="en", file_name="a.xlsx")
    Notice.objects.create(person=owner, kind=NoticeKind.STARTED, job=job)
    over = senders.act("clean", job.pk, clock_seconds=seconds)
    wait_for(lambda: not over.runs)
    job.refresh_from_db()
    assert (job.status, job.counts, job.rows.count()) == ("ready", {"waiting": ROWS}, ROWS)
    assert Export.objects.filter(job=job).count() == Notice.objects.filter(job=job).count() == 1
    assert "UNFORESEEN" not in over.output.read_text()


@wrong_clocks
def test_what_a_wrong_host_writes_down_stands_in_the_time_of_all(
    owner: Person, connection: Connection, sandbox: Sandbox, senders: Senders, seconds: float
) -> None:
    job = checked(owner, connection, customers(ROWS))
    before = database_now()
    confirm(senders, "start", job, seconds)
    sandbox.faults.add("cut", times=1)
    senders.start(clock_seconds=seconds)
    ended(job)
    after = database_now()
    calls = job.deliveries.values_list("created_at", "answered_at").order_by("id")
    moments = [moment for call in calls for moment in call]
    moments += job.events.exclude(act="check").exclude(act="checked").values_list("at", flat=True)
    moments += [job.first_confirmed_at, job.ended_at]
    slack = timedelta(milliseconds=2)  # SQLite's clock ticks in milliseconds
    for moment in moments:
        assert moment is not None
        assert before - slack <= moment <= after + slack


def confirm(senders: Senders, what: str, job: ImportJob, seconds: float) -> None:
    """A person's act on a web host of her own."""
    process: Sender = senders.act(what, job.pk, clock_seconds=seconds)
    wait_for(lambda: not process.runs)
    assert "UNFORESEEN" not in process.output.read_text()
