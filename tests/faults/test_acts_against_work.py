"""Each act of a person at each step of the work: a worker is held there, the act is done, and everything goes on.

What must hold for a pair stands in `acts_against_work`; besides, the invariants do, when all has come to rest and again
when a person has answered whatever was left to her.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.delivery import actions, clients, runner, tasks
from tagsync.exports import lifecycle
from tagsync.exports.models import ExportState
from tagsync.imports.drafts import drafts
from tagsync.imports.followups.retry import Selection
from tagsync.imports.models import ImportJob
from tagsync.imports.sending import counts, outcomes
from tagsync.imports.states import RETRYABLE, UNDER_WAY, JobStatus, RowStatus
from tagsync.queueing import doorbell
from tagsync.sandbox import DEFAULT_APP_ID, DEFAULT_APP_SECRET, Sandbox
from tagsync.tuzhan.client import Token
from tests.faults.acts_against_work import ACTS, TABLE, WORK, Impossible, Must, Refused
from tests.faults.held import give_up, held, run_until_all_rests
from tests.faults.people import (
    DEEDS,
    OLD,
    REFUSALS,
    REPAIRED,
    ROWS_PER_CALL,
    SENDABLE,
    Hands,
    choices,
    columns,
    repair,
    sheets,
)
from tests.faults.saboteur import struck
from tests.faults.steps import Step
from tests.invariants import check_connection, check_words, stored_words
from tests.making import S, blame, customer, customers, started
from tests.read_once import read_once

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("quick_commits")]

REFUSED = 3  # the customer that the platform refuses in a trial


# -- what the platform and the workers are here


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small pieces, no pauses, and a look at what changed before each step."""
    monkeypatch.setattr("tagsync.delivery.policy.MAX_BACK_OFF_SECONDS", 0.01)
    monkeypatch.setattr("tagsync.delivery.leases.LOOK_SECONDS", 0.0)
    monkeypatch.setattr("tagsync.imports.check.staging.ROWS_PER_COMMIT", 10)
    for module in ("followups.retry", "sending.superseded"):
        monkeypatch.setattr(f"tagsync.imports.{module}.ROWS_PER_COMMIT", 5)


@pytest.fixture(autouse=True)
def _read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read_once(monkeypatch)


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    rings: list[tuple[str, int]] = []

    def ring(queue_name: str, record_id: int) -> bool:
        rings.append((queue_name, record_id))
        return True

    monkeypatch.setattr(doorbell, "ring", ring)
    monkeypatch.setattr(doorbell, "rung", lambda _queue_name: set())
    return rings


@pytest.fixture
def connection(connection: Connection) -> Connection:
    """One call at a time, with a token that the sandbox can end."""
    app = Connection(base_url=connection.base_url)
    app.set_app(DEFAULT_APP_ID, DEFAULT_APP_SECRET)
    with clients.client_for(app) as client:
        answer = client.fetch_token(DEFAULT_APP_ID, DEFAULT_APP_SECRET)
    assert isinstance(answer, Token)
    connection.set_fixed_token(answer.value)
    connection.parallel_calls = 1
    connection.save()
    return connection


@pytest.fixture
def hands(owner: Person, admin_person: Person, sandbox: Sandbox) -> Hands:
    admin = Client()
    admin.force_login(admin_person)
    return Hands(owner, admin, sandbox)


# -- imports that are about to come to a step


def ready(connection: Connection, owner: Person) -> ImportJob:
    """Checked, with one row repaired and one to fix."""
    job = drafts.create(owner, SimpleUploadedFile("会员.xlsx", sheets()))
    assert isinstance(job, ImportJob), job
    actions.choose_and_check(job, actions.Columns(columns(OLD), ""), choices(connection), owner)
    tasks.run_check(job.pk)
    job.refresh_from_db()
    repair(job, REPAIRED, owner)
    assert (job.status, job.counts) == ("ready", {"waiting": SENDABLE, "to_fix": 1})
    return job


def draft_with_repair(connection: Connection, owner: Person, sandbox: Sandbox) -> ImportJob:
    job = ready(connection, owner)
    drafts.back_to_draft(job, owner)
    return job


def being_checked(connection: Connection, owner: Person, sandbox: Sandbox) -> ImportJob:
    job = draft_with_repair(connection, owner, sandbox)
    actions.check(job, owner)
    return job


def queued(connection: Connection, owner: Person, sandbox: Sandbox) -> ImportJob:
    job = ready(connection, owner)
    actions.start(job, owner)
    return job


