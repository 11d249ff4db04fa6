"""kill -9 at every step of a plain import, in its first call and in a later one: nothing lost, nothing twice."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.sandbox import Sandbox
from tests.faults.conftest import ROWS_PER_CALL, ended, resent_rows
from tests.faults.senders import Senders
from tests.making import customers, started

pytestmark = pytest.mark.django_db(transaction=True)

FIRST, LATER = 1, 3
# step → rows that may reach the platform twice: only those whose answer was lost with the process
STEPS = {
    "before the claim": 0,
    "inside the claim": 0,
    "after the claim": 0,
    "before a call is written down": 1,
    "inside the writing down": 1,
    "before the send": 1,
    "after the send": 2,
    "before the record": 2,
    "inside the record": 2,
    "after the record": 1,
    "after the renewal": 1,
}
ONCE = {"before the finish": 0, "after the finish": 0}
CASES = [(step, nth) for step in STEPS for nth in (FIRST, LATER) if nth == FIRST or "claim" not in step]


@pytest.mark.parametrize(("step", "nth"), [*CASES, *((step, FIRST) for step in ONCE)])
def test_it_loses_nothing(
    owner: Person,
    connection: Connection,
    sandbox: Sandbox,
    senders: Senders,
    all_is_well: Callable[[], None],
    step: str,
    nth: int,
) -> None:
    job = started(owner, connection, customers(4 * ROWS_PER_CALL))
    senders.start(step, nth).wait_until_struck()
    senders.start()
    assert ended(job).counts == {"accepted": 4 * ROWS_PER_CALL}
    all_is_well()
    # Two calls are in flight at most, so at most their rows go twice; every one of them is a call in the record.
    assert resent_rows(sandbox) <= {**STEPS, **ONCE}[step] * ROWS_PER_CALL
