"""`manage.py import_sheet`: the way of a sheet through the same code as the pages, for automation and tests."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

from django.core.files import File
from django.core.files.uploadedfile import UploadedFile
from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tagsync.accounts.models import Person
from tagsync.accounts.roles import ADMINS
from tagsync.cli import report
from tagsync.connections.models import Connection
from tagsync.delivery import actions
from tagsync.delivery.health import checks_have_workers, sends_have_workers
from tagsync.imports.drafts import deletion, drafts, sheet_view
from tagsync.imports.drafts.drafts import Choices, Reading, Refusal, SheetChanged
from tagsync.imports.drafts.sheet_view import SheetView
from tagsync.imports.models import ImportJob
from tagsync.imports.models.choices import HiddenRows
from tagsync.imports.problems import sentence
from tagsync.imports.problems.file_rows import file_sentence
from tagsync.imports.states import JobStatus, MoveRefused, RowStatus
from tagsync.mapping.characters import storable
from tagsync.mapping.fields import FIELDS
from tagsync.mapping.matching import HEADER_KEPT_CHARACTERS, column_name, header_kept, header_key
from tagsync.terminal import CHECKS, CouldNotRun, Stage, in_terminal_language, told_in_one_line, without_usage


class Command(BaseCommand):
    help = "Import a sheet: read it, check it, queue it, and with --wait see it to its end."
    requires_system_checks = CHECKS

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        return without_usage(super().create_parser(prog_name, subcommand, **kwargs))

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument("--connection", required=True, metavar="NAME")
        parser.add_argument("--operation", required=True, choices=["add", "delete"])
        parser.add_argument("--sheet", metavar="NAME")
        parser.add_argument("--header-row", type=int, metavar="N", help="row with the column names; 0: there is none")
        parser.add_argument(
            "--encoding", metavar="NAME", help="of a text file, when it does not tell: utf-8, gb18030, …"
        )
        parser.add_argument("--delimiter", metavar="CHARACTER", help="of a text file; “tab” is one as well")
        parser.add_argument("--hidden", choices=HiddenRows.values, default="", help="what becomes of hidden rows")
        parser.add_argument(
            "--map",
            action="append",
            default=[],
            metavar="HEADER=FIELD",
            dest="mapping",
            help="what a column is; one without a name is called by its letter, as in A=phone",
        )
        parser.add_argument("--match", choices=["none", "exact", "fuzzy"], default="fuzzy")
        parser.add_argument("--identify-way", type=int, choices=[1, 2], default=1)
        parser.add_argument("--user", metavar="NAME")
        parser.add_argument("--wait", action="store_true", help="until it is finished, stopped, blocked or unreadable")
        parser.add_argument("--json", action="store_true", help="one JSON object as the last line of stdout")
        parser.add_argument("--yes", action="store_true", help="answer every question with yes")

    @in_terminal_language
    def handle(self, *args: Any, **options: Any) -> None:
        with told_in_one_line(traceback=options["traceback"]) as self.progress:
            connection = connection_named(options["connection"])
            job = self._draft(person_named(options["user"]), options)
            number = self.progress.import_id = job.pk
            try:
                self._see_through(job, connection, options)
            except (MoveRefused, SheetChanged, actions.NotAsChecked, ImportJob.DoesNotExist):
                text = _("Import %(id)s has been changed on its page: continue there.")
                raise CouldNotRun(text % {"id": number}) from None
            self.progress.stage = Stage.TELLING
            finish(self, job, options)

    def _see_through(self, job: ImportJob, connection: Connection, options: dict[str, Any]) -> None:
        reading = Reading(options["encoding"] or "", delimiter_named(options["delimiter"] or ""))
        if options["sheet"] or options["header_row"] is not None or any(reading):
            self._choose_sheet(job, storable(options["sheet"] or "") or job.sheet, options["header_row"], reading)
        self._refuse_open_questions(job, options["hidden"])
        self._choose_columns(job, options["mapping"], options["hidden"])
        drafts.choose_settings(
            job, Choices(connection, options["operation"], options["match"], options["identify_way"])
        )
        self._check(job)
        if job.count(RowStatus.WAITING):
            self._confirm(job, yes=options["yes"])
            self._send(job, wait=options["wait"])
        else:
            self.stderr.write(_("No row can be sent."))

    def _draft(self, owner: Person, options: dict[str, Any]) -> ImportJob:
        path: Path = options["file"]
        with path.open("rb") as file:
            upload: UploadedFile[bytes] = UploadedFile(File(file, path.name), path.name, size=path.stat().st_size)
            made = drafts.create(owner, upload)
        if isinstance(made, Refusal):
            raise CouldNotRun(one_line(made.code, made.params))
        return made

    def _choose_sheet(self, job: ImportJob, sheet: str, header_row: int | None, reading: Reading) -> None:
        if refusal := drafts.choose_sheet(job, sheet, header_row, job.owner, reading):
            self._discard(job, one_line(refusal.code, refusal.params))

    def _refuse_open_questions(self, job: ImportJob, hidden: str) -> None:
        """What the page would ask about the file must have been said. Raises CouldNotRun with what can be said."""
        view = sheet_view.look(job)
        for question in sheet_view.open_questions(job, view):
            # Samples would be customers' names and numbers, and a terminal may be a log.
            candidates = ", ".join(f"--{question.code} {spelt(answer)}" for answer in question.answers)
            self._discard(job, f"{sentence(f'{question.code}_undecided').title} {candidates}")
        if sheet_view.asks_for_hidden_rows(job, view) and not hidden:
            self._discard(job, hidden_rows_in(view))

    def _discard(self, job: ImportJob, why: str) -> NoReturn:
        deletion.discard(job, job.owner)
        raise CouldNotRun(why)

    def _choose_columns(self, job: ImportJob, pairs: list[str], hidden: str) -> None:
        """What --map names first; every other column by its header, if that is a field's very name."""
        named = dict(self._named_columns(job, pairs))
        fields = {
            column["column"]: named.get(column["column"]) or field_named(column["header"], without=named.values())
            for column in job.columns
        }
        if len(named) < len(pairs):
            self._refuse_columns(job, _("--map names a column twice."))
        drafts.choose_columns(job, fields, hidden_rows=hidden)
        for code, field in drafts.column_problems(list(fields.values())):
            self._refuse_columns(job, one_line(code, {"field": field}))
        for column in job.columns:
            if not column["field"]:
                self.stderr.write(_("“%(header)s” will not be sent.") % {"header": _name(column)})

    def _named_columns(self, job: ImportJob, pairs: list[str]) -> Iterator[tuple[int, str]]:
        keys = [header_key(column["header"]) for column in job.columns]
        by_header = {header_key(_name(column)): column["column"] for column in reversed(job.columns)}
        by_header |= {header_key(one["header"]): one["column"] for one in reversed(job.columns) if one["header"]}
        for pair in pairs:
            header, _sign, field = pair.rpartition("=")
            key = header_key(header_kept(header))
            column = by_header.get(key) if header else None
            # What tells them apart may stand where long names are cut.
            unclear = len(header) > HEADER_KEPT_CHARACTERS and keys.count(key) > 1
            if field not in FIELDS or column is None or unclear:
                facts = {"pair": pair, "fields": ", ".join(FIELDS)}
                self._refuse_columns(
                    job, _("--map %(pair)s is not HEADER=FIELD, where FIELD is one of %(fields)s.") % facts
                )
            else:
                yield column, field

    def _refuse_columns(self, job: ImportJob, why: str) -> None:
        headers = ", ".join(f"“{_name(column)}”" for column in job.columns)
        text = _("%(why)s The headers are: %(headers)s.")
        if not job.header_row:
            text = _(
                "%(why)s No row is used as the header row (set one with --header-row); the columns "
                "are called %(headers)s."
            )
        self._discard(job, text % {"why": why, "headers": headers})

    def _check(self, job: ImportJob) -> None:
        if not checks_have_workers():
            self.stderr.write(_("No worker for checks is running: start “tagsync up” or a worker. Waiting for one."))
        actions.check(job, job.owner)
        report.wait_until(job, report.is_checked, label=_("Check"))
        if job.status == JobStatus.UNREADABLE:
            asks = job.cause == "hidden_rows_undecided"
            raise CouldNotRun(hidden_rows_in(sheet_view.look(job)) if asks else one_line(job.cause, job.cause_params))
        for notice in report.notices(job):
            rows = ", ".join(map(str, notice["first_rows"])) + (
                "…" if notice["rows"] > len(notice["first_rows"]) else ""
            )
            text = ngettext("%(message)s (row %(rows)s).", "%(message)s (%(n)s rows: %(rows)s).", notice["rows"])
            self.stderr.write(text % {"message": notice["message"], "n": notice["rows"], "rows": rows})

    def _confirm(self, job: ImportJob, *, yes: bool) -> None:
        """A delete wants the number of rows typed. Raises CouldNotRun when something else comes."""
        number = str(job.count(RowStatus.WAITING))
        if yes or job.operation != "delete":
            return
        facts = {"rows": number, "connection": str(job.connection)}
        self.stderr.write(_("This removes tags: %(rows)s rows to %(connection)s. Type %(rows)s to start:") % facts)
        if (sys.stdin.readline() if sys.stdin else "").strip() != number:
            self._discard(job, _("Not started: the number of rows was not typed. --yes answers this question."))

    def _send(self, job: ImportJob, *, wait: bool) -> None:
        if not sends_have_workers():
            self.stderr.write(
                _("No worker for sending is running: the import is queued and continues when one starts.")
            )
        self.progress.stage = Stage.STARTING
        try:
            actions.start(job, job.owner)
        except actions.ConnectionArchived:
            raise CouldNotRun(one_line("connection_archived_before", {"name": job.connection})) from None
        self.progress.stage = Stage.QUEUED
        if wait:
            report.wait_until(job, report.is_over, label=_("Send"))


