"""What doctor, the probe and the page for admins say of an installation that is well, and of ten that are not."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.db.models.functions import Now
from django.test import Client
from django.utils import translation
from redis.exceptions import ConnectionError as RedisGone

from tagsync import schema
from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.imports.models.restore import RestoreReason
from tagsync.imports.restores import hold
from tagsync.operations import at_start, facts, processes, storage
from tagsync.operations.fact import Fact
from tagsync.operations.models import Process
from tagsync.queueing.health import QueueHealth

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _well(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch, admin_person: Person) -> Iterator[None]:
    settings.MEDIA_ROOT = tmp_path
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setattr(facts, "queue_health", lambda: QueueHealth(True, 1, 2, 1))
    monkeypatch.setattr(facts, "_redis", lambda: Fact("redis", True, "Redis 7.2"))
    for role in ("web", "sends", "keeper"):
        processes.record(role)
    with translation.override("en"):
        yield


def wrong() -> dict[str, str]:
    return {fact.check: f"{fact.says} {fact.advice}" for fact in facts.facts() if not fact.ok}


def test_all_is_well() -> None:
    assert wrong() == {}
    assert {"database", "migrations", "redis", "workers_sends", "keeper", "clocks", "disk", "admin"} <= {
        fact.check for fact in facts.facts()
    }


Break = Callable[[pytest.MonkeyPatch], object]


def no_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts, "queue_health", lambda: QueueHealth(True, 1, 0, 1))


def unreadable_key(_monkeypatch: pytest.MonkeyPatch) -> None:
    Connection.objects.create(name="华东", base_url="https://a.example.com", fixed_token_encrypted="nonsense")


def old_token(_monkeypatch: pytest.MonkeyPatch) -> None:
    one = Connection(name="华北", base_url="https://a.example.com")
    one.set_fixed_token("t")
    one.token_expires_at = processes.database_now() - timedelta(hours=1)
    one.save()


def network_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(at_start, "kind_of_disk", lambda path: "nfs4")
    monkeypatch.setattr(connection, "vendor", "sqlite")


def readable_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.conf.settings.TAGSYNC_HOME", Path(settings.MEDIA_ROOT))
    (Path(settings.MEDIA_ROOT) / "secret-key").write_text("a key")
    (Path(settings.MEDIA_ROOT) / "secret-key").chmod(0o640)


BROKEN: list[tuple[str, Break, str]] = [
    ("workers_sends", no_workers, "rqworker sends"),
    ("keeper", lambda _: Process.objects.filter(role="keeper").delete(), "keeper"),
    (
        "keeper",
        lambda _: Process.objects.filter(role="keeper").update(seen_at=Now() - timedelta(minutes=5)),
        "The keeper is not running",
    ),
    ("clocks", lambda _: Process.objects.filter(role="sends").update(clock_ahead_seconds=-75), "-75 seconds"),
    ("versions", lambda _: Process.objects.filter(role="sends").update(version="0.0.9"), "0.0.9"),
    ("shared_storage", lambda _: Process.objects.filter(role="sends").update(storage="other"), "sends on"),
    ("storage", lambda patch: patch.setattr(storage, "refusal", lambda: "PermissionError"), "TAGSYNC_UPLOADS"),
    ("disk", lambda patch: patch.setattr("django.conf.settings.TAGSYNC_LEAST_FREE_BYTES", 2**62), "Make room"),
    ("credentials", unreadable_key, "华东"),
    ("tokens", old_token, "华北"),
    ("admin", lambda _: Person.objects.update(is_active=False), "add_person NAME --role admin"),
    ("database", network_disk, "nfs4"),
    (
        "migrations",
        lambda _: MigrationRecorder(connection).record_unapplied("operations", "0001_processes"),
        "migrate",
    ),
    (
        "migrations",
        lambda _: MigrationRecorder(connection).record_applied("operations", "9999_next"),
        "newer than this program",
    ),
    ("restore", lambda _: hold.begin(RestoreReason.TOLD), "follow the banner"),
    ("secrets", lambda patch: patch.setattr("django.conf.settings.TAGSYNC_METRICS_TOKEN", "letmein"), "METRICS_TOKEN"),
    ("secrets", lambda patch: patch.setattr("django.conf.settings.SECRET_KEY_FALLBACKS", ["x" * 60]), "_FALLBACKS"),
    ("examples", lambda patch: patch.setattr("django.conf.settings.ALLOWED_HOSTS", ["tagsync.example.com"]), "HOSTS"),
    ("key_files", readable_key, "chmod 600 "),
    ("static_files", lambda patch: patch.setattr("django.conf.settings.STATIC_ROOT", "/nowhere"), "collectstatic"),
]


@pytest.mark.parametrize(("check", "harm", "said"), BROKEN, ids=[check for check, _harm, _said in BROKEN])
def test_it_names_what_is_broken(monkeypatch: pytest.MonkeyPatch, check: str, harm: Break, said: str) -> None:
    harm(monkeypatch)
    found = wrong()
    assert list(found) == [check] and said in found[check]


def test_a_storage_without_paths_is_told_apart(settings: Any, tmp_path: Path) -> None:
    """Not the folder is to be mended, and the disk is the one through which uploads go."""
    backend = {"BACKEND": "tests.storage.pathless.Pathless", "OPTIONS": {"location": str(tmp_path)}}
    settings.STORAGES = {**settings.STORAGES, "default": backend}
    assert wrong() == {}
    default_storage.broken = ConnectionError("http://10.0.0.7")
    settings.TAGSYNC_LEAST_FREE_BYTES = 2**62
    found = wrong()
    assert "(ConnectionError)" in found["storage"] and "TAGSYNC_STORAGE" in found["storage"]
    assert "until they are in the storage" in found["disk"] and "10.0.0.7" not in str(found)


def test_a_database_that_nobody_has_migrated(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_table() -> None:
        raise OperationalError("no such table: django_migrations")

    monkeypatch.setattr(schema, "difference", no_table)
    assert list(wrong()) == ["migrations"] and "migrate" in wrong()["migrations"]


def test_redis_that_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()

    def gone(_name: str) -> None:
        raise RedisGone("redis://user:password@host")

    monkeypatch.setattr(facts, "queue", gone)
    found = wrong()
    assert "REDIS_URL" in found["redis"] and "password" not in found["redis"]


def test_a_database_that_is_gone(monkeypatch: pytest.MonkeyPatch, client: Client) -> None:
    def gone() -> None:
        raise OperationalError("no route to host db.example.com, user tagsync")

    monkeypatch.setattr(connection, "ensure_connection", gone)
    found = wrong()
    assert list(found) == ["database"] and "example.com" not in found["database"]
    assert [fact.check for fact in facts.facts()] == ["database", "redis", "secrets"]


def test_doctor_says_it_in_lines_and_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    out = StringIO()
    call_command("doctor", stdout=out, no_color=True)
    assert out.getvalue().count("✓") == len(facts.facts())
    no_workers(monkeypatch)
    out = StringIO()
    with pytest.raises(SystemExit) as caught:
        call_command("doctor", "--json", stdout=out)
    assert caught.value.code == 1
    [broken] = [one for one in json.loads(out.getvalue()) if not one["ok"]]
    assert broken == {
        "check": "workers_sends",
        "ok": False,
        "says": "Workers for sends: 0",
        "do": "Start at least one: tagsync rqworker sends",
    }


def test_a_process_is_written_down_once_and_forgotten_in_time() -> None:
    processes.record("web")
    [web] = Process.objects.filter(role="web")
    assert web.pid == os.getpid() and abs(web.clock_ahead_seconds) < 5 and web.storage == storage.identity() != ""
    Process.objects.filter(role="web").update(seen_at=Now() - timedelta(days=2))
    processes.record("keeper")
    assert not Process.objects.filter(role="web").exists()


def test_a_process_says_at_its_start_that_there_is_no_admin(caplog: pytest.LogCaptureFixture) -> None:
    processes._said.clear()
    processes.say_alive("web")
    assert not caplog.records
    Person.objects.update(is_active=False)
    processes._said.clear()
    processes.say_alive("web")
    assert "add_person" in caplog.text
