"""`manage.py up`: the whole application on one machine."""

from __future__ import annotations

import contextlib
import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import translation
from django.utils.translation import gettext as _

from tagsync.local.plan import Wishes
from tagsync.local.supervisor import CannotStart, Supervisor


class Command(BaseCommand):
    help = "Starts the whole application on this machine. Everything it writes is under TAGSYNC_HOME (./var)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
        parser.add_argument("--port", type=int, default=8000, help="port to listen on (default %(default)s)")
        parser.add_argument("--workers", type=int, default=2, help="workers that send (default %(default)s)")
        parser.add_argument("--no-sandbox", action="store_true", help="do not start the sandbox platform")

    def handle(self, *args: Any, **options: Any) -> None:
        with translation.override(_language()):
            if not settings.LOCAL:
                raise CommandError(
                    _("`up` is for one machine. In production, start web, workers and keeper separately.")
                )
            if not 0 <= options["port"] <= 65535:
                raise CommandError(_("--port must be from 0 (any free one) to 65535."))
            if options["workers"] < 1:
                raise CommandError(_("--workers must be at least 1."))
            self._run(Wishes(options["host"], options["port"], options["workers"], not options["no_sandbox"]))

    def _run(self, wishes: Wishes) -> None:
        # What is written here holds personal data and keys.
        os.umask(0o077)
        # A terminal that cannot show Chinese shows question marks instead of an error.
        with contextlib.suppress(AttributeError):
            sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]  # a TextIO in the stubs
        try:
            Supervisor(settings.TAGSYNC_HOME, wishes, self._say).run()
        except CannotStart as error:
            raise CommandError(str(error)) from None

    def _say(self, line: str) -> None:
        # Nobody reads any more: no reason to end.
        with contextlib.suppress(OSError, ValueError):
            self.stdout.write(line)
            self.stdout.flush()


def _language() -> str:
    names = (os.environ.get(name, "") for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    return "zh-hans" if next(filter(None, names), "").lower().startswith("zh") else "en"
