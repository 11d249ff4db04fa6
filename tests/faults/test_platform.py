"""Every fault of the sandbox through a whole import by a sender: what is accepted is there, what is not says why."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.imports.models import ImportJob
from tagsync.imports.sending.outcomes import DEATHS_OF_A_BATCH
from tagsync.sandbox import DEFAULT_APP_ID, DEFAULT_APP_SECRET, Sandbox
from tagsync.sandbox.faults import KINDS
from tests.faults.conftest import ROWS_PER_CALL, ended
from tests.faults.senders import Senders
from tests.installation import wait_for
from tests.making import customer, customers, started

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

Check = Callable[[], None]
ROWS = 3 * ROWS_PER_CALL
ALL = {"accepted": ROWS}


class Case(NamedTuple):
    """A fault, and how the import ends by itself."""

    kind: str
    options: dict[str, Any] = {}
    counts: dict[str, int] = ALL

    @property
    def is_about_rows(self) -> bool:
        return self.kind in ("refuse_all", "apply_half") or self.options.get("http_status") == 413


PASSING = (
    Case("latency", {"seconds": 0.3}),
    Case("close_before_read"),
    Case("cut"),
    Case("status", {"http_status": 500}),
    Case("status", {"http_status": 503, "json": False}),
    Case("status", {"http_status": 413}),
    Case("status", {"http_status": 429, "retry_after": "1"}),
    Case("busy", {"retry_after": "1"}),
    Case("html"),
    Case("apply_half"),
    Case("apply_then_hang", {"seconds": 1.5}),
    Case("apply_then_cut"),
    Case("truncated_json"),
    Case("slow_drip", {"seconds": 0.2}),
    Case("refuse_all"),
    Case("remarks", {"failed": 0}),
)
LASTING = (
    Case("refuse_rows", {"field": "phone", "equals": customer(7)[3]}, {"accepted": ROWS - 1, "rejected": 1}),
    # The last ten: had nothing been accepted before, it would ask whether the platform refuses everything.
    Case(
        "refuse_rows",
        {"field": "openid", "contains": "o" + "0" * 25 + "2", "times": None},
        {"accepted": 20, "rejected": 10},
    ),
    Case("refuse_all", {"http_status": 400}, {}),
)
BLOCKING = (
    Case("token_expired"),
    Case("status", {"http_status": 401}),
    Case("status", {"http_status": 403}),
    Case("status", {"http_status": 404}),
    Case("status", {"http_status": 302, "location": "http://127.0.0.1:9/"}),
)


def name(case: object) -> str:
    return "-".join(map(str, (case.kind, *case.options.values()))) if isinstance(case, Case) else ""


def test_every_fault_is_tried() -> None:
    assert {"refuse_empty", "too_large", *(case.kind for case in (*PASSING, *LASTING, *BLOCKING))} == set(KINDS)


@pytest.mark.parametrize("options", [{}, {"json": False}])
def test_it_gets_over_refused_calls_without_rows(
    owner: Person,
    connection: Connection,
    sandbox: Sandbox,
    senders: Senders,
    all_is_well: Check,
    options: dict[str, bool],
) -> None:
    """They are made when calls with rows got no answer."""
    sandbox.faults.add("refuse_empty", times=2, **options)
    sandbox.faults.add("apply_then_cut", times=4)
    job = started(owner, connection, customers(ROWS))
    senders.start()
    assert ended(job).counts == ALL
    all_is_well()


@pytest.mark.parametrize("case", PASSING, ids=name)
def test_it_gets_over_it(
    owner: Person, connection: Connection, sandbox: Sandbox, senders: Senders, all_is_well: Check, case: Case
) -> None:
    sandbox.faults.add(case.kind, times=2, **case.options)
    job = started(owner, connection, customers(ROWS))
    senders.start()
    assert ended(job).counts == case.counts
    assert not sandbox.faults.active()
    all_is_well()


@pytest.mark.parametrize("case", LASTING, ids=name)
def test_it_ends_with_what_the_platform_does_not_take(
    owner: Person, connection: Connection, sandbox: Sandbox, senders: Senders, all_is_well: Check, case: Case
) -> None:
    sandbox.faults.add(case.kind, **case.options)
    job = started(owner, connection, customers(ROWS))
    senders.start()
    ended(job)
    if case.counts:
        assert job.counts == case.counts
    else:
        assert (job.status, job.cause) == ("blocked", "refuses_everything")
    all_is_well()


@pytest.mark.parametrize("case", BLOCKING, ids=name)
def test_it_stops_the_connection_and_goes_on_when_it_is_repaired(
    owner: Person, connection: Connection, sandbox: Sandbox, senders: Senders, all_is_well: Check, case: Case
) -> None:
    sandbox.faults.add(case.kind, **case.options)
    job = started(owner, connection, customers(ROWS))
    senders.start()
    wait_for(lambda: is_blocked(job))
    calls = len(sandbox.ledger)
    # One call for each of the two that may be in flight; then silence until somebody repaired it.
    assert calls <= 2
    assert job.counts == {"waiting": ROWS}
    sandbox.faults.clear()
    connection.unblock()
    assert ended(job).counts == ALL
    all_is_well()


def is_blocked(job: ImportJob) -> bool:
    job.refresh_from_db()
    assert job.connection
    job.connection.refresh_from_db()
    return job.status == "queued" and job.connection.state == "blocked"


@pytest.mark.parametrize("case", [case for case in PASSING if not case.is_about_rows], ids=name)
def test_it_gets_over_a_fault_of_the_token_call(
    owner: Person, connection: Connection, sandbox: Sandbox, senders: Senders, all_is_well: Check, case: Case
) -> None:
    connection.set_app(DEFAULT_APP_ID, DEFAULT_APP_SECRET)
    connection.save()
    sandbox.faults.add(case.kind, times=1, on="token", **case.options)
    job = started(owner, connection, customers(ROWS))
    senders.start()
    assert ended(job).counts == ALL
    all_is_well()


def test_it_renews_a_token_that_expires_meanwhile(
    owner: Person, connection: Connection, sandbox: Sandbox, senders: Senders, all_is_well: Check
) -> None:
    connection.set_app(DEFAULT_APP_ID, DEFAULT_APP_SECRET)
    connection.save()
    sandbox.faults.add("latency", seconds=0.1)
    job = started(owner, connection, customers(6 * ROWS_PER_CALL))
    senders.start()
    wait_for(lambda: len(sandbox.ledger) >= 2)
    sandbox.expire_tokens()
    assert ended(job).counts == {"accepted": 6 * ROWS_PER_CALL}
    assert sandbox.token_calls == 2
    all_is_well()


@pytest.mark.parametrize("step", ["before the token call", "before the token is kept"])
def test_it_gets_a_token_although_the_one_who_fetches_it_is_killed(
    owner: Person, connection: Connection, sandbox: Sandbox, senders: Senders, all_is_well: Check, step: str
) -> None:
    connection.set_app(DEFAULT_APP_ID, DEFAULT_APP_SECRET)
    connection.save()
    job = started(owner, connection, customers(ROWS))
    senders.start(step).wait_until_struck()
    senders.start()
    assert ended(job).counts == ALL
    all_is_well()


@pytest.mark.parametrize(
    ("step", "nth"),
    [
        ("before the sign of life", 1),
        ("before the sign of life is recorded", 1),
        ("before a batch is in doubt", 1),
        ("before the send", 4),
    ],
)
def test_it_goes_on_after_a_batch_that_is_never_answered(
    owner: Person,
    connection: Connection,
    sandbox: Sandbox,
    senders: Senders,
    all_is_well: Check,
    step: str,
    nth: int,
) -> None:
    """Sent often enough without an answer, while calls with and without rows are answered; and killed on the way."""
    connection.parallel_calls = 1
    connection.save()
    sandbox.faults.add("refuse_rows", field="phone", equals=customer(0)[3], http_status=503)
    job = started(owner, connection, customers(ROWS))
    senders.start(step, nth).wait_until_struck()
    senders.start()
    ended(job)
    assert job.counts == {"accepted": ROWS - ROWS_PER_CALL, "in_doubt": ROWS_PER_CALL}
    all_is_well()


def test_it_sets_a_batch_aside_that_kills_every_worker(
    owner: Person, connection: Connection, sandbox: Sandbox, senders: Senders, all_is_well: Check
) -> None:
    connection.parallel_calls = 1
    connection.save()
    job = started(owner, connection, customers(ROWS))
    for _ in range(DEATHS_OF_A_BATCH):
        senders.start("before the send").wait_until_struck()
    senders.start()
    assert ended(job).counts == {"accepted": ROWS - ROWS_PER_CALL, "in_doubt": ROWS_PER_CALL}
    assert {problem.code for problem in job.problems.all()} == {"worker_died"}
    all_is_well()
