"""How long a session lives, and what ends it for good."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db.models.functions import Now
from django.test import Client, override_settings
from django.urls import reverse

from tagsync.accounts.models import Person
from tagsync.database import database_now
from tagsync.imports.models import ImportJob
from tagsync.imports.signals import keeper_cleans
from tagsync.web.account import sessions
from tests.conftest import PASSWORD

Later = Callable[..., None]
TEMPLATES = Path(settings.BASE_DIR) / "templates"


@pytest.fixture
def later(db: None, monkeypatch: pytest.MonkeyPatch) -> Later:
    now = database_now()

    def move(**by: float) -> None:
        nonlocal now
        now += timedelta(**by)

    monkeypatch.setattr(sessions, "shown_now", lambda: now)
    return move


@pytest.fixture
def hers(later: Later, marketer: Person) -> Client:
    client = Client()
    client.post("/login/", {"username": "lin", "password": PASSWORD})
    assert is_in(client)
    return client


def is_in(client: Client) -> bool:
    return client.get("/help/").status_code == 200


# -- limits


def test_it_ends_after_eight_hours_without_a_press(hers: Client, later: Later) -> None:
    later(hours=7, minutes=58)
    assert is_in(hers)
    later(hours=7, minutes=58)
    assert is_in(hers)
    later(hours=8, minutes=1)
    assert hers.get("/imports/?page=2")["Location"] == "/login/?next=/imports/%3Fpage%3D2"
    assert not is_in(hers)


def test_it_ends_after_seven_days_of_presses(hers: Client, later: Later) -> None:
    for _time in range(23):
        later(hours=7)
        assert is_in(hers)
    later(hours=7)
    assert is_in(hers)
    later(minutes=1)
    assert not is_in(hers)


@override_settings(TAGSYNC_SESSION_IDLE_HOURS=1, TAGSYNC_SESSION_DAYS=1)
def test_settings_say_how_long(hers: Client, later: Later) -> None:
    later(minutes=59)
    assert is_in(hers)
    later(minutes=61)
    assert not is_in(hers)


POLLS = ["/notices/new/", "/imports/{ready}/live/", "/imports/{ready}/check/live/", "/exports/"]


@pytest.mark.parametrize("address", POLLS)
def test_polling_is_no_press(hers: Client, later: Later, ready: ImportJob, address: str) -> None:
    for _time in range(3):
        later(hours=2.5)
        answer = hers.get(address.format(ready=ready.pk), headers={"HX-Request": "true"})
        assert answer.status_code < 300 and "/login/" not in answer.get("HX-Redirect", "")
    later(hours=1)
    assert not is_in(hers)


def test_a_poll_after_the_end_leads_to_the_sign_in(hers: Client, later: Later, ready: ImportJob) -> None:
    later(hours=9)
    page = {"HX-Request": "true", "HX-Current-URL": f"http://testserver/imports/{ready.pk}/"}
    answer = hers.get(f"/imports/{ready.pk}/live/", headers=page)
    assert answer["HX-Redirect"] == f"/login/?next=/imports/{ready.pk}/"
    assert hers.get("/notices/new/", headers=page).status_code == 286


def test_the_page_of_exports_itself_is_a_press(hers: Client, later: Later) -> None:
    later(hours=7)
    hers.get("/exports/")
    later(hours=7)
    assert is_in(hers)


def test_every_address_that_pages_poll_is_known() -> None:
    polled = set()
    for path in TEMPLATES.rglob("*.html"):
        text = path.read_text()
        for tag in re.findall(r"<[a-z](?:[^<>]|{%.*?%})*hx-trigger=\"every [^<>]*>", text):
            named = re.search(r"""hx-get="{% url ['"](\w+)""", tag)
            variable = re.search(r'hx-get="{{ (\w+)', tag)
            named = named or re.search(rf'url ["\'](\w+)["\'].* as {variable[1]} ', text) if variable else named
            assert named, path
            polled.add(named[1])
    assert polled == sessions.POLLS | sessions.PAGES_THAT_POLL


def test_a_press_is_written_once_a_minute(hers: Client, later: Later, django_assert_max_num_queries: Any) -> None:
    written = []
    for seconds in (61, 0, 59, 2):
        later(seconds=seconds)
        with django_assert_max_num_queries(20) as counted:
            is_in(hers)
        written.append(sum("UPDATE" in query["sql"] for query in counted.captured_queries))
    assert written == [1, 0, 0, 1]


def test_a_session_that_tells_no_times_is_over(signed: Client) -> None:
    session = signed.session
    del session[sessions.PRESSED]
    session.save()
    assert not is_in(signed)


def test_the_keeper_deletes_sessions_that_are_over(hers: Client, marketer: Person) -> None:
    Client().force_login(marketer)
    Session.objects.filter(pk=hers.session.session_key).update(expire_date=Now() - timedelta(days=1))
    keeper_cleans.send(ImportJob)
    assert Session.objects.count() == 1


# -- what ends it


def test_disabling_ends_it_for_good(signed: Client, signed_admin: Client, marketer: Person) -> None:
    """Also when nobody used it while the person was disabled."""
    page = reverse("person_edit", args=[marketer.pk])
    signed_admin.post(page, {"act": "disable"})
    signed_admin.post(page, {"act": "enable"})
    assert not is_in(signed)
    assert is_in(signed_admin)
    signed.force_login(Person.objects.get(pk=marketer.pk))
    assert is_in(signed)


def test_a_rotated_secret_keeps_it(signed: Client, marketer: Person) -> None:
    with override_settings(SECRET_KEY="another " * 8, SECRET_KEY_FALLBACKS=[settings.SECRET_KEY]):
        assert is_in(signed)
        marketer.end_sessions()
        assert not is_in(signed)
