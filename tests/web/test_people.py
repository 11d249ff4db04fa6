from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tagsync.accounts.models import Person
from tagsync.accounts.roles import ADMINS, MARKETERS
from tests.conftest import PASSWORD, make_person

LIST, NEW = "/people/", "/people/new/"


def page_of(person: Person) -> str:
    return reverse("person_edit", args=[person.pk])


def posted(**changes: Any) -> dict[str, Any]:
    return {"username": "zhou", "first_name": "周浩然", "email": "", "role": MARKETERS, "password": "", **changes}


def roles(person: Person) -> list[str]:
    return [group.name for group in Person.objects.get(pk=person.pk).groups.all()]


def can_sign_in(username: str, password: str) -> bool:
    return Client().login(username=username, password=password)


def password_on(page: str) -> str:
    found = re.search(r'<pre class="code"[^>]*>([^<]+)</pre>', page)
    assert found
    return found[1]


@pytest.mark.parametrize("name", ["list", "new", "edit"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_it_does_not_exist_for_marketers(
    signed: Client, admin_person: Person, marketer: Person, name: str, method: str
) -> None:
    url = reverse(f"person_{name}", args=[marketer.pk] if name == "edit" else [])
    data = {**posted(role=ADMINS), "act": "details"} if method == "post" else {}
    assert getattr(signed, method)(url, data).status_code in (404, 405)
    assert roles(marketer) == [MARKETERS]
    assert Person.objects.count() == 2


@pytest.mark.parametrize("url", [LIST, NEW, "/people/1/"])
def test_it_sends_strangers_to_sign_in(client: Client, db: None, url: str) -> None:
    assert client.get(url)["Location"].startswith("/login/")


def test_it_does_not_find_an_unknown_person(signed_admin: Client) -> None:
    assert signed_admin.get("/people/999/").status_code == 404


def test_it_lists_people(signed_admin: Client, marketer: Person, django_assert_max_num_queries: Any) -> None:
    for number in range(10):
        make_person(f"p{number}", MARKETERS)
    with django_assert_max_num_queries(9):
        page = signed_admin.get(LIST).content.decode()
    assert "lin" in page and "p9" in page and "Admin" in page and "never" in page


# -- adding


def test_it_adds_a_person_with_a_made_up_password(signed_admin: Client) -> None:
    response = signed_admin.post(NEW, posted())
    page = response.content.decode()
    person = Person.objects.get(username="zhou")
    assert response.status_code == 200 and response["Cache-Control"] == "no-store"
    assert (person.label, roles(person)) == ("周浩然", [MARKETERS])
    assert can_sign_in("zhou", password_on(page))
    assert password_on(page) not in signed_admin.get(LIST).content.decode()


def test_it_adds_an_admin_with_a_typed_password(signed_admin: Client) -> None:
    response = signed_admin.post(NEW, posted(role=ADMINS, password="a long enough one"))
    assert response["Location"] == LIST
    person = Person.objects.get(username="zhou")
    assert roles(person) == [ADMINS] and not person.is_superuser
    assert can_sign_in("zhou", "a long enough one")


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"username": ""}, {"username"}),
        ({"username": "a b"}, {"username"}),
        ({"username": "ADA"}, {"username"}),
        ({"email": "nobody"}, {"email"}),
        ({"role": "Auditors"}, {"role"}),
        ({"role": ""}, {"role"}),
        ({"password": "short"}, {"password"}),
        ({"password": "password123"}, {"password"}),
        ({"username": "zhouhaoran", "password": "zhouhaoran1"}, {"password"}),
    ],
)
def test_it_says_which_field_is_wrong(signed_admin: Client, changes: dict[str, Any], fields: set[str]) -> None:
    response = signed_admin.post(NEW, posted(**changes))
    assert response.status_code == 422
    assert set(response.context["form"].errors) == fields
    assert Person.objects.count() == 1


def test_it_does_not_add_somebody_twice(signed_admin: Client) -> None:
    assert signed_admin.post(NEW, posted()).status_code == 200
    assert signed_admin.post(NEW, posted()).status_code == 422
    assert Person.objects.filter(username="zhou").count() == 1


def test_it_does_not_give_a_typed_password_back(signed_admin: Client) -> None:
    response = signed_admin.post(NEW, posted(username="", password="a long enough one"))
    assert "a long enough one" not in response.content.decode()


# -- changing


