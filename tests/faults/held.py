"""A worker of this process, held at a step of its work while something else is done; then it goes on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Event, Thread

import pytest
from django.db import connection as database
from django.db.models.functions import Now

from tagsync.delivery import keeper
from tagsync.exports.models import Export, ExportState
from tagsync.imports.models import ImportJob
from tagsync.imports.states import UNDER_WAY, JobStatus
from tagsync.queueing import doorbell
from tests.faults.saboteur import found, struck
from tests.faults.steps import Step

SECONDS = 30


class Held(Thread):
    """Stands still from `reached` to `let_go`; `told` is what its work raised."""

    def __init__(self, work: Callable[[], object], step: Step, nth: int, patch: pytest.MonkeyPatch) -> None:
        super().__init__(daemon=True)
        self._work = work
        self._reached, self._may_go_on = Event(), Event()
        self._stands = False
        self.told: Exception | None = None
        owner, name = found(step.where)
        patch.setattr(owner, name, struck(getattr(owner, name), step, nth, self._stand_still))

    def _stand_still(self) -> None:
        self._stands = True
        self._reached.set()
        self._may_go_on.wait(SECONDS)

    def run(self) -> None:
        try:
            self._work()
        except Exception as error:
            self.told = error
        finally:
            database.close()
            self._reached.set()

    def wait_until_held(self) -> None:
        self._reached.wait(SECONDS)
        assert self._stands, f"it never came to that step: {self.told!r}"

    def let_go(self) -> None:
        self._may_go_on.set()
        self.join(SECONDS)
        assert not self.is_alive()


@contextmanager
def held(work: Callable[[], object], step: Step, nth: int, patch: pytest.MonkeyPatch) -> Iterator[Held]:
    worker = Held(work, step, nth, patch)
    worker.start()
    try:
        worker.wait_until_held()
        yield worker
    finally:
        worker.let_go()


def give_up(job: ImportJob) -> None:
    """As if the lease of its worker were over: a keeper gives the import back."""
    ImportJob.objects.filter(pk=job.pk).update(lease_until=Now() - timedelta(seconds=1))
    keeper.release_expired()


def run_until_all_rests(heard: list[tuple[str, int]]) -> None:
    """Rounds of the keeper, and what it rings for, until it rings for nothing and nothing waits for its time."""
    deadline = time.monotonic() + SECONDS
    while True:
        heard.clear()
        keeper.keep()
        rung = list(dict.fromkeys(heard))
        for queue_name, record_id in rung:
            owner, name = found(doorbell.TASKS[queue_name])
            getattr(owner, name)(record_id)
        if not rung and not _waits():
            return
        assert time.monotonic() < deadline, "it does not come to rest"
        if not rung:
            time.sleep(0.05)


def _waits() -> bool:
    waiting = ImportJob.objects.filter(status__in=(*UNDER_WAY, JobStatus.CHECKING), wait_until__gt=Now())
    return waiting.exists() or Export.objects.filter(state=ExportState.WAITING).exists()
