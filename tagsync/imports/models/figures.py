"""The figures of an import: how many rows are in which state, and what became of those that failed.

Every page, notice and filter has its numbers from here; nobody adds states up on their own.
"""

from __future__ import annotations

from django.db import models
from django.db.models import F

from tagsync.imports.states import FAILURES, JobStatus, RowStatus


class Figures(models.Model):
    # state → rows, written in the transaction that changes the rows
    counts = models.JSONField(default=dict, blank=True)

    # What became of the failures, since the import came to rest: `imports.figures` writes it with whatever changes it.
    # Failed rows that the platform accepted from a corrected sheet.
    fixed_failures = models.PositiveIntegerField(default=0)
    # Failed rows, not fixed, whose cause somebody marked as settled.
    settled_failures = models.PositiveIntegerField(default=0)
    # The others, by who acts next: the sheet has to be corrected, or an admin can send them again.
    left_to_owner = models.PositiveIntegerField(default=0)
    left_to_admins = models.PositiveIntegerField(default=0)
    # [[problem, rows of it that are left], …]: the biggest ones
    left_causes = models.JSONField(default=list, blank=True)

    # of the import
    went_on_as_id: int | None

    class Meta:
        abstract = True

    @property
    def total(self) -> int:
        """Non-blank rows of the file that are in the database."""
        return sum(self.counts.values())

    def count(self, status: RowStatus) -> int:
        return int(self.counts.get(status, 0))

    @property
    def failed(self) -> int:
        """Rows that were sent and not accepted."""
        return self.count(RowStatus.REJECTED) + self.count(RowStatus.IN_DOUBT)

    @property
    def failures(self) -> int:
        """All that failed, before or after sending, whatever was done about it since."""
        return sum(self.count(status) for status in FAILURES)

    @property
    def open_failures(self) -> int:
        """Failed rows that are neither fixed nor settled, nor gone over to an import that went on with them."""
        return 0 if self.went_on_as_id else self._unsettled

    @property
    def _unsettled(self) -> int:
        return max(self.failures - self.fixed_failures - self.settled_failures, 0)

    @property
    def ending(self) -> str:
        """How a finished import is shown: by what is left of its failures."""
        if not self.failures:
            return JobStatus.FINISHED
        if self._unsettled:
            return "finished_with_failures"
        return "finished_all_settled" if self.settled_failures else "finished_all_fixed"


# The same of an ended import in a query, of columns alone.
OPEN_FAILURES = F("left_to_owner") + F("left_to_admins")
