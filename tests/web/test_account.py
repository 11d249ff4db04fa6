"""A person's own account: her password, made-up ones first of all, and an end to what is open elsewhere."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tagsync.accounts.models import Person
from tagsync.local.first_steps import first_admin
from tests.conftest import PASSWORD, make_person

ACCOUNT, ELSEWHERE = "/account/", "/account/sign-out-elsewhere/"
NEW = "a long enough one"


def typed(**changes: str) -> dict[str, str]:
    return {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW, **changes}


def is_in(client: Client) -> bool:
    return client.get("/imports/").status_code == 200


@pytest.fixture
def elsewhere(marketer: Person) -> Client:
    client = Client()
    client.force_login(marketer)
    return client


@pytest.mark.parametrize(("method", "address"), [("get", ACCOUNT), ("post", ACCOUNT), ("post", ELSEWHERE)])
def test_it_sends_strangers_to_the_sign_in(client: Client, db: None, method: str, address: str) -> None:
    assert getattr(client, method)(address)["Location"].startswith("/login/")


def test_it_leads_there_from_every_page(signed: Client) -> None:
    assert f'href="{ACCOUNT}"' in signed.get("/help/").content.decode()


# -- the password


def test_it_changes_the_password_and_ends_what_is_open_elsewhere(
    signed: Client, elsewhere: Client, signed_other: Client
) -> None:
    response = signed.post(ACCOUNT, typed(), follow=True)
    assert "Your password is changed." in response.content.decode()
    assert is_in(signed) and not is_in(elsewhere) and is_in(signed_other)
    assert Client().login(username="lin", password=NEW)


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"old_password": "wrong"}, "old_password", "not correct"),
        ({"old_password": ""}, "old_password", "required"),
        ({"new_password2": "another one"}, "new_password2", "differ"),
        ({"new_password1": "short", "new_password2": "short"}, "new_password2", "too short"),
        ({"new_password1": PASSWORD, "new_password2": PASSWORD}, "new_password1", "present password"),
    ],
)
def test_it_says_what_is_wrong(
    signed: Client, elsewhere: Client, changes: dict[str, str], field: str, words: str
) -> None:
    response = signed.post(ACCOUNT, typed(**changes))
    assert response.status_code == 422
    assert words in str(response.context["form"].errors[field])
    assert NEW not in response.content.decode() and PASSWORD not in response.content.decode()
    assert is_in(signed) and is_in(elsewhere)
    assert Client().login(username="lin", password=PASSWORD)


def test_it_writes_nothing_but_the_password(signed: Client, marketer: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """An admin who disables her at this moment is not undone."""
    check = Person.check_password

    def disabled_meanwhile(person: Person, password: str) -> bool:
        Person.objects.filter(pk=person.pk).update(is_active=False)
        return check(person, password)

    monkeypatch.setattr(Person, "check_password", disabled_meanwhile)
    signed.post(ACCOUNT, typed())
    marketer.refresh_from_db()
    assert not marketer.is_active


def test_guesses_at_an_open_browser_are_slowed_down(signed: Client) -> None:
    answers = [signed.post(ACCOUNT, typed(old_password=f"wrong {number}")).status_code for number in range(7)]
    assert answers == [422] * 5 + [429] * 2
    page = signed.post(ACCOUNT, typed()).content.decode()
    assert "Too many wrong passwords" in page
    assert Client().login(username="lin", password=PASSWORD)


def test_a_weak_new_password_is_no_guess(signed: Client) -> None:
    for _time in range(8):
        assert signed.post(ACCOUNT, typed(new_password1="short", new_password2="short")).status_code == 422


# -- made-up passwords


def password_on(page: Any) -> str:
    found = re.search(r'<pre class="code"[^>]*>([^<]+)</pre>', page.content.decode())
    assert found
    return found[1]


@pytest.fixture
def fresh(signed_admin: Client, marketer: Person) -> tuple[Client, str]:
    """A browser of somebody who has signed in with a made-up password, and that password."""
    page = signed_admin.post(reverse("person_edit", args=[marketer.pk]), {"act": "password", "password": ""})
    assert "It has to be changed at the first sign-in." in page.content.decode()
    client = Client()
    client.post("/login/", {"username": "lin", "password": password_on(page)})
    return client, password_on(page)


def test_every_page_leads_to_a_new_password_first(fresh: tuple[Client, str]) -> None:
    client, _password = fresh
    assert client.get("/imports/")["Location"] == ACCOUNT
    assert client.post("/imports/new/")["Location"] == ACCOUNT
    assert client.post(ELSEWHERE)["Location"] == ACCOUNT
    assert client.get("/imports/1/live/", headers={"HX-Request": "true"})["HX-Redirect"] == ACCOUNT
    page = client.get(ACCOUNT).content.decode()
    assert "Choose a password of your own first" in page and ELSEWHERE not in page
    # what is for everybody stays
    assert client.get("/notices/new/").status_code == 204
    assert client.post("/preferences/", {"theme": "dark"}).status_code == 302
    assert client.post("/logout/").status_code == 302


def test_it_is_not_changed_into_itself(fresh: tuple[Client, str]) -> None:
    client, password = fresh
    same = typed(old_password=password, new_password1=password, new_password2=password)
    assert client.post(ACCOUNT, same).status_code == 422
    assert not is_in(client)


def test_with_her_own_she_goes_on(fresh: tuple[Client, str]) -> None:
    client, password = fresh
    assert client.post(ACCOUNT, typed(old_password=password))["Location"] == "/imports/"
    assert is_in(client)
    client.post("/logout/")
    client.post("/login/", {"username": "lin", "password": NEW})
    assert is_in(client)


def test_a_new_person_changes_her_first_one(signed_admin: Client) -> None:
    page = signed_admin.post("/people/new/", {"username": "zhou", "role": "Marketers"})
    client = Client()
    client.post("/login/", {"username": "zhou", "password": password_on(page)})
    assert client.get("/imports/")["Location"] == ACCOUNT


def test_typed_ones_and_those_of_up_are_kept(signed_admin: Client, admin_person: Person) -> None:
    signed_admin.post("/people/new/", {"username": "zhou", "role": "Marketers", "password": NEW})
    assert not Person.objects.get(username="zhou").must_change_password
    signed_admin.post(reverse("person_edit", args=[admin_person.pk]), {"act": "password", "password": ""})
    assert is_in(signed_admin), "nobody else has read what she had made up for herself"
    Person.objects.all().delete()
    assert first_admin("").password
    assert not Person.objects.get().must_change_password


# -- everywhere else


def test_it_ends_what_is_open_elsewhere(signed: Client, elsewhere: Client, signed_other: Client) -> None:
    response = signed.post(ELSEWHERE, follow=True)
    assert "Elsewhere you are signed out." in response.content.decode()
    assert is_in(signed) and not is_in(elsewhere) and is_in(signed_other)
    assert signed.post(ELSEWHERE).status_code == 302 and is_in(signed)


def test_it_takes_a_press(signed: Client, elsewhere: Client) -> None:
    assert signed.get(ELSEWHERE).status_code == 405
    assert is_in(elsewhere)


def test_an_old_session_is_not_kept_by_being_signed_in_elsewhere(marketer: Person) -> None:
    make_person("zhao", "Marketers")
    first, second = Client(), Client()
    first.force_login(marketer)
    Person.objects.get(pk=marketer.pk).end_sessions()
    second.force_login(Person.objects.get(pk=marketer.pk))
    assert not is_in(first) and is_in(second)
