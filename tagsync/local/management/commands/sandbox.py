"""`manage.py sandbox`: the stand-in platform alone. Never in production: it would answer "accepted" for nothing."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from tagsync.local.addresses import LOOPBACK
from tagsync.sandbox import serve


class Command(BaseCommand):
    help = "Starts the sandbox platform on this machine. Nothing sent to it reaches anybody."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8100, help="port to listen on (default %(default)s)")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.LOCAL:
            raise CommandError(_("The test platform is only for the local mode: nothing it accepts reaches anybody."))
        try:
            serve(LOOPBACK, options["port"], settings.TAGSYNC_HOME / "sandbox-ledger.jsonl")
        except (OSError, ValueError) as error:
            message = _("The test platform cannot use port %(port)s or its ledger (%(reason)s).")
            raise CommandError(message % {"port": options["port"], "reason": error}) from None
