"""What is wrong and can be known at the start: `check` tells it in the words of the facts, and so does each process."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core import checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.operations import at_start, facts, processes

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _in_english(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    with translation.override("en"):
        yield


def told(databases: list[str] | None = None) -> dict[str, checks.CheckMessage]:
    found = [one for one in checks.run_checks(databases=databases) if str(one.id).startswith("tagsync.")]
    by_id = {str(one.id): one for one in found}
    assert len(by_id) == len(found), "said twice"
    return by_id


def test_where_all_is_well_nothing_is_said(admin_person: Person) -> None:
    assert told() == told(["default"]) == {}


@pytest.mark.usefixtures("admin_person")
def test_it_says_what_the_fact_says(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", "django.db.backends.sqlite3")
    settings.TAGSYNC_METRICS_TOKEN, settings.STATIC_ROOT = "letmein", "/nowhere"
    monkeypatch.setattr(at_start, "kind_of_disk", lambda path: "nfs4")
    monkeypatch.setattr(connection, "vendor", "sqlite")
    found, of_doctor = told(["default"]), facts.facts()
    assert set(found) == {"tagsync.database", "tagsync.secrets", "tagsync.static_files"}
    assert {one.level for one in found.values()} == {checks.WARNING}
    for fact in of_doctor:
        if one := found.pop(f"tagsync.{fact.check}", None):
            assert (one.msg, one.hint) == (fact.says, fact.advice)
    assert not found


def test_it_speaks_the_language_of_the_terminal(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.STATIC_ROOT = "/nowhere"
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert told()["tagsync.static_files"].msg == "静态文件尚未收集。"


def test_the_database_is_asked_only_when_somebody_wants_it() -> None:
    Connection.objects.create(name="华东", base_url="https://a.example.com", fixed_token_encrypted="nonsense")
    with CaptureQueriesContext(connection) as asked:
        assert told() == {}
    assert not asked.captured_queries
    found = told(["default"])
    assert set(found) == {"tagsync.credentials", "tagsync.admin"}
    assert "华东" in found["tagsync.credentials"].msg


def test_a_database_without_tables_is_not_asked_for_what_stands_in_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tagsync.schema.of_program", lambda: frozenset({("imports", "9999_next")}))
    assert told(["default"]) == {}


@pytest.mark.usefixtures("admin_person")
def test_check_prints_it(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["tagsync.example.com"]
    said = StringIO()
    call_command("check", stderr=said, no_color=True)
    assert "?: (tagsync.examples) Still as in the example: TAGSYNC_ALLOWED_HOSTS" in said.getvalue()
    with pytest.raises(SystemCheckError):
        call_command("check", "--fail-level", "WARNING", stderr=StringIO())


def test_a_process_says_it_at_its_start_in_the_language_of_logs(
    settings: Any, caplog: pytest.LogCaptureFixture, admin_person: Person
) -> None:
    settings.STATIC_ROOT = "/nowhere"
    for _ in range(2):
        processes.say_alive("checks")
    lines = [one.getMessage() for one in caplog.records if one.levelno == logging.WARNING]
    assert lines == ["Static files are not collected. Run: tagsync collectstatic"]
