from __future__ import annotations

import pytest
from django.test import Client

from tagsync.accounts.models import Person
from tests.conftest import PASSWORD

URL = "/preferences/"


def test_it_keeps_language_and_theme(signed: Client, marketer: Person) -> None:
    response = signed.post(URL, {"language": "zh-hans", "theme": "dark", "next": "/imports/?page=2"})
    assert response["Location"] == "/imports/?page=2"
    marketer.refresh_from_db()
    assert (marketer.language, marketer.theme) == ("zh-hans", "dark")
    assert response.cookies["tagsync_language"].value == "zh-hans"
    assert response.cookies["tagsync_theme"].value == "dark"
    page = signed.get("/imports/").content.decode()
    assert '<html lang="zh-hans" data-theme="dark">' in page


def test_it_changes_one_and_keeps_the_other(signed: Client, marketer: Person) -> None:
    signed.post(URL, {"theme": "light"})
    signed.post(URL, {"language": "zh-hans"})
    marketer.refresh_from_db()
    assert (marketer.language, marketer.theme) == ("zh-hans", "light")


def test_it_works_before_signing_in(client: Client, db: None) -> None:
    response = client.post(URL, {"language": "en", "theme": "light", "next": "/login/"})
    assert response["Location"] == "/login/"
    assert '<html lang="en" data-theme="light">' in client.get("/login/").content.decode()


@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_it_changes_only_by_post(client: Client, db: None, method: str) -> None:
    assert getattr(client, method)(URL, {"language": "en"}).status_code == 405


@pytest.mark.parametrize("data", [{}, {"language": "fr", "theme": "pink"}, {"language": "x" * 999}])
def test_it_passes_over_what_is_not_on_offer(signed: Client, marketer: Person, data: dict[str, str]) -> None:
    response = signed.post(URL, data)
    assert response["Location"] == "/imports/" and not response.cookies
    marketer.refresh_from_db()
    assert (marketer.language, marketer.theme) == ("en", "")


@pytest.mark.parametrize(
    "target", ["https://evil.com/", "//evil.com", "/\\evil.com", "javascript:alert(1)", "", "http:///evil.com"]
)
def test_it_leads_nowhere_else(signed: Client, target: str) -> None:
    assert signed.post(URL, {"theme": "dark", "next": target})["Location"] == "/imports/"


def test_it_wants_a_token_of_our_own_page(marketer: Person) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(marketer)
    assert client.post(URL, {"theme": "dark"}).status_code == 403


# -- signing in


def test_it_signs_in_and_goes_on(client: Client, marketer: Person) -> None:
    assert client.get("/people/")["Location"] == "/login/?next=/people/"
    response = client.post("/login/", {"username": "lin", "password": PASSWORD, "next": "/imports/?page=2"})
    assert response["Location"] == "/imports/?page=2"
    assert client.session["_auth_user_id"] == str(marketer.pk)


def test_it_signs_in_to_no_other_site(client: Client, marketer: Person) -> None:
    response = client.post("/login/", {"username": "lin", "password": PASSWORD, "next": "https://evil.com/"})
    assert response["Location"] == "/imports/"


@pytest.mark.parametrize(("username", "password"), [("lin", "wrong"), ("nobody", PASSWORD), ("lin", ""), ("", "")])
def test_it_says_that_the_password_is_wrong(client: Client, marketer: Person, username: str, password: str) -> None:
    client.cookies["tagsync_language"] = "en"
    response = client.post("/login/", {"username": username, "password": password})
    page = response.content.decode()
    assert response.status_code == 200 and 'role="alert"' in page
    assert "_auth_user_id" not in client.session
    if username and password:
        assert "correct username and password" in page


def test_it_lets_no_disabled_person_in(client: Client, marketer: Person) -> None:
    Person.objects.update(is_active=False)
    assert client.post("/login/", {"username": "lin", "password": PASSWORD}).status_code == 200
    assert "_auth_user_id" not in client.session


def test_it_brings_her_choices_to_a_new_browser(client: Client, marketer: Person) -> None:
    Person.objects.update(language="zh-hans", theme="dark")
    response = client.post("/login/", {"username": "lin", "password": PASSWORD})
    assert response.cookies["tagsync_language"].value == "zh-hans"
    assert response.cookies["tagsync_theme"].value == "dark"


def test_it_gives_a_new_session_at_signing_in(client: Client, marketer: Person) -> None:
    client.post(URL, {"theme": "dark"})
    session = client.session
    session["before"] = 1
    session.save()
    before = client.cookies["sessionid"].value if "sessionid" in client.cookies else session.session_key
    client.cookies["sessionid"] = before
    client.post("/login/", {"username": "lin", "password": PASSWORD})
    assert client.cookies["sessionid"].value != before


def test_it_sends_the_signed_in_past_the_form(signed: Client) -> None:
    assert signed.get("/login/")["Location"] == "/imports/"


def test_it_signs_out_by_post_only(signed: Client) -> None:
    assert signed.get("/logout/").status_code == 405
    assert signed.post("/logout/")["Location"] == "/login/"
    assert signed.get("/imports/")["Location"].startswith("/login/")
