"""How many rows a press of a button sends: the one figure that buttons, titles and messages show."""

from __future__ import annotations

from tagsync.imports.models import ImportJob
from tagsync.imports.states import RowStatus


def rows_to_send(job: ImportJob, *, chosen: int | None = None, trial_rows: int | None = None) -> int:
    """All rows that wait. `chosen`: settled rows to be sent again, which these go along with; none of them, no retry.

    `trial_rows`: only so many go, then it waits for a person.
    """
    if chosen == 0:
        return 0
    rows = job.count(RowStatus.WAITING) + (chosen or 0)
    return rows if trial_rows is None else min(rows, trial_rows)
