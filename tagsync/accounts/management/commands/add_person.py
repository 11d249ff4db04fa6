"""`manage.py add_person`: the first admin of a new installation, and a way back in for one who is locked out."""

from __future__ import annotations

import os
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction
from django.utils.translation import gettext as _

from tagsync.accounts.models import Person
from tagsync.accounts.passwords import made_up
from tagsync.accounts.roles import ADMINS, MARKETERS, give_role
from tagsync.terminal import CHECKS, CouldNotRun, in_terminal_language, told_in_one_line, without_usage

ROLES = {"admin": ADMINS, "marketer": MARKETERS}


class Command(BaseCommand):
    help = "Adds a person, or gives one who is there a role; passwords are read from the environment or made up."
    requires_system_checks = CHECKS

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        return without_usage(super().create_parser(prog_name, subcommand, **kwargs))

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME", help="to sign in with")
        parser.add_argument("--role", required=True, choices=sorted(ROLES))
        parser.add_argument("--email", metavar="ADDRESS")
        parser.add_argument("--password-env", metavar="VAR", help="variable with the password; also sets a new one")

    @in_terminal_language
    def handle(self, *args: Any, **options: Any) -> None:
        with told_in_one_line(traceback=options["traceback"]):
            self._add(options["name"].strip(), ROLES[options["role"]], options["email"], options["password_env"])

    @transaction.atomic
    def _add(self, name: str, role: str, email: str | None, password_env: str | None) -> None:
        person = Person.objects.filter(username__iexact=name).first() or Person(username=name)
        is_new = person.pk is None
        if email is not None:
            person.email = email
        _check(person)
        fresh = made_up() if is_new and password_env is None else ""
        if password_env is not None or fresh:
            person.set_password(fresh or _chosen(person, password_env or ""))
            # Whoever ran this has read it.
            person.must_change_password = bool(fresh)
        person.is_active = True
        if role != ADMINS:
            person.is_superuser = False
        person.save()
        give_role(person, role)
        if is_new:
            done = _("%(name)s can sign in now.")
        elif password_env is not None:
            done = _("%(name)s is there already, and can sign in with the new password.")
        else:
            done = _("%(name)s is there already, and can sign in.")
        self.stdout.write(done % {"name": person.username})
        if fresh:
            told = _("Password, shown only now, to be changed at the first sign-in: %(password)s")
            self.stdout.write(told % {"password": fresh})


def _check(person: Person) -> None:
    try:
        person.clean_fields(exclude=["password"])
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise CouldNotRun({"username": "NAME", "email": "--email"}.get(field, field) + f": {messages[0]}") from None


def _chosen(person: Person, variable: str) -> str:
    value = os.environ.get(variable, "")
    if not value:
        raise CouldNotRun(_("The environment variable %(name)s is not set or empty.") % {"name": variable})
    try:
        validate_password(value, person)
    except ValidationError as error:
        raise CouldNotRun(f"{variable}: {error.messages[0]}") from None
    return value
