"""Sending failed rows again: which rows a choice means, and the move that makes them wait once more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, QuerySet

from tagsync.accounts.models import Person
from tagsync.database import let_others_write
from tagsync.imports import figures
from tagsync.imports.fixed_rows import without_taken_up
from tagsync.imports.locking import under_lease
from tagsync.imports.models import ImportJob, ImportRow
from tagsync.imports.models.delivery import DeliveryState
from tagsync.imports.sending import counts
from tagsync.imports.sending.to_send import rows_to_send
from tagsync.imports.states import RETRYABLE, RowStatus

ROWS_PER_COMMIT = 5000


@dataclass(frozen=True)
class Selection:
    """Rows to send again. Empty `problems` and `row_numbers` mean all rows in `statuses`.

    Superseded rows are sent over the newer opposite ones; only when they are named, and never by themselves.
    """

    statuses: frozenset[RowStatus] = frozenset({RowStatus.REJECTED})
    problems: Sequence[int] = ()
    row_numbers: Sequence[int] = ()

    def as_json(self) -> dict[str, Any]:
        return {"statuses": sorted(self.statuses), "problems": [*self.problems], "row_numbers": [*self.row_numbers]}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Selection:
        statuses = frozenset(RowStatus(status) for status in stored["statuses"])
        return cls(statuses, stored["problems"], stored["row_numbers"])


class NothingToRetry(Exception):
    """No row of the selection is rejected or in doubt (any more)."""


def selected(job: ImportJob, selection: Selection) -> QuerySet[ImportRow]:
    """The rows that a retry would send. Neither accepted ones nor those that a corrected sheet has fixed."""
    may_be_chosen = RETRYABLE | {RowStatus.SUPERSEDED}
    rows = ImportRow.objects.filter(job=job, status__in=selection.statuses & may_be_chosen)
    if selection.problems:
        rows = rows.filter(problem__in=selection.problems)
    if selection.row_numbers:
        rows = rows.filter(row_number__in=selection.row_numbers)
    return without_taken_up(rows, job)


def counted_by_status(job: ImportJob, selection: Selection) -> dict[str, int]:
    """For the review before the button: status → rows of the choice. Those that wait go along, see `rows_sent`."""
    return dict(selected(job, selection).order_by().values_list("status").annotate(number=Count("id")))


def rows_sent(job: ImportJob, selection: Selection) -> int:
    """How many rows a retry of this choice sends, with those that wait; 0 when there is none to retry."""
    return rows_to_send(job, chosen=sum(counted_by_status(job, selection).values()))


def queue_selected(job: ImportJob, selection: Selection, by: Person) -> int:
    """Queue the selected rows as the next run; returns how many it sends. Raises NothingToRetry, MoveRefused.

    The caller holds the locks. What is more than one transaction's work the worker takes up before it sends anything.
    """
    rows = rows_sent(job, selection)
    if not rows:
        raise NothingToRetry
    # Whoever sends rows of a settled cause again wants to know what becomes of them.
    causes = selected(job, selection).exclude(problem=None).values("problem")
    job.problems.filter(pk__in=causes).update(settled_at=None, settled_by=None)
    # Never sent, so never a call: the rows of planned pieces form new batches in the new run.
    job.deliveries.filter(state=DeliveryState.PLANNED).delete()
    job.retry(by, rows, selection.as_json())
    _take_up_piece(job)
    return rows


def take_up(job: ImportJob, goes_on: Callable[[], bool]) -> bool:
    """Make the rest of what a retry chose wait again; False when `goes_on` said no before it was done.

    Before anything of the run is sent: what is refused in this run would be chosen once more. Raises FenceLost.
    """
    while job.retry_selection is not None:
        with under_lease(job) as locked:
            # None: somebody has stopped it since, and what was not taken up stays as it is.
            if locked.retry_selection is not None:
                _take_up_piece(locked)
        job.retry_selection = locked.retry_selection
        if job.retry_selection is not None:
            let_others_write()
            if not goes_on():
                return False
    return True


def _take_up_piece(locked: ImportJob) -> None:
    assert locked.retry_selection is not None
    chosen = selected(locked, Selection.from_json(locked.retry_selection)).order_by("row_number")
    piece = list(chosen.values_list("pk", "status")[:ROWS_PER_COMMIT])
    for status in {status for _, status in piece}:
        rows = ImportRow.objects.filter(pk__in=[pk for pk, of_row in piece if of_row == status])
        changes: dict[str, Any] = {"status": RowStatus.WAITING, "problem": None, "notes": [], "settled_run": None}
        if status == RowStatus.SUPERSEDED:
            changes["confirmed_number"] = locked.queue_number
        counts.shift(locked, out_of=RowStatus(status), into=RowStatus.WAITING, rows=rows.update(**changes))
    if len(piece) < ROWS_PER_COMMIT:
        locked.retry_selection = None
    locked.save(update_fields=["counts", "retry_selection"])
    figures.recount(locked)
