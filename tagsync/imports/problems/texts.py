"""The shape of a sentence about a problem: what it is, what to do, whose move it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


class Mover(TextChoices):
    """Who can mend it."""

    OWNER = "owner", _("You: fix the sheet")
    ADMIN = "admin", _("An admin")
    PLATFORM = "platform", _("The platform: wait")
    NOBODY = "nobody", _("Nobody: for your information")


class Text(NamedTuple):
    """Lazy texts with %(name)s placeholders for the problem's parameters."""

    title: _StrPromise | str
    advice: _StrPromise | str
    mover: Mover = Mover.OWNER
    # the title for a line of a list
    brief: _StrPromise | str = ""


__all__ = ["Mover", "Text", "_"]
