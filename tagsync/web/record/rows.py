"""Rows as the pages show them: a page of them by row number, what is wrong with each, how often each was sent."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from django.db.models import Count, QuerySet
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from tagsync.accounts.models import Person
from tagsync.imports.customer_search import first_of, holding_in, likely_field, sought
from tagsync.imports.models import ImportJob, ImportRow
from tagsync.imports.notes import letter
from tagsync.imports.permissions import may_see_personal_data, sees_in_full, sees_invalid_values
from tagsync.imports.problems import Sentence, sentence
from tagsync.imports.restores import hold
from tagsync.imports.sending.attempts import tries_of
from tagsync.imports.sending.remarks import remark_on_row, remarks_of_rows
from tagsync.imports.sending.unanswered import needs_remark, remark, unanswered_rows
from tagsync.imports.states import ENDED, NEVER_SENT, RETRYABLE, RowStatus
from tagsync.mapping.characters import narrow
from tagsync.mapping.fields import FIELDS, IDENTIFIERS
from tagsync.mapping.masking import HIDDEN, mask
from tagsync.mapping.rows import Note
from tagsync.web.filters import RowFilters, number_in
from tagsync.web.paging import Cut, cut_backwards, cut_forwards
from tagsync.web.record.causes import problem_sentence
from tagsync.web.record.progress import NOT_SENT, with_waiting_shown
from tagsync.web.ui.cells import in_short

PER_PAGE = 50
TAGS_SHOWN = 6
# the note of a row that gave way to a row of a newer import
OVERTAKEN = "superseded_by"
# what a sheet has at most
EXCEL_ROWS = 1_048_576


class Value(NamedTuple):
    label: str
    text: str


class Flaw(NamedTuple):
    """One thing that is wrong with a row, with the cell where it stands, or the row of another import behind it."""

    column: str
    value: str
    sentence: Sentence
    url: str = ""


@dataclass(frozen=True)
class Line:
    number: int
    identifiers: list[Value]
    tags: list[str]
    more_tags: int
    status: str
    flaws: list[Flaw]
    tries: int
    selectable: bool
    # whether this person may send it although it gave way to a newer import
    may_send_anyway: bool = False
    # that it may have been applied although its state does not say so
    remark: Sentence | None = None

    @property
    def retry_query(self) -> str:
        """What asks the retry page for this row alone."""
        asked: dict[str, str | int] = {"choice": "rows", "row": self.number}
        return urlencode(asked | {"in_doubt": 1} if self.status == RowStatus.IN_DOUBT else asked)


class Page(NamedTuple):
    lines: list[Line]
    previous: int | None  # rows before this number
    next: int | None  # rows after this number

    @property
    def selectable(self) -> bool:
        return any(line.selectable for line in self.lines)


@dataclass(frozen=True)
class Sight:
    """What this person may see of this import now."""

    job: ImportJob
    person: Person
    clear: bool
    may_clear: bool
    may_select: bool
    # also of a row to fix the value that is wrong
    shows_invalid: bool
    # of what it left waiting nobody knows whether it was sent
    unsure: bool

    def value(self, field: str, text: str) -> str:
        return in_short(text) if self.clear or field == "tags" else mask(field, text)

    def value_in(self, row: ImportRow, field: str, text: str) -> str:
        return in_short(text) if self.shows_invalid and field in row.invalid_fields else self.value(field, text)


def sight(job: ImportJob, person: Person, *, asked: bool = False, unsure: Container[int] | None = None) -> Sight:
    """`unsure`: as `hold.unsure` tells it of several imports, of which this is one."""
    in_full = sees_in_full(person, job)
    may_clear = may_see_personal_data(person) and not in_full
    may_select = person.has_perm("imports.retry_imports") and job.status in ENDED
    clear = in_full or (may_clear and asked)
    is_unsure = job.pk in (hold.unsure([job]) if unsure is None else unsure)
    return Sight(job, person, clear, may_clear, may_select, sees_invalid_values(person, job), is_unsure)


def page_of_rows(seen: Sight, filters: RowFilters, per_page: int = PER_PAGE) -> Page:
    """One page in the order of the sheet, found by row number and not by counting: the last is as fast as the first."""
    questions = asked_for(seen.job, filters)
    if before := filters.get("before"):
        found = first_of((rows.filter(row_number__lt=before) for rows in questions), per_page + 1, "-row_number")
        return _page(seen, cut_backwards(found, per_page))
    after = filters.get("after", 0)
    found = first_of((rows.filter(row_number__gt=after) for rows in questions), per_page + 1, "row_number")
    return _page(seen, cut_forwards(found, per_page, from_beginning=not after))


def only_row(job: ImportJob, typed: str) -> int | None:
    """The number of the row that a search finds when it finds just one."""
    found = first_of(asked_for(job, {"typed": typed}), 2, "row_number")
    return found[0].row_number if len(found) == 1 else None


def counts_of_cause(job: ImportJob, problem: int) -> dict[str, int]:
    """Shown state → rows with this cause."""
    rows = ImportRow.objects.filter(problem=problem).order_by()
    found = rows.values_list("status").annotate(rows=Count("*"), maybe=Count("unanswered_at"))
    counts = {status: number for status, number, _maybe in found}
    maybe = {status: number for status, _number, number in found}
    waiting = counts if hold.unsure([job]) else maybe
    return with_waiting_shown(job, counts, waiting.get(RowStatus.WAITING, 0))


def number_of_rows(filters: RowFilters, counts: Mapping[str, int]) -> int:
    """How many rows a filter shows on all its pages; `counts`: those of the import or of the cause, by shown state."""
    return counts.get(filters["status"], 0) if "status" in filters else sum(counts.values())


def asked_for(job: ImportJob, filters: RowFilters) -> list[QuerySet[ImportRow]]:
    """Questions whose answers together are the rows that the filters mean; `typed` is an identifier or a row number."""
    typed = filters.get("typed", "")
    if not typed:
        return [filtered(job, filters), *_shown_in_doubt(job, filters)]
    number = row_number_of(typed)
    by_number = [ImportRow.objects.filter(job=job, row_number=number)] if number else []
    return [narrowed(rows, filters) for rows in (*holding_in(job, sought(typed)), *by_number)]


def _shown_in_doubt(job: ImportJob, filters: RowFilters) -> list[QuerySet[ImportRow]]:
    """What an ended import left waiting although it may have been applied is shown among the rows in doubt."""
    if filters.get("status") != RowStatus.IN_DOUBT or job.status not in ENDED or not job.count(RowStatus.WAITING):
        return []
    return [narrowed(unanswered_rows(job), filters | {"status": RowStatus.WAITING})]


def row_number_of(typed: str) -> int:
    """The number of the row that may be meant, 0 when none is: an identifier can be a small number as well."""
    return number_in(narrow(typed).strip().replace(",", ""), EXCEL_ROWS)


def shown_search(seen: Sight, typed: str) -> str:
    """What was typed, as the page may show it: a row number is nobody's secret."""
    if not typed or row_number_of(typed):
        return typed
    return seen.value(likely_field(typed), typed)