def _name(column: Mapping[str, Any]) -> str:
    return column_name(column["header"], column["column"])


def field_named(header: str, without: Iterable[str]) -> str | None:
    """The field whose name, label or alias the header is; weaker matches are not taken on a command line."""
    key = header_key(header)
    for field in FIELDS.values():
        if field.key not in without and key in {header_key(name) for name in (field.key, field.label, *field.aliases)}:
            return field.key
    return None


def delimiter_named(name: str) -> str:
    """A tab is hard to type."""
    return {"tab": "\t", "\\t": "\t"}.get(name, name)


def spelt(answer: str) -> str:
    """As it is typed behind an option."""
    return "tab" if answer == "\t" else shlex.quote(answer)


def hidden_rows_in(view: SheetView) -> str:
    count = view.hidden_rows
    said = sentence("hidden_rows_undecided", {}).title
    if count.whole and count.hidden:
        facts = {"hidden": count.hidden, "shown": count.shown}
        said += " " + _("Hidden: %(hidden)s; shown: %(shown)s.") % facts
    return " ".join((said, _("Give --hidden skip to send only those that are shown, or --hidden send to send all.")))


def connection_named(name: str) -> Connection:
    name = storable(name)
    found = Connection.objects.usable().filter(name=name).first()
    if found is None:
        names = ", ".join(Connection.objects.usable().values_list("name", flat=True)) or "–"
        raise CouldNotRun(
            _("There is no connection “%(name)s”. There are: %(names)s.") % {"name": name, "names": names}
        )
    return found


