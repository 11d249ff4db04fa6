"""Every pair of acts side by side on one import and on one connection: no deadlock, no error, one winner, true counts.

Real threads, each with a connection to the database of its own. What wins is free; what must hold is that somebody
could have done the same one after the other.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations_with_replacement, pairwise
from threading import Barrier

import pytest
from django.db import connection as database
from django.db import connections
from django.test import Client

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection, ConnectionState
from tagsync.delivery import actions, keeper
from tagsync.delivery.leases import claim_import
from tagsync.imports.drafts import deletion, drafts
from tagsync.imports.followups import dismissals, undo
from tagsync.imports.followups.retry import NothingToRetry, Selection
from tagsync.imports.models import ImportJob, Problem
from tagsync.imports.sending import counts
from tagsync.imports.states import DELETABLE, ENDED, MOVES, Act, JobStatus, MoveRefused
from tagsync.notifications.models import Notice, NoticeKind
from tagsync.notifications.seen import mark_seen
from tagsync.web.connections.forms import FIXED
from tests.making import S, add_call, blame, make_import

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("quick_commits"),
    pytest.mark.timeout(600),
    # Who waits for whom is different on each.
    pytest.mark.whole,
]

# By hand more often: TAGSYNC_PAIR_ROUNDS=30 takes five minutes. SQLite has one writer: nobody waits crosswise.
ON_ONE_IMPORT = int(os.environ.get("TAGSYNC_PAIR_ROUNDS", "6" if database.vendor == "postgresql" else "3"))
ON_TWO_IMPORTS = ON_ONE_IMPORT // 3
ROWS = [S.ACCEPTED] * 2 + [S.REJECTED] * 2 + [S.IN_DOUBT] + [S.WAITING] * 3 + [S.TO_FIX]
REFUSALS = (MoveRefused, actions.NothingToSend, actions.NotAsChecked, actions.ConnectionArchived, NothingToRetry)
# Rows that a change or a discard has begun to delete.
UNCOUNTED = (JobStatus.DRAFT, JobStatus.CHECKING, JobStatus.DISCARDED)
ANY = (JobStatus.READY, JobStatus.QUEUED, JobStatus.STOPPED, JobStatus.FINISHED)


@dataclass(frozen=True)
class Hands:
    """A person at her browser. Each thread has its own."""

    person: Person
    client: Client


Deed = Callable[[ImportJob, Hands], object]


def page(address: str, **data: str) -> Deed:
    def press(job: ImportJob, hands: Hands) -> None:
        answer = hands.client.post(address.format(connection=job.connection_id, job=job.pk), data)
        assert answer.status_code == 302, answer.status_code

    return press


def connection_of(job: ImportJob) -> Connection:
    return Connection.objects.get(pk=job.connection_id)


def undo_import(job: ImportJob, hands: Hands) -> None:
    if job.status in ENDED:
        undo.undo_draft(job, hands.person)


def settle(job: ImportJob, hands: Hands) -> None:
    for problem in Problem.objects.filter(job=job):
        dismissals.settle(problem, hands.person)


def lose(job: ImportJob, hands: Hands) -> None:
    """A worker takes it, dies, and the keeper gives it back."""
    claim_import(job.pk)
    keeper.end_all_leases()


def sources(act: Act) -> frozenset[JobStatus]:
    return frozenset().union(*(move.sources for move in MOVES[act]))


EDIT = {
    "path": "/api/integrate/audience/tag/batchAdd",
    "token_path": "/api/open/app/getOrgAccessToken",
    "credentials": FIXED,
    "fixed_token": "another-token",
    "customer_id_key": "audienceUserId",
    "way_two_order": "phone_first",
    "rows_per_call": "500",
    "calls_per_period": "10",
    "period_seconds": "5",
    "parallel_calls": "2",
    "base_url": "http://127.0.0.1:9",
    "name": "Renamed",
}
# act → what is done, and the states in which it may be; none: it asks for none
DEEDS: dict[str, tuple[Deed, frozenset[JobStatus]]] = {
    "check": (lambda job, hands: actions.check(job, hands.person), sources(Act.CHECK)),
    "change": (lambda job, hands: drafts.back_to_draft(job, hands.person), sources(Act.CHANGE)),
    "start": (lambda job, hands: actions.start(job, hands.person), sources(Act.START)),
    "stop": (lambda job, hands: actions.stop(job, hands.person), sources(Act.STOP)),
    "resume": (lambda job, hands: actions.resume(job, hands.person), sources(Act.RESUME)),
    "retry": (lambda job, hands: actions.retry(job, Selection(), hands.person), sources(Act.RETRY)),
    "discard": (lambda job, hands: deletion.discard(job, hands.person), DELETABLE),
    "undo": (undo_import, ENDED),
    "settle": (settle, ENDED),
    "seen": (lambda job, hands: mark_seen(hands.person), frozenset()),
    "edit": (page("/connections/{connection}/", **EDIT), frozenset()),
    "block": (lambda job, hands: connection_of(job).block("forbidden"), frozenset()),
    "unblock": (page("/connections/{connection}/unblock/"), frozenset()),
    "archive": (page("/connections/{connection}/archive/", seen="999999"), frozenset()),
    "lose": (lose, sources(Act.CLAIM)),
}
PAIRS = list(combinations_with_replacement(DEEDS, 2))


@pytest.fixture(autouse=True)
def no_repetition(monkeypatch: pytest.MonkeyPatch) -> None:
    """A deadlock that is repeated reaches nobody, but here there must be none: it is the order that is tested."""
    monkeypatch.setattr("tagsync.database.TIMES_REPEATED", 1)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as found:
        yield found
        barrier = Barrier(2)
        for closing in [found.submit(lambda: (barrier.wait(), connections.close_all())) for _thread in range(2)]:
            closing.result()


@pytest.fixture
def hands(admin_person: Person) -> list[Hands]:
    found = []
    for _thread in range(2):
        client = Client()
        client.force_login(admin_person)
        found.append(Hands(admin_person, client))
    return found


def states_for(pair: tuple[str, str]) -> list[JobStatus]:
    """Where both may be done; else where one may."""
    first, second = (DEEDS[name][1] or frozenset(ANY) for name in pair)
    return sorted(first & second or first | second)


def made(owner: Person, connection: Connection, status: JobStatus) -> ImportJob:
    job = make_import(owner, connection, status, ROWS)
    job.asked_sha256 = job.choices_sha256()
    job.save(update_fields=["asked_sha256"])
    problem = blame(job, S.REJECTED, "refused", message="no such customer")
    add_call(job, [2, 3])
    question = NoticeKind.BLOCKED if status == JobStatus.BLOCKED else NoticeKind.FINISHED
    Notice.objects.create(person=owner, kind=question, job=job)
    assert problem.pk
    return job


def reset(connection: Connection, number: int) -> None:
    state = ConnectionState.BLOCKED if number % 2 else ConnectionState.READY
    Notice.objects.all().delete()
    fields = {
        "state": state,
        "archived_at": None,
        "name": "Sandbox",
        "blocked_reason": "forbidden" if number % 2 else "",
    }
    Connection.objects.filter(pk=connection.pk).update(**fields)
    if number % 2:
        Notice.objects.create(
            person_id=Person.objects.latest("pk").pk, kind=NoticeKind.CONNECTION_BLOCKED, connection=connection
        )


def side_by_side(pool: ThreadPoolExecutor, pair: tuple[str, str], jobs: list[ImportJob], hands: list[Hands]) -> None:
    barrier = Barrier(2)

    def do(name: str, job_id: int, mine: Hands) -> None:
        job = ImportJob.objects.get(pk=job_id)
        barrier.wait(10)
        try:
            DEEDS[name][0](job, mine)
        except REFUSALS:
            return

    done = [pool.submit(do, name, job.pk, mine) for name, job, mine in zip(pair, jobs, hands, strict=True)]
    for one in done:
        one.result()


def check_history(job_id: int) -> None:
    """Each event goes on from the one before, by a move of the table, to the state that the import is in."""
    job = ImportJob.objects.filter(pk=job_id).first()
    if job is None:
        return
    assert job.counts == counts.counted(job) or job.status in UNCOUNTED
    events = list(job.events.order_by("pk"))
    for before, after in pairwise(events):
        assert before.after == after.before
    for event in events:
        assert any(event.before in move.sources and event.after == move.target for move in MOVES[Act(event.act)])
    assert not events or events[-1].after == job.status


@pytest.mark.parametrize("first", list(DEEDS))
def test_two_acts_side_by_side_are_one_after_the_other(
    owner: Person, sandbox_connection: Connection, pool: ThreadPoolExecutor, hands: list[Hands], first: str
) -> None:
    for pair in [pair for pair in PAIRS if pair[0] == first]:
        states = states_for(pair)
        for number in range(ON_ONE_IMPORT + ON_TWO_IMPORTS):
            reset(sandbox_connection, number)
            jobs = [made(owner, sandbox_connection, states[number % len(states)])]
            if number >= ON_ONE_IMPORT:
                jobs.append(made(owner, sandbox_connection, states[number % len(states)]))
            side_by_side(pool, pair, [jobs[0], jobs[-1]], hands)
            for job in jobs:
                check_history(job.pk)
            # They stand in no line for the next ones.
            ImportJob.objects.exclude(status__in=ENDED).update(status=JobStatus.FINISHED)
