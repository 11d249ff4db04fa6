"""`manage.py keeper`: a loop that rings for whatever nobody works on."""

from __future__ import annotations

import logging
import signal
import threading
import time
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError, close_old_connections, connections

from tagsync.delivery import exports, keeper

DRAFTS_EVERY_SECONDS = 3600.0

log = logging.getLogger("tagsync.keeper")


class Command(BaseCommand):
    help = "Ring for imports that nobody works on, every few seconds, until it is ended."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="one round, then end")
        parser.add_argument("--release-leases", action="store_true", help="end every lease, then end")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["release_leases"]:
            keeper.end_all_leases()
        elif options["once"]:
            keeper.keep()
        else:
            self._loop()

    def _loop(self) -> None:
        asked = threading.Event()

        def leave(signum: int, frame: FrameType | None) -> None:
            asked.set()

        signal.signal(signal.SIGTERM, leave)
        signal.signal(signal.SIGINT, leave)
        drafts_due = time.monotonic()
        while not asked.is_set():
            try:
                keeper.keep()
                if time.monotonic() >= drafts_due:
                    keeper.delete_old_drafts()
                    exports.delete_expired()
                    drafts_due = time.monotonic() + DRAFTS_EVERY_SECONDS
            except DatabaseError as error:
                # The database restarts or is busy: a keeper that ends then keeps nothing.
                log.warning("the database cannot be used: %s", type(error).__name__)
                connections.close_all()
            close_old_connections()
            asked.wait(settings.TAGSYNC_KEEPER_SECONDS)
