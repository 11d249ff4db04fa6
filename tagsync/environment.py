"""Reads what the environment says, and refuses what is missing or weak by name. Only `settings` imports it."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

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


def required(name: str, what_for: str) -> str:
    value = text(name)
    if not value:
        raise ImproperlyConfigured(f"{name} is not set. It is needed in production: {what_for}.")
    return value


def strong_secret(name: str, what_for: str) -> str:
    value = required(name, what_for)
    if len(value) < 50 or len(set(value)) < 5 or value.lower().startswith(WEAK_SECRETS):
        raise ImproperlyConfigured(f"{name} is too weak: use at least 50 random characters.")
    return value


def home(base: Path, *, make: bool) -> Path:
    """The one folder of a local installation, made if it is missing (mode 700)."""
    folder = Path(text("TAGSYNC_HOME") or base / "var").absolute()
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
