"""`manage.py restored`: said by whoever has restored the database from a backup, before anything is started again."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _

from tagsync.imports.models.restore import RestoreReason
from tagsync.imports.restores import confirmation, high_water, hold
from tagsync.terminal import CHECKS, in_terminal_language, told_in_one_line


class Command(BaseCommand):
    help = "Say that the database was restored from a backup: nothing is sent until an admin has confirmed on the page."
    requires_system_checks = CHECKS

    @in_terminal_language
    def handle(self, *args: Any, **options: Any) -> None:
        with told_in_one_line(traceback=options["traceback"]):
            self._hold()

    def _hold(self) -> None:
        began = high_water.hold_if_behind()
        held, told = hold.begin(RestoreReason.TOLD)
        if began or told:
            self.stdout.write(_("Nothing is sent until an admin confirms at /restore/."))
        else:
            since = f"{held.began_at:%Y-%m-%d %H:%M:%S} UTC"
            self.stdout.write(_("Already recorded at %(time)s: nothing changed.") % {"time": since})
        jobs = confirmation.may_have_sent(held).count()
        self.stdout.write(_("Imports whose rows may have been sent after the backup: %(number)s") % {"number": jobs})
