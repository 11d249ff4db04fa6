"""Reads what the environment says, and refuses what is missing or weak by name. Only `settings` imports it."""

from __future__ import annotations

import ipaddress
import os
import re
import secrets
from collections.abc import Callable
from email.utils import parseaddr
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

# A whole top-level domain is nobody's: after a full stop there must be two labels.
HOST_NAME = re.compile(r"(?i)\.([a-z0-9-]+\.)+[a-z][a-z0-9-]*|([a-z0-9-]+\.)*[a-z0-9][a-z0-9-]*")
WEAK_SECRETS = ("django-insecure", "changeme", "secret")


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, default).strip()


def words(name: str) -> list[str]:
    """A comma-separated list; empty entries are dropped."""
    return [word.strip() for word in text(name).split(",") if word.strip()]


def whole_number(name: str, default: int) -> int:
    value = text(name)
    if not value:
        return default
    try:
        return int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number, not {value!r}.") from None


def switch(name: str) -> bool:
    """Off when it is not set, and when it says so."""
    value = text(name).lower()
    if value in ("", "0", "false", "no", "off"):
        return False
    if value in ("1", "true", "yes", "on"):
        return True
    raise ImproperlyConfigured(f"{name} must be 1 or 0, not {value!r}.")


def one_of(name: str, choices: tuple[str, ...]) -> str:
    """The first choice when it is not set."""
    value = text(name) or choices[0]
    if value not in choices:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(choices)}, not {value!r}.")
    return value


def required(name: str, what_for: str) -> str:
    value = text(name)
    if not value:
        raise ImproperlyConfigured(f"{name} is not set. It is needed in production: {what_for}.")
    return value


def all_of(*questions: Callable[[], Any]) -> list[Any]:
    """The answers; whatever is wrong with any of them is told at once."""
    found, wrong = [], []
    for question in questions:
        try:
            found.append(question())
        except ImproperlyConfigured as error:
            wrong.append(str(error))
    if wrong:
        raise ImproperlyConfigured("\n".join(wrong))
    return found


def fernet_keys(name: str, *, needed_for: str = "") -> list[str]:
    """Comma-separated; the first encrypts, all decrypt. They are never quoted."""
    if needed_for:
        required(name, needed_for)
    keys = words(name)
    for number, key in enumerate(keys, start=1):
        try:
            Fernet(key)
        except ValueError:
            make = "python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'"
            raise ImproperlyConfigured(f"{name}: entry {number} is no key. One is made by: {make}") from None
    return keys


def host_names(name: str, what_for: str) -> list[str]:
    """Comma-separated; .example.com stands for all below it."""
    required(name, what_for)
    hosts = words(name)
    for host in hosts:
        if not (HOST_NAME.fullmatch(host) or _is_ip_address(host)):
            raise ImproperlyConfigured(f"{name} must name hosts like tagsync.example.com; {host!r} is refused.")
    return hosts


def _is_ip_address(host: str) -> bool:
    try:
        return bool(ipaddress.ip_address(host.removeprefix("[").removesuffix("]")))
    except ValueError:
        return False


def strong_secret(name: str, what_for: str) -> str:
    value = required(name, what_for)
    if len(value) < 50 or len(set(value)) < 5 or value.lower().startswith(WEAK_SECRETS):
        raise ImproperlyConfigured(f"{name} is too weak: use at least 50 random characters.")
    return value


def home(*, make: bool) -> Path:
    """The one folder of a local installation, made if it is missing (mode 700)."""
    folder = Path(text("TAGSYNC_HOME") or "var").absolute()
    if not make:
        return folder
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ImproperlyConfigured(
            f"The folder {folder} cannot be used ({error.strerror}). Set TAGSYNC_HOME to a folder you may write to."
        ) from None
    return folder


def _random_secret() -> str:
    return secrets.token_urlsafe(64)


def kept_secret(folder: Path, name: str, make: Callable[[], str] = _random_secret) -> str:
    """A secret of a local installation: made at first use, then read from its file (mode 600)."""
    path = folder / name
    fresh = make()
    try:
        # O_EXCL: of two processes that start together, one makes the secret and the other reads it.
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _read_secret(path)
    except OSError as error:
        raise ImproperlyConfigured(
            f"The folder {folder} cannot be written to ({error.strerror}). "
            "Set TAGSYNC_HOME to a folder you may write to."
        ) from None
    with os.fdopen(handle, "w") as file:
        file.write(fresh)
    return fresh


def _read_secret(path: Path) -> str:
    value = path.read_text().strip()
    if not value:
        raise ImproperlyConfigured(f"{path} is empty. Restore it from a backup, or delete it to make a new one.")
    return value


class MailServer(NamedTuple):
    host: str
    port: int
    user: str
    password: str
    starttls: bool
    implicit_tls: bool


MAIL_TLS = {"starttls": 587, "implicit": 465, "none": 25}
LOOPBACK = ("localhost", "127.0.0.1", "::1")


