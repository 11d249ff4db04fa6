"""What each choice would do to one row of this very file, in a sentence. Sends nothing and knows no form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.utils.translation import gettext as _

from tagsync.connections.models import Connection
from tagsync.imports.check.identification import order
from tagsync.mapping.fields import IDENTIFIERS
from tagsync.mapping.rows import Checked
from tagsync.web.columns.forms import field_label
from tagsync.web.ui.sentences import listed

# Longer ones are shown by their two ends: enough to find them in the sheet.
WHOLE_CHARACTERS, START, END = 14, 6, 4
TAGS_SHOWN = 3


def telling_row(sendable: Sequence[Checked]) -> Checked | None:
    """The row that shows most: the first of those with the most identifiers."""
    return max(sendable, key=lambda row: len(_present(row)), default=None)


def operation_examples(row: Checked | None) -> Mapping[str, str]:
    """Operation → its example; none without a row."""
    if row is None:
        return {}
    tags = row.values["tags"].split(",")
    shown = listed([f"“{tag}”" for tag in tags[:TAGS_SHOWN]]) + ("…" if len(tags) > TAGS_SHOWN else "")
    values = {"number": row.row_number, "tags": shown}
    return {
        "add": _("Row %(number)s: the customer gets %(tags)s.") % values,
        "delete": _("Row %(number)s: the customer loses %(tags)s.") % values,
    }


def matching_examples(row: Checked | None, connection: Connection | None) -> Mapping[str, str]:
    """Matching → its example; none without a row."""
    if row is None:
        return {}
    values = {"number": row.row_number, "identifiers": listed(_named(row, key) for key in _present(row))}
    exact = _("Row %(number)s: only a customer that this matches exactly is taken: %(identifiers)s.")
    none = _("Row %(number)s: %(identifiers)s is sent along and not looked up.")
    return {
        "fuzzy-1": _looked_up(row, order(1, connection)),
        "fuzzy-2": _looked_up(row, order(2, connection)),
        "exact": exact % values,
        "none": none % values,
    }


def _looked_up(row: Checked, keys: Sequence[str]) -> str:
    first, *others = [_named(row, key) for key in keys if row.values[key]]
    values = {"number": row.row_number, "first": first, "others": " → ".join(others)}
    if not others:
        return _("Row %(number)s: %(first)s is looked up; there is nothing else in the row to try.") % values
    return _("Row %(number)s: %(first)s is looked up first; not found → %(others)s.") % values


def _present(row: Checked) -> list[str]:
    return [key for key in IDENTIFIERS if row.values[key]]


def _named(row: Checked, key: str) -> str:
    text = row.values[key]
    short = text if len(text) <= WHOLE_CHARACTERS else f"{text[:START]}…{text[-END:]}"
    return f"{field_label(key)} {short}"
