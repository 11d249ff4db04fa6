"""One row with everything known about it: its cells, what to do next, what was sent, each try with its answer."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Max, Min
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tagsync.imports.models import ImportRow
from tagsync.imports.sending.attempts import calls_of
from tagsync.imports.states import UNSTARTED, RowStatus
from tagsync.mapping.fields import FIELDS, IDENTIFIERS
from tagsync.web.filters import RowFilters
from tagsync.web.record.calls import CallLine, call_lines, request_of
from tagsync.web.record.progress import NOT_SENT
from tagsync.web.record.rows import Line, Sight, filtered, line, overtakers, shown_status
from tagsync.web.ui.cells import in_short

TRIES_SHOWN = 3

# What to do with a row that has no problem.
NEXT: dict[str, str | Promise] = {
    RowStatus.ACCEPTED: gettext_lazy("The platform has accepted this row. Nothing to do."),
    RowStatus.DUPLICATE: gettext_lazy("The same as an earlier row, which counts for both. Nothing to do."),
    RowStatus.LEFT_OUT: gettext_lazy("Left out before the start. To send it, upload it in a new import."),
    RowStatus.WAITING: gettext_lazy("It is sent as soon as it is its turn. Nothing to do."),
    # one with a problem says so itself; this is one that an ended import left waiting
    RowStatus.IN_DOUBT: gettext_lazy("It was sent, but no readable answer came. “Resume” sends it again."),
    NOT_SENT: gettext_lazy("The import ended before this row was sent. “Resume” sends it."),
}
# Accepted, but the answer said more; the remark below it says what to do.
REMARKED = gettext_lazy("The platform has accepted this row, with remarks.")
READY = gettext_lazy("Nothing is wrong with this row: it is sent when the import is started.")


@dataclass(frozen=True)
class Cell:
    """A value with the columns of the file that it comes from: their letters count from 0."""

    columns: list[int]
    headers: list[str]
    field: str
    label: str
    text: str

    @property
    def told(self) -> bool:
        """Whether the name of the field says more than the header."""
        return self.headers != [self.label]

    @property
    def tags(self) -> list[str]:
        return [in_short(tag) for tag in self.text.split(",") if tag] if self.field == "tags" else []


@dataclass(frozen=True)
class OpenedRow:
    line: Line
    cells: list[Cell]
    # the identifier by which everything about its customer can be asked for, "" when it has none
    identified_by: str
    # what to do, when no problem says so
    next_step: str
    # other rows that share its problem
    problem: int | None
    # the body of a call with this row alone, empty when it was never sent
    request: str
    # newest first, with the number of the try
    tries: list[tuple[int, CallLine]]
    # the rows around it, as the table behind it goes
    previous: int | None
    following: int | None
    unanswered: bool

    @property
    def never_sent(self) -> bool:
        """Whether no call carried it: there is none, and none of which only the row knows."""
        return not self.tries and not self.unanswered

    @property
    def latest(self) -> list[tuple[int, CallLine]]:
        return self.tries[:TRIES_SHOWN]

    @property
    def earlier(self) -> list[tuple[int, CallLine]]:
        """Halving a refused batch takes up to ten calls before the row is found: seldom read."""
        return self.tries[TRIES_SHOWN:]


def opened_row(seen: Sight, filters: RowFilters, number: int) -> OpenedRow | None:
    job = seen.job
    row = ImportRow.objects.filter(job=job, row_number=number).select_related("problem").first()
    if row is None:
        return None
    calls = call_lines(calls_of(job, number))
    around = filtered(job, filters).order_by()
    said = READY if job.status in UNSTARTED else NEXT.get(shown_status(seen, row), "")
    remarks = _remarks(row, calls)
    return OpenedRow(
        line=line(seen, row, len(calls), overtakers(seen, [row]), remarks),
        cells=_cells(seen, row),
        identified_by=next((field for field in IDENTIFIERS if row.values_by_field()[field]), ""),
        next_step=str(REMARKED if remarks else said),
        problem=row.problem_id,
        request=request_of(job, [number]) if calls else "",
        tries=list(enumerate(calls, start=1))[::-1],
        previous=around.filter(row_number__lt=number).aggregate(found=Max("row_number"))["found"],
        following=around.filter(row_number__gt=number).aggregate(found=Min("row_number"))["found"],
        unanswered=shown_status(seen, row) == RowStatus.IN_DOUBT or row.unanswered_at is not None,
    )


def _remarks(row: ImportRow, calls: list[CallLine]) -> str:
    if row.status != RowStatus.ACCEPTED:
        return ""
    return next((line.call.remarks for line in calls if line.call.is_remarked), "")


def _cells(seen: Sight, row: ImportRow) -> list[Cell]:
    """The values of the chosen columns, also the empty ones, masked as this person has to see them."""
    values, found = row.values_by_field(), []
    for key, text in values.items():
        columns = [column for column in seen.job.columns if column["field"] == key]
        if columns or text:
            numbers, headers = [c["column"] for c in columns], [c["header"] for c in columns]
            shown = text if key == "tags" or not text else seen.value_in(row, key, text)
            found.append(Cell(numbers, headers, key, _(FIELDS[key].label), shown))
    return found
