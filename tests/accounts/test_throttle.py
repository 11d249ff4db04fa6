"""Who guesses passwords waits longer each time; who has signed in from a place before waits for nobody else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.db.models.functions import Now

from tagsync.accounts import throttle
from tagsync.accounts.models import SignInPlace
from tagsync.database import database_now
from tagsync.imports.models import ImportJob
from tagsync.imports.signals import keeper_cleans
from tests.making import beside

OFFICE, HOME, ATTACKER = "203.0.113.7", "198.51.100.2", "192.0.2.66"
pytestmark = pytest.mark.django_db


class Clock:
    def __init__(self) -> None:
        self.now = database_now()

    def __call__(self) -> Any:
        return self.now

    def later(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(throttle, "database_now", clock)
    return clock


def wait_of(clock: Clock, name: str, address: str, browser: str = "") -> float:
    """Seconds that the next try is held up; 0: it was made, and was wrong."""
    held = throttle.begin(name, address, browser).held_until
    return (held - clock.now).total_seconds() if held else 0


def guess(clock: Clock, times: int, name: str, address: str, browser: str = "") -> None:
    """As fast as is allowed."""
    for _time in range(times):
        clock.later(wait_of(clock, name, address, browser))
        if throttle.begin(name, address, browser).held_until is None:
            clock.later(0.1)


def sign_in(name: str, address: str, browser: str = "") -> None:
    attempt = throttle.begin(name, address, browser)
    assert attempt.held_until is None
    throttle.succeeded(attempt, name, browser)


def test_the_delay_grows_to_an_hour(clock: Clock) -> None:
    waits = []
    for _time in range(30):
        waits.append(round(wait_of(clock, "lin", ATTACKER)))
        clock.later(waits[-1])
    assert [wait for wait in waits if wait][:12] == [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600, 3600]


def test_five_wrong_ones_are_free(clock: Clock) -> None:
    assert [wait_of(clock, "lin", ATTACKER) for _time in range(5)] == [0] * 5
    assert wait_of(clock, "lin", ATTACKER) == 10


def test_many_addresses_guess_one_account_slowly(clock: Clock) -> None:
    assert [wait_of(clock, "lin", f"192.0.2.{number}") for number in range(5)] == [0] * 5
    assert wait_of(clock, "lin", "192.0.2.200") > 0


def test_one_address_guesses_many_accounts_slowly(clock: Clock) -> None:
    assert [wait_of(clock, f"p{number}", ATTACKER) for number in range(20)] == [0] * 20
    assert wait_of(clock, "p20", ATTACKER) > 0
    assert wait_of(clock, "p20", HOME) == 0


@pytest.mark.parametrize("name", ["LIN", " lin ", "ｌｉｎ", "Lin"])
def test_a_name_is_counted_however_it_is_written(clock: Clock, name: str) -> None:
    for number in range(5):
        throttle.begin("lin", f"192.0.2.{number}")
    assert wait_of(clock, name, ATTACKER) > 0


def test_a_known_address_is_never_held_up_by_guesses_from_elsewhere(clock: Clock) -> None:
    sign_in("lin", OFFICE)
    for number in range(40):
        throttle.begin("lin", f"192.0.2.{number}")
    assert wait_of(clock, "lin", HOME) > 0
    sign_in("lin", OFFICE)


def test_a_known_address_is_never_held_up_by_guesses_at_others_from_it(clock: Clock) -> None:
    sign_in("lin", OFFICE)
    for number in range(40):
        throttle.begin(f"p{number}", OFFICE)
    assert wait_of(clock, "p99", OFFICE) > 0
    sign_in("lin", OFFICE)


def test_a_known_browser_is_not_held_up_by_colleagues_at_its_address(clock: Clock) -> None:
    sign_in("lin", OFFICE, "her browser")
    for _time in range(40):
        throttle.begin("lin", OFFICE, "a colleague's browser")
    assert wait_of(clock, "lin", OFFICE, "a colleague's browser") > 0
    sign_in("lin", OFFICE, "her browser")
    assert wait_of(clock, "lin", OFFICE) > 0, "what the colleague did stays counted"


def test_her_own_wrong_ones_count_where_she_is_known(clock: Clock) -> None:
    for browser in ("", "her browser"):
        sign_in("lin", OFFICE, browser)
        assert [wait_of(clock, "lin", OFFICE, browser) for _time in range(5)] == [0] * 5
        assert wait_of(clock, "lin", OFFICE, browser) == 10
        clock.later(10)
        sign_in("lin", OFFICE, browser)


def test_they_hold_up_nobody_else(clock: Clock) -> None:
    sign_in("lin", OFFICE)
    for _time in range(40):
        throttle.begin("lin", OFFICE)
    assert wait_of(clock, "wang", OFFICE) == 0
    assert wait_of(clock, "lin", HOME) == 0


def test_a_name_known_at_an_address_is_not_known_for_another_name(clock: Clock) -> None:
    sign_in("mallory", ATTACKER, "browser")
    guess(clock, 5, "lin", ATTACKER, "browser")
    assert wait_of(clock, "lin", ATTACKER, "browser") > 0


def test_signing_in_to_an_own_account_begins_nothing_anew(clock: Clock) -> None:
    for number in range(19):
        throttle.begin(f"p{number}", ATTACKER)
    sign_in("mallory", ATTACKER)
    sign_in("mallory", ATTACKER)
    assert wait_of(clock, "p19", ATTACKER) == 0
    assert wait_of(clock, "p20", ATTACKER) > 0


def test_a_right_one_is_not_counted(clock: Clock) -> None:
    for number in range(60):
        sign_in(f"p{number}", OFFICE)
    assert wait_of(clock, "new", OFFICE) == 0


def test_tries_at_the_same_time_are_counted_before_any_is_looked_at() -> None:
    attempts = [throttle.begin("lin", ATTACKER) for _time in range(12)]
    assert sum(attempt.held_until is None for attempt in attempts) == 5


@pytest.mark.django_db(transaction=True)
def test_many_threads_at_once_are_counted_one_by_one() -> None:
    """As many requests as the server has threads, with a name that nobody has tried before."""
    attempts: list[throttle.Attempt] = []
    threads = [beside(lambda: attempts.append(throttle.begin("lin", ATTACKER))) for _time in range(12)]
    for thread in threads:
        thread.join()
    assert len(attempts) == 12
    assert sum(attempt.held_until is None for attempt in attempts) == 5


def test_the_count_is_forgotten_after_a_day(clock: Clock) -> None:
    guess(clock, 8, "lin", ATTACKER)
    clock.later(throttle.FORGOTTEN_AFTER.total_seconds() + 1)
    assert [wait_of(clock, "lin", ATTACKER) for _time in range(5)] == [0] * 5


def test_the_keeper_deletes_what_is_old() -> None:
    for days, known in ((0.5, False), (2, False), (2, True), (200, True)):
        SignInPlace.objects.create(key=f"{days} {known}", known=known, last_at=Now() - timedelta(days=days))
    keeper_cleans.send(ImportJob)
    assert set(SignInPlace.objects.values_list("key", flat=True)) == {"0.5 False", "2 True"}


def test_it_stores_nothing_of_what_was_typed() -> None:
    throttle.begin("correct horse", OFFICE, "browser")
    sign_in("lin", OFFICE, "browser")
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {SignInPlace._meta.db_table}")
        stored = str(cursor.fetchall())
    assert settings.SECRET_KEY and len(stored) > 100
    assert not any(word in stored for word in ("horse", "lin'", OFFICE, "browser"))
