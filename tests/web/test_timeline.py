"""What happened to an import: every act with its person, in the order of time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.exports.models import Export
from tagsync.imports.followups.dismissals import settle
from tagsync.imports.models import ImportJob, JobEvent, Repair
from tagsync.imports.models.row import Origin
from tagsync.imports.states import Act, JobStatus, Mark
from tagsync.tuzhan.outcomes import BlockReason
from tagsync.web.record.timeline import TELLINGS, UNTOLD, timeline
from tests.making import S, blame, make_import

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    with translation.override("en"):
        yield


@pytest.fixture
def job(marketer: Person, sandbox_connection: Connection) -> ImportJob:
    return make_import(marketer, sandbox_connection, JobStatus.FINISHED, [S.ACCEPTED, S.REJECTED, S.TO_FIX])


def event(job: ImportJob, act: str, by: Person | None = None, **more: Any) -> None:
    JobEvent.objects.create(job=job, act=act, before="ready", after=more.pop("after", "queued"), by=by, **more)


def texts(job: ImportJob) -> list[str]:
    return [line.text for line in timeline(job)]


def test_it_has_words_for_every_act() -> None:
    assert set(TELLINGS) == (set(Act) | {Mark.LATE_ANSWER, Mark.RESTORE}) - set(UNTOLD)


def test_it_tells_who_did_what_newest_first(job: ImportJob, marketer: Person, admin_person: Person) -> None:
    event(job, "start", marketer)
    event(job, "finish", after="finished")
    event(job, "retry", admin_person, params={"rows": 1212})
    assert [(line.text, line.by) for line in timeline(job)] == [
        ("1,212 rows queued again", admin_person.label),
        ("Finished", ""),
        ("Started", marketer.label),
    ]


@pytest.mark.parametrize(
    ("repair", "words"),
    [
        ({"kind": "value", "field": "phone", "rows": 12}, "Rows fixed: Phone: “138****8000” → “139****9000”"),
        (
            {"kind": "cell", "field": "phone", "row_number": 4, "rows": 1},
            "Rows fixed: Row 4, Phone: “138****8000” → “139****9000”",
        ),
        ({"kind": "leave_out", "code": "no_tags", "rows": 1}, "Rows fixed: Left out: No tag in the row"),
    ],
)
def test_it_tells_of_repairs_with_their_values_masked(
    job: ImportJob, marketer: Person, repair: dict[str, Any], words: str
) -> None:
    made = Repair.objects.create(job=job, by=marketer, before="13800138000", after="13900139000", **repair)
    event(job, "repair", marketer, params={"repair": made.pk})
    assert texts(job) == [words]


@pytest.mark.parametrize(
    ("clear", "words"),
    [(False, "Workbook with 34 rows requested"), (True, "Workbook with 34 rows requested, identifiers in full")],
)
def test_it_tells_of_workbooks(job: ImportJob, admin_person: Person, clear: bool, words: str) -> None:
    day = timezone.now() + timedelta(days=1)
    Export.objects.create(job=job, by=admin_person, language="en", rows=34, clear=clear, file_name="a", expires_at=day)
    assert [(line.text, line.by) for line in timeline(job)] == [(words, admin_person.label)]


def test_it_tells_of_settled_causes(job: ImportJob, marketer: Person) -> None:
    settle(blame(job, S.TO_FIX, "phone_invalid", Origin.CHECK, field="phone"), marketer)
    assert texts(job) == ["Marked as settled: Phone: not a phone number"]


def test_it_leads_to_the_imports_that_came_of_it(
    job: ImportJob, marketer: Person, sandbox_connection: Connection
) -> None:
    fixed = make_import(marketer, sandbox_connection, JobStatus.FINISHED, [S.ACCEPTED], corrects=job)
    undone = make_import(marketer, sandbox_connection, JobStatus.QUEUED, [S.WAITING], undoes=job)
    make_import(marketer, sandbox_connection, JobStatus.DRAFT, corrects=job)
    assert [(line.text, line.url) for line in timeline(job)] == [
        ("Undo started", f"/imports/{undone.pk}/"),
        ("Corrected sheet started", f"/imports/{fixed.pk}/"),
    ]


def test_it_says_why_it_was_blocked(job: ImportJob, marketer: Person) -> None:
    event(job, "start", marketer)
    event(job, "block", after="blocked", why="refuses_everything")
    event(job, "resume", marketer)
    event(job, "block", after="blocked", why="trial_done")
    assert texts(job) == ["Trial sent", "Resumed", "Blocked: The platform rejects every row in the same way", "Started"]


def test_it_tells_when_its_connection_was_blocked_and_repaired(
    job: ImportJob, sandbox_connection: Connection, marketer: Person, admin_person: Person
) -> None:
    def block_and_repair() -> None:
        sandbox_connection.block(BlockReason.TOKEN_REJECTED)
        sandbox_connection.block(BlockReason.FORBIDDEN)  # it is blocked already
        sandbox_connection.unblock(admin_person)
        sandbox_connection.unblock(admin_person)

    block_and_repair()  # before the start
    event(job, "start", marketer)
    block_and_repair()
    event(job, "finish", after="finished")
    block_and_repair()  # when it was over
    event(job, "retry", admin_person)
    sandbox_connection.block(BlockReason.FORBIDDEN)
    assert [(line.text, line.by) for line in timeline(job)] == [
        ("Held up: connection “Sandbox” is blocked. The platform forbids the call", ""),
        ("Queued again", admin_person.label),
        ("Finished", ""),
        ("Continues: connection “Sandbox” is repaired", admin_person.label),
        ("Held up: connection “Sandbox” is blocked. The platform does not accept the access token", ""),
        ("Started", marketer.label),
    ]


def test_it_asks_the_database_the_same_however_long_it_is(job: ImportJob, marketer: Person) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as found:
            timeline(job)
        return len(found)

    event(job, "start", marketer)
    few = asked()
    for _ in range(60):
        event(job, "retry", marketer, params={"rows": 3})
        Repair.objects.create(job=job, by=marketer, kind="leave_out", rows=2)
    assert len(timeline(job)) == 50
    assert asked() == few <= 6
