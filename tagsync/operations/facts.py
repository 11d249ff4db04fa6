"""What must be so for tagsync to work, each fact with what to do when it is not. Changes nothing."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from django.conf import settings
from django.core import mail
from django.core.files.storage import FileSystemStorage, default_storage
from django.db import Error, connection
from django.utils import timezone
from django.utils.translation import gettext as _
from redis.exceptions import RedisError

from tagsync import schema
from tagsync.accounts.admins import active_admins
from tagsync.connections.crypto import CredentialsUnreadable
from tagsync.connections.models import Connection
from tagsync.imports.restores import hold
from tagsync.operations import processes, storage
from tagsync.operations.models import ProcessRole
from tagsync.queueing.doorbell import CHECKS, queue
from tagsync.queueing.health import other_installations, queue_health

CLOCKS_MAY_DIFFER_SECONDS = 10
LEAST_POSTGRESQL = 140000
LEAST_REDIS = (5, 0)
NETWORK_DISKS = ("nfs", "cifs", "smb", "fuse.sshfs", "9p", "afs", "ceph", "glusterfs")
# A page, or a person, waits no longer for the mail server.
MAIL_SECONDS = 5


class Fact(NamedTuple):
    """`check`: its name, for machines. `says`: what was found. `do`: what to do, "" when all is well. `run`: the
    command that does it, said after `do` and in no language."""

    check: str
    ok: bool
    says: str
    do: str = ""
    run: str = ""

    @property
    def advice(self) -> str:
        return f"{self.do} {self.run}".strip()


def facts() -> list[Fact]:
    """All of them; what needs the database is not asked when that cannot be used."""
    found = [_database()]
    if not found[0].ok:
        return [*found, _redis()]
    found.append(_migrations())
    if not found[1].ok:
        return [*found, _redis()]
    return [*found, _redis(), *(fact for look in LOOKS for fact in look())]


def is_ready() -> list[Fact]:
    """What a process needs to answer requests; nobody else need run for that."""
    database = _database()
    return [database, *([_migrations(), _storage()] if database.ok else []), _redis()]


def _database() -> Fact:
    try:
        connection.ensure_connection()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        if connection.vendor == "sqlite":
            return _sqlite()
        version = int(getattr(connection, "pg_version", 0))
    except Error as error:
        # Its text may name a user and a host.
        return Fact(
            "database",
            False,
            _("The database cannot be used (%(error)s).") % {"error": type(error).__name__},
            _("See that it runs and that DATABASE_URL is right."),
        )
    says = _("PostgreSQL %(version)s") % {"version": version // 10000}
    if version < LEAST_POSTGRESQL:
        return Fact("database", False, says, _("Use PostgreSQL 14 or newer."))
    return Fact("database", True, says)


def _sqlite() -> Fact:
    kind = _kind_of_disk(Path(str(connection.settings_dict["NAME"])))
    if kind.startswith(NETWORK_DISKS):
        says = _("SQLite on a network disk (%(kind)s)") % {"kind": kind}
        return Fact(
            "database", False, says, _("Its locks do not work there: move it to a local disk, or use PostgreSQL.")
        )
    if not settings.LOCAL:
        says = _("SQLite in production")
        return Fact("database", False, says, _("Set DATABASE_URL to a PostgreSQL database."))
    return Fact("database", True, "SQLite")


def _kind_of_disk(path: Path) -> str:
    """As the system calls it; "" where it does not say."""
    try:
        mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text().splitlines()]
    except OSError:
        return ""
    above = [(place, kind) for place, kind in mounts if path.resolve().is_relative_to(place)]
    return max(above, key=lambda found: len(found[0]), default=("", ""))[1]


def _migrations() -> Fact:
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


def _redis() -> Fact:
    try:
        version = str(queue(CHECKS).connection.info("server").get("redis_version", "0"))
    except (RedisError, OSError) as error:
        return Fact(
            "redis",
            False,
            _("Redis cannot be reached (%(error)s); imports wait meanwhile.") % {"error": type(error).__name__},
            _("See that it runs and that REDIS_URL is right."),
        )
    if tuple(int(part) for part in version.split(".")[:2] if part.isdigit()) < LEAST_REDIS:
        return Fact("redis", False, f"Redis {version}", _("Use Redis 5 or newer, or Valkey."))
    return Fact("redis", True, f"Redis {version}")


def _other_installations() -> Iterator[Fact]:
    """Two may share a Redis; whoever did not mean it has set REDIS_URL wrong."""
    others = other_installations()
    if others:
        hosts = ", ".join(sorted(host for hosts in others.values() for host in hosts)) or "?"
        says = _("Another tagsync uses this Redis too (%(hosts)s); they do not disturb each other.")
        yield Fact("other_installations", True, says % {"hosts": hosts})


def _workers() -> Iterator[Fact]:
    for bell, number in queue_health().workers.items():
        do, run = ("", "") if number else (_("Start at least one:"), f"tagsync rqworker {bell}")
        says = _("Workers for %(queue)s: %(number)s") % {"queue": bell, "number": number}
        yield Fact(f"workers_{bell}", bool(number), says, do, run)


def _keeper() -> Iterator[Fact]:
    keepers = processes.running().filter(role=ProcessRole.KEEPER).count()
    if keepers:
        yield Fact("keeper", True, _("The keeper runs."))
    else:
        yield Fact(
            "keeper",
            False,
            _("No keeper runs: what a dead worker left is not taken up."),
            _("Start it:"),
            "tagsync keeper",
        )


def _versions() -> Iterator[Fact]:
    found = sorted(set(processes.running().values_list("version", flat=True)) | {processes.version()})
    ok = len(found) == 1
    do = "" if ok else _("Restart the processes of the older one.")
    yield Fact("versions", ok, _("Version %(versions)s") % {"versions": ", ".join(found)}, do)


def _clocks() -> Iterator[Fact]:
    wrong = [one for one in processes.running() if abs(one.clock_ahead_seconds) > CLOCKS_MAY_DIFFER_SECONDS]
    if not wrong:
        yield Fact("clocks", True, _("Clocks agree with the database's."))
        return
    worst = max(wrong, key=lambda one: abs(one.clock_ahead_seconds))
    values = {"host": worst.host, "seconds": round(worst.clock_ahead_seconds)}
    says = _("The clock of %(host)s differs from the database's by %(seconds)s seconds.") % values
    yield Fact("clocks", False, says, _("Let the machine set its clock by NTP."))


def _storage() -> Fact:
    if not storage.is_writable():
        return Fact(
            "storage",
            False,
            _("Uploads cannot be stored."),
            _("Give this process the right to write where TAGSYNC_UPLOADS leads."),
        )
    return Fact("storage", True, _("Uploads can be stored."))


def _shared_storage() -> Iterator[Fact]:
    yield _storage()
    here = storage.identity()
    elsewhere = [one for one in processes.running() if one.storage != here]
    if elsewhere:
        says = _("%(role)s on %(host)s uses another folder for uploads.")
        says %= {"role": elsewhere[0].role, "host": elsewhere[0].host}
        yield Fact("shared_storage", False, says, _("Let TAGSYNC_UPLOADS of all processes lead to one shared folder."))
    else:
        yield Fact("shared_storage", True, _("All processes use one storage."))


def _disk() -> Iterator[Fact]:
    if not isinstance(default_storage, FileSystemStorage) or not Path(default_storage.location).exists():
        return
    free = shutil.disk_usage(default_storage.location).free
    ok = free >= settings.TAGSYNC_LEAST_FREE_BYTES
    says = _("Free on the disk of uploads: %(megabytes)s MB") % {"megabytes": free // 2**20}
    yield Fact("disk", ok, says, "" if ok else _("Make room: uploads are refused meanwhile."))


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
        says = _("No key reads the credentials of: %(names)s") % {"names": ", ".join(unreadable)}
        yield Fact("credentials", False, says, _("Add the old key to TAGSYNC_CREDENTIAL_KEYS, or enter them again."))
    else:
        yield Fact("credentials", True, _("All credentials can be read."))
    if expired:
        says = _("Tokens that have run out: %(names)s") % {"names": ", ".join(expired)}
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


def _hold() -> Iterator[Fact]:
    if hold.is_on():
        says = _("The database was restored from a backup, and nothing is sent until an admin confirms.")
        yield Fact("restore", False, says, _("Sign in as an admin and follow the banner."))


def _static_files() -> Iterator[Fact]:
    if settings.STATIC_ROOT is None:
        return
    ok = (Path(settings.STATIC_ROOT) / "staticfiles.json").exists()
    says = _("Static files are collected.") if ok else _("Static files are not collected.")
    do, run = ("", "") if ok else (_("Run:"), "tagsync collectstatic")
    yield Fact("static_files", ok, says, do, run)


def _mail() -> Iterator[Fact]:
    if not settings.TAGSYNC_EMAIL:
        yield Fact("email", True, _("No e-mail is sent (TAGSYNC_EMAIL_URL)."))
        return
    try:
        with mail.get_connection(timeout=MAIL_SECONDS):
            yield Fact("email", True, _("The mail server answers."))
    except OSError as error:
        says = _("The mail server cannot be used (%(error)s).") % {"error": type(error).__name__}
        yield Fact("email", False, says, _("Look at TAGSYNC_EMAIL_URL and at the mail server."))


LOOKS: tuple[Callable[[], Iterator[Fact]], ...] = (
    *(_hold, _other_installations, _workers, _keeper, _versions, _clocks, _shared_storage, _disk),
    *(_credentials, _people, _static_files, _mail),
)
