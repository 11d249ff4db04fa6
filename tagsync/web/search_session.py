"""What a person searched for, kept in her session: an identifier is personal data and must not stand in an address.

The address carries a random key instead. So Back, reload and pages work, and a log or a bookmark tells nothing.
"""

from __future__ import annotations

import secrets

from django.http import HttpRequest

KEPT = 20
_NAME = "searches"


def remember(request: HttpRequest, text: str) -> str:
    """The key under which this text is found again; the oldest searches are forgotten."""
    kept: dict[str, str] = request.session.get(_NAME, {})
    key = next((key for key, known in kept.items() if known == text), "") or secrets.token_urlsafe(9)
    others = [(other, known) for other, known in kept.items() if other != key]
    request.session[_NAME] = dict([*others, (key, text)][-KEPT:])
    return key


def recall(request: HttpRequest, key: str) -> str:
    """The text, or "" when this browser's session does not know it (any more)."""
    return str(request.session.get(_NAME, {}).get(key, ""))
