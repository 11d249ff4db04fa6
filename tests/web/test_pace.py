"""How fast an import goes, how long it still takes, how long it took: only what its record shows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone, translation

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.imports.models import ImportJob
from tagsync.imports.states import JobStatus
from tagsync.web.record import progress
from tests.making import S, add_call, make_import

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _in_english() -> Iterator[None]:
    with translation.override("en"):
        yield


@pytest.fixture
def running(marketer: Person, sandbox_connection: Connection) -> ImportJob:
    return make_import(marketer, sandbox_connection, JobStatus.RUNNING, [S.ACCEPTED] * 6 + [S.WAITING] * 4)


@pytest.fixture
def ended(marketer: Person, sandbox_connection: Connection) -> ImportJob:
    return make_import(marketer, sandbox_connection, JobStatus.FINISHED, [S.ACCEPTED])


def test_it_estimates_only_from_a_steady_pace(running: ImportJob) -> None:
    assert progress.pace(running) is None
    add_call(running, range(2, 4))
    first = progress.pace(running)
    assert first and first.seconds_left is None
    add_call(running, range(4, 6), batch=2)
    add_call(running, range(6, 8), batch=3, outcome="batch_refused")
    running.deliveries.update(created_at=timezone.now() - timedelta(seconds=12))
    steady = progress.pace(running)
    assert steady and 0.4 < steady.rows_per_second < 0.6
    assert steady.seconds_left is not None and 7 < steady.seconds_left < 10
    running.deliveries.update(answered_at=timezone.now() - timedelta(seconds=8))
    halted = progress.pace(running)
    assert halted and halted.seconds_left is None


def test_it_estimates_nothing_of_what_is_being_stopped(running: ImportJob) -> None:
    add_call(running, range(2, 4))
    assert progress.pace(running)
    running.status = JobStatus.STOPPING
    assert progress.pace(running) is None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(3, "about 5 s left"), (61, "about 2 min left"), (5400, "about 1 h 30 min left")],
)
def test_it_rounds_the_time_left_up(seconds: float, words: str) -> None:
    assert progress.time_left(seconds) == words


@pytest.mark.parametrize(
    ("rate", "words"), [(0.004, "1 rows/min"), (0.5, "30 rows/min"), (2.5, "2.5 rows/s"), (1234.5, "1,234 rows/s")]
)
def test_it_tells_a_slow_rate_by_the_minute(rate: float, words: str) -> None:
    assert progress.speed(rate) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(3, "3 s from start to end"), (227, "3 min 47 s from start to end"), (7300, "2 h 1 min from start to end")],
)
def test_it_tells_how_long_it_took(ended: ImportJob, seconds: int, words: str) -> None:
    ended.ended_at = timezone.now()
    ended.first_confirmed_at = ended.ended_at - timedelta(seconds=seconds)
    assert progress.took(ended) == words
    ended.run = 2
    assert progress.took(ended) == ""
