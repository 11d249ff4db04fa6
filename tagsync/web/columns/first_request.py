"""The exact request that the first rows of the sheet become with the choices made so far. Sends nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

from tagsync.connections.models import Connection, CustomerIdKey
from tagsync.imports.check.identification import order
from tagsync.mapping.rows import Checked, check_row, is_blank
from tagsync.sheets.cells import Row
from tagsync.tuzhan.messages import Settings, batch_body
from tagsync.web.columns.forms import field_label
from tagsync.web.columns.settings_form import MATCHINGS

ROWS_SHOWN = 2


@dataclass(frozen=True)
class FirstRequest:
    """`rows`: Excel's numbers of the rows in it; empty when none of the `looked_at` rows can be sent."""

    body: str
    rows: list[int]
    looked_at: int
    connection: Connection | None


@dataclass(frozen=True)
class Look:
    """The first rows as the choices read them: those that can be sent, and out of how many that are not blank."""

    sendable: list[Checked]
    looked_at: int


def look_at(body: Sequence[Row], chosen: Mapping[int, str | None], fixed_tags: str) -> Look:
    candidates = [row for row in body if not is_blank(row)]
    checked = (check_row(row, _columns(chosen), fixed_tags) for row in candidates)
    return Look([row for row in checked if not row.notes], len(candidates))


def first_request(look: Look, connection: Connection | None, operation: str, matching: str) -> FirstRequest:
    rows = look.sendable[:ROWS_SHOWN]
    text = ""
    if rows:
        key = connection.customer_id_key if connection else CustomerIdKey.AUDIENCE_USER_ID
        request = batch_body(_settings(operation, matching), [row.values for row in rows], key)
        text = json.dumps(request, ensure_ascii=False, indent=2)
    return FirstRequest(text, [row.row_number for row in rows], look.looked_at, connection)


def orders(connection: Connection | None) -> dict[int, str]:
    """Identify way → the order spelt out, as this connection's platform understands it."""
    return {way: " → ".join(field_label(key) for key in order(way, connection)) for way in (1, 2)}


def _columns(chosen: Mapping[int, str | None]) -> dict[int, str]:
    """Each field once, and the first column keeps it; but all columns of tags."""
    columns: dict[int, str] = {}
    for column, key in chosen.items():
        if key and (key == "tags" or key not in columns.values()):
            columns[column] = key
    return columns


def _settings(operation: str, matching: str) -> Settings:
    match, way = MATCHINGS.get(matching, MATCHINGS["fuzzy-1"])
    return Settings(
        match=cast(Literal["none", "exact", "fuzzy"], match.value),
        identify_way=cast("Literal[1, 2] | None", way),
        operation="delete" if operation == "delete" else "add",
    )
