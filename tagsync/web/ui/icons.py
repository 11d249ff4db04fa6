"""Icons as inline SVG, drawn once and kept. Names come from templates and our own tables, never from people."""

from __future__ import annotations

from functools import lru_cache

from django.utils.safestring import SafeString, mark_safe
from lucide.templatetags.lucide import lucide


@lru_cache(maxsize=512)
def icon(name: str, size: int = 16, label: str = "", spin: bool = False) -> SafeString:
    """The icon; decoration unless it has a label.

    Raises: lucide.IconDoesNotExist when the installed lucide has no icon of this name.
    """
    voice = {"role": "img", "aria_label": label} if label else {"aria_hidden": "true"}
    kind = "icon icon--spin" if spin else "icon"
    # Safe: the package escapes attributes, and its drawings are its own.
    drawn: str = lucide(name, size=size, **{"class": kind}, focusable="false", **voice)
    return mark_safe(drawn)