def person_named(username: str | None) -> Person:
    """The person, or without a name the first admin."""
    active = Person.objects.filter(is_active=True).order_by("pk")
    if username:
        person = active.filter(username=storable(username)).first()
        if person is None:
            raise CouldNotRun(_("There is no active person “%(name)s”.") % {"name": username})
        return person
    person = active.filter(groups__name=ADMINS).first() or active.filter(is_superuser=True).first()
    if person is None:
        raise CouldNotRun(_("There is no admin yet: start “tagsync up” once, or give --user."))
    return person


def one_line(code: str, params: dict[str, Any]) -> str:
    said = sentence(code, params)
    return f"{said.title} {said.advice}"


def finish(command: BaseCommand, job: ImportJob, options: dict[str, Any]) -> None:
    """Say what became of it, and end with the promised exit status."""
    job.refresh_from_db()
    found = report.report(job)
    if options["json"]:
        command.stdout.write(json.dumps(found, ensure_ascii=not _shows_everything(sys.stdout)))
    else:
        rows = ", ".join(f"{name} {number}" for name, number in found["rows"].items() if number)
        facts = {"id": job.pk, "status": found["status"], "rows": rows}
        command.stdout.write(_("Import %(id)s: %(status)s. %(rows)s") % facts)
        command.stdout.write(file_sentence(job))
        if with_remarks := found["accepted_with_remarks"]["rows"]:
            text = ngettext(
                "%(rows)s row was accepted with remarks.", "%(rows)s rows were accepted with remarks.", with_remarks
            )
            command.stdout.write(" ".join((text % {"rows": with_remarks}, *found["accepted_with_remarks"]["words"])))
    # Here, where it can still be told that nobody reads it.
    command.stdout.flush()
    queued_only = not options["wait"] and job.status not in (JobStatus.READY, JobStatus.DRAFT)
    status = 0 if queued_only else report.exit_status(job)
    if status:
        sys.exit(status)


def _shows_everything(stream: Any) -> bool:
    """What a terminal of another encoding lacks, JSON can write in ASCII."""
    return str(getattr(stream, "encoding", None) or "utf-8").lower().startswith("utf")
