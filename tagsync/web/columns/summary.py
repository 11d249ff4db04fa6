"""All choices in one sentence whose parts lead to their fields: what the bar of the page says."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tagsync.connections.models import Connection
from tagsync.web.columns.sheet_columns import ColumnCard, Standing


class Part(NamedTuple):
    """`field`: the id of what it leads to."""

    text: str
    field: str
    tone: str = ""


def summary(
    operation: str, matching: str, connection: Connection | None, cards: Iterable[ColumnCard], standing: Standing
) -> list[Part]:
    return [
        *_settings(operation, matching, connection),
        *(Part(gap.title, "columns", "warn") for gap in standing.gaps),
        Part(_columns([card.chosen for card in cards]), "columns"),
    ]


def _settings(operation: str, matching: str, connection: Connection | None) -> list[Part]:
    ways = {
        "fuzzy-1": _("Fuzzy, way 1"),
        "fuzzy-2": _("Fuzzy, way 2"),
        "exact": _("Exact matching"),
        "none": _("Do not match"),
    }
    add, delete = Part(_("Add tags"), "id_operation_add"), Part(_("Remove tags"), "id_operation_delete", "warn")
    place = Part(connection.name, "id_connection") if connection else _missing(_("Choose a connection"), "connection")
    return [
        {"add": add, "delete": delete}.get(operation, _missing(_("Choose what to do."), "operation")),
        Part(ways[matching], f"id_matching_{matching}")
        if matching in ways
        else _missing(_("Choose how customers are found."), "matching"),
        place,
    ]


def _missing(text: str, field: str) -> Part:
    return Part(text, f"id_{field}", "warn")


def _columns(chosen: list[str | None]) -> str:
    sent = sum(key is not None for key in chosen)
    if sent == len(chosen):
        return ngettext("%(n)s column sent", "%(n)s columns sent", sent) % {"n": sent}
    some = ngettext("%(n)s column sent, %(unsent)s not", "%(n)s columns sent, %(unsent)s not", sent)
    return some % {"n": sent, "unsent": len(chosen) - sent}
