"""A person's own account: her password, made-up ones first of all, and an end to what is open elsewhere."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tagsync.accounts.models import Person
from tagsync.database import database_now
from tagsync.local.first_steps import first_admin
from tagsync.web.account import sessions
from tagsync.web.account.devices import device_of
from tests.conftest import PASSWORD, make_person
from tests.web.layout import text_of

ACCOUNT, ELSEWHERE = "/account/", "/account/sign-out-elsewhere/"
MAIL, END = "/account/mail/", "/account/sessions/end/"
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


@pytest.mark.parametrize(
    ("method", "address"), [("get", ACCOUNT), ("post", ACCOUNT), ("post", ELSEWHERE), ("post", MAIL), ("post", END)]
)
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
        ({"new_password1": PASSWORD, "new_password2": PASSWORD}, "new_password1", "current password"),
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
    assert "Choose your own password first" in page and ELSEWHERE not in page
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
    assert "You are signed out everywhere else." in response.content.decode()
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


# -- where she is signed in

PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605 MicroMessenger/8.0.5"


def sign_in(agent: str, name: str = "lin") -> Client:
    client = Client(headers={"User-Agent": agent})
    client.post("/login/", {"username": name, "password": PASSWORD})
    return client


def shown(client: Client) -> dict[str, str]:
    """Device → mark of the sessions that the page shows."""
    return {one.device: one.mark for one in client.get(ACCOUNT).context["sessions"]}


def test_it_lists_her_browsers_and_ends_one(marketer: Person, other_marketer: Person) -> None:
    desk, phone, other = sign_in("Windows NT 10.0 Chrome/126.0"), sign_in(PHONE), sign_in(PHONE, "wang")
    response = desk.get(ACCOUNT)
    page = text_of(response)
    assert list(shown(desk)) == ["Chrome, Windows", "WeChat, iPhone"], "her own, this one first"
    assert page.count("This browser") == 1 and "2 browsers" in page and "Sign out everywhere else" in page
    keys = [client.cookies["sessionid"].value for client in (desk, phone)]
    assert not any(key in page for key in keys), "a key opens its session"
    desk.post(END, {"session": shown(desk)["WeChat, iPhone"]})
    assert is_in(desk) and not is_in(phone) and is_in(other)
    page = text_of(desk.get(ACCOUNT))
    assert "1 browser" in page and "Sign out everywhere else" not in page


def test_nobody_ends_the_session_of_somebody_else(marketer: Person, other_marketer: Person) -> None:
    hers, other = sign_in(PHONE), sign_in(PHONE, "wang")
    for mark in (*shown(other).values(), other.cookies["sessionid"].value, "", "x"):
        assert hers.post(END, {"session": mark})["Location"] == "/account/#sessions"
    assert is_in(other) and is_in(hers)
    assert hers.get(END).status_code == 405


def test_what_is_over_is_not_listed(marketer: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    sign_in("Android Firefox/1")
    Person.objects.get(pk=marketer.pk).end_sessions()
    sign_in(PHONE)
    later = database_now() + timedelta(hours=9)
    monkeypatch.setattr(sessions, "shown_now", lambda: later)
    assert list(shown(sign_in("nothing known"))) == [""]


@pytest.mark.parametrize(
    ("agent", "device"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit Chrome/126.0 Safari/537.36 Edg/126.0", "Edge, Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) AppleWebKit/605 Version/17.0 Safari/605", "Safari, macOS"),
        ("Mozilla/5.0 (Linux; Android 14) Chrome/126 Mobile Safari/537 wxwork/4.1 MicroMessenger/7", "WeCom, Android"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0", "Firefox, Linux"),
        ("curl/8.0", ""),
        ("", ""),
    ],
)
def test_it_knows_browsers_by_what_they_call_themselves(agent: str, device: str) -> None:
    assert device_of(agent) == device


# -- language and theme


def test_language_and_theme_are_chosen_here_too(signed: Client, marketer: Person) -> None:
    page = text_of(signed.get(ACCOUNT))
    assert 'action="/preferences/"' in page and '<option value="en" selected>' in page
    chosen = {"language": "zh-hans", "theme": "dark", "next": ACCOUNT}
    assert signed.post("/preferences/", chosen)["Location"] == ACCOUNT
    page = text_of(signed.get(ACCOUNT))
    assert '<option value="zh-hans" selected>' in page and '<option value="dark" selected>' in page


# -- by e-mail


def test_nothing_is_said_of_email_without_a_mail_server(signed: Client, marketer: Person) -> None:
    assert "mail" not in text_of(signed.get(ACCOUNT)).lower()
    assert signed.post(MAIL, {"email": "lin@example.com", "mail_notices": "on"}).status_code == 404
    marketer.refresh_from_db()
    assert marketer.email == ""


@pytest.fixture
def with_mail(settings: Any) -> None:
    settings.TAGSYNC_EMAIL = True


def test_she_says_where_they_go(signed: Client, marketer: Person, with_mail: None) -> None:
    assert "Notices by e-mail" in text_of(signed.get(ACCOUNT))
    page = text_of(signed.post(MAIL, {"email": "lin@example.com", "mail_notices": "on"}, follow=True))
    marketer.refresh_from_db()
    assert (marketer.email, marketer.mail_notices) == ("lin@example.com", True)
    assert "Notices also come by e-mail." in page and 'value="lin@example.com"' in page
    signed.post(MAIL, {"email": "lin@example.com"})
    marketer.refresh_from_db()
    assert (marketer.email, marketer.mail_notices) == ("lin@example.com", False)


@pytest.mark.parametrize(
    "data",
    [{"email": "lin"}, {"email": "", "mail_notices": "on"}, {"email": "a@b.cn\nBcc: c@d.cn", "mail_notices": "on"}],
)
def test_it_refuses_what_is_no_address(signed: Client, marketer: Person, with_mail: None, data: dict[str, str]) -> None:
    response = signed.post(MAIL, data)
    assert response.status_code == 422 and "email" in response.context["mail_form"].errors
    page = text_of(response)
    assert "Where you are signed in" in page and not response.context["form"].errors
    marketer.refresh_from_db()
    assert (marketer.email, marketer.mail_notices) == ("", True)


def test_it_changes_nothing_else_of_her(signed: Client, marketer: Person, with_mail: None) -> None:
    signed.post(MAIL, {"email": "lin@example.com", "username": "root", "is_superuser": "on", "is_staff": "on"})
    marketer.refresh_from_db()
    assert (marketer.username, marketer.is_superuser, marketer.is_staff) == ("lin", False, False)