def test_it_changes_name_and_role(signed_admin: Client, marketer: Person) -> None:
    data = posted(username="lin2", first_name="林晓雨", email="lin@example.com", role=ADMINS)
    assert signed_admin.post(page_of(marketer), data)["Location"] == LIST
    marketer.refresh_from_db()
    assert (marketer.username, marketer.label, marketer.email) == ("lin2", "林晓雨", "lin@example.com")
    assert roles(marketer) == [ADMINS]
    assert can_sign_in("lin2", PASSWORD)


def test_it_demotes_another_admin(signed_admin: Client) -> None:
    other = make_person("bea", ADMINS)
    other.is_superuser = True
    other.save()
    signed_admin.post(page_of(other), posted(username="bea"))
    other = Person.objects.get(pk=other.pk)
    assert roles(other) == [MARKETERS] and not other.is_admin


def test_it_shows_what_was_wrong_beside_the_stored_name(signed_admin: Client, marketer: Person) -> None:
    response = signed_admin.post(page_of(marketer), posted(username="ada"))
    assert response.status_code == 422
    assert "This user name is already taken." in response.content.decode()
    assert '<h1 class="data">lin</h1>' in response.content.decode()


def test_it_lets_nobody_demote_or_disable_herself(signed_admin: Client, admin_person: Person) -> None:
    make_person("bea", ADMINS)
    response = signed_admin.post(page_of(admin_person), posted(username="ada"))
    assert response.status_code == 422 and "your own admin role" in response.content.decode()
    signed_admin.post(page_of(admin_person), {"act": "disable"})
    admin_person.refresh_from_db()
    assert admin_person.is_active and roles(admin_person) == [ADMINS]


def test_it_keeps_the_last_active_admin(signed_admin: Client, admin_person: Person) -> None:
    """A manager of people who is no admin, should there ever be one, can't remove the last."""
    keeper = make_person("kim", MARKETERS)
    keeper.user_permissions.set(admin_person.groups.get().permissions.filter(codename="manage_people"))
    client = Client()
    client.force_login(keeper)
    assert "last active admin" in client.post(page_of(admin_person), posted(username="ada")).content.decode()
    assert "last active admin" in client.post(page_of(admin_person), {"act": "disable"}, follow=True).content.decode()
    admin_person.refresh_from_db()
    assert admin_person.is_active and roles(admin_person) == [ADMINS]


def test_it_ends_the_sessions_of_a_disabled_person(signed_admin: Client, signed: Client, marketer: Person) -> None:
    assert signed.get("/imports/").status_code == 200
    signed_admin.post(page_of(marketer), {"act": "disable"})
    assert signed.get("/imports/")["Location"].startswith("/login/")
    assert not can_sign_in("lin", PASSWORD)
    signed_admin.post(page_of(marketer), {"act": "enable"})
    assert can_sign_in("lin", PASSWORD)


def test_it_disables_and_enables_twice(signed_admin: Client, marketer: Person) -> None:
    for act, active in [("disable", False), ("disable", False), ("enable", True), ("enable", True)]:
        assert signed_admin.post(page_of(marketer), {"act": act})["Location"] == LIST
        marketer.refresh_from_db()
        assert marketer.is_active is active


# -- passwords


def test_it_sets_a_made_up_password_and_ends_sessions(signed_admin: Client, signed: Client, marketer: Person) -> None:
    page = signed_admin.post(page_of(marketer), {"act": "password", "password": ""}).content.decode()
    assert can_sign_in("lin", password_on(page)) and not can_sign_in("lin", PASSWORD)
    assert signed.get("/imports/")["Location"].startswith("/login/")


def test_it_sets_a_typed_password(signed_admin: Client, marketer: Person) -> None:
    data = {"act": "password", "password": "a long enough one"}
    assert signed_admin.post(page_of(marketer), data)["Location"] == LIST
    assert can_sign_in("lin", "a long enough one")


def test_it_refuses_a_weak_password(signed_admin: Client, marketer: Person) -> None:
    response = signed_admin.post(page_of(marketer), {"act": "password", "password": "short"})
    assert response.status_code == 422 and "password" in response.context["password_form"].errors
    assert can_sign_in("lin", PASSWORD)


def test_it_keeps_an_admin_signed_in_with_her_own_new_password(signed_admin: Client, admin_person: Person) -> None:
    signed_admin.post(page_of(admin_person), {"act": "password", "password": "a long enough one"})
    assert signed_admin.get(LIST).status_code == 200
    assert can_sign_in("ada", "a long enough one")