def mail_server(name: str) -> MailServer | None:
    """From `smtp://user:password@host:port?tls=starttls|implicit|none`. None when it is not set; never quoted."""
    value = text(name)
    if not value:
        return None
    shape = f"{name} must look like smtp://user:password@host:587?tls=starttls"
    try:
        url = urlsplit(value)
        query = parse_qs(url.query, keep_blank_values=True, strict_parsing=bool(url.query))
        host, port = url.hostname or "", url.port
    except ValueError:
        raise ImproperlyConfigured(f"{shape}.") from None
    if url.scheme != "smtp" or not host or url.path not in ("", "/") or url.fragment or query.keys() - {"tls"}:
        raise ImproperlyConfigured(f"{shape}. Special characters of user and password are written as %XX.")
    tls = query.get("tls", ["starttls"])[-1]
    if tls not in MAIL_TLS:
        raise ImproperlyConfigured(f"{name}: tls must be one of {', '.join(MAIL_TLS)}.")
    if url.password and tls == "none" and host not in LOOPBACK:
        raise ImproperlyConfigured(f"{name}: with tls=none the password would be sent in the clear.")
    return MailServer(
        host,
        port or MAIL_TLS[tls],
        unquote(url.username or ""),
        unquote(url.password or ""),
        starttls=tls == "starttls",
        implicit_tls=tls == "implicit",
    )


class Bucket(NamedTuple):
    """Of an object storage, as `tagsync.s3` wants it. `location`: the beginning of all names in it."""

    bucket_name: str
    location: str
    endpoint_url: str | None
    region_name: str | None
    addressing_style: str | None


BUCKET_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]")
BUCKET_PREFIX = re.compile(r"([A-Za-z0-9_-][A-Za-z0-9._-]*(/|$))*")
ADDRESSING_STYLES = ("auto", "path", "virtual")


def bucket(name: str) -> Bucket | None:
    """From `s3://bucket/prefix?endpoint_url=https://…&region_name=…&addressing_style=…`. None when it is not set.

    Never quoted: somebody may have written credentials into it.
    """
    value = text(name)
    if not value:
        return None
    shape = f"{name} must look like s3://bucket/prefix?endpoint_url=https://host&region_name=region"
    try:
        url = urlsplit(value)
        said = dict(parse_qsl(url.query, keep_blank_values=True, strict_parsing=bool(url.query)))
    except ValueError:
        raise ImproperlyConfigured(f"{shape}.") from None
    prefix = url.path.strip("/")
    if "@" in value:
        raise ImproperlyConfigured(f"{shape}. Credentials are AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.")
    if url.scheme != "s3" or not BUCKET_NAME.fullmatch(url.netloc) or not BUCKET_PREFIX.fullmatch(prefix):
        raise ImproperlyConfigured(f"{shape}. For a folder leave it out, and set TAGSYNC_UPLOADS.")
    endpoint, region, style = (said.pop(key, None) for key in ("endpoint_url", "region_name", "addressing_style"))
    if said or url.fragment or region == "":
        raise ImproperlyConfigured(f"{shape}; beside these two it may say addressing_style, and nothing else.")
    if endpoint is not None and not _is_address(endpoint):
        raise ImproperlyConfigured(f"{name}: endpoint_url must look like https://host or https://host:9000.")
    if style not in (None, *ADDRESSING_STYLES):
        raise ImproperlyConfigured(f"{name}: addressing_style must be one of {', '.join(ADDRESSING_STYLES)}.")
    if not all(map(find_spec, ("storages", "boto3"))):
        raise ImproperlyConfigured(f"{name} needs packages that are not installed: pip install 'tagsync[s3]'.")
    return Bucket(url.netloc, prefix, endpoint, region, style)


def _is_address(value: str) -> bool:
    try:
        url = urlsplit(value)
        fits = url.scheme in ("http", "https") and bool(url.hostname) and (url.port is None or url.port > 0)
    except ValueError:
        return False
    return fits and not url.query and not url.fragment and url.username is None


def mail_address(name: str, what_for: str) -> str:
    """One address, with or without a name before it."""
    value = text(name)
    if not value:
        raise ImproperlyConfigured(f"{name} is not set. It is needed with TAGSYNC_EMAIL_URL: {what_for}.")
    _label, address = parseaddr(value)
    local, at, host = address.rpartition("@")
    if not (local and at and host) or not value.isprintable() or " " in address:
        raise ImproperlyConfigured(f"{name} must be an e-mail address, not {value!r}.")
    return value


def site_address(name: str, what_for: str) -> str:
    """Where people reach this site, without a slash at the end."""
    value = text(name)
    if not value:
        raise ImproperlyConfigured(f"{name} is not set. It is needed with TAGSYNC_EMAIL_URL: {what_for}.")
    if not _is_address(value):
        raise ImproperlyConfigured(f"{name} must look like https://tagsync.example.com, not {value!r}.")
    return value.rstrip("/")
