"""The promises C1–C6 of an import, checked against its rows, its calls and the sandbox's ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from tagsync.imports.counting import counted
from tagsync.imports.models import Delivery, ImportJob
from tagsync.imports.states import ENDED, RowStatus
from tagsync.mapping.rows import identifiers
from tagsync.sandbox.ledger import Entry

NEEDS_PROBLEM = {RowStatus.TO_FIX, RowStatus.REJECTED, RowStatus.IN_DOUBT, RowStatus.SUPERSEDED}


def key_of(row: dict[str, str]) -> tuple[tuple[tuple[str, str], ...], str]:
    return identifiers(row), row["tags"]


def applied_rows(ledger: Iterable[Entry]) -> Counter[object]:
    return Counter(key_of(row) for entry in ledger if entry.applied for row in entry.rows)


def check_invariants(job: ImportJob, ledger: Iterable[Entry], rows_in_file: int | None = None) -> None:
    job = ImportJob.objects.get(pk=job.pk)
    ledger = list(ledger)
    # C1: every row in exactly one state, and the counts say so
    assert counted(job) == job.counts
    if rows_in_file is not None:
        assert job.total == rows_in_file
    received = Counter(key_of(row) for entry in ledger for row in entry.rows)
    applied = applied_rows(ledger)
    deliveries = list(Delivery.objects.filter(job=job))
    for row in job.rows.select_related("problem"):
        values = row.values_by_field()
        # C2: what is accepted is there; what was never tried, or surely not sent, is not
        if row.status == RowStatus.ACCEPTED:
            assert applied[key_of(values)] >= 1, row.row_number
        tries = [d for d in deliveries if any(a <= row.row_number <= b for a, b in d.row_ranges)]
        if not tries and row.status != RowStatus.DUPLICATE:
            assert received[key_of(values)] == 0, row.row_number
        # C3: each arrival is a call that we know of
        if row.status in (RowStatus.ACCEPTED, RowStatus.REJECTED, RowStatus.IN_DOUBT):
            assert received[key_of(values)] <= len(tries), row.row_number
        # C6: who failed knows why
        if row.status in NEEDS_PROBLEM:
            assert row.problem is not None, row.row_number
    if job.status in ENDED:
        assert job.lease_until is None
        assert not [d for d in deliveries if d.state in ("planned", "sending")]
