"""What is known before anything is asked: settings, keys, where files lie. No database, no network; writes nothing."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from tagsync.operations.fact import Fact

NETWORK_DISKS = ("nfs", "cifs", "smb", "fuse.sshfs", "9p", "afs", "ceph", "glusterfs")
# In production a weak SECRET_KEY is refused; everything else that opens a door is looked at here.
LEAST_CHARACTERS_OF_KEY, LEAST_CHARACTERS_OF_TOKEN, LEAST_DIFFERENT = 50, 16, 5
KEY_FILES = ("secret-key", "credential-key")
# What deploy/.env.example has in the place of what is to be filled in.
EXAMPLE_HOST, EXAMPLE_PASSWORD = "tagsync.example.com", "PASSWORD"


def at_start() -> list[Fact]:
    if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        return [sqlite(), *of_settings()]
    return [*of_settings()]


def of_settings() -> Iterator[Fact]:
    yield from _secrets()
    yield from _examples()
    yield from _key_files()
    yield from _static_files()


def sqlite() -> Fact:
    """Whether the file of this database lies where it should."""
    kind = kind_of_disk(Path(str(settings.DATABASES["default"]["NAME"])))
    if kind.startswith(NETWORK_DISKS):
        says = _("SQLite on a network disk (%(kind)s)") % {"kind": kind}
        return Fact(
            "database", False, says, _("Its locks do not work there: move it to a local disk, or use PostgreSQL.")
        )
    if not settings.LOCAL:
        says = _("SQLite in production")
        return Fact("database", False, says, _("Set DATABASE_URL to a PostgreSQL database."))
    return Fact("database", True, "SQLite")


def kind_of_disk(path: Path) -> str:
    """As the system calls it; "" where it does not say."""
    try:
        mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text().splitlines()]
    except OSError:
        return ""
    above = [(place, kind) for place, kind in mounts if path.resolve().is_relative_to(place)]
    return max(above, key=lambda found: len(found[0]), default=("", ""))[1]


def _secrets() -> Iterator[Fact]:
    keys = [
        ("SECRET_KEY", settings.SECRET_KEY),
        *(("SECRET_KEY_FALLBACKS", key) for key in settings.SECRET_KEY_FALLBACKS),
    ]
    weak = [name for name, key in keys if _is_weak(key, LEAST_CHARACTERS_OF_KEY)]
    token = settings.TAGSYNC_METRICS_TOKEN
    if token and _is_weak(token, LEAST_CHARACTERS_OF_TOKEN):
        weak.append("TAGSYNC_METRICS_TOKEN")
    if weak:
        says = _("Easy to guess: %(names)s") % {"names": ", ".join(dict.fromkeys(weak))}
        yield Fact(
            "secrets", False, says, _("Use random characters instead, for example from:"), "openssl rand -base64 48"
        )
    else:
        yield Fact("secrets", True, _("Keys and tokens are hard to guess."))


def _is_weak(secret: str, least: int) -> bool:
    return len(secret) < least or len(set(secret)) < LEAST_DIFFERENT


def _examples() -> Iterator[Fact]:
    left = ["TAGSYNC_ALLOWED_HOSTS"] if EXAMPLE_HOST in settings.ALLOWED_HOSTS else []
    if settings.DATABASES["default"].get("PASSWORD") == EXAMPLE_PASSWORD:
        left.append("DATABASE_URL")
    if left:
        says = _("Still as in the example: %(names)s") % {"names": ", ".join(left)}
        yield Fact("examples", False, says, _("Put your own value there and restart."))


def _key_files() -> Iterator[Fact]:
    """Those that a local installation made for itself."""
    paths = [settings.TAGSYNC_HOME / name for name in KEY_FILES] if settings.LOCAL else []
    for path in paths:
        if os.path.exists(path) and path.stat().st_mode & 0o077:
            says = _("Others on this machine can read the key in %(file)s.") % {"file": path.name}
            yield Fact("key_files", False, says, _("Withdraw that permission:"), f"chmod 600 {shlex.quote(str(path))}")


def _static_files() -> Iterator[Fact]:
    if settings.STATIC_ROOT is None:
        return
    # Not Path's, which raises where a folder may not be entered.
    ok = os.path.exists(Path(settings.STATIC_ROOT) / "staticfiles.json")
    says = _("Static files are collected.") if ok else _("Static files are not collected.")
    do, run = ("", "") if ok else (_("Run:"), "tagsync collectstatic")
    yield Fact("static_files", ok, says, do, run)
