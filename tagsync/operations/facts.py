"""What must be so for tagsync to work, each fact with what to do when it is not. Changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from django.conf import settings
from django.core import mail
from django.core.files.storage import default_storage
from django.utils.translation import gettext as _
from redis.exceptions import RedisError

from tagsync.imports.local_files import folder_of, free_bytes
from tagsync.operations import at_start, processes, records, storage
from tagsync.operations.fact import Fact
from tagsync.operations.models import ProcessRole
from tagsync.queueing.doorbell import CHECKS, queue
from tagsync.queueing.health import other_installations, queue_health

CLOCKS_MAY_DIFFER_SECONDS = 10
LEAST_REDIS = (5, 0)
# A page, or a person, waits no longer for the mail server.
MAIL_SECONDS = 5


def facts() -> list[Fact]:
    """All of them; what needs the database is not asked when that cannot be used."""
    found = [records.database()]
    if found[0].ok:
        found.append(records.migrations())
    asked = LOOKS if all(fact.ok for fact in found) else ()
    return [*found, _redis(), *at_start.of_settings(), *(fact for look in asked for fact in look())]


def is_ready() -> list[Fact]:
    """What a process needs to answer requests; nobody else need run for that."""
    database = records.database()
    return [database, *([records.migrations(), _storage()] if database.ok else []), _redis()]


def _redis() -> Fact:
    try:
        version = str(queue(CHECKS).connection.info("server").get("redis_version", "0"))
    except (RedisError, OSError) as error:
        return Fact(
            "redis",
            False,
            _("Redis cannot be reached (%(error)s); imports wait meanwhile.") % {"error": type(error).__name__},
            _("Check that it is running and that REDIS_URL is right."),
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
        yield Fact("keeper", True, _("The keeper is running."))
    else:
        yield Fact(
            "keeper",
            False,
            _("The keeper is not running: what a dead worker left behind is not picked up."),
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
    yield Fact("clocks", False, says, _("Sync the machine's clock with NTP."))


def _storage() -> Fact:
    refusal = storage.refusal()
    if not refusal:
        return Fact("storage", True, _("Uploads can be stored."))
    if folder_of(default_storage):
        do = _("Give this process write access to the folder in TAGSYNC_UPLOADS.")
    else:
        do = _("Check TAGSYNC_STORAGE, the AWS_… variables, and what this key may do in the bucket.")
    return Fact("storage", False, _("Uploads cannot be stored (%(error)s).") % {"error": refusal}, do)


def _shared_storage() -> Iterator[Fact]:
    yield _storage()
    here = storage.identity()
    elsewhere = [one for one in processes.running() if one.storage != here]
    if elsewhere:
        says = _("%(role)s on %(host)s uses another storage for uploads.")
        says %= {"role": elsewhere[0].role, "host": elsewhere[0].host}
        do = _("Point TAGSYNC_UPLOADS or TAGSYNC_STORAGE of all processes to one place.")
        yield Fact("shared_storage", False, says, do)
    else:
        yield Fact("shared_storage", True, _("All processes use one storage."))


def _disk() -> Iterator[Fact]:
    free = free_bytes(default_storage)
    ok = free >= settings.TAGSYNC_LEAST_FREE_BYTES
    if folder_of(default_storage):
        says = _("Free on the disk of uploads: %(megabytes)s MB")
    else:
        says = _("Free on the disk where uploads lie until they are in the storage: %(megabytes)s MB")
    do = "" if ok else _("Make room: uploads are refused meanwhile.")
    yield Fact("disk", ok, says % {"megabytes": free // 2**20}, do)


def _mail() -> Iterator[Fact]:
    if not settings.TAGSYNC_EMAIL:
        yield Fact("email", True, _("No e-mail is sent (TAGSYNC_EMAIL_URL)."))
        return
    try:
        with mail.get_connection(timeout=MAIL_SECONDS):
            yield Fact("email", True, _("The mail server answers."))
    except OSError as error:
        says = _("The mail server cannot be used (%(error)s).") % {"error": type(error).__name__}
        yield Fact("email", False, says, _("Check TAGSYNC_EMAIL_URL and the mail server."))


LOOKS: tuple[Callable[[], Iterator[Fact]], ...] = (
    *(records.records, _other_installations, _workers, _keeper, _versions, _clocks, _shared_storage, _disk, _mail),
)
