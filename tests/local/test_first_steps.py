"""The first admin and the sandbox's connection, on a new and on an old folder."""

import pytest

from tagsync.accounts.models import Person
from tagsync.accounts.roles import MARKETERS, give_role
from tagsync.connections.models import Connection
from tagsync.local.first_steps import connect_sandbox, first_admin

pytestmark = pytest.mark.django_db


@pytest.mark.slow
def test_it_makes_the_first_admin_with_a_password_of_its_own() -> None:
    made = first_admin("")
    person = Person.objects.get(username="admin")
    assert person.is_admin
    assert person.check_password(made.password)
    assert len(made.password) == 19


def test_it_shows_a_generated_password_only_once() -> None:
    first = first_admin("")
    assert first_admin("").password == ""
    assert Person.objects.get(username="admin").check_password(first.password)


def test_it_takes_the_chosen_password_and_does_not_show_it() -> None:
    assert first_admin("chosen by a person").password == ""
    assert Person.objects.get(username="admin").check_password("chosen by a person")


def test_it_sets_a_chosen_password_later_too() -> None:
    first_admin("")
    first_admin("chosen by a person")
    assert Person.objects.get(username="admin").check_password("chosen by a person")


def test_it_signs_nobody_out_when_the_chosen_password_stays() -> None:
    first_admin("chosen by a person")
    before = Person.objects.get(username="admin").password
    first_admin("chosen by a person")
    assert Person.objects.get(username="admin").password == before


def test_it_leaves_another_admin_alone(admin_person: Person) -> None:
    assert first_admin("chosen by a person").name == "ada"
    admin_person.refresh_from_db()
    assert not admin_person.check_password("chosen by a person")
    assert not Person.objects.filter(username="admin").exists()


def test_it_does_not_take_a_marketer_for_an_admin(marketer: Person) -> None:
    assert first_admin("").name == "admin"


def test_it_makes_an_admin_again_when_none_is_left() -> None:
    first_admin("")
    person = Person.objects.get(username="admin")
    give_role(person, MARKETERS)
    assert first_admin("").password
    assert Person.objects.get(username="admin").is_admin


def test_it_connects_to_the_sandbox() -> None:
    connection = connect_sandbox(4711)
    assert (connection.name, connection.base_url) == ("Sandbox", "http://127.0.0.1:4711")
    assert connection.is_sandbox
    assert connection.has_credentials
    connection.full_clean()


def test_it_follows_the_sandbox_to_another_port() -> None:
    first = connect_sandbox(4711)
    first.block("wrong_address")
    second = connect_sandbox(4712)
    assert second.pk == first.pk
    assert (second.base_url, second.state) == ("http://127.0.0.1:4712", "ready")


def test_it_keeps_what_a_person_changed() -> None:
    Connection.objects.filter(pk=connect_sandbox(4711).pk).update(name="Try it", calls_per_period=3)
    connection = connect_sandbox(4712)
    assert (connection.name, connection.calls_per_period) == ("Try it", 3)


def test_it_keeps_a_block_while_the_address_stays() -> None:
    connect_sandbox(4711).block("app_id_or_secret")
    assert connect_sandbox(4711).state == "blocked"


def test_it_finds_another_name_when_its_own_is_taken() -> None:
    Connection.objects.create(name="Sandbox", base_url="https://api.example.com")
    assert connect_sandbox(4711).name == "Sandbox 2"
