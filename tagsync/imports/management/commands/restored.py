"""`manage.py restored`: said by whoever has restored the database from a backup, before anything is started again."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from tagsync.imports.models.restore import RestoreReason
from tagsync.imports.restores import confirmation, high_water, hold


class Command(BaseCommand):
    help = "Say that the database was restored from a backup: nothing is sent until an admin has confirmed on the page."

    def handle(self, *args: Any, **options: Any) -> None:
        began = high_water.hold_if_behind()
        held, told = hold.begin(RestoreReason.TOLD)
        if began or told:
            self.stdout.write("The hold is on: nothing is sent until an admin confirms at /restore/.")
        else:
            self.stdout.write(f"The hold is on already, since {held.began_at:%Y-%m-%d %H:%M:%S} UTC: nothing changed.")
        jobs = confirmation.may_have_sent(held).count()
        self.stdout.write(f"Imports whose rows may have been sent after the backup: {jobs}.")
