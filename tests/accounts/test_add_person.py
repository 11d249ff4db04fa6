"""The first person of an installation, by a command; run twice it changes nothing that people chose themselves."""

from __future__ import annotations

from io import StringIO

import pytest
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command

from tagsync.accounts.models import Person

CHOSEN = "correct horse battery"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setenv("CHOSEN", CHOSEN)
    monkeypatch.setenv("SHORT", "horse")
    monkeypatch.setenv("EMPTY", "")


def add(*arguments: str) -> str:
    out = StringIO()
    call_command("add_person", *arguments, stdout=out)
    return out.getvalue()


def refused(*arguments: str) -> str:
    with pytest.raises(CommandError) as caught:
        add(*arguments)
    assert caught.value.returncode == 2
    return str(caught.value)


def test_it_makes_an_admin_with_a_password_that_is_shown_once() -> None:
    said = add("li", "--role", "admin", "--email", "li@example.com")
    person = Person.objects.get()
    assert person.is_admin and person.email == "li@example.com" and person.must_change_password
    assert authenticate(username="li", password=said.rsplit(": ", 1)[1].strip()) == person


def test_it_takes_a_password_from_the_environment() -> None:
    assert CHOSEN not in add("li", "--role", "marketer", "--password-env", "CHOSEN")
    person = Person.objects.get()
    assert not person.is_admin and not person.must_change_password and person.check_password(CHOSEN)


def test_a_second_time_she_keeps_her_password() -> None:
    add("li", "--role", "marketer", "--password-env", "CHOSEN")
    Person.objects.update(is_active=False)
    assert "assword" not in add("LI", "--role", "admin")
    person = Person.objects.get()
    assert person.is_admin and person.is_active and person.check_password(CHOSEN)


def test_it_gives_a_new_password_when_one_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    add("li", "--role", "admin")
    add("li", "--role", "admin", "--password-env", "CHOSEN")
    assert Person.objects.get().check_password(CHOSEN) and not Person.objects.get().must_change_password


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("l i", "--role", "admin"), "NAME: "),
        (("", "--role", "admin"), "NAME: "),
        (("li", "--role", "admin", "--email", "nowhere"), "--email: "),
        (("li", "--role", "admin", "--password-env", "SHORT"), "SHORT: "),
        (("li", "--role", "admin", "--password-env", "EMPTY"), "EMPTY is not set or empty"),
    ],
)
def test_it_says_what_is_wrong_and_makes_nobody(arguments: tuple[str, ...], said: str) -> None:
    assert said in refused(*arguments)
    assert not Person.objects.exists()


@pytest.mark.parametrize("arguments", [("li",), ("li", "--role", "boss")])
def test_a_role_must_be_named(arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError, match="--role"):
        add(*arguments)


def test_createsuperuser_still_makes_an_admin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", CHOSEN)
    call_command("createsuperuser", "--noinput", "--username", "root", "--email", "", stdout=StringIO())
    person = Person.objects.get()
    assert person.is_admin and person.has_perm("imports.retry_imports")