def filtered(job: ImportJob, filters: RowFilters) -> QuerySet[ImportRow]:
    return narrowed(ImportRow.objects.filter(job=job), filters)


def narrowed(rows: QuerySet[ImportRow], filters: RowFilters) -> QuerySet[ImportRow]:
    rows = rows.select_related("problem")
    if status := filters.get("status"):
        unsent = {"status": RowStatus.WAITING, "unanswered_at": None}
        rows = rows.filter(**unsent) if status == NOT_SENT else rows.filter(status=status)
    if problem := filters.get("problem"):
        rows = rows.filter(problem=problem)
    return rows


def _page(seen: Sight, cut: Cut[ImportRow]) -> Page:
    rows = cut.lines
    tries = tries_of(seen.job, [row.row_number for row in rows])
    said, others = remarks_on(rows), overtakers(seen, rows)
    lines = [line(seen, row, tries[row.row_number], others, said.get(row.pk, "")) for row in rows]
    if not lines:
        return Page([], None, None)
    return Page(lines, lines[0].number if cut.has_previous else None, lines[-1].number if cut.has_next else None)


def remarks_on(rows: Iterable[ImportRow]) -> dict[int, str]:
    """Id of an accepted row → what the platform remarked on its call; one query, and none without accepted rows."""
    accepted = [row for row in rows if row.status == RowStatus.ACCEPTED]
    numbers: dict[int, list[int]] = {}
    for row in accepted:
        numbers.setdefault(row.job_id, []).append(row.row_number)
    found = remarks_of_rows(numbers)
    return {row.pk: words for row in accepted if (words := found.of(row.job_id, row.row_number))}


