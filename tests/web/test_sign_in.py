"""Signing in: what a person sees who typed too many wrong passwords, and who counts as where."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client, RequestFactory, override_settings

from tagsync.accounts import throttle
from tagsync.accounts.models import Person, SignInPlace
from tagsync.database import database_now
from tagsync.web.account.client_address import client_address
from tests.conftest import PASSWORD

OFFICE, ATTACKER = "203.0.113.7", "192.0.2.66"


def sign_in(client: Client, name: str, password: str, address: str = ATTACKER, **more: Any) -> Any:
    client.cookies["tagsync_language"] = client.cookies.get("tagsync_language") or "en"
    return client.post("/login/", {"username": name, "password": password}, REMOTE_ADDR=address, **more)


def guess(times: int, name: str, address: str = ATTACKER, **more: Any) -> list[int]:
    return [sign_in(Client(), name, f"wrong {number}", address, **more).status_code for number in range(times)]


def test_forty_quick_guesses_are_five(marketer: Person) -> None:
    assert guess(40, "lin") == [200] * 5 + [429] * 35


@pytest.mark.parametrize("name", ["lin", "nobody"])
@pytest.mark.parametrize(("language", "words"), [("en", "Too many wrong passwords"), ("zh-hans", "密码错误次数过多")])
def test_it_says_when_to_try_again(marketer: Person, client: Client, name: str, language: str, words: str) -> None:
    guess(5, name)
    client.cookies["tagsync_language"] = language
    response = sign_in(client, name, PASSWORD)
    page = response.content.decode()
    assert response.status_code == 429 and 5 <= int(response["Retry-After"]) <= 11
    assert words in page and f"{response.context['held_until'].astimezone():%M:%S}" in page
    assert not response.context["form"].errors, "nobody has looked at what was typed"
    assert PASSWORD not in page and "sessionid" not in response.cookies


def test_the_same_is_said_of_names_that_nobody_has(marketer: Person) -> None:
    assert guess(8, "lin") == guess(8, "nobody", "192.0.2.67")


def test_a_right_password_is_not_looked_at_before_the_time(marketer: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    guess(5, "lin")
    assert sign_in(Client(), "lin", PASSWORD).status_code == 429
    monkeypatch.setattr(throttle, "database_now", lambda: database_now() + timedelta(seconds=11))
    assert sign_in(Client(), "lin", PASSWORD).status_code == 302


def test_nobody_locks_a_colleague_out(marketer: Person) -> None:
    known = Client()
    assert sign_in(known, "lin", PASSWORD, OFFICE).status_code == 302
    known.post("/logout/")
    # from elsewhere, and from her own address: at her account, and at others
    guess(10, "lin")
    guess(10, "lin", OFFICE)
    for number in range(25):
        guess(1, f"p{number}", OFFICE)
    assert sign_in(known, "lin", PASSWORD, OFFICE).status_code == 302
    assert sign_in(Client(), "lin", PASSWORD, ATTACKER).status_code == 429


def test_her_own_wrong_ones_hold_her_up_where_she_is_known(marketer: Person) -> None:
    known = Client()
    sign_in(known, "lin", PASSWORD, OFFICE)
    known.post("/logout/")
    answers = [sign_in(known, "lin", "wrong", OFFICE).status_code for _time in range(7)]
    assert answers == [200] * 5 + [429] * 2


def test_an_empty_form_is_no_guess(db: None) -> None:
    for _time in range(30):
        assert sign_in(Client(), "", "").status_code == 200
        assert sign_in(Client(), "lin", "").status_code == 200
    assert not SignInPlace.objects.exists()


def test_a_made_up_browser_is_not_known(marketer: Person) -> None:
    for number in range(5):
        client = Client()
        client.cookies["tagsync_browser"] = f"generated {number}"
        assert sign_in(client, "lin", "wrong").status_code == 200
    client.cookies["tagsync_browser"] = "another"
    assert sign_in(client, "lin", "wrong").status_code == 429


def test_forwarded_headers_move_nobody(marketer: Person) -> None:
    answers = [guess(1, "lin", HTTP_X_FORWARDED_FOR=f"10.0.0.{number}")[0] for number in range(6)]
    assert answers[-1] == 429


# -- the client's address

AddressOf = Callable[..., str]


@pytest.fixture
def address_of(rf: RequestFactory) -> AddressOf:
    return lambda direct, forwarded="": client_address(
        rf.get("/", REMOTE_ADDR=direct, **({"HTTP_X_FORWARDED_FOR": forwarded} if forwarded else {}))
    )


@pytest.mark.parametrize("direct", ["127.0.0.1", OFFICE])
def test_what_is_forwarded_counts_only_behind_a_proxy(address_of: AddressOf, direct: str) -> None:
    assert address_of(direct, ATTACKER) == direct
    with override_settings(TAGSYNC_BEHIND_PROXY=True):
        assert address_of(direct, f"{OFFICE}, 1.2.3.4,{ATTACKER}") == ATTACKER
        assert address_of(direct) == direct
        assert address_of(direct, "1.2.3.4, unknown") == direct


def test_an_ipv6_address_is_its_network(address_of: AddressOf) -> None:
    assert address_of("2001:db8:1:2:3:4:5:6") == address_of("2001:db8:1:2::1") == "2001:db8:1:2::/64"
    assert address_of("2001:db8:1:3::1") != address_of("2001:db8:1:2::1")
    assert address_of("::ffff:192.0.2.66") == ATTACKER
    assert address_of("") == ""


# -- where it leads


@pytest.mark.parametrize("place", ["/login/", "/login/?next=/", "/login/?next=/imports/", "/login/?next=//evil.com/"])
def test_it_names_no_destination_when_there_is_none(client: Client, db: None, place: str) -> None:
    client.cookies["tagsync_language"] = "en"
    assert "the page you asked for" not in client.get(place).content.decode()


@pytest.mark.parametrize("asked", ["/imports/7/", "/imports/?status=finished"])
def test_it_names_a_destination(client: Client, db: None, asked: str) -> None:
    client.cookies["tagsync_language"] = "en"
    assert "the page you asked for" in client.get("/login/", {"next": asked}).content.decode()
