"""Credentials at rest: MultiFernet with keys of their own, never SECRET_KEY."""

from __future__ import annotations

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class CredentialsUnreadable(Exception):
    """Stored credentials were encrypted with a key that is not among TAGSYNC_CREDENTIAL_KEYS."""


def _box() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.TAGSYNC_CREDENTIAL_KEYS])


def encrypt(text: str) -> str:
    return _box().encrypt(text.encode()).decode() if text else ""


def decrypt(stored: str) -> str:
    """Raises CredentialsUnreadable."""
    if not stored:
        return ""
    try:
        return _box().decrypt(stored.encode()).decode()
    except InvalidToken:
        raise CredentialsUnreadable from None
