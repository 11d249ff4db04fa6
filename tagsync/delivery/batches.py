"""Which rows go into the next call. Reads rows, writes nothing; one customer is never twice in a call."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from math import inf
from operator import itemgetter

from django.db.models import QuerySet

from tagsync.connections.models import Connection
from tagsync.imports.models import Delivery, ImportJob, ImportRow
from tagsync.imports.models.row import VALUE_COLUMNS
from tagsync.imports.sending import bisection, too_large
from tagsync.imports.sending.outcomes import Batch, OpenBatch, open_batches, waiting_rows
from tagsync.imports.sending.row_ranges import in_ranges, numbers_in
from tagsync.imports.states import SETTLED, RowStatus
from tagsync.mapping.rows import identifiers
from tagsync.tuzhan.messages import Settings, batch_body, encode

# Rows put off because their customer was in the batch already; beyond this no new ones are read before they went.
MAX_PUT_OFF = 5000

SheetRow = tuple[int, dict[str, str]]


@dataclass(frozen=True)
class Load:
    """A batch with the bytes that travel and the identifiers in it, which no stored text may repeat.

    `cut_at`: the connection's limit of bytes, when more rows would have gone without it.
    """

    batch: Batch
    body: bytes
    identifiers: frozenset[str]
    cut_at: int | None = None

    @property
    def is_resent(self) -> bool:
        return self.batch.attempt > 1


class BatchSource:
    """The batches of one slice: planned pieces of refused batches, then rows never tried, then too large ones, alone.

    What got no answer is kept apart: whoever asks decides when, and whether, each of these goes again.
    """

    def __init__(self, job: ImportJob, connection: Connection) -> None:
        self._job = job
        self._connection = connection
        self._settings = _settings_of(job)
        self.start_over()

    def start_over(self) -> None:
        """Begin again at the first waiting row. Only when no call is in flight: its rows are waiting too."""
        self.unanswered: list[OpenBatch] = open_batches(self._job)
        self._planned = bisection.planned(self._job)
        calls = [*(one.last for one in self.unanswered), *self._planned]
        self._spoken_for = {number for one in calls for number in numbers_in(one.row_ranges)}
        # After all others: what the platform takes of those tells whether it is the row.
        self._too_large = sorted(too_large.refused_alone(self._job) - self._spoken_for)
        self._spoken_for.update(self._too_large)
        self._read_to = 0
        self._put_off: list[SheetRow] = []
        self._trial_left = self._rows_left_of_trial()

    def plan(self, halves: list[Delivery]) -> None:
        """Pieces of a batch that was refused meanwhile; they go before rows never tried, left before right."""
        self._planned = halves + self._planned

    def again(self, batch: OpenBatch) -> Load | None:
        """One of `unanswered`, once more: only the same rows can settle whether they were taken."""
        self.unanswered.remove(batch)
        return self._again(batch.last)

    def next(self) -> Load | None:
        while self._planned:
            if load := self._again(self._planned.pop(0)):
                return load
        rows = self._take(min(self._connection.rows_per_call, self._trial_left))
        sent = rows[: self._fitting(rows)]
        self._trial_left -= len(sent)
        if len(sent) < len(rows):
            self._put_off = sorted([*rows[len(sent) :], *self._put_off], key=itemgetter(0))
            return self._load(sent, None, self._connection.max_body_bytes)
        return self._load(sent, None) if sent else self._next_too_large()

    def _fitting(self, rows: list[SheetRow]) -> int:
        """How many of these, from the first on, the connection's limit of bytes allows; one always goes."""
        limit = self._connection.max_body_bytes
        if limit is None:
            return len(rows)
        empty = body_bytes = len(self._body([]))
        for place, row in enumerate(rows):
            body_bytes += len(self._body([row])) - empty + (place > 0)  # a comma
            if body_bytes > limit:
                return max(place, 1)
        return len(rows)

    def _next_too_large(self) -> Load | None:
        while self._too_large:
            waiting = ImportRow.objects.filter(job=self._job, status=RowStatus.WAITING)
            if rows := _sheet_rows(waiting.filter(row_number=self._too_large.pop(0))):
                return self._load(rows, None)
        return None

    def _rows_left_of_trial(self) -> float:
        if self._job.trial_rows is None:
            return inf
        settled = sum(self._job.count(status) for status in SETTLED)
        return max(0, self._job.trial_rows - settled - len(self._spoken_for))

    def _again(self, delivery: Delivery) -> Load | None:
        rows = _sheet_rows(waiting_rows(self._job, delivery))
        return self._load(rows, delivery) if rows else None

    def _body(self, rows: list[SheetRow]) -> bytes:
        return _encoded(self._settings, rows, self._connection)

    def _load(self, rows: list[SheetRow], again: Delivery | None, cut_at: int | None = None) -> Load:
        body = self._body(rows)
        batch = Batch([row_number for row_number, _ in rows], hashlib.sha256(body).hexdigest(), again)
        known = frozenset(value for _, values in rows for _, value in identifiers(values))
        return Load(batch, body, known, cut_at)

    def _take(self, size: float) -> list[SheetRow]:
        """Up to `size` rows of different customers; a row of a customer taken already goes with a later call."""
        candidates = self._put_off or (self._unread(size) if size else [])
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

    def _unread(self, limit: float) -> list[SheetRow]:
        """Up to `limit` rows in order, without those that an open or planned call carries already."""
        found: list[SheetRow] = []
        while len(found) < limit:
            waiting = ImportRow.objects.filter(job=self._job, status=RowStatus.WAITING, row_number__gt=self._read_to)
            rows = _sheet_rows(waiting, int(limit) - len(found))
            if not rows:
                break
            self._read_to = rows[-1][0]
            found += [row for row in rows if row[0] not in self._spoken_for]
        return found


def body_bytes_of(delivery: Delivery, connection: Connection) -> int:
    """How long the body of this call was, if nobody has changed the connection since."""
    rows = _sheet_rows(ImportRow.objects.filter(in_ranges(delivery.row_ranges), job=delivery.job_id))
    return len(_encoded(_settings_of(delivery.job), rows, connection))


def _settings_of(job: ImportJob) -> Settings:
    return Settings(match=job.match, identify_way=job.identify_way, operation=job.operation)  # type: ignore[arg-type]  # choices of the model


def _encoded(settings: Settings, rows: list[SheetRow], connection: Connection) -> bytes:
    return encode(batch_body(settings, [values for _, values in rows], connection.customer_id_key))


def _sheet_rows(rows: QuerySet[ImportRow], limit: int | None = None) -> list[SheetRow]:
    """Plain tuples: a model instance per row would cost more than the call."""
    found = rows.order_by("row_number").values_list("row_number", *VALUE_COLUMNS.values())[:limit]
    return [(number, dict(zip(VALUE_COLUMNS, values, strict=True))) for number, *values in found]
