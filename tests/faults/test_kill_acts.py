"""kill -9 at every step of a check, a start, a split, a stop and a retry: the next one makes it whole."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.delivery import actions
from tagsync.imports.followups.retry import Selection
from tagsync.imports.models import Delivery, ImportJob
from tagsync.imports.states import RowStatus
from tagsync.sandbox import Sandbox
from tests.faults.conftest import ROWS_PER_CALL, ended
from tests.faults.senders import Senders
from tests.installation import wait_for
from tests.making import FIELDS, checked, customer, customers, draft, started

pytestmark = pytest.mark.django_db(transaction=True)

Check = Callable[[], None]
ROWS = 4 * ROWS_PER_CALL
BAD = 17  # the customer that the platform refuses


# -- check and start


@pytest.mark.parametrize(
    ("step", "nth"),
    [
        ("before rows are staged", 2),
        ("after rows are staged", 1),
        ("after rows are staged", 3),
        ("before the check ends", 1),
        ("after the check ends", 1),
    ],
)
def test_it_checks_a_sheet_from_the_beginning(
    owner: Person, connection: Connection, senders: Senders, all_is_well: Check, step: str, nth: int
) -> None:
    job = draft(owner, connection, [*customers(ROWS), customer(0), ("", "", "", "12", "x")])
    actions.check(job, owner)
    senders.start(step, nth).wait_until_struck()
    senders.start()
    job = ended(job)
    assert (job.status, job.counts) == ("ready", {"waiting": ROWS, "duplicate": 1, "to_fix": 1})
    assert job.rows.count() == job.total
    all_is_well()


@pytest.mark.parametrize("step", ["before the start", "inside the start"])
def test_it_starts_whole_or_not_at_all(
    owner: Person, connection: Connection, senders: Senders, all_is_well: Check, step: str
) -> None:
    job = checked(owner, connection, customers(ROWS))
    senders.act("start", job.pk, step).wait_until_struck()
    job.refresh_from_db()
    assert (job.status, job.queue_number) == ("ready", None)
    actions.start(job, owner)
    senders.start()
    assert ended(job).counts == {"accepted": ROWS}
    all_is_well()


# -- split


@pytest.mark.parametrize(
    ("step", "nth"),
    [
        ("before the split", 1),
        ("inside the split", 1),
        ("inside the split", 3),
        ("before a piece", 1),
        ("inside a piece", 2),
        ("before the send", 7),
        ("inside the record", 4),
        ("after the record", 5),
    ],
)
def test_it_finds_the_refused_row_all_the_same(
    owner: Person,
    connection: Connection,
    sandbox: Sandbox,
    senders: Senders,
    all_is_well: Check,
    step: str,
    nth: int,
) -> None:
    sandbox.faults.add("refuse_rows", field="phone", equals=customer(BAD)[FIELDS.index("phone")])
    job = started(owner, connection, customers(ROWS))
    senders.start(step, nth).wait_until_struck()
    senders.start()
    assert ended(job).counts == {"accepted": ROWS - 1, "rejected": 1}
    refused = job.rows.get(status=RowStatus.REJECTED)
    assert (refused.phone, refused.problem.code if refused.problem else "") == (customer(BAD)[3], "refused")
    all_is_well()


# -- stop


def stop_when_sending(job: ImportJob, sandbox: Sandbox, by: Person) -> None:
    """While a call is under way, so that there is something to be finished."""
    wait_for(lambda: Delivery.objects.filter(job=job, state="sending").exists())
    actions.stop(job, by)


def test_it_records_what_is_in_flight_and_stops(
    owner: Person, connection: Connection, sandbox: Sandbox, senders: Senders, all_is_well: Check
) -> None:
    sandbox.faults.add("latency", seconds=0.4)
    job = started(owner, connection, customers(ROWS))
    senders.start()
    stop_when_sending(job, sandbox, owner)
    assert ended(job).status == "stopped"
    assert job.count(RowStatus.ACCEPTED) == sum(entry.applied_rows for entry in sandbox.ledger)
    assert set(job.counts) <= {"accepted", "waiting"}
    actions.resume(job, owner)
    assert ended(job).counts == {"accepted": ROWS}
    all_is_well()


@pytest.mark.parametrize(
    "step",
    [
        "before the record",
        "inside the record",
        "before open calls are in doubt",
        "inside the stopping",
        "after the stopping",
    ],
)
def test_it_stops_although_its_sender_is_killed(
    owner: Person, connection: Connection, sandbox: Sandbox, senders: Senders, all_is_well: Check, step: str
) -> None:
    sandbox.faults.add("latency", seconds=0.4)
    job = started(owner, connection, customers(ROWS))
    killed = senders.start(step)
    stop_when_sending(job, sandbox, owner)
    killed.wait_until_struck()
    senders.start()
    assert ended(job).status == "stopped"
    sandbox.faults.clear()
    actions.resume(job, owner)
    ended(job)
    in_doubt = job.count(RowStatus.IN_DOUBT)
    assert job.counts == {key: n for key, n in (("accepted", ROWS - in_doubt), ("in_doubt", in_doubt)) if n}
    if in_doubt:
        actions.retry(job, Selection(frozenset({RowStatus.IN_DOUBT})), owner)
        assert ended(job).counts == {"accepted": ROWS}
    all_is_well()


@pytest.mark.parametrize("step", ["before open calls are in doubt", "inside the stopping", "after the stopping"])
def test_it_stops_although_the_keeper_is_killed_too(
    owner: Person, connection: Connection, sandbox: Sandbox, senders: Senders, all_is_well: Check, step: str
) -> None:
    sandbox.faults.add("latency", seconds=0.4)
    job = started(owner, connection, customers(ROWS))
    killed = senders.start("before the record")
    stop_when_sending(job, sandbox, owner)
    killed.wait_until_struck()
    senders.start(step).wait_until_struck()
    senders.start()
    assert ended(job).status == "stopped"
    assert job.count(RowStatus.IN_DOUBT) in (ROWS_PER_CALL, 2 * ROWS_PER_CALL)
    all_is_well()


# -- retry and resume


@pytest.mark.parametrize("step", ["inside the retry, rows", "inside the retry, move"])
def test_it_retries_whole_or_not_at_all(
    owner: Person, connection: Connection, sandbox: Sandbox, senders: Senders, all_is_well: Check, step: str
) -> None:
    sandbox.faults.add("refuse_rows", field="phone", equals=customer(BAD)[3])
    job = started(owner, connection, customers(ROWS))
    senders.start()
    ended(job)
    sandbox.faults.clear()
    senders.act("retry", job.pk, step).wait_until_struck()
    job.refresh_from_db()
    assert (job.status, job.run, job.counts) == ("finished", 1, {"accepted": ROWS - 1, "rejected": 1})
    assert actions.retry(job, Selection(), owner) == 1
    job = ended(job)
    assert (job.run, job.counts) == (2, {"accepted": ROWS})
    all_is_well()


@pytest.mark.parametrize("step", ["after the claim", "before the send", "after the send", "inside the record"])
def test_it_goes_on_with_a_retry(
    owner: Person, connection: Connection, sandbox: Sandbox, senders: Senders, all_is_well: Check, step: str
) -> None:
    sandbox.faults.add("refuse_rows", field="phone", equals=customer(BAD)[3])
    job = started(owner, connection, customers(ROWS))
    first = senders.start()
    ended(job)
    senders.end()
    assert not first.runs
    sandbox.faults.clear()
    actions.retry(job, Selection(), owner)
    senders.start(step).wait_until_struck()
    senders.start()
    assert ended(job).counts == {"accepted": ROWS}
    all_is_well()


def test_it_does_not_undo_newer_work_when_killed_while_looking_for_it(
    owner: Person, connection: Connection, sandbox: Sandbox, senders: Senders, all_is_well: Check
) -> None:
    old = started(owner, connection, customers(ROWS))
    actions.stop(old, owner)
    new = started(owner, connection, customers(ROWS // 2), operation="delete")
    senders.start()
    ended(new)
    senders.end()
    actions.resume(old, owner)
    senders.start("inside superseding").wait_until_struck()
    senders.start()
    assert ended(old).counts == {"accepted": ROWS // 2, "superseded": ROWS // 2}
    all_is_well()
