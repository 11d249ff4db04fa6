"""`manage.py doctor`: each fact of operation in a line, and what to do where one is not as it should be."""

from __future__ import annotations

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from tagsync.operations.fact import Fact
from tagsync.operations.facts import facts
from tagsync.terminal import in_terminal_language

NOT_WELL = 1


class Command(BaseCommand):
    help = "Looks whether everything is there that tagsync needs. Exit status 1 when something is not."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="a list of {check, ok, says, do}")

    @in_terminal_language
    def handle(self, *args: Any, **options: Any) -> None:
        found = facts()
        if options["json"]:
            self.stdout.write(json.dumps([_told(fact) for fact in found], ensure_ascii=False))
        else:
            for fact in found:
                mark, style = ("✓", self.style.SUCCESS) if fact.ok else ("✗", self.style.ERROR)
                self.stdout.write(style(f"{mark} {fact.says}") + (f" → {fact.advice}" if fact.advice else ""))
        if not all(fact.ok for fact in found):
            sys.exit(NOT_WELL)  # everything is said


def _told(fact: Fact) -> dict[str, str | bool]:
    return {"check": fact.check, "ok": fact.ok, "says": fact.says, "do": fact.advice}
