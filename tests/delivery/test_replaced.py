"""An admin replaces token, secret or path while an import sends: what was refused before says nothing of the new."""

from __future__ import annotations

import threading

import pytest

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.delivery import clients
from tagsync.delivery.recorder import Recorder
from tagsync.sandbox import DEFAULT_APP_ID, DEFAULT_APP_SECRET, DEFAULT_TOKEN, Sandbox
from tagsync.tuzhan.client import Token
from tests.installation import wait_for
from tests.invariants import check_invariants
from tests.making import beside, customers, run_to_end, started

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def slow(connection: Connection, sandbox: Sandbox) -> Connection:
    """A row a call, and calls that take a moment: an import is busy for some seconds."""
    sandbox.faults.add("latency", seconds=0.1)
    connection.rows_per_call = 1
    connection.save()
    return connection


def ending_token(connection: Connection) -> str:
    """A token that the sandbox can end, as a fixed one that somebody pasted."""
    app = Connection(base_url=connection.base_url)
    app.set_app(DEFAULT_APP_ID, DEFAULT_APP_SECRET)
    with clients.client_for(app) as client:
        answer = client.fetch_token(DEFAULT_APP_ID, DEFAULT_APP_SECRET)
    assert isinstance(answer, Token)
    return answer.value


@pytest.mark.slow
def test_it_goes_on_with_a_new_fixed_token(marketer: Person, slow: Connection, sandbox: Sandbox) -> None:
    slow.set_fixed_token(ending_token(slow))
    slow.save()
    job = started(marketer, slow, customers(60))

    def replace() -> None:
        wait_for(lambda: len(sandbox.ledger) > 8)
        fresh = Connection.objects.get(pk=slow.pk)
        fresh.set_fixed_token(DEFAULT_TOKEN)
        fresh.save()
        sandbox.expire_tokens()

    admin = beside(replace)
    assert run_to_end(job).counts == {"accepted": 60}
    admin.join(30)
    slow.refresh_from_db()
    assert (slow.state, slow.blocked_reason) == ("ready", "")
    check_invariants(job, sandbox.ledger, 60)


def test_it_is_blocked_by_a_fixed_token_that_nobody_replaced(
    marketer: Person, slow: Connection, sandbox: Sandbox
) -> None:
    slow.set_fixed_token(ending_token(slow))
    slow.save()
    job = started(marketer, slow, customers(10))
    sandbox.expire_tokens()
    assert run_to_end(job, slices=1).counts == {"waiting": 10}
    slow.refresh_from_db()
    assert (slow.state, slow.blocked_reason) == ("blocked", "token_rejected")


def test_it_calls_the_new_path_though_the_old_one_was_refused(
    marketer: Person, slow: Connection, sandbox: Sandbox
) -> None:
    """The path is corrected while calls to the old one are under way; they come back with 404."""
    right = slow.path
    slow.path = "/wrong"
    slow.save()
    job = started(marketer, slow, customers(10))
    in_flight = threading.Event()

    def correct() -> None:
        assert in_flight.wait(30)
        Connection.objects.filter(pk=slow.pk).update(path=right)

    def slept(flight: object, _outcome: object) -> None:
        in_flight.set()
        admin.join(30)

    admin = beside(correct)
    with pytest.MonkeyPatch.context() as patched:
        record = Recorder.record
        patched.setattr(Recorder, "record", lambda self, *told: (slept(*told), record(self, *told))[1])
        run_to_end(job)
    job.refresh_from_db()
    slow.refresh_from_db()
    assert (slow.state, job.counts) == ("ready", {"accepted": 10})


@pytest.mark.slow
def test_it_sends_with_the_settings_of_the_moment(marketer: Person, slow: Connection, sandbox: Sandbox) -> None:
    """Rows per call and calls at a time, changed in the middle of a busy slice."""
    slow.parallel_calls = 1
    slow.save()
    job = started(marketer, slow, customers(200))

    def change() -> None:
        wait_for(lambda: len(sandbox.ledger) > 5)
        Connection.objects.filter(pk=slow.pk).update(rows_per_call=20, parallel_calls=4)

    admin = beside(change)
    assert run_to_end(job).counts == {"accepted": 200}
    admin.join(30)
    # Two calls may have been formed with the old size.
    assert len(sandbox.ledger) < 40
