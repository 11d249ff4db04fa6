"""The worker against a real Redis, in a process of its own: what it refuses, how it leaves, what it leaves behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis as client_library
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connections
from rq import Callback, Queue, Worker
from rq.job import Job

from tagsync.local import redis
from tagsync.queueing.installation import identifier, named
from tagsync.queueing.shutdown import is_shutting_down
from tagsync.queueing.worker import MAY_RUN, DoorbellJob, DoorbellWorker
from tests.installation import wait_for

START = """
import sys, django
django.setup()
from tagsync.queueing import installation, worker
from tagsync.queueing.management.commands.rqworker import Command
installation._known = sys.argv[1]
worker.MAY_RUN |= set(filter(None, sys.argv[2].split(",")))
Command().run_from_argv(["manage.py", "rqworker", "sends", *sys.argv[3:]])
"""
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

# -- what a worker runs in these tests


def stay_until_asked(folder: str) -> None:
    Path(folder, "started").write_text(str(os.getpid()))
    deadline = time.monotonic() + 20
    while not is_shutting_down() and time.monotonic() < deadline:
        time.sleep(0.01)
    Path(folder, "left").write_text(str(is_shutting_down()))


def tell_connections(folder: str) -> None:
    Path(folder, "open").write_text(str([one.alias for one in connections.all() if one.connection]))


STAY = f"{__name__}.stay_until_asked"
Busy = tuple[subprocess.Popen[bytes], int]
TELL = f"{__name__}.tell_connections"

# -- around it


@pytest.fixture
def queue(redis_url: str) -> Iterator[Queue]:
    with client_library.Redis.from_url(redis_url) as client:
        client.flushall()
        yield Queue(named("sends"), connection=client, serializer="json")


@contextmanager
def worker_for(queue: Queue, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    url = redis.url_of(Path(queue.connection.connection_pool.connection_kwargs["path"]))
    worker = subprocess.Popen(
        [sys.executable, "-c", START, identifier(), f"{STAY},{TELL}", *options],
        env={**os.environ, "REDIS_URL": url},
        cwd=settings.BASE_DIR,
    )
    try:
        yield worker
    finally:
        worker.kill()
        worker.wait(60)


def work_off(queue: Queue) -> None:
    with worker_for(queue, "--burst") as worker:
        assert worker.wait(60) == 0


@pytest.fixture
def busy(queue: Queue, tmp_path: Path) -> Iterator[Busy]:
    """A worker with a horse that stays until it is asked to leave, and that horse's process."""
    queue.enqueue(STAY, str(tmp_path))
    with worker_for(queue) as worker:
        wait_for(lambda: (tmp_path / "started").exists() and (tmp_path / "started").read_text())
        yield worker, int((tmp_path / "started").read_text())


def test_it_may_run_three_functions() -> None:
    names = {"delivery.tasks.run_check", "delivery.tasks.run_import", "exports.tasks.run_export"}
    assert {f"tagsync.{name}" for name in names} == MAY_RUN


@pytest.mark.slow
def test_it_runs_nothing_else_that_redis_names(queue: Queue, tmp_path: Path) -> None:
    evil = f"touch {tmp_path / 'ran'}"
    by_name = queue.enqueue("os.system", evil)
    by_callback = queue.enqueue(TELL, str(tmp_path), on_success=Callback("os.system"), on_failure=Callback("os.abort"))
    work_off(queue)
    assert not (tmp_path / "ran").exists()
    assert by_name.get_status() == "failed"
    assert "NotOurs" in str(by_name.latest_result().exc_string)
    assert by_callback.get_status() == "finished"


@pytest.mark.slow
def test_it_does_not_unpickle(queue: Queue, tmp_path: Path) -> None:
    pickled = Queue(named("sends"), connection=queue.connection, serializer="pickle").enqueue(TELL, str(tmp_path))
    work_off(queue)
    assert not (tmp_path / "open").exists()
    assert pickled.get_status() == "failed"


@pytest.mark.slow
def test_its_jobs_begin_without_a_connection_of_the_parent(queue: Queue, tmp_path: Path) -> None:
    queue.enqueue(TELL, str(tmp_path))
    work_off(queue)
    assert (tmp_path / "open").read_text() == "[]"


@pytest.mark.slow
def test_it_tells_its_horse_to_leave_and_waits_for_it(queue: Queue, busy: Busy, tmp_path: Path) -> None:
    worker, _horse = busy
    worker.terminate()
    assert worker.wait(60) == 0
    assert (tmp_path / "left").read_text() == "True"
    assert queue.failed_job_registry.get_job_ids() == []


@pytest.mark.slow
def test_its_horse_survives_a_signal_to_the_whole_group(queue: Queue, busy: Busy, tmp_path: Path) -> None:
    worker, horse = busy
    os.kill(horse, signal.SIGTERM)
    wait_for((tmp_path / "left").exists)
    worker.terminate()
    assert worker.wait(60) == 0
    assert queue.failed_job_registry.get_job_ids() == []


@pytest.mark.slow
@linux_only
def test_its_horse_dies_with_it(queue: Queue, busy: Busy, tmp_path: Path) -> None:
    worker, horse = busy
    worker.kill()
    worker.wait(60)
    wait_for(lambda: not Path(f"/proc/{horse}").exists())
    assert not (tmp_path / "left").exists()


def test_it_notices_the_dead_early(queue: Queue) -> None:
    worker = DoorbellWorker([queue], connection=queue.connection, serializer="json", maintenance_interval=600)
    assert (worker.maintenance_interval, worker.job_monitoring_interval, worker.worker_ttl) == (30, 10, 60)
    assert worker.log_job_description is False
    assert issubclass(worker.job_class, DoorbellJob)


def test_it_is_found_again_in_redis(queue: Queue) -> None:
    worker = DoorbellWorker([queue], connection=queue.connection, serializer="json")
    worker.register_birth()
    assert [one.name for one in Worker.all(connection=queue.connection)] == [worker.name]
    assert [one.name for one in DoorbellWorker.all(connection=queue.connection)] == [worker.name]


def test_its_jobs_read_like_others(queue: Queue) -> None:
    job = queue.enqueue("tagsync.delivery.tasks.run_check", 7)
    found = DoorbellJob.fetch(job.id, connection=queue.connection, serializer="json")
    assert isinstance(found, Job)
    assert (found.func_name, found.args) == ("tagsync.delivery.tasks.run_check", [7])


@pytest.mark.parametrize("queues", [[], ["checks", "sends"], ["default"]])
def test_it_listens_to_one_known_queue(queues: list[str]) -> None:
    with pytest.raises(CommandError, match="checks, sends"):
        call_command("rqworker", *queues)
