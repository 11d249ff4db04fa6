"""Rows whose five clean values equal those of an earlier row: only the first one is sent. Changes nothing."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from tagsync.imports import customer_search
from tagsync.imports.models import ImportJob
from tagsync.imports.models.row import VALUE_COLUMNS
from tagsync.imports.states import RowStatus
from tagsync.mapping.rows import Checked

CONTENT_BITS = 128


def content_of(values: Mapping[str, str]) -> bytes:
    """A digest of the five values, in the order of the API."""
    return hashlib.blake2b("\x1f".join(values.values()).encode(), digest_size=CONTENT_BITS // 8).digest()


def twins_of(job: ImportJob, checked: Sequence[Checked]) -> dict[int, int]:
    """Row → the row with the same five values that is sent, in the database or among these."""
    seen: dict[bytes, int] = {}
    for column, values in _by_identifier(checked).items():
        for row in customer_search.among(job, column, values):
            if row.status == RowStatus.WAITING:
                seen[content_of(row.values_by_field())] = row.row_number
    twins = {}
    for one in checked:
        number = seen.setdefault(content_of(one.values), one.row_number)
        if number != one.row_number:
            twins[one.row_number] = number
    return twins


def _by_identifier(checked: Iterable[Checked]) -> Mapping[str, set[str]]:
    """Column → values to look for: of each row the first identifier that it has."""
    found: dict[str, set[str]] = defaultdict(set)
    for one in checked:
        field = next(field for field in VALUE_COLUMNS if one.values[field])
        found[VALUE_COLUMNS[field]].add(one.values[field])
    return found
