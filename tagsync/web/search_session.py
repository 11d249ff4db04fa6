"""What a person searched for, kept in her session: an identifier is personal data and must not stand in an address.

The address carries a random key instead. So Back, reload and pages work, and a log or a bookmark tells nothing.
"""

from __future__ import annotations

import secrets
from typing import NamedTuple

from django.http import HttpRequest

KEPT = 20
_NAME = "searches"


class Search(NamedTuple):
    """`typed`: by the person herself, who may see again what she typed; else it is of a row that may be masked."""

    text: str = ""
    typed: bool = False

    @property
    def for_its_box(self) -> str:
        """What the search box holds again."""
        return self.text if self.typed else ""


def remember(request: HttpRequest, text: str, *, typed: bool) -> str:
    """The key under which this text is found again; the oldest searches are forgotten."""
    kept: dict[str, list[str | bool]] = request.session.get(_NAME, {})
    wanted = [text, typed]
    key = next((key for key, known in kept.items() if known == wanted), "") or secrets.token_urlsafe(9)
    others = [(other, known) for other, known in kept.items() if other != key]
    request.session[_NAME] = dict([*others, (key, wanted)][-KEPT:])
    return key


def recall(request: HttpRequest, key: str) -> Search:
    """An empty one when this browser's session does not know it (any more)."""
    known = request.session.get(_NAME, {}).get(key)
    # Sessions from before there was `typed` hold a text alone.
    return Search(*known) if isinstance(known, list) else Search(known or "")
