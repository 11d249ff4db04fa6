"""Two installations on one Redis: neither takes the other's rings, nor counts its workers."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import IntegrityError
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue

from tagsync.queueing import doorbell, health, installation
from tagsync.queueing.doorbell import CHECKS, SENDS
from tagsync.queueing.models import Installation
from tagsync.queueing.worker import DoorbellWorker
from tests.installation import wait_for
from tests.queueing.test_worker import STAY, worker_for

TRIAL, PRODUCTION = "aaaaaaaaaaaa", "bbbbbbbbbbbb"
Become = Callable[[str], None]


@pytest.fixture
def become(monkeypatch: pytest.MonkeyPatch) -> Become:
    return lambda identifier: monkeypatch.setattr(installation, "_known", identifier)


@pytest.fixture
def redis(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Redis]:
    """The Redis of both."""
    with Redis.from_url(redis_url) as client:
        client.flushall()
        monkeypatch.setattr(doorbell, "_impatient_connection", lambda: client)
        yield client


def worker(bell: str, name: str = "worker-1") -> DoorbellWorker:
    """One that has reported and works on nothing."""
    ours = doorbell.queue(bell)
    found = DoorbellWorker([ours], installation.named(name), connection=ours.connection, serializer="json")
    found.register_birth()
    return found


# -- in Redis


def test_each_hears_its_own_rings(redis: Redis, become: Become) -> None:
    become(TRIAL)
    assert doorbell.ring(SENDS, 7)
    become(PRODUCTION)
    assert doorbell.rung(SENDS) == set()
    assert doorbell.ring(SENDS, 8)
    assert doorbell.rung(SENDS) == {8}
    become(TRIAL)
    assert doorbell.rung(SENDS) == {7}


def test_its_worker_takes_no_ring_of_another(redis: Redis, become: Become) -> None:
    for each in (TRIAL, PRODUCTION):
        become(each)
        doorbell.queue(SENDS).enqueue(f"{__name__}.nothing")
    with worker_for(doorbell.queue(SENDS), "--burst") as process:
        assert process.wait(60) == 0
    assert len(doorbell.queue(SENDS)) == 0
    become(TRIAL)
    assert len(doorbell.queue(SENDS)) == 1


def test_it_counts_its_own_workers(redis: Redis, become: Become) -> None:
    become(TRIAL)
    worker(CHECKS)
    worker(SENDS, "worker-2")
    become(PRODUCTION)
    # The name that the other one's worker has.
    worker(CHECKS)
    assert health._look() == health.QueueHealth(True, 1, 0)
    become(TRIAL)
    assert health._look() == health.QueueHealth(True, 1, 1)


def test_it_counts_nobody_whose_heartbeat_has_stopped(redis: Redis) -> None:
    killed = worker(CHECKS)
    redis.delete(killed.key)
    assert health._look() == health.QueueHealth(True, 0, 0)


def test_every_key_says_whose_it_is(
    redis: Redis, become: Become, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    become(TRIAL)
    monkeypatch.setitem(doorbell.TASKS, SENDS, STAY)
    seen: set[str] = set()
    doorbell.ring(SENDS, str(tmp_path))  # type: ignore[arg-type]  # a task of the tests
    doorbell.ring(CHECKS, 7)
    with worker_for(doorbell.queue(SENDS), "--name", "worker-1") as process:
        wait_for((tmp_path / "started").exists)
        seen |= {key.decode() for key in redis.scan_iter()}
        process.terminate()
        process.wait(60)
    seen |= {key.decode() for key in redis.scan_iter()}
    assert f"rq:worker:tagsync-{TRIAL}-worker-1" in seen
    # RQ's registers of all queues and workers, whose entries say whose they are, and a lock of what we do not use.
    assert {key for key in seen if installation.owner(key) != TRIAL} == {"rq:queues", "rq:workers", "rq:clean_groups"}


def test_it_is_told_of_others(redis: Redis, become: Become) -> None:
    become(TRIAL)
    trial = worker(CHECKS)
    doorbell.ring(SENDS, 7)
    assert health.other_installations() == {}
    become(PRODUCTION)
    Queue("somebody-elses", connection=redis, serializer="json").enqueue(f"{__name__}.nothing")
    assert health.other_installations() == {TRIAL: {trial.hostname}}
    trial.register_death()
    assert health.other_installations() == {TRIAL: set()}
    doorbell.queue(SENDS).empty()
    become(TRIAL)
    doorbell.queue(SENDS).empty()
    become(PRODUCTION)
    assert health.other_installations() == {}


def test_it_does_not_know_of_others_without_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> Redis:
        raise RedisError

    monkeypatch.setattr(doorbell, "_impatient_connection", gone)
    assert health.other_installations() is None


# -- in the database


def asked_anew() -> str:
    installation._known = ""
    return installation.identifier()


@pytest.mark.django_db
def test_it_asks_the_database_once(become: Become, django_assert_num_queries: Any) -> None:
    become("")
    with django_assert_num_queries(1):
        found = installation.identifier()
    with django_assert_num_queries(0):
        assert installation.named("checks") == f"tagsync-{found}-checks"
    assert installation.owner(doorbell.queue(CHECKS).key) == found


def test_it_asks_nothing_when_it_is_loaded() -> None:
    modules = "tagsync.urls, tagsync.queueing.health, tagsync.queueing.management.commands.rqworker"
    subprocess.run(
        [sys.executable, "-W", "error", "-c", f"import django; django.setup(); import {modules}"],
        env={**os.environ, "DATABASE_URL": "postgres://nobody@127.0.0.1:9/nothing"},
        cwd=settings.BASE_DIR,
        check=True,
    )


@pytest.mark.django_db
def test_there_is_one() -> None:
    with pytest.raises(IntegrityError):
        Installation.objects.create(id=2)


@pytest.mark.django_db(transaction=True)
def test_it_is_made_with_the_database_and_stays(become: Become) -> None:
    call_command("migrate", "queueing", "zero", verbosity=0)
    call_command("migrate", verbosity=0)
    made = asked_anew()
    assert len(made) == 12 and made not in (TRIAL, PRODUCTION)
    call_command("migrate", verbosity=0)
    assert asked_anew() == made


@pytest.mark.django_db(transaction=True)
def test_an_emptied_database_is_another_installation_and_a_restored_one_the_same(
    become: Become, tmp_path: Path
) -> None:
    become("")
    before, backup = installation.identifier(), StringIO()
    call_command("dumpdata", "queueing", stdout=backup)
    call_command("flush", interactive=False, verbosity=0)
    assert asked_anew() != before
    (tmp_path / "backup.json").write_text(backup.getvalue())
    call_command("loaddata", str(tmp_path / "backup.json"), verbosity=0)
    assert asked_anew() == before