def overtaken(connection: Connection, owner: Person, sandbox: Sandbox) -> ImportJob:
    """Resumed after another has deleted the tags of 10 of its customers."""
    job = queued(connection, owner, sandbox)
    actions.stop(job, owner)
    newer = started(owner, connection, customers(10, "旧"), operation="delete")
    tasks.run_import(newer.pk)
    newer.refresh_from_db()
    assert newer.status == "finished"
    actions.resume(job, owner)
    return job


def retried(connection: Connection, owner: Person, sandbox: Sandbox) -> ImportJob:
    """With 20 rejected rows, in pieces of 5."""
    job = queued(connection, owner, sandbox)
    actions.stop(job, owner)
    job.rows.filter(row_number__lte=21).update(status=S.REJECTED)
    blame(job, S.REJECTED, "refused", code="100500", message="")
    job.counts = counts.counted(job)
    job.save(update_fields=["counts"])
    actions.retry(job, Selection(), owner)
    return job


def after_trial(connection: Connection, owner: Person, sandbox: Sandbox) -> ImportJob:
    """Of 10 rows, of which the platform refused one."""
    job = ready(connection, owner)
    sandbox.faults.add("refuse_rows", field="phone", equals=customer(REFUSED)[3])
    actions.start(job, owner, trial_rows=10)
    tasks.run_import(job.pk)
    sandbox.faults.clear()
    job.refresh_from_db()
    assert (job.cause, job.counts) == ("trial_done", {"accepted": 9, "rejected": 1, "waiting": 20, "to_fix": 1})
    return job


PREPARED: dict[str, Callable[[Connection, Person, Sandbox], ImportJob]] = {
    "look into the workbook": draft_with_repair,
    "check, between two commits": being_checked,
    "superseding, between two pieces": overtaken,
    "taking up a retry, between two pieces": retried,
    "export": after_trial,
}


def work_on(step: str, job: ImportJob, owner: Person) -> Callable[[], object]:
    """What is held at that step."""
    if step == "look into the workbook":
        seen = ImportJob.objects.get(pk=job.pk)
        return lambda: drafts.choose_sheet(seen, "二", None, owner)
    if step == "check, between two commits":
        return lambda: tasks.run_check(job.pk)
    if step == "export":
        export = lifecycle.ask(job, owner, {}, language="en", file_name="rows.xlsx")
        return lambda: lifecycle.make(export.pk)
    return lambda: tasks.run_import(job.pk)


# -- the table


@dataclass
class Stage:
    """An import whose worker can be held at a step, and everything that may act on it."""

    connection: Connection
    hands: Hands
    heard: list[tuple[str, int]]
    patch: pytest.MonkeyPatch

    def act_at(self, step: str, act: Callable[[ImportJob], None]) -> tuple[ImportJob, str]:
        """Done with the import while its worker is held there; returns what that one was told."""
        work, owner = WORK[step], self.hands.owner
        job = PREPARED.get(step, queued)(self.connection, owner, self.hands.sandbox)
        if step == "end of a slice":
            self._end_slices_after_a_call()
        with held(work_on(step, job, owner), work.step, work.nth, self.patch) as worker:
            self.patch.setattr(runner, "SLICE_SECONDS", 20.0)
            if "stopped" in step:
                actions.stop(job, owner)
            if work.given_up:
                give_up(job)
            act(ImportJob.objects.get(pk=job.pk))
        return job, type(worker.told).__name__ if worker.told else ""

    def _end_slices_after_a_call(self) -> None:
        def end() -> None:
            self.patch.setattr(runner, "SLICE_SECONDS", 0.0)

        self.patch.setattr(outcomes, "record", struck(outcomes.record, Step("", "after"), 1, end))

    def check(self) -> None:
        check_connection(self.connection, self.hands.sandbox.ledger, self.hands.sandbox.tags)
        check_words(stored_words(ImportJob.objects.all()))

    def calls(self) -> list[int]:
        """Rows of each call that had some and was applied."""
        return [entry.applied_rows for entry in self.hands.sandbox.ledger if entry.applied_rows]

    def answer_the_rest(self, job: ImportJob) -> None:
        """Whatever still waits for a person, until everything of it is settled."""
        self.hands.sandbox.faults.clear()
        if self.connection.archived_at:
            check_archived(job, self.hands.owner)
            self.connection.restore()
        self.connection.unblock()
        for _ in range(5):
            job.refresh_from_db()
            if not self._answer(job):
                break
            run_until_all_rests(self.heard)
        assert set(job.counts) <= {"accepted", "superseded", "to_fix"}, job.counts
        assert job.count(RowStatus.ACCEPTED) + job.count(RowStatus.SUPERSEDED) == SENDABLE

    def _answer(self, job: ImportJob) -> bool:
        owner = self.hands.owner
        if job.status in UNDER_WAY:
            return True
        if job.status == JobStatus.DRAFT:
            actions.check(job, owner)
        elif job.status == JobStatus.READY:
            actions.start(job, owner)
        elif job.count(RowStatus.WAITING):
            actions.resume(job, owner)
        elif job.failed:
            actions.retry(job, Selection(RETRYABLE), owner)
        else:
            return False
        return True


