"""PostgreSQL breaks off a sender's connections in the middle of a call, as a restart does: no row is lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection as database

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.delivery import actions
from tagsync.sandbox import Sandbox
from tests.faults.conftest import ROWS_PER_CALL, ended
from tests.faults.senders import Senders
from tests.making import customers, draft, started

pytestmark = pytest.mark.django_db(transaction=True)

Check = Callable[..., None]
ROWS = 4 * ROWS_PER_CALL
STEPS = (
    "after the claim",
    "before a call is written down",
    "inside the writing down",
    "before the send",
    "after the send",
    "inside the record",
    "before the finish",
)


def break_off_all_others() -> None:
    """What a restart does to them; this test's own connection and database stay."""
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.mark.skipif(database.vendor != "postgresql", reason="breaks off connections of PostgreSQL: no such database")
@pytest.mark.parametrize("step", STEPS)
def test_it_goes_on_after_a_restart(
    owner: Person, connection: Connection, sandbox: Sandbox, senders: Senders, all_is_well: Check, step: str
) -> None:
    job = started(owner, connection, customers(ROWS))
    struck = senders.start(step, how="SIGSTOP")
    struck.wait_until_struck()
    break_off_all_others()
    struck.wake()
    assert ended(job).counts == {"accepted": ROWS}
    assert struck.runs
    assert "OperationalError" in struck.output.read_text()
    all_is_well(may_fail=True)


@pytest.mark.skipif(database.vendor != "postgresql", reason="breaks off connections of PostgreSQL: no such database")
@pytest.mark.parametrize("step", ["inside a COPY", "inside a commit of the check", "before the sums"])
def test_a_check_is_done_again_after_a_restart(
    owner: Person, connection: Connection, senders: Senders, all_is_well: Check, step: str
) -> None:
    """Whatever the database was doing: nothing is said about the file."""
    job = draft(owner, connection, customers(ROWS))
    actions.check(job, owner)
    struck = senders.start(step, 3 if step == "inside a COPY" else 1, how="SIGSTOP")
    struck.wait_until_struck()
    break_off_all_others()
    struck.wake()
    assert (ended(job).status, job.cause, job.counts) == ("ready", "", {"waiting": ROWS})
    assert "interrupted by its database" in struck.output.read_text()
    all_is_well(may_fail=True)
