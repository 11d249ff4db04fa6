"""A worker of one queue, until it is ended."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connections
from django.utils.translation import gettext as _
from redis import Redis
from redis.exceptions import ConnectionError as RedisGone

from tagsync.queueing.doorbell import TASKS, queue
from tagsync.queueing.installation import named
from tagsync.queueing.worker import DoorbellWorker

LOG_LEVELS = ("WARNING", "INFO", "DEBUG", "DEBUG")


class Command(BaseCommand):
    help = "Works on one queue: checks, sends or exports."
    # They would load every page.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("args", nargs="*", metavar="queue")
        parser.add_argument("--name", help="of this worker and no other (default: a random one)")
        parser.add_argument("--burst", action="store_true", help="end when the queue is empty")

    def handle(self, *args: str, **options: Any) -> None:
        # A worker that listens to two queues can lose a job between them for good.
        if len(args) != 1 or args[0] not in TASKS:
            raise CommandError(_("Name one queue: %(names)s.") % {"names": ", ".join(TASKS)})
        try:
            worker = _worker(args[0], options["name"])
            connections.close_all()
            worker.work(burst=options["burst"], logging_level=LOG_LEVELS[options["verbosity"]])
        except RedisGone as error:
            raise CommandError(str(error)) from None


def _worker(bell: str, name: str | None) -> DoorbellWorker:
    rq_name, connection = named(name or uuid4().hex), Redis.from_url(settings.REDIS_URL)
    return DoorbellWorker([queue(bell, connection)], rq_name, connection=connection, serializer="json")
