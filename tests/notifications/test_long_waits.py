"""Who waits for long is told once when it begins and once when it is over, never once per batch, keeper or round."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import DatabaseError
from django.utils import timezone

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.delivery import actions, keeper
from tagsync.delivery.health import wait_reason
from tagsync.imports.models import Delivery, ImportJob, JobEvent
from tagsync.imports.models.delivery import DeliveryOutcome
from tagsync.imports.signals import keeper_cleans
from tagsync.imports.states import JobStatus, RowStatus
from tagsync.notifications import long_waits, of_connections
from tagsync.notifications.models import Notice
from tagsync.queueing.health import QueueHealth
from tests.making import add_call, make_import

pytestmark = pytest.mark.django_db
LONG = timedelta(minutes=11)

tell = partial(long_waits.tell_long_waits, wait_reason)


@pytest.fixture(autouse=True)
def somebody_at_work(monkeypatch: pytest.MonkeyPatch) -> None:
    health = QueueHealth(True, 1, 1)
    monkeypatch.setattr("tagsync.delivery.health.queue_health", lambda: health)


def told(person: Person) -> list[str]:
    return list(Notice.objects.filter(person=person).order_by("pk").values_list("kind", flat=True))


def queued(owner: Person, connection: Connection, since: timedelta = LONG, **changes: Any) -> ImportJob:
    job = make_import(owner, connection, JobStatus.QUEUED, [RowStatus.WAITING] * 3, **changes)
    event = JobEvent.objects.create(job=job, act="start", before="ready", after="queued", by=owner)
    JobEvent.objects.filter(pk=event.pk).update(at=timezone.now() - since)
    return job


def call(job: ImportJob, outcome: DeliveryOutcome, ago: timedelta = timedelta(0)) -> Delivery:
    return add_call(job, [2], outcome=outcome, answered_at=timezone.now() - ago)


def test_it_tells_once_whatever_the_number_of_rounds(marketer: Person, sandbox_connection: Connection) -> None:
    job = queued(marketer, sandbox_connection, wait_reason="unanswered")
    for _ in range(3):
        tell()
    notice = Notice.objects.get()
    assert (notice.kind, notice.job, notice.params) == (
        "waits",
        job,
        {"imports": 1, "minutes": 11, "reason": "wait_unanswered"},
    )


def test_it_tells_once_whatever_the_number_of_imports(
    marketer: Person, other_marketer: Person, sandbox_connection: Connection
) -> None:
    for owner in (marketer, marketer, other_marketer):
        queued(owner, sandbox_connection)
    tell()
    queued(marketer, sandbox_connection)
    tell()
    assert told(marketer) == told(other_marketer) == ["waits"]
    assert Notice.objects.get(person=marketer).job is None


def test_it_tells_nothing_before_the_time(marketer: Person, sandbox_connection: Connection, settings: Any) -> None:
    queued(marketer, sandbox_connection, since=timedelta(minutes=9))
    tell()
    assert told(marketer) == []
    settings.TAGSYNC_LONG_WAIT_MINUTES = 5
    tell()
    assert told(marketer) == ["waits"]


@pytest.mark.parametrize(
    ("outcome", "gets_on"),
    [("accepted", True), ("batch_refused", True), ("unanswered", False), ("throttled", False), ("not_sent", False)],
)
def test_an_answer_is_what_counts(
    marketer: Person, sandbox_connection: Connection, outcome: DeliveryOutcome, gets_on: bool
) -> None:
    job = queued(marketer, sandbox_connection)
    call(job, outcome)
    tell()
    assert told(marketer) == ([] if gets_on else ["waits"])


def test_it_tells_when_it_goes_on(marketer: Person, sandbox_connection: Connection) -> None:
    job = queued(marketer, sandbox_connection)
    tell()
    call(job, DeliveryOutcome.UNANSWERED)
    tell()
    assert told(marketer) == ["waits"]
    call(job, DeliveryOutcome.ACCEPTED)
    for _ in range(3):
        tell()
    assert told(marketer) == ["waits", "goes_on"]
    Delivery.objects.filter(outcome="accepted").update(answered_at=timezone.now() - LONG)
    tell()
    assert told(marketer) == ["waits", "goes_on", "waits"], "another wait is another change"


def test_it_is_silent_when_there_is_other_news(marketer: Person, sandbox_connection: Connection) -> None:
    job = queued(marketer, sandbox_connection)
    tell()
    actions.stop(job, marketer)
    tell()
    assert told(marketer) == ["waits"] and not Notice.objects.filter(over_at=None).exists()


def test_a_blocked_connection_is_told_as_that_alone(marketer: Person, sandbox_connection: Connection) -> None:
    queued(marketer, sandbox_connection)
    tell()
    sandbox_connection.block("forbidden")
    tell()
    assert told(marketer) == ["waits", "held"]
    sandbox_connection.unblock()
    tell()
    assert told(marketer) == ["waits", "held", "released"], "it had no time yet to get on"


def test_two_keepers_tell_once(
    marketer: Person, sandbox_connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second one looks while the first one is between its look and its writing."""
    queued(marketer, sandbox_connection)
    write = of_connections.write

    def late(notices: Any) -> None:
        monkeypatch.setattr(of_connections, "write", write)
        tell()
        write(notices)

    monkeypatch.setattr(of_connections, "write", late)
    tell()
    assert told(marketer) == ["waits"]


