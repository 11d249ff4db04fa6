"""The table of moves, and that a move is a conditional update with its event."""

from __future__ import annotations

import threading

import pytest
from django.db import connection as database
from django.db.models import Q

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.imports.models import ImportJob
from tagsync.imports.states import MOVES, Act, JobStatus, MoveRefused, allowed


def test_it_allows_exactly_the_moves_of_the_design() -> None:
    pairs = {(source.value, move.target.value) for moves in MOVES.values() for move in moves for source in move.sources}
    assert pairs == {
        ("draft", "checking"),
        ("checking", "ready"),
        ("checking", "unreadable"),
        ("checking", "draft"),
        ("ready", "draft"),
        ("unreadable", "draft"),
        ("draft", "discarded"),
        ("ready", "discarded"),
        ("unreadable", "discarded"),
        ("ready", "queued"),
        ("queued", "running"),
        ("running", "queued"),
        ("queued", "stopped"),
        ("blocked", "stopped"),
        ("running", "stopping"),
        ("stopping", "stopped"),
        ("running", "finished"),
        ("running", "blocked"),
        ("stopped", "queued"),
        ("blocked", "queued"),
        ("finished", "queued"),
    }


def test_it_has_one_target_for_an_act_and_a_state() -> None:
    for act in Act:
        for status in JobStatus:
            assert sum(status in move.sources for move in MOVES[act]) <= 1


@pytest.fixture
def job(marketer: Person, sandbox_connection: Connection) -> ImportJob:
    return ImportJob.objects.create(
        owner=marketer, connection=sandbox_connection, file="x", file_name="会员.xlsx", file_sha256="0" * 64
    )


def test_it_writes_an_event_with_each_move(job: ImportJob, marketer: Person) -> None:
    job.begin_check(marketer)
    event = job.events.get()
    assert (event.act, event.before, event.after, event.by) == ("check", "draft", "checking", marketer)


@pytest.mark.parametrize("act", [Act.START, Act.CLAIM, Act.STOP, Act.RETRY, Act.FINISH])
def test_it_refuses_a_move_that_the_table_does_not_have(job: ImportJob, act: Act) -> None:
    with pytest.raises(MoveRefused) as refused:
        job.move(act)
    assert refused.value.status == "draft"
    assert not job.events.exists()
    assert allowed(act, "draft") is None


def test_it_refuses_a_move_whose_condition_fails_and_changes_nothing(job: ImportJob) -> None:
    with pytest.raises(MoveRefused):
        job.move(Act.CHECK, where=Q(fence=7), run=9)
    job.refresh_from_db()
    assert (job.status, job.run, job.events.count()) == ("draft", 0, 0)


@pytest.mark.django_db(transaction=True)
def test_it_gives_a_move_to_one_of_many_who_want_it(job: ImportJob, marketer: Person) -> None:
    wins: list[bool] = []
    gate = threading.Barrier(8)

    def click() -> None:
        mine = ImportJob.objects.get(pk=job.pk)
        gate.wait(10)
        try:
            mine.begin_check(marketer)
            wins.append(True)
        except MoveRefused:
            wins.append(False)
        finally:
            database.close()

    threads = [threading.Thread(target=click) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(wins) == [False] * 7 + [True]
    assert job.events.count() == 1


def test_it_never_deletes_an_import_after_its_start(job: ImportJob, marketer: Person) -> None:
    job.move(Act.CHECK)
    job.move(Act.CHECKED)
    job.start(marketer)
    with pytest.raises(MoveRefused):
        job.remove()
    assert ImportJob.objects.filter(pk=job.pk).exists()


def test_it_gives_each_start_the_next_place_in_the_line(job: ImportJob, marketer: Person) -> None:
    job.move(Act.CHECK)
    job.move(Act.CHECKED)
    job.start(marketer)
    assert (job.status, job.run, job.queue_number) == ("queued", 1, 1)
    job.stop(marketer)
    job.resume(marketer)
    assert job.queue_number == 2


def test_it_shows_a_blocked_connection_as_blocked(job: ImportJob, marketer: Person) -> None:
    job.move(Act.CHECK)
    job.move(Act.CHECKED)
    job.start(marketer)
    assert job.connection is not None
    job.connection.block("forbidden")
    assert ImportJob.objects.get(pk=job.pk).shown_status == "blocked"
    job.connection.unblock()
    assert ImportJob.objects.get(pk=job.pk).shown_status == "queued"
