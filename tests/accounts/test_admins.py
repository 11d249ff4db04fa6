from __future__ import annotations

from django.db import transaction

from tagsync.accounts.admins import Refusal, active_admins, refusal_to_dismiss
from tagsync.accounts.models import Person
from tagsync.accounts.passwords import CHARACTERS, made_up
from tests.conftest import ADMINS, make_person


def refusal(person: Person, by: Person) -> Refusal | None:
    with transaction.atomic():
        return refusal_to_dismiss(person, by)


def test_it_lets_nobody_dismiss_herself(admin_person: Person) -> None:
    make_person("bea", ADMINS)
    assert refusal(admin_person, by=admin_person) == Refusal.HERSELF


def test_it_keeps_the_last_admin(admin_person: Person, marketer: Person) -> None:
    assert refusal(admin_person, by=marketer) == Refusal.LAST_ADMIN


def test_it_does_not_count_a_disabled_admin(admin_person: Person, marketer: Person) -> None:
    bea = make_person("bea", ADMINS)
    Person.objects.filter(pk=bea.pk).update(is_active=False)
    assert refusal(admin_person, by=marketer) == Refusal.LAST_ADMIN
    assert refusal(bea, by=admin_person) is None


def test_it_lets_one_admin_dismiss_another(admin_person: Person) -> None:
    assert refusal(make_person("bea", ADMINS), by=admin_person) is None


def test_it_lets_a_marketer_be_disabled(admin_person: Person, marketer: Person) -> None:
    assert refusal(marketer, by=admin_person) is None


def test_it_counts_an_admin_with_several_groups_once(admin_person: Person, marketer: Person) -> None:
    marketer.is_superuser = True
    marketer.save()
    assert sorted(active_admins().values_list("username", flat=True)) == ["ada", "lin"]


def test_it_makes_up_long_passwords_without_look_alikes() -> None:
    passwords = {made_up() for _ in range(100)}
    assert len(passwords) == 100
    assert all(len(password) == 19 for password in passwords)
    assert not set("01lio8") & set(CHARACTERS)
