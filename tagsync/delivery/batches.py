"""Which rows go into the next call. Reads rows, writes nothing; one customer is never twice in a call."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from django.db.models import Max, QuerySet

from tagsync.connections.models import Connection
from tagsync.imports.models import Delivery, ImportJob, ImportRow
from tagsync.imports.models.row import VALUE_COLUMNS
from tagsync.imports.outcomes import Batch, open_batches, waiting_rows
from tagsync.imports.states import RowStatus
from tagsync.mapping.rows import identifiers
from tagsync.tuzhan.messages import Settings, batch_body, encode

# Rows put off because their customer was in the batch already; beyond this no new ones are read before they went.
MAX_PUT_OFF = 5000

SheetRow = tuple[int, dict[str, str]]


@dataclass(frozen=True)
class Load:
    """A batch with the bytes that travel and the identifiers in it, which no stored text may repeat."""

    batch: Batch
    body: bytes
    identifiers: frozenset[str]


class BatchSource:
    """The batches of one slice, in row order: first those that got no answer, then rows never tried."""

    def __init__(self, job: ImportJob, connection: Connection) -> None:
        self._job = job
        self._connection = connection
        self._settings = Settings(match=job.match, identify_way=job.identify_way, operation=job.operation)  # type: ignore[arg-type]  # choices of the model
        self._last_number = Delivery.objects.filter(job=job).aggregate(last=Max("batch"))["last"] or 0
        self.start_over()

    def start_over(self) -> None:
        """Begin again at the first waiting row. Only when no call is in flight: its rows are waiting too."""
        self._unanswered = iter(open_batches(self._job))
        self._read_to = 0
        self._put_off: list[SheetRow] = []

    def next(self) -> Load | None:
        for delivery in self._unanswered:
            return self._again(delivery)
        rows = self._take(self._connection.batch_size)
        if not rows:
            return None
        self._last_number += 1
        return self._load(rows, number=self._last_number, attempt=1)

    def _again(self, delivery: Delivery) -> Load:
        """The same rows once more: only the same batch can settle whether it was taken."""
        rows = _sheet_rows(waiting_rows(self._job, delivery))
        return self._load(rows, number=delivery.batch, attempt=delivery.attempt + 1)

    def _load(self, rows: list[SheetRow], number: int, attempt: int) -> Load:
        body = encode(batch_body(self._settings, [values for _, values in rows], self._connection.customer_id_key))
        batch = Batch(number, attempt, [row_number for row_number, _ in rows], hashlib.sha256(body).hexdigest())
        known = frozenset(value for _, values in rows for _, value in identifiers(values))
        return Load(batch, body, known)

    def _take(self, size: int) -> list[SheetRow]:
        """Up to `size` rows of different customers; a row of a customer taken already goes with a later call."""
        candidates = self._put_off or self._unread(size)
        self._put_off = []
        taken: list[SheetRow] = []
        seen: set[tuple[str, str]] = set()
        while candidates:
            for row in candidates:
                keys = identifiers(row[1])
                if len(taken) < size and seen.isdisjoint(keys):
                    seen.update(keys)
                    taken.append(row)
                else:
                    self._put_off.append(row)
            room = size - len(taken) if len(self._put_off) < MAX_PUT_OFF else 0
            candidates = self._unread(room)
        return taken

    def _unread(self, limit: int) -> list[SheetRow]:
        waiting = ImportRow.objects.filter(job=self._job, status=RowStatus.WAITING, row_number__gt=self._read_to)
        rows = _sheet_rows(waiting, limit) if limit else []
        if rows:
            self._read_to = rows[-1][0]
        return rows


def _sheet_rows(rows: QuerySet[ImportRow], limit: int | None = None) -> list[SheetRow]:
    """Plain tuples: a model instance per row would cost more than the call."""
    found = rows.order_by("row_number").values_list("row_number", *VALUE_COLUMNS.values())[:limit]
    return [(number, dict(zip(VALUE_COLUMNS, values, strict=True))) for number, *values in found]
