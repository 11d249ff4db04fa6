from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command

from tagsync.accounts.models import Person
from tagsync.accounts.roles import ADMINS, MARKETERS, PERMISSIONS, give_role, write_roles


def permissions_of(role: str) -> set[str]:
    found = Group.objects.get(name=role).permissions.select_related("content_type")
    return {f"{permission.content_type.app_label}.{permission.codename}" for permission in found}


@pytest.mark.parametrize("role", [MARKETERS, ADMINS])
def test_it_gives_a_role_exactly_its_permissions(db: None, role: str) -> None:
    assert permissions_of(role) == set(PERMISSIONS[role])


def test_it_takes_back_what_the_code_does_not_name(db: None) -> None:
    Group.objects.get(name=MARKETERS).permissions.add(Permission.objects.get(codename="delete_importjob"))
    write_roles()
    assert permissions_of(MARKETERS) == set()


def test_it_completes_a_role_at_the_next_migration(db: None) -> None:
    Group.objects.get(name=ADMINS).delete()
    call_command("migrate", verbosity=0)
    assert permissions_of(ADMINS) == set(PERMISSIONS[ADMINS])


def test_it_makes_a_role_the_only_one(marketer: Person) -> None:
    give_role(marketer, ADMINS)
    assert [group.name for group in marketer.groups.all()] == [ADMINS]
    assert Person.objects.get(pk=marketer.pk).has_perm("imports.retry_imports")


def test_it_refuses_a_role_that_does_not_exist(marketer: Person) -> None:
    with pytest.raises(KeyError):
        give_role(marketer, "Auditors")
    assert [group.name for group in marketer.groups.all()] == [MARKETERS]


def test_it_gives_a_marketer_nothing_beyond_her_own(marketer: Person) -> None:
    assert marketer.get_all_permissions() == set()
    assert not marketer.is_admin


def test_it_counts_a_superuser_as_an_admin(marketer: Person) -> None:
    marketer.is_superuser = True
    assert marketer.is_admin


def test_it_shows_the_full_name_or_the_user_name(marketer: Person) -> None:
    assert marketer.label == "lin"
    marketer.first_name = "林晓雨"
    assert marketer.label == "林晓雨"
