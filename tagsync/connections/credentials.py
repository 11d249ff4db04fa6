"""What a token, an app id or a secret may look like before it is kept. Knows no page and no command."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

MAX_CHARACTERS = 4096
# Fewer would give away too much of a short token.
SHORTEST_SHOWN = 8
SHOWN_CHARACTERS = 4


def check_credential(text: str) -> None:
    """It has to fit into a header. Raises ValidationError, whose text never quotes the value."""
    if not all("!" <= character <= "~" for character in text):
        raise ValidationError(
            _("Only letters, digits and signs of the English keyboard, without spaces or line breaks. Copy it again.")
        )
    if len(text) > MAX_CHARACTERS:
        raise ValidationError(_("This is longer than %(limit)s characters."), params={"limit": MAX_CHARACTERS})


def ending(text: str) -> str:
    """The last characters, by which an admin recognises what is stored; "" when it is too short to show any."""
    return text[-SHOWN_CHARACTERS:] if len(text) >= SHORTEST_SHOWN else ""