def line(seen: Sight, row: ImportRow, tries: int, others: Collection[int] = (), remarks: str = "") -> Line:
    """`others`: the imports that this person may visit; `remarks`: the platform's, on the call that it accepted."""
    tags = [in_short(tag) for tag in row.tags.split(",") if tag]
    return Line(
        number=row.row_number,
        # What tells the reader something comes first: a short ID is masked as a whole.
        identifiers=sorted(values_of(seen, row, IDENTIFIERS), key=lambda value: value.text == HIDDEN),
        tags=tags[:TAGS_SHOWN],
        more_tags=max(len(tags) - TAGS_SHOWN, 0),
        status=shown_status(seen, row),
        flaws=flaws(seen, row, others),
        tries=shown_tries(shown_status(seen, row), tries),
        selectable=seen.may_select and row.status in RETRYABLE,
        may_send_anyway=seen.may_select and row.status == RowStatus.SUPERSEDED,
        remark=remark(row) if needs_remark(row) else remark_on_row() if remarks else None,
    )


def values_of(seen: Sight, row: ImportRow, fields: Iterable[str] = FIELDS) -> list[Value]:
    """The filled values with the names of their fields, masked as this person has to see them."""
    values = row.values_by_field()
    return [Value(_(FIELDS[key].label), seen.value_in(row, key, values[key])) for key in fields if values[key]]


def shown_tries(status: str, tries: int) -> int:
    """Of what was never sent, none: that a refused batch held it, whose halves were not sent any more, is no try."""
    return 0 if status == NOT_SENT or status in NEVER_SENT else tries


def shown_status(seen: Sight, row: ImportRow) -> str:
    """Of an ended import nothing waits: it was not sent, or nobody knows."""
    if row.status != RowStatus.WAITING or seen.job.status not in ENDED:
        return row.status
    return RowStatus.IN_DOUBT if seen.unsure or row.unanswered_at else NOT_SENT


def overtakers(seen: Sight, rows: Iterable[ImportRow]) -> set[int]:
    """The newer imports that these rows gave way to, as far as this person may see them."""
    named = {note.params["import"] for row in rows for note in row.noted if note.code == OVERTAKEN}
    if not named:
        return set()
    return set(ImportJob.objects.visible_to(seen.person).filter(pk__in=named).values_list("pk", flat=True))


def flaws(seen: Sight, row: ImportRow, others: Collection[int] = ()) -> list[Flaw]:
    """Every problem of the row: those of the check cell by cell, otherwise what happened when it was sent."""
    found = [_flaw(seen, row, note, others) for note in row.noted]
    if not found and row.problem:
        found = [Flaw("", "", problem_sentence(row.problem))]
    return found


def _flaw(seen: Sight, row: ImportRow, note: Note, others: Collection[int]) -> Flaw:
    field = note.field or ""
    value = seen.value_in(row, field, note.value) if note.value else ""
    said = sentence(note.code, {"field": field, **note.params})
    other = note.params.get("import") if note.code == OVERTAKEN else None
    url = f"{reverse('import_rows', args=[other])}?row={note.params.get('row')}" if other in others else ""
    return Flaw(letter(note), value, said, url)
