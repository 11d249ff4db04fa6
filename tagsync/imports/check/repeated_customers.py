"""Customers that stand in several rows, and whether their identifiers agree. Asks the database, changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import Count, F, Max, Min, TextField, Value
from django.db.models.functions import NullIf

from tagsync.imports.check.summary import EXAMPLES, Group, Tallies, warning
from tagsync.imports.models import ImportJob, ImportRow
from tagsync.imports.models.row import VALUE_COLUMNS
from tagsync.imports.models.summary import WarningSummary
from tagsync.imports.states import RowStatus
from tagsync.mapping.fields import IDENTIFIERS

ROWS_AT_ONCE = 2000


def warnings(job: ImportJob, tallies: Tallies) -> list[WarningSummary]:
    """One about the identifier that repeats most, and one for each pair of fields that contradict each other."""
    repeated: dict[str, Group] = {}
    found = []
    for key in IDENTIFIERS:
        conflicts: dict[str, Group] = {}
        for group in _repeats(job, key):
            _note(repeated.setdefault(key, Group()), group["rows"] - 1, [group["last"], key, group["value"]], tallies)
            for other in _contradicted(key, group):
                _note(
                    conflicts.setdefault(other, Group()), group["rows"], [group["last"], key, group["value"]], tallies
                )
        found += [
            warning("identifiers_conflict", {"field": key, "other": other}, one) for other, one in conflicts.items()
        ]
    if repeated:
        key = max(repeated, key=lambda key: repeated[key].rows)
        found.append(warning("customer_repeated", {"field": key}, repeated[key]))
    return found


def _note(group: Group, rows: int, example: list[Any], tallies: Tallies) -> None:
    group.rows += rows
    if len(group.examples) < EXAMPLES:
        number, key, value = example
        group.examples.append([number, tallies.cell(key, number), value])


def _repeats(job: ImportJob, key: str) -> Iterator[dict[str, Any]]:
    """Each value of the field that several rows have: how many, the last of them, the spread of the other fields."""
    column = VALUE_COLUMNS[key]
    waiting = ImportRow.objects.filter(job=job, status=RowStatus.WAITING).exclude(**{column: ""}).order_by()
    repeated: Any = waiting.values(value=F(column)).annotate(rows=Count("pk")).filter(rows__gt=1)
    # Most sheets repeat nobody, and without the spread that is found out in a third of the time.
    if not repeated[:1]:
        return
    spread: dict[str, Any] = {"last": Max("row_number")}
    for other in _others(key):
        text = NullIf(VALUE_COLUMNS[other], Value("", TextField()))
        spread |= {f"{other}_least": Min(text), f"{other}_most": Max(text)}
    yield from repeated.annotate(**spread).iterator(ROWS_AT_ONCE)


def _contradicted(key: str, group: dict[str, Any]) -> list[str]:
    return [other for other in _others(key) if group[f"{other}_least"] != group[f"{other}_most"]]


def _others(key: str) -> list[str]:
    return [other for other in IDENTIFIERS if other != key]