def test_a_keeper_that_dies_loses_nothing(
    marketer: Person, sandbox_connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the end of a wait and the telling of it."""
    job = queued(marketer, sandbox_connection)
    tell()
    call(job, DeliveryOutcome.ACCEPTED)

    def dies(*_args: Any, **_options: Any) -> None:
        raise DatabaseError

    with monkeypatch.context() as patch, pytest.raises(DatabaseError):
        patch.setattr(Notice, "save", dies)
        long_waits._tell(wait_reason)
    assert told(marketer) == ["waits"]
    tell()
    assert told(marketer) == ["waits", "goes_on"]


@pytest.mark.parametrize(
    ("changes", "health", "reason"),
    [
        ({"wait_reason": "throttled"}, (True, 1, 1), "wait_throttled"),
        ({"wait_reason": "throttled"}, (True, 1, 0), "wait_nobody"),
        ({}, (False, 0, 0), "wait_nobody"),
        ({"silent": True}, (True, 1, 1), "wait_unanswered"),
        ({"behind": True}, (True, 1, 1), "wait_line"),
        ({}, (True, 1, 1), "wait_turn"),
    ],
)
def test_it_says_what_it_waits_for(
    marketer: Person,
    admin_person: Person,
    sandbox_connection: Connection,
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, Any],
    health: tuple[bool, int, int],
    reason: str,
) -> None:
    monkeypatch.setattr("tagsync.delivery.health.queue_health", lambda: QueueHealth(*health))
    if changes.pop("behind", False):
        queued(admin_person, sandbox_connection)
    if changes.pop("silent", False):
        Connection.objects.update(silent_since=timezone.now())
    queued(marketer, sandbox_connection, **changes)
    tell()
    assert Notice.objects.get(person=marketer).params["reason"] == reason


def test_it_asks_the_database_the_same_for_one_or_twenty(
    marketer: Person, sandbox_connection: Connection, django_assert_num_queries: Any
) -> None:
    queued(marketer, sandbox_connection)
    tell()
    for _ in range(20):
        queued(marketer, sandbox_connection)
    with django_assert_num_queries(2):
        tell()


def test_the_keeper_looks_and_forgets_after_90_days(
    marketer: Person, sandbox_connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tagsync.queueing.doorbell.rung", lambda bell: set())
    queued(marketer, sandbox_connection)
    keeper.keep()
    assert told(marketer) == ["waits"]
    keeper_cleans.send(ImportJob)
    assert told(marketer) == ["waits"]
    Notice.objects.update(at=timezone.now() - timedelta(days=91))
    keeper_cleans.send(ImportJob)
    assert told(marketer) == []
