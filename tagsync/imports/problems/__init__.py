"""Codes become sentences: what happened, what to do, whose move it is, in the language of whoever reads.

The rooms below and the database hold only codes with parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tagsync.connections.models import Connection
from tagsync.imports.problems import cells, files, remarks, sending
from tagsync.imports.problems.texts import Mover, Text
from tagsync.mapping.fields import FIELDS

__all__ = ["TEXTS", "Mover", "Sentence", "blocked", "change_made", "mover_of", "of_connection", "sentence"]

TEXTS: dict[str, Text] = {**files.TEXTS, **cells.TEXTS, **remarks.TEXTS, **sending.TEXTS}
UNKNOWN = Text(_("Unexpected problem: %(code)s"), _("Tell an admin."), Mover.ADMIN)


@dataclass(frozen=True)
class Sentence:
    title: str
    advice: str
    mover: Mover
    # the title, in as few words as a line of a list has room for
    brief: str


class _Params(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        # A sentence with a gap is better than a page that fails.
        return "…"


def sentence(code: str, params: Mapping[str, Any] | None = None) -> Sentence:
    """The sentence of a code in the active language. An unknown code has one too."""
    text = TEXTS.get(code, UNKNOWN)
    values = _Params(params or {}, code=code)
    for name, label in (("field", "label"), ("other", "other_label")):
        field = FIELDS.get(str(values.get(name, "")))
        values[label] = gettext(field.label) if field else ""
    for name in ("max", "least"):
        if f"{name}_bytes" in values:
            values[f"{name}_megabytes"] = int(values[f"{name}_bytes"]) // (1024 * 1024)
    title = str(text.title) % values
    brief = str(text.brief) % values if text.brief else title
    return Sentence(title, str(text.advice) % values, text.mover, brief)


def mover_of(code: str) -> Mover:
    return TEXTS.get(code, UNKNOWN).mover


def of_connection(code: str, params: Mapping[str, Any] | None = None, *, by_app: bool) -> Sentence:
    """The sentence of what is wrong with a connection; `by_app`: it signs in with app id and secret."""
    return sentence(sending.BY_APP.get(code, code) if by_app else code, params)


def blocked(connection: Connection) -> Sentence:
    """Why a blocked connection is, and what to do."""
    return of_connection(f"connection_{connection.blocked_reason}", by_app=not connection.uses_fixed_token)


def change_made(code: str, field: str) -> Sentence:
    """What cleaning did to cells of a field, by a key of `mapping.cleaning.CHANGES`."""
    label = gettext(FIELDS[field].label)
    title = str(remarks.CHANGES[code]) % {"label": label}
    return Sentence(title, "", Mover.NOBODY, title)
