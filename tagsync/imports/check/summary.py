"""What the check counts on its way through the rows, and the summary that pages read. Writes nothing."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from tagsync.imports.check.duplicates import CONTENT_BITS, content_of
from tagsync.imports.models import ImportJob
from tagsync.imports.models.summary import Summary, WarningSummary
from tagsync.mapping.cleaning import EXCEL_EXACT_DIGITS
from tagsync.mapping.fields import CUSTOMER_ID, IDENTIFIERS
from tagsync.mapping.lookalikes import look_alikes
from tagsync.mapping.rows import Checked
from tagsync.sheets.cells import column_letter

TAGS_SHOWN = 200
TAGS_KEPT = 20_000
LOOK_ALIKES_SHOWN = 30
EXAMPLES = 3

# Digests of rows are added up, so that the order of the rows says nothing and a repair can take one out again.

# [row number, cell as Excel names it, value]; for a change also the value it became
Example = list[object]


class IdShape(NamedTuple):
    """Customer IDs of digits alone, as far as Excel may have damaged them."""

    digits: int
    starts_with_zero: bool
    ends_in_zeros: bool


@dataclass
class Group:
    """Rows with something in common, and the first few of them."""

    rows: int = 0
    examples: list[Example] = field(default_factory=list)

    def add(self, example: Example) -> None:
        self.rows += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append(example)


class Tallies:
    def __init__(self, columns: Mapping[int, str]) -> None:
        self.statuses: Counter[str] = Counter()
        self.blank = self.hidden = 0
        self.unmasked = False
        self.id_shapes: Counter[IdShape] = Counter()
        self._columns = {key: column for column, key in columns.items()}
        self._tag_lists: Counter[str] = Counter()
        self._identifier_sets: Counter[tuple[str, ...]] = Counter()
        self._changes: dict[tuple[str, str], Group] = {}
        self._twins = Group()
        self._content = 0

    def cell(self, key: str, row_number: int) -> str:
        """The cell of a field, as Excel names it; "" when no column gives the field."""
        return f"{column_letter(self._columns[key])}{row_number}" if key in self._columns else ""

    def sendable(self, checked: Checked, content: bytes) -> None:
        """A row that can be sent. `content`: the digest of its five values."""
        values = checked.values
        self._content += int.from_bytes(content, "big")
        self._tag_lists[values["tags"]] += 1
        self._identifier_sets[present(values)] += 1
        if values[CUSTOMER_ID].isdigit():
            self.id_shapes[id_shape(values[CUSTOMER_ID])] += 1
        if values["openid"] and values["openid"] == values["unionid"]:
            number = checked.row_number
            self._twins.add([number, self.cell("openid", number), values["openid"]])
        for change in checked.changes:
            where = f"{column_letter(change.column)}{checked.row_number}"
            group = self._changes.setdefault((change.field, change.code), Group())
            group.add([checked.row_number, where, change.before, change.after])

    def not_sendable_after_all(self, values: Mapping[str, str]) -> None:
        """A row counted by `sendable` that the look at the whole column has stopped."""
        self._content -= int.from_bytes(content_of(values), "big")
        self._tag_lists[values["tags"]] -= 1
        self._identifier_sets[present(values)] -= 1

    def tags(self) -> Counter[str]:
        """Tag → rows."""
        found: Counter[str] = Counter()
        for tags, rows in (+self._tag_lists).items():
            for tag in tags.split(","):
                found[tag] += rows
        return found

    def warnings(self) -> list[WarningSummary]:
        return [warning("openid_is_unionid", {}, self._twins)] if self._twins.rows else []

    def fingerprint(self, job: ImportJob) -> str:
        return fingerprint(job, self._content)

    def summary(self, tags: Counter[str], warnings: list[WarningSummary]) -> Summary:
        changes = sorted(self._changes.items(), key=lambda item: -item[1].rows)
        return {
            "tags": tags.most_common(TAGS_SHOWN),
            "tag_count": len(tags),
            "identifiers": [(list(keys), rows) for keys, rows in (+self._identifier_sets).items()],
            "changes": [
                {"field": key, "code": code, "rows": group.rows, "examples": group.examples}
                for (key, code), group in changes
            ],
            "warnings": sorted(warnings, key=lambda one: -one["rows"]),
            "look_alikes": look_alikes(tags)[:LOOK_ALIKES_SHOWN],
            "hidden_rows": self.hidden,
            "unmasked": self.unmasked,
            "content": hex(self._content % 2**CONTENT_BITS),
        }


def warning(code: str, params: Mapping[str, str], group: Group) -> WarningSummary:
    return {"code": code, "params": dict(params), "rows": group.rows, "examples": group.examples}


def id_shape(digits: str) -> IdShape:
    ends_in_zeros = (
        digits[-2:] == "00" and len(digits) > EXCEL_EXACT_DIGITS + 1 and not digits[EXCEL_EXACT_DIGITS:].strip("0")
    )
    return IdShape(len(digits), digits[0] == "0", ends_in_zeros)


def fingerprint(job: ImportJob, content: int) -> str:
    """Equal for the same rows sent in the same way over the same connection, whatever their order."""
    way = (job.connection_id, job.operation, job.match, job.identify_way, content % 2**CONTENT_BITS)
    return hashlib.sha256(repr(way).encode()).hexdigest()


def present(values: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(key for key in IDENTIFIERS if values[key])
