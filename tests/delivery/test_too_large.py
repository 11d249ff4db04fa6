"""413: bodies get shorter, and longer again by themselves; no row is blamed for what is refused to all."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.delivery import actions, tasks
from tagsync.imports.followups.retry import Selection
from tagsync.imports.models import ImportJob
from tagsync.sandbox import Sandbox
from tests.invariants import check_invariants
from tests.making import customer, customers, run_to_end, started

pytestmark = pytest.mark.django_db(transaction=True)
# In a body as long as this fit about 120 rows of `customer`.
LIMIT = 16384


@pytest.fixture(autouse=True)
def _fast(connection: Connection) -> None:
    Connection.objects.update(calls_per_period=1000, period_seconds=1)


def sizes(sandbox: Sandbox) -> list[int]:
    return [len(entry.rows) for entry in sandbox.ledger if entry.http_status == 200]


def limit(connection: Connection) -> int | None:
    connection.refresh_from_db()
    return connection.max_body_bytes


def giant(number: int, tags: int = 3000) -> tuple[str, ...]:
    return customer(number, ",".join(f"标签{tag}" for tag in range(tags)))


def test_it_asks_when_every_call_is_too_large_and_blames_no_row(
    marketer: Person, connection: Connection, sandbox: Sandbox
) -> None:
    sandbox.faults.add("status", http_status=413)
    job = run_to_end(started(marketer, connection, customers(400)))
    assert (job.status, job.cause, job.counts) == ("blocked", "too_large_alone", {"waiting": 400})
    assert len(sandbox.ledger) < 40
    assert job.cause_params["http_status"] == 413
    # Nothing was learnt of it: the next import on the healthy platform goes as if it had never been.
    assert limit(connection) is None
    sandbox.reset()
    later = run_to_end(started(marketer, connection, [customer(number) for number in range(1000, 2000)]))
    assert (later.counts, sizes(sandbox)) == ({"accepted": 1000}, [500, 500])
    actions.resume(job, marketer)
    job = run_to_end(job)
    assert (job.status, job.counts) == ("finished", {"accepted": 400})


def test_it_asks_again_when_it_was_not_mended(marketer: Person, connection: Connection, sandbox: Sandbox) -> None:
    sandbox.faults.add("status", http_status=413)
    job = run_to_end(started(marketer, connection, customers(3)))
    assert (job.status, job.cause, job.counts) == ("blocked", "too_large_alone", {"waiting": 3})
    actions.resume(job, marketer)
    job = run_to_end(job)
    assert (job.status, job.cause, job.counts) == ("blocked", "too_large_alone", {"waiting": 3})
    sandbox.faults.clear()
    actions.resume(job, marketer)
    assert run_to_end(job).counts == {"accepted": 3}
    check_invariants(job, sandbox.ledger, 3)


@pytest.mark.slow
@pytest.mark.parametrize("place", [0, 200, 399])
def test_it_finds_one_giant_row_among_many(
    marketer: Person, connection: Connection, sandbox: Sandbox, place: int
) -> None:
    sandbox.faults.add("too_large", max_bytes=LIMIT)
    rows = customers(400)
    rows[place] = giant(place)
    job = run_to_end(started(marketer, connection, rows))
    assert (job.status, job.counts) == ("finished", {"accepted": 399, "rejected": 1})
    rejected = job.rows.get(status="rejected")
    assert rejected.row_number == place + 2
    assert rejected.problem is not None and rejected.problem.code == "row_too_large"
    assert len(sandbox.ledger) < 40
    check_invariants(job, sandbox.ledger, 400)
    # Sent once more it is found again, and nobody is asked.
    actions.retry(job, Selection(), marketer)
    assert run_to_end(job).counts == {"accepted": 399, "rejected": 1}


def test_it_learns_nothing_from_a_single_row(marketer: Person, connection: Connection, sandbox: Sandbox) -> None:
    sandbox.faults.add("too_large", max_bytes=LIMIT)
    Connection.objects.update(rows_per_call=1)
    job = run_to_end(started(marketer, connection, [*customers(3), giant(3), *[customer(n) for n in (4, 5)]]))
    assert job.counts == {"accepted": 5, "rejected": 1}
    assert limit(connection) is None


@pytest.mark.slow
def test_a_proxy_lowers_its_limit_and_raises_it_again(
    marketer: Person, connection: Connection, sandbox: Sandbox
) -> None:
    job = through_a_changing_proxy(marketer, connection, sandbox, rows=20_000, max_bytes=LIMIT, lowered=(15, 90))
    assert (job.status, job.counts) == ("finished", {"accepted": 20_000})
    assert 500 in sizes(sandbox)[-2:] and len(sandbox.ledger) < 160 and limit(connection) is None
    check_invariants(job, sandbox.ledger, 20_000)


@pytest.mark.slow
@pytest.mark.parametrize("max_bytes", [LIMIT, 0], ids=["lower", "nothing"])
def test_no_row_is_blamed_for_a_limit_of_a_while(
    marketer: Person, connection: Connection, sandbox: Sandbox, max_bytes: int
) -> None:
    job = through_a_changing_proxy(marketer, connection, sandbox, rows=3000, max_bytes=max_bytes, lowered=(2, 19))
    assert (job.status, job.counts) == ("finished", {"accepted": 3000})
    assert max(sizes(sandbox)[-6:]) > 400 and len(sandbox.ledger) < 60
    check_invariants(job, sandbox.ledger, 3000)


def through_a_changing_proxy(
    marketer: Person, connection: Connection, sandbox: Sandbox, *, rows: int, max_bytes: int, lowered: tuple[int, int]
) -> ImportJob:
    """`lowered`: after so many calls the limit sinks, after so many it is gone."""
    calls, lock, take = 0, threading.Lock(), sandbox.faults.take

    def counted(call: str) -> object:
        nonlocal calls
        with lock:
            calls += 1
            if calls == lowered[0]:
                sandbox.faults.add("too_large", max_bytes=max_bytes)
            if calls == lowered[1]:
                sandbox.faults.clear()
        return take(call)

    sandbox.faults.take = counted  # type: ignore[method-assign, assignment]  # counts what is asked
    return run_to_end(started(marketer, connection, customers(rows)))


def test_what_may_have_been_applied_goes_again_as_it_was(
    marketer: Person, connection: Connection, sandbox: Sandbox, quick: Callable[[], None]
) -> None:
    sandbox.faults.add("apply_then_cut", times=1)
    job = started(marketer, connection, customers(300))
    tasks.run_import(job.pk)
    Connection.objects.update(max_body_bytes=1000)
    job = run_to_end(job)
    assert job.counts == {"accepted": 300}
    sent = [[row["phone"] for row in entry.rows] for entry in sandbox.ledger if entry.rows]
    assert sent[0] == sent[1] and len(sent[0]) == 300
    check_invariants(job, sandbox.ledger, 300)


def test_a_cut_keeps_the_order_of_rows_and_their_number_in_a_trial(
    marketer: Person, connection: Connection, sandbox: Sandbox
) -> None:
    Connection.objects.update(max_body_bytes=1000, parallel_calls=1)
    rows = customers(30)
    # of a customer taken already: put off, and not forgotten by the cut
    rows[3] = (*rows[2][:4], "新客")
    job = run_to_end(started(marketer, connection, rows))
    assert job.counts == {"accepted": 30}
    assert 1 < sizes(sandbox)[0] < 8
    check_invariants(job, sandbox.ledger, 30)
