"""django-rq's `rqworker` with our worker: JSON only, our functions only, one queue each."""

from __future__ import annotations

from argparse import ArgumentParser
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.db import DatabaseError
from django.utils.translation import gettext as _
from django_rq.management.commands import rqworker
from rq.utils import import_attribute

from tagsync import schema
from tagsync.queueing.doorbell import TASKS


class Command(rqworker.Command):  # type: ignore[misc]  # django-rq is read without types
    help = "Works on one queue: checks, sends or exports."
    # They would load every page.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        # django-rq's own default would unpickle what Redis holds; it does not read the setting.
        parser.set_defaults(
            worker_class="tagsync.queueing.worker.DoorbellWorker",
            job_class="tagsync.queueing.worker.DoorbellJob",
            serializer="json",
            worker_ttl=60,
        )

    def handle(self, *args: str, **options: Any) -> None:
        # A worker that listens to two queues can lose a job between them for good.
        if len(args) != 1 or args[0] not in settings.RQ_QUEUES:
            names = ", ".join(settings.RQ_QUEUES)
            raise CommandError(_("Name one queue: %(names)s.") % {"names": names})
        # Here once, for all that this process forks. Without a database it still starts, and waits for it.
        import_attribute(TASKS[args[0]])
        schema.of_program()
        with suppress(DatabaseError):
            schema.may_work()
        super().handle(*args, **options)
