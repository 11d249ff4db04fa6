"""`manage.py keeper`: a loop that rings for whatever nobody works on, and beside it one that sends e-mail."""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError, close_old_connections, connections

from tagsync import schema
from tagsync.delivery import keeper
from tagsync.imports.models import ImportJob
from tagsync.imports.signals import keeper_cleans, letters_due
from tagsync.queueing.signals import alive
from tagsync.terminal import CHECKS

CLEANING_EVERY_SECONDS = 3600.0
MARK_EVERY_SECONDS = 60.0

log = logging.getLogger("tagsync.keeper")


class Command(BaseCommand):
    help = "Ring for imports that nobody works on, every few seconds, until it is ended."
    requires_system_checks = CHECKS

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="one round, then end")
        parser.add_argument("--release-leases", action="store_true", help="end every lease, then end")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["release_leases"]:
            keeper.end_all_leases()
        elif options["once"]:
            keeper.keep()
            letters_due.send(ImportJob)
        else:
            self._loop()

    def _loop(self) -> None:
        asked = threading.Event()

        def leave(signum: int, frame: FrameType | None) -> None:
            asked.set()

        signal.signal(signal.SIGTERM, leave)
        signal.signal(signal.SIGINT, leave)
        if settings.TAGSYNC_EMAIL:
            # A thread of its own: a mail server that hangs delays no ring.
            post = threading.Thread(target=_again_and_again, args=(_post, asked), name="post", daemon=True)
            post.start()
        _again_and_again(Rounds(), asked)


def _post() -> None:
    try:
        letters_due.send(ImportJob)
    except DatabaseError:
        raise
    except Exception as error:
        # The outer edge of the thread: one letter that can't be written ends no other. The text might hold an address.
        log.error("letters could not be sent: %s", type(error).__name__)


class Rounds:
    """What each round does, and what only some do."""

    def __init__(self) -> None:
        self.cleaning_due = self.mark_due = time.monotonic()

    def __call__(self) -> None:
        alive.send(type(self), role="keeper")
        if not schema.may_work():
            return
        # First of all: after a restore nothing is rung for, and no file without a record is deleted.
        if time.monotonic() >= self.mark_due:
            keeper.keep_mark()
            self.mark_due = time.monotonic() + MARK_EVERY_SECONDS
        keeper.keep()
        keeper.delete_the_rest()
        if time.monotonic() >= self.cleaning_due:
            keeper.delete_old_drafts()
            keeper.delete_stray_files()
            keeper_cleans.send(ImportJob)
            self.cleaning_due = time.monotonic() + CLEANING_EVERY_SECONDS


def _again_and_again(act: Callable[[], object], asked: threading.Event) -> None:
    while not asked.is_set():
        try:
            act()
        except DatabaseError as error:
            # The database restarts or is busy: a keeper that ends then keeps nothing.
            log.warning("the database cannot be used: %s", type(error).__name__)
            connections.close_all()
        close_old_connections()
        asked.wait(settings.TAGSYNC_KEEPER_SECONDS)