def check_archived(job: ImportJob, owner: Person) -> None:
    """Nothing of it can be sent before the connection is in use again."""
    for act in (actions.start, actions.resume, lambda job, owner: actions.retry(job, Selection(RETRYABLE), owner)):
        with pytest.raises(actions.ConnectionArchived):
            act(job, owner)


@pytest.fixture
def stage(connection: Connection, hands: Hands, heard: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch) -> Stage:
    return Stage(connection, hands, heard, monkeypatch)


def test_it_has_every_pair() -> None:
    assert set(TABLE) == set(WORK)
    for step, row in TABLE.items():
        assert set(row) == set(ACTS) == set(DEEDS), step


@pytest.mark.parametrize("step", TABLE)
def test_it_refuses_what_can_not_be_done_then(stage: Stage, step: str) -> None:
    acts_refused = [act for act, pair in TABLE[step].items() if isinstance(pair, Refused)]

    def facts(job: ImportJob) -> object:
        stored = ImportJob.objects.filter(pk=job.pk).defer("lease_until")
        rows = list(job.rows.order_by("row_number").values_list("row_number", "status", "tags"))
        fixed = ("status", "fence", "counts", "columns", "sheet", "queue_number", "run", "retry_selection")
        connections = Connection.objects.values("state", "base_url", "archived_at", "queue_number")
        return stored.values(*fixed).get(), rows, job.events.count(), job.repairs.count(), connections.get()

    def try_all(job: ImportJob) -> None:
        before = facts(job)
        for act in acts_refused:
            with pytest.raises(REFUSALS):
                DEEDS[act](ImportJob.objects.get(pk=job.pk), stage.hands)
            assert facts(job) == before, act

    job, told = stage.act_at(step, try_all)
    assert told == ""
    run_until_all_rests(stage.heard)
    stage.answer_the_rest(job)
    stage.check()


@pytest.mark.parametrize(
    ("step", "act"), [(step, act) for step, row in TABLE.items() for act, pair in row.items() if isinstance(pair, Must)]
)
def test_it_holds(stage: Stage, step: str, act: str) -> None:
    pair, calls, rows = TABLE[step][act], 0, 0
    assert isinstance(pair, Must)

    def do(job: ImportJob) -> None:
        nonlocal calls, rows
        calls = len(stage.calls())
        DEEDS[act](job, stage.hands)
        rows = job.rows.count()

    job, told = stage.act_at(step, do)
    if act in ("sheet", "columns"):
        # The overtaken check has written nothing since.
        assert job.rows.count() == rows
    run_until_all_rests(stage.heard)
    assert told == pair.told
    if pair.status == "gone":
        assert not ImportJob.objects.filter(pk=job.pk).exists()
        return
    job.refresh_from_db()
    sent = stage.calls()[calls:]
    assert (job.status, job.counts, len(sent)) == (pair.status, pair.counts, pair.calls), pair.then
    check_act(stage, step, act, job, sent)
    stage.check()
    stage.answer_the_rest(job)
    stage.check()


def check_act(stage: Stage, step: str, act: str, job: ImportJob, sent: list[int]) -> None:
    """What is true after an act wherever it was done."""
    stage.connection.refresh_from_db()
    assert (stage.connection.state == "blocked") == (act == "block")
    assert (stage.connection.archived_at is not None) == (act == "archive")
    if act == "size":
        assert max(sent[WORK[step].in_hand :], default=0) <= ROWS_PER_CALL // 2
    if act == "columns" and job.status == "ready":
        assert set(job.rows.values_list("tags", flat=True)) == {"新"}
    if step == "look into the workbook":
        assert job.sheet == ("三" if act == "sheet" else "二")
    if step == "export":
        export = job.exports.get()
        assert (export.state, export.rows_done) == (ExportState.DONE, SENDABLE + 1)
    if act == "undo":
        taken = ImportJob.objects.get(undoes=job)
        assert (taken.operation, taken.status) == ("delete", "ready")


def test_nothing_is_left_out_silently() -> None:
    for row in TABLE.values():
        for pair in row.values():
            assert not isinstance(pair, Refused | Impossible) or pair.why
