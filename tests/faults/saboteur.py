"""Processes that do the ordinary work with the real code, and strike themselves down at one step of it.

`python -m tests.faults.saboteur` loads Django once and then forks a process for each order on its standard input: a
worker and keeper without Redis, or a person's act. Struck, it is killed or stopped at its step, once. The code under
test knows nothing of this: a function is wrapped where it is looked up.
"""

from __future__ import annotations

import contextlib
import importlib
import itertools
import json
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import django
from django.db import connections

from tagsync import timeouts
from tests.faults.shifted_clocks import shift_clocks
from tests.faults.steps import STEPS, Step

# Times of minutes become moments; each is a constant of the real code. What is missing there is an error here.
QUICK: dict[str, Any] = {
    "tagsync.delivery.runner.MAX_WAIT_SECONDS": 0.5,
    "tagsync.database.OTHERS_WRITE_SECONDS": 0.0,
    "tagsync.delivery.policy.MAX_BACK_OFF_SECONDS": 0.5,
    "tagsync.connections.tokens.RENEWAL_LEASE": timedelta(seconds=2),
    "tagsync.imports.check.staging.ROWS_PER_COMMIT": 10,
    "tagsync.imports.drafts.deletion.ROWS_PER_COMMIT": 10,
}

log = logging.getLogger("saboteur")


def found(dotted: str) -> tuple[Any, str]:
    """The object that holds the last name, and that name. Raises AttributeError when there is no such thing."""
    names = dotted.split(".")
    for length in range(len(names) - 1, 0, -1):
        try:
            owner = importlib.import_module(".".join(names[:length]))
        except ModuleNotFoundError:
            continue
        for name in names[length:-1]:
            owner = getattr(owner, name)
        getattr(owner, names[-1])
        return owner, names[-1]
    raise AttributeError(dotted)


def put(dotted: str, value: Any) -> None:
    owner, name = found(dotted)
    setattr(owner, name, value)


def strike_at(step: Step, nth: int, strike: Callable[[], None]) -> None:
    owner, name = found(step.where)
    setattr(owner, name, struck(getattr(owner, name), step, nth, strike))


def struck(real: Callable[..., Any], step: Step, nth: int, strike: Callable[[], None]) -> Callable[..., Any]:
    """The function of that step, which strikes at its nth call."""
    count = itertools.count(1)

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        hit = (not step.holding or step.holding in args) and next(count) == nth
        if hit and step.when == "before":
            strike()
        result = real(*args, **kwargs)
        if hit and step.when == "after":
            strike()
        return result

    return wrapped


def striking(how: signal.Signals, marker: Path, where: str) -> Callable[[], None]:
    def strike() -> None:
        print(f"{how.name} {where}", flush=True)
        marker.write_text(str(time.time()))
        os.kill(os.getpid(), how)
        # The kernel stops the threads one by one, and this one would get a little further otherwise.
        time.sleep(0.2)

    return strike


def work() -> None:
    """Keeper and worker in one: what the keeper rings for is done here, task by task, until SIGTERM."""
    from tagsync.delivery import keeper
    from tagsync.queueing import doorbell
    from tagsync.queueing.shutdown import ask_to_shut_down, is_shutting_down

    heard: dict[tuple[str, int], None] = {}

    def hear(queue_name: str, job_id: int) -> bool:
        heard[queue_name, job_id] = None
        return True

    doorbell.ring, doorbell.rung = hear, lambda queue_name: set()
    signal.signal(signal.SIGTERM, lambda *_: ask_to_shut_down())
    while not is_shutting_down():
        heard.clear()
        attempt(keeper.keep)
        for queue_name, job_id in list(heard):
            owner, name = found(doorbell.TASKS[queue_name])
            attempt(getattr(owner, name), job_id)
        time.sleep(0.05)


def attempt(task: Callable[..., object], *arguments: int) -> None:
    """As in a process of its own that RQ would have forked: what goes wrong is written down and ends the task."""
    try:
        task(*arguments)
    except Exception:
        log.exception("UNFORESEEN")
        connections.close_all()


def clean() -> None:
    """What a keeper does every hour."""
    from tagsync.delivery import keeper
    from tagsync.imports.models import ImportJob
    from tagsync.imports.signals import keeper_cleans

    keeper.delete_old_drafts()
    keeper_cleans.send(ImportJob)


def act(what: str, job_id: int) -> None:
    """What a person asks for, in a process that may die over it."""
    from tagsync.accounts.models import Person
    from tagsync.delivery import actions
    from tagsync.imports.drafts import deletion
    from tagsync.imports.followups.retry import Selection
    from tagsync.imports.models import ImportJob
    from tagsync.imports.states import RETRYABLE
    from tagsync.queueing import doorbell

    doorbell.ring = lambda queue_name, job_id: True
    job, by = ImportJob.objects.get(pk=job_id), Person.objects.earliest("id")
    if what == "retry":
        actions.retry(job, Selection(RETRYABLE), by)
    elif what == "discard":
        deletion.discard(job, by)
    else:
        getattr(actions, what)(job, by)


def obey(order: dict[str, Any]) -> None:
    """In the forked process, to its end."""
    from tagsync.queueing.worker import die_with

    output = os.open(order["output"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    die_with(order["parent"])
    if order["step"]:
        strike = striking(signal.Signals[order["how"]], Path(order["marker"]), order["step"])
        strike_at(STEPS[order["step"]], order["nth"], strike)
    if order["clock_seconds"]:
        shift_clocks(order["clock_seconds"])
    if order["what"] == "work":
        work()
    elif order["what"] == "clean":
        clean()
    else:
        act(order["what"], order["job_id"])


def bury_the_dead() -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def main() -> None:
    # The time-outs of a worker.
    os.environ[timeouts.VARIABLE] = timeouts.Role.SENDS
    django.setup()
    for dotted, value in QUICK.items():
        put(dotted, value)
    me = os.getpid()
    for line in sys.stdin:
        # Not before the next order: by then whoever ordered the last one has a handle of it.
        bury_the_dead()
        pid = os.fork()
        if pid == 0:
            try:
                obey({**json.loads(line), "parent": me})
                os._exit(0)
            except BaseException:
                log.exception("UNFORESEEN")
                os._exit(1)
        print(pid, flush=True)


if __name__ == "__main__":
    main()
