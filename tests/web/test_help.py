"""The help page, and the small links that lead to its entries."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client, override_settings
from django.utils import translation

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.imports.models import ImportJob
from tagsync.web.help.questions import ANCHORS, QUESTIONS
from tagsync.web.ui.statuses import ROW_LOOKS
from tests.web.test_templatetags import render

TEMPLATES = sorted((Path(settings.BASE_DIR) / "templates").rglob("*.html"))


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_it_explains_every_word(signed: Client, marketer: Person, language: str) -> None:
    Person.objects.update(language=language)
    page = signed.get("/help/").content.decode()
    for anchor in QUESTIONS:
        assert page.count(f'id="{anchor}"') == 1 and f'href="#{anchor}"' in page
    assert len(set(re.findall(r'id="([^"]+)"', page))) == len(re.findall(r'id="([^"]+)"', page))


def test_it_is_only_looked_at(signed: Client, client: Client) -> None:
    assert signed.post("/help/").status_code == 405
    assert client.get("/help/")["Location"].startswith("/login/")


def test_it_explains_the_status_of_every_row() -> None:
    assert {ANCHORS.get(status, status) for status in ROW_LOOKS} <= set(QUESTIONS)


def test_its_links_say_what_they_answer() -> None:
    with translation.override("en"):
        drawn = render('{% help "openid" %}')
    assert 'href="/help/#openid"' in drawn
    assert 'aria-label="What is an openid?"' in drawn and 'rel="noopener"' in drawn


def test_every_link_of_a_template_leads_somewhere() -> None:
    words = {word for path in TEMPLATES for word in re.findall(r'{% help "([^"]+)"', path.read_text())}
    assert {"openid", "text", "matching", "ways", "trial", "to-fix", "accepted", "stuck"} <= words
    assert {ANCHORS.get(word, word) for word in words} <= set(QUESTIONS)


# -- the way of a first import


def test_it_shows_the_way_until_something_was_started(signed: Client, ready: ImportJob) -> None:
    assert "Your first import in three steps" in signed.get("/imports/new/").content.decode()
    ready.start(ready.owner)
    assert "Your first import in three steps" not in signed.get("/imports/new/").content.decode()


def test_it_hides_the_way_for_this_person_alone(signed: Client, signed_other: Client, marketer: Person) -> None:
    for _time in range(2):
        assert signed.post("/first-steps/hide/")["Location"] == "/imports/new/"
    marketer.refresh_from_db()
    assert marketer.first_steps_hidden
    assert "Your first import" not in signed.get("/imports/new/").content.decode()
    assert "Your first import" in signed_other.get("/imports/new/").content.decode()


def test_it_answers_a_script_with_a_word_to_focus(signed: Client) -> None:
    page = signed.post("/first-steps/hide/", headers={"HX-Request": "true"}).content.decode()
    assert "data-focus" in page and "<html" not in page


def test_it_hides_only_by_post_and_for_nobody_unknown(signed: Client, client: Client) -> None:
    assert signed.get("/first-steps/hide/").status_code == 405
    assert client.post("/first-steps/hide/")["Location"].startswith("/login/")


# -- the sample


def test_it_offers_the_sample_where_there_is_a_test_platform(signed: Client, sandbox_connection: Connection) -> None:
    assert "/imports/sample.xlsx" in signed.get("/imports/new/").content.decode()
    answer = signed.get("/imports/sample.xlsx")
    assert answer.status_code == 200
    assert b"".join(answer.streaming_content).startswith(b"PK")
    assert signed.post("/imports/sample.xlsx").status_code == 405


@pytest.mark.parametrize("missing", ["connection", "local"])
def test_it_has_no_sample_elsewhere(signed: Client, sandbox_connection: Connection, missing: str) -> None:
    if missing == "connection":
        Connection.objects.update(is_sandbox=False)
    with override_settings(LOCAL=missing != "local"):
        for url in ("/imports/new/", "/help/"):
            assert "sample.xlsx" not in signed.get(url).content.decode()
        assert signed.get("/imports/sample.xlsx").status_code == 404


def test_it_gives_the_sample_to_no_stranger(client: Client, sandbox_connection: Connection) -> None:
    assert client.get("/imports/sample.xlsx")["Location"].startswith("/login/")
