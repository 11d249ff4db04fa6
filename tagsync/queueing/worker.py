"""The RQ worker: notices the dead early, leaves no orphan, and runs our two functions and nothing else.

It knows RQ and signals; it must not know what an import is.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from types import FrameType
from typing import Any
from uuid import uuid4

from django.db import connections
from rq import Queue, Worker
from rq.job import Job
from rq.utils import import_attribute

from tagsync.orphans import die_with
from tagsync.queueing.doorbell import TASKS
from tagsync.queueing.installation import named
from tagsync.queueing.shutdown import ask_to_shut_down
from tagsync.queueing.signals import alive

# A serializer decides how a job is written, not what it names: JSON can still say "os.system". This list decides.
MAY_RUN = frozenset(TASKS.values())

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class NotOurs(Exception):
    """A job in Redis names something that this application never puts there."""


class DoorbellJob(Job):  # type: ignore[misc]  # rq is read without types
    """A job that can only ring: whatever else Redis says about it is not obeyed."""

    # Read from the hash in Redis by RQ, each the name of a function.
    success_callback = failure_callback = stopped_callback = None

    @property
    def func(self) -> Callable[..., Any]:
        if self.instance or self.func_name not in MAY_RUN:
            raise NotOurs("The job names a function that workers do not run.")
        func: Callable[..., Any] = import_attribute(self.func_name)
        return func

    def send_webhooks(self, *_: Any, **__: Any) -> None:
        """Outbound calls named by Redis are not made."""


class DoorbellWorker(Worker):  # type: ignore[misc]  # rq is read without types
    """Forks a horse per job. Started by `manage.py rqworker`, one queue each.

    Source: rq 3.0.0 notices a killed worker after about 13 minutes with its own intervals, in about 2 with these.
    """

    job_class = DoorbellJob

    def __init__(self, queues: list[Queue], name: str | None = None, **kwargs: Any) -> None:
        """`queues`: as django-rq makes them of the settings; each stands for the one of this installation. None where
        RQ only reads what Redis knows of a worker.
        """
        ours = [type(one)(named(one.name), connection=one.connection, serializer=one.serializer) for one in queues]
        intervals = {"maintenance_interval": 30, "job_monitoring_interval": 10, "worker_ttl": 60}
        quiet = {"log_job_description": False}
        super().__init__(ours, named(name or uuid4().hex), **{**kwargs, **intervals, **quiet})
        self.bell = queues[0].name.rpartition("-")[2] if queues else ""

    # -- in the worker

    def heartbeat(self, *args: Any, **kwargs: Any) -> None:
        super().heartbeat(*args, **kwargs)
        if not self.is_horse:
            alive.send(type(self), role=self.bell)
            connections.close_all()

    def fork_work_horse(self, job: Job, queue: Any) -> None:
        # A connection that lives on both sides of a fork is broken on both.
        connections.close_all()
        self._parent_pid = os.getpid()
        # Until the horse has its own handlers a SIGTERM would run ours in it, so none may arrive.
        signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
        try:
            super().fork_work_horse(job, queue)
            if self._stop_requested:
                self._tell_horse_to_leave()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)

    def handle_warm_shutdown_request(self) -> None:
        super().handle_warm_shutdown_request()
        self._tell_horse_to_leave()

    def _tell_horse_to_leave(self) -> None:
        if self.horse_pid:
            try:
                os.kill(self.horse_pid, signal.SIGTERM)
            except ProcessLookupError:
                return

    # -- in the horse

    def setup_work_horse_signals(self) -> None:
        die_with(self._parent_pid)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, _leave)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)

    def perform_job(self, job: Job, queue: Any, execution: Any) -> bool:
        connections.close_all()
        return bool(super().perform_job(job, queue, execution))


def _leave(signum: int, frame: FrameType | None) -> None:
    ask_to_shut_down()
