"""Facts that stand in the database: itself, credentials, people, a hold. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import Error, connection
from django.utils import timezone
from django.utils.translation import gettext as _

from tagsync import schema
from tagsync.accounts.admins import active_admins
from tagsync.connections.crypto import CredentialsUnreadable
from tagsync.connections.models import Connection
from tagsync.imports.restores import hold
from tagsync.operations.at_start import sqlite
from tagsync.operations.fact import Fact

LEAST_POSTGRESQL = 140000


def records() -> Iterator[Fact]:
    """Asked only of a database that has all migrations."""
    yield from _hold()
    yield from _credentials()
    yield from _people()


def database() -> Fact:
    try:
        connection.ensure_connection()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        if connection.vendor == "sqlite":
            return sqlite()
        version = int(getattr(connection, "pg_version", 0))
    except Error as error:
        # Its text may name a user and a host.
        return Fact(
            "database",
            False,
            _("The database cannot be used (%(error)s).") % {"error": type(error).__name__},
            _("Check that it is running and that DATABASE_URL is right."),
        )
    says = _("PostgreSQL %(version)s") % {"version": version // 10000}
    if version < LEAST_POSTGRESQL:
        return Fact("database", False, says, _("Use PostgreSQL 14 or newer."))
    return Fact("database", True, says)


def migrations() -> Fact:
    try:
        missing, unknown = schema.difference()
    except Error:
        # Nobody has migrated it yet: there is no table that could say so.
        missing, unknown = schema.of_program(), frozenset()
    if unknown:
        return Fact(
            "migrations",
            False,
            _("The database is newer than this program."),
            _("Run the version that brought it up to date, or restore the copy from before."),
        )
    if missing:
        says = _("Migrations that are not applied: %(number)s") % {"number": len(missing)}
        return Fact("migrations", False, says, _("Stop the workers, then run:"), "tagsync migrate")
    return Fact("migrations", True, _("All migrations are applied."))


def _hold() -> Iterator[Fact]:
    if hold.is_on():
        says = _("The database was restored from a backup, and nothing is sent until an admin confirms.")
        yield Fact("restore", False, says, _("Sign in as an admin and follow the banner."))


def _credentials() -> Iterator[Fact]:
    unreadable, expired = [], []
    for one in Connection.objects.filter(archived_at=None).order_by("name"):
        try:
            one.fixed_token(), one.app_secret()
        except CredentialsUnreadable:
            unreadable.append(one.name)
        else:
            if one.uses_fixed_token and one.token_expires_at and one.token_expires_at < timezone.now():
                expired.append(one.name)
    if unreadable:
        says = _("No key can decrypt the credentials of: %(names)s") % {"names": ", ".join(unreadable)}
        yield Fact("credentials", False, says, _("Add the old key to TAGSYNC_CREDENTIAL_KEYS, or enter them again."))
    else:
        yield Fact("credentials", True, _("All credentials can be read."))
    if expired:
        says = _("Expired tokens: %(names)s") % {"names": ", ".join(expired)}
        yield Fact("tokens", False, says, _("Enter a new one at the connection, or an app id with its secret."))


def _people() -> Iterator[Fact]:
    if active_admins().exists():
        yield Fact("admin", True, _("There is an admin."))
    else:
        yield Fact(
            "admin",
            False,
            _("There is no admin: nobody can add people or connections."),
            _("Run:"),
            "tagsync add_person NAME --role admin",
        )
