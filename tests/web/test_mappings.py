"""The page of remembered columns."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from tagsync.accounts.models import Person
from tagsync.imports.models import SavedMapping

URL = "/mappings/"


@pytest.fixture
def mapping(marketer: Person) -> SavedMapping:
    columns = [{"header": "编号", "field": "audienceUserId"}, {"header": "备注", "field": None}]
    return SavedMapping.objects.create(
        owner=marketer, headers_sha256="0" * 64, columns=columns, used_at=timezone.now(), times_used=3
    )


def test_it_shows_what_is_remembered(mapping: SavedMapping, signed: Client) -> None:
    page = signed.get(URL).content.decode()
    assert "编号" in page
    assert "Customer ID" in page
    assert "2 columns in all" in page


def test_it_says_when_there_is_nothing(signed: Client) -> None:
    assert "Nothing is saved yet" in signed.get(URL).content.decode()


def test_it_forgets(mapping: SavedMapping, signed: Client) -> None:
    answer = signed.post(f"{URL}{mapping.pk}/forget/", follow=True)
    assert "Forgotten." in answer.content.decode()
    assert not SavedMapping.objects.exists()
    assert signed.post(f"{URL}{mapping.pk}/forget/").status_code == 404


def test_it_forgets_nothing_on_get(mapping: SavedMapping, signed: Client) -> None:
    assert signed.get(f"{URL}{mapping.pk}/forget/").status_code == 405
    assert signed.post(URL).status_code == 405


def test_it_hides_the_mappings_of_others(mapping: SavedMapping, signed_other: Client) -> None:
    assert "编号" not in signed_other.get(URL).content.decode()
    assert signed_other.post(f"{URL}{mapping.pk}/forget/").status_code == 404
    assert SavedMapping.objects.exists()


def test_an_admin_sees_and_forgets_all(mapping: SavedMapping, signed_admin: Client) -> None:
    assert "编号" in signed_admin.get(URL).content.decode()
    signed_admin.post(f"{URL}{mapping.pk}/forget/")
    assert not SavedMapping.objects.exists()


@pytest.mark.parametrize("path", ["", "1/forget/"])
def test_it_sends_strangers_to_the_sign_in(db: None, client: Client, path: str) -> None:
    answer = client.post(URL + path) if path else client.get(URL)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/login/")


def test_its_queries_do_not_grow(
    mapping: SavedMapping, marketer: Person, signed: Client, django_assert_max_num_queries: object
) -> None:
    for number in range(1, 21):
        SavedMapping.objects.create(owner=marketer, headers_sha256=f"{number:064d}", used_at=timezone.now())
    with django_assert_max_num_queries(8):
        signed.get(URL)
