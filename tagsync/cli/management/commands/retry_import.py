"""`manage.py retry_import`: send an import's rejected rows again, and its in-doubt rows when asked."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import gettext as _

from tagsync.cli import report
from tagsync.cli.management.commands.import_sheet import finish, one_line, person_named
from tagsync.delivery import actions
from tagsync.imports.followups.retry import NothingToRetry, Selection
from tagsync.imports.models import ImportJob
from tagsync.imports.states import MoveRefused, RowStatus
from tagsync.terminal import CHECKS, CouldNotRun, Progress, Stage, in_terminal_language, told_in_one_line, without_usage


class Command(BaseCommand):
    help = "Send the rejected rows of an import again."
    requires_system_checks = CHECKS

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        return without_usage(super().create_parser(prog_name, subcommand, **kwargs))

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", type=int, metavar="ID")
        parser.add_argument("--include", action="append", default=[], choices=["in_doubt"])
        parser.add_argument("--wait", action="store_true", help="until it is finished, stopped or blocked")
        parser.add_argument("--json", action="store_true", help="one JSON object as the last line of stdout")

    @in_terminal_language
    def handle(self, *args: Any, **options: Any) -> None:
        with told_in_one_line(traceback=options["traceback"]) as progress:
            job = ImportJob.objects.filter(pk=options["id"]).first()
            if job is None:
                raise CouldNotRun(_("There is no import %(id)s.") % options)
            progress.import_id = job.pk
            self._retry(job, progress, options)

    def _retry(self, job: ImportJob, progress: Progress, options: dict[str, Any]) -> None:
        statuses, by = frozenset({RowStatus.REJECTED, *map(RowStatus, options["include"])}), person_named(None)
        progress.stage = Stage.STARTING
        try:
            actions.retry(job, Selection(statuses), by)
        except NothingToRetry:
            progress.stage = Stage.TELLING
            self.stderr.write(_("No row to send again."))
            finish(self, job, {**options, "wait": False})
            return
        except actions.ConnectionArchived:
            raise CouldNotRun(one_line("connection_archived", {"name": job.connection})) from None
        except actions.StartedAgain as refused:
            raise CouldNotRun(one_line("started_again", {"import": refused.by.pk})) from None
        except MoveRefused as error:
            facts = {"id": job.pk, "status": error.status}
            raise CouldNotRun(
                _("Import %(id)s is %(status)s; only one that has ended can be retried.") % facts
            ) from None
        progress.stage = Stage.QUEUED
        if options["wait"]:
            report.wait_until(job, report.is_over, label=_("Send"))
        progress.stage = Stage.TELLING
        finish(self, job, options)
