"""`manage.py add_connection`: what the page for a new connection does, with credentials from the environment."""

from __future__ import annotations

import os
from typing import Any, NoReturn

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import IntegrityError
from django.utils.translation import gettext as _

from tagsync.connections.credentials import check_credential
from tagsync.connections.models import DEFAULT_PATH, DEFAULT_TOKEN_PATH, MAX_ROWS_PER_CALL, Connection
from tagsync.terminal import CHECKS, told_in_one_line, without_usage
from tagsync.tuzhan.redaction import tidy

BAD_INPUT = 2
# What a validation error is about, in the words of the command line.
OPTIONS = {
    "name": "NAME",
    "base_url": "--base-url",
    "path": "--path",
    "token_path": "--token-path",
    "app_id": "--app-id",
    "rows_per_call": "--rows-per-call",
    "calls_per_period": "--calls-per-period",
    "period_seconds": "--period-seconds",
    "parallel_calls": "--parallel-calls",
}
NUMBERS = ("rows_per_call", "calls_per_period", "period_seconds", "parallel_calls")


def _refuse(sentence: str) -> NoReturn:
    raise CommandError(" ".join(sentence.split()), returncode=BAD_INPUT)


class Command(BaseCommand):
    help = "Adds a connection to the platform. Credentials are read from environment variables, never from arguments."
    requires_system_checks = CHECKS

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        return without_usage(super().create_parser(prog_name, subcommand, **kwargs))

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME")
        parser.add_argument("--base-url", required=True, metavar="URL", help="scheme, host and port only")
        parser.add_argument("--path", default=DEFAULT_PATH, help="path of the tag call (default: %(default)s)")
        parser.add_argument(
            "--token-path", default=DEFAULT_TOKEN_PATH, metavar="PATH", help="path of the token call (%(default)s)"
        )
        kinds = parser.add_mutually_exclusive_group(required=True)
        kinds.add_argument("--token-env", metavar="VAR", help="variable with a fixed token, which lives for two hours")
        kinds.add_argument("--app-id", metavar="ID", help="with --app-secret-env: tokens are fetched and renewed")
        parser.add_argument("--app-secret-env", metavar="VAR", help="variable with the secret of the app")
        parser.add_argument("--rows-per-call", metavar="N", help=f"at most {MAX_ROWS_PER_CALL}")
        parser.add_argument("--calls-per-period", metavar="N", help="together with --period-seconds")
        parser.add_argument("--period-seconds", metavar="S", help="together with --calls-per-period")
        parser.add_argument("--parallel-calls", metavar="N", help="calls at a time per import")

    def handle(self, *args: Any, **options: Any) -> None:
        with told_in_one_line(traceback=options["traceback"]):
            self._add(options)

    def _add(self, options: dict[str, Any]) -> None:
        if (options["calls_per_period"] is None) != (options["period_seconds"] is None):
            _refuse(_("--calls-per-period and --period-seconds belong together: give both or none."))
        numbers = {name: options[name] for name in NUMBERS if options[name] is not None}
        connection = Connection(
            name=tidy(options["name"]).strip(),
            base_url=tidy(options["base_url"]),
            path=tidy(options["path"]),
            token_path=tidy(options["token_path"]),
            **numbers,
        )
        _give_credentials(connection, options)
        _save(connection)
        self.stdout.write(
            _("Connection “%(name)s” added: %(address)s") % {"name": connection.name, "address": connection.base_url}
        )


def _give_credentials(connection: Connection, options: dict[str, Any]) -> None:
    app_id, secret_env, token_env = options["app_id"], options["app_secret_env"], options["token_env"]
    if token_env is not None:
        if secret_env is not None:
            _refuse(_("--app-secret-env belongs to --app-id, not to --token-env."))
        connection.set_fixed_token(_secret(token_env))
        return
    if not app_id.strip() or secret_env is None:
        _refuse(_("--app-id and --app-secret-env belong together: give both, or --token-env."))
    connection.set_app(tidy(app_id).strip(), _secret(secret_env))


def _secret(variable: str) -> str:
    value = os.environ.get(variable, "").strip()
    if not value:
        _refuse(_("The environment variable %(name)s is not set or empty.") % {"name": variable})
    try:
        check_credential(value)
    except ValidationError as error:
        _refuse(f"{variable}: {error.messages[0]}")
    return value


def _save(connection: Connection) -> None:
    if Connection.objects.filter(name=connection.name).exists():
        _refuse(_("A connection named “%(name)s” exists already.") % {"name": connection.name})
    try:
        connection.full_clean()
        connection.save()
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        _refuse(messages[0] if field == NON_FIELD_ERRORS else f"{OPTIONS.get(field, field)}: {messages[0]}")
    except IntegrityError:
        # Somebody else was faster by a moment.
        _refuse(_("A connection with this name, or with this address and app id, exists already."))
