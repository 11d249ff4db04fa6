"""One customer as the page shows her: what was asked of the platform last, and every row that ever named her.

Knows what imports hold; must not know how an identifier came here, and shows it masked unless asked and allowed.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.imports.customer_search import (
    Intention,
    Other,
    Scan,
    Sought,
    Step,
    intentions,
    likely_field,
    others,
    place_of,
    rows_of,
    scan,
    search_for,
)
from tagsync.imports.models import ImportJob, ImportRow
from tagsync.imports.models.row import VALUE_COLUMNS
from tagsync.imports.permissions import may_see_personal_data
from tagsync.imports.restores import hold
from tagsync.imports.sending.attempts import tries_in
from tagsync.imports.sending.remarks import RowRemarks, remarks_of_rows
from tagsync.imports.states import ENDED, UNSTARTED, RowStatus
from tagsync.mapping.fields import CUSTOMER_ID, FIELDS, IDENTIFIERS
from tagsync.mapping.masking import mask
from tagsync.web.filters import CustomerFilters
from tagsync.web.paging import cut_backwards, cut_forwards
from tagsync.web.record.rows import Line, Sight, line, overtakers, remarks_on, sight

PER_PAGE = 50
TAGS_SHOWN = 50


@dataclass(frozen=True)
class RowLine:
    job: ImportJob
    line: Line
    url: str
    when: datetime
    started: bool


class Page(NamedTuple):
    lines: list[RowLine]
    newer: str
    older: str


@dataclass(frozen=True)
class TagLine:
    """`deletes`: what the newest accepted row did; `open`: a newer row whose outcome nobody knows yet."""

    tag: str
    connection: Connection
    accepted: Step | None
    accepted_url: str
    # what the platform remarked when it accepted that row
    remarks: str
    open: Step | None
    open_url: str
    # the state of that row as pages name it
    open_status: str


class Elsewhere(NamedTuple):
    label: str
    text: str
    other: Other


@dataclass(frozen=True)
class Customer:
    shown: str
    label: str
    rows: int
    imports: int
    whole: bool
    tags: list[TagLine]
    more_tags: int
    platforms: int
    elsewhere: list[Elsewhere]
    page: Page


def customer(person: Person, typed: str, filters: CustomerFilters) -> Customer:
    seen = scan(search_for(person, typed))
    wanted = seen.search.wanted
    clear = filters.get("unmasked", False) and may_see_personal_data(person)
    field = _field(seen, wanted) or likely_field(typed)
    known = intentions(seen)
    return Customer(
        shown=_shown(field, wanted, clear),
        label=_(FIELDS[field].label) if field else "",
        rows=len(seen.rows),
        imports=len(seen.jobs),
        whole=seen.whole,
        tags=_tag_lines(known[:TAGS_SHOWN]),
        more_tags=max(len(known) - TAGS_SHOWN, 0),
        platforms=len({one.connection.pk for one in known}),
        elsewhere=[_elsewhere(one, clear) for one in others(seen)],
        page=_page(seen, filters),
    )


def _field(seen: Scan, wanted: Sought) -> str:
    """The kind of identifier by which the newest row was found, "" without a row."""
    values = seen.rows[0].values_by_field() if seen.rows else {}
    return next((field for field in IDENTIFIERS if values and values[field] == wanted.get(VALUE_COLUMNS[field])), "")


def _shown(field: str, wanted: Sought, clear: bool) -> str:
    value = wanted[VALUE_COLUMNS[field or CUSTOMER_ID]]
    return value if clear else mask(field, value)


def _elsewhere(other: Other, clear: bool) -> Elsewhere:
    return Elsewhere(_(FIELDS[other.field].label), other.value if clear else mask(other.field, other.value), other)


# -- the latest per tag


def _tag_lines(known: list[Intention]) -> list[TagLine]:
    numbers: dict[int, list[int]] = {}
    for one in known:
        if one.accepted:
            numbers.setdefault(one.accepted.job.pk, []).append(one.accepted.row_number)
    said = remarks_of_rows(numbers)
    return [_tag_line(one, said) for one in known]


def _tag_line(one: Intention, said: RowRemarks) -> TagLine:
    return TagLine(
        tag=one.tag,
        connection=one.connection,
        accepted=one.accepted,
        accepted_url=_step_url(one.accepted),
        remarks=said.of(one.accepted.job.pk, one.accepted.row_number) if one.accepted else "",
        open=one.open,
        open_url=_step_url(one.open),
        open_status=_open_status(one.open),
    )


def _open_status(step: Step | None) -> str:
    if step is None:
        return ""
    # What an ended import left waiting although it may have been applied: see `shown_status`.
    left = step.status == RowStatus.WAITING and step.job.status in ENDED
    return RowStatus.IN_DOUBT if left else step.status


def _step_url(step: Step | None) -> str:
    return _row_url(step.job.pk, step.row_number) if step else ""


def _row_url(job: int, row_number: int) -> str:
    return f"{reverse('import_rows', args=[job])}?{urlencode({'row': row_number})}#row"


# -- row by row


def _page(seen: Scan, filters: CustomerFilters) -> Page:
    """Newest import first. Found by place and not by counting, so that the last page is as fast as the first."""
    newer, older = filters.get("newer"), filters.get("older")
    found = rows_of(seen, PER_PAGE + 1, newer=newer, older=older)
    cut = cut_backwards(found[::-1], PER_PAGE) if newer else cut_forwards(found, PER_PAGE, from_beginning=not older)
    rows = cut.lines
    if not rows:
        return Page([], "", "")
    return Page(
        _lines(seen.search.person, rows, asked=filters.get("unmasked", False)),
        _place(rows[0]) if cut.has_previous else "",
        _place(rows[-1]) if cut.has_next else "",
    )


def _place(row: ImportRow) -> str:
    return "-".join(map(str, place_of(row)))


def _lines(person: Person, rows: list[ImportRow], *, asked: bool) -> list[RowLine]:
    numbers: dict[int, list[int]] = {}
    for row in rows:
        if row.job.status not in UNSTARTED:
            numbers.setdefault(row.job_id, []).append(row.row_number)
    tries = tries_in(numbers)
    unsure = hold.unsure(row.job for row in rows)
    sights = {row.job_id: _sight(row.job, person, asked, unsure) for row in rows}
    newer, said = overtakers(next(iter(sights.values())), rows), remarks_on(rows)
    return [_line(sights[row.job_id], row, tries[place_of(row)], newer, said.get(row.pk, "")) for row in rows]


def _sight(job: ImportJob, person: Person, asked: bool, unsure: Container[int]) -> Sight:
    """Masked also in her own unstarted imports: here nobody repairs a sheet."""
    seen = sight(job, person, asked=asked, unsure=unsure)
    return replace(seen, clear=asked and may_see_personal_data(person), may_select=False, shows_invalid=False)


def _line(seen: Sight, row: ImportRow, tries: int, newer: set[int], remarks: str) -> RowLine:
    job = seen.job
    return RowLine(
        job=job,
        line=line(seen, row, tries, newer, remarks),
        url=_row_url(job.pk, row.row_number),
        when=job.first_confirmed_at or job.created_at,
        started=job.status not in UNSTARTED,
    )


def identifier_of(job: ImportJob, asked: Mapping[str, Any]) -> str:
    """The value that stands in this field of this row, "" when there is none."""
    row = ImportRow.objects.filter(job=job, row_number=asked["row"]).first()
    return row.values_by_field()[asked["field"]] if row else ""
