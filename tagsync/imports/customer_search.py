"""Everything that imports hold about one customer, found by any identifier. Knows no pages, no masks, no addresses.

Each column of identifiers is asked by itself: a range of its index. One question with an OR would leave it to the
database's estimates whether a page costs a millisecond or a walk through a million rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.imports.models import ImportJob, ImportRow
from tagsync.imports.models.row import VALUE_COLUMNS, Shelf, is_filled
from tagsync.imports.restores import hold
from tagsync.imports.states import UNDER_WAY, JobStatus, RowStatus
from tagsync.mapping.characters import storable
from tagsync.mapping.fields import CUSTOMER_ID, FIELDS, IDENTIFIERS
from tagsync.sheets.cells import Cell, Kind

# So many rows are looked at for the intentions and for other identifiers; who has more is no single customer.
SCANNED = 300
# With more other identifiers than these, the one that was typed belongs to many people: a shared phone, a placeholder.
OTHERS = 6
OTHER_ROWS = 100

# column of ImportRow → the value that it would hold
Sought = Mapping[str, str]


class Place(NamedTuple):
    job_id: int
    row_number: int


def place_of(row: ImportRow) -> Place:
    return Place(row.job_id, row.row_number)


# -- what was typed


def sought(typed: str) -> dict[str, str]:
    """As each column would hold it: cleaned like a cell, or as typed where the cell would have to be fixed."""
    cell = _cell(typed)
    cleaned = {VALUE_COLUMNS[field]: FIELDS[field].clean(cell) for field in IDENTIFIERS}
    return {column: one.value for column, one in cleaned.items() if one.value}


def is_masked(typed: str) -> bool:
    """As pages show identifiers: with the middle hidden, nobody can be found by it."""
    cell = _cell(typed)
    return any(flaw.code == "masked_value" for field in IDENTIFIERS for flaw in FIELDS[field].clean(cell).flaws)


def likely_field(typed: str) -> str:
    """What kind of identifier it most probably is, "" when no column would take it."""
    cell = _cell(typed)
    fits = (field for field in ("phone", "openid", CUSTOMER_ID) if not FIELDS[field].clean(cell).flaws)
    return next(fits, "")


def _cell(typed: str) -> Cell:
    return Cell(Kind.TEXT, storable(typed).strip())


# -- rows


@dataclass(frozen=True)
class Search:
    """Who looks for whom, and on which shelves anything that she may see can lie."""

    person: Person
    wanted: Sought
    shelves: Sequence[int]

    def rows(self) -> QuerySet[ImportRow]:
        """All rows that the person may see; to be narrowed by an identifier.

        What is asked about the import is asked of `whose`, which no index knows: any other way than by the identifier
        would be a longer one, and SQLite, which keeps no figures of the table, would take it.
        """
        rows = ImportRow.objects.alias(shelf=Shelf("id"), whose=F("job_id") + 0).filter(shelf__in=self.shelves)
        if self.person.has_perm("imports.view_all_imports"):
            # Hardly ever any: those whose rows are being deleted.
            gone = ImportJob.objects.filter(status=JobStatus.DISCARDED)
            return rows.exclude(whose__in=gone.values("pk"))
        return rows.filter(Exists(ImportJob.objects.visible_to(self.person).filter(pk=OuterRef("whose"))))


def search_for(person: Person, typed: str) -> Search:
    return Search(person, sought(typed), _shelves(*_ends(ImportRow.objects.all(), "id")))


def _ends(rows: QuerySet[ImportRow], order: str) -> tuple[int, int]:
    """The ids of the first and the last row."""
    ids = rows.values_list("pk", flat=True)
    return ids.order_by(order).first() or 0, ids.order_by(f"-{order}").first() or 0


def _shelves(first: int, last: int) -> range:
    return range(first // Shelf.ROWS, last // Shelf.ROWS + 1)


def holding(rows: QuerySet[ImportRow], wanted: Sought) -> list[QuerySet[ImportRow]]:
    """One question per column; together those of `rows` in which any identifier is the one sought."""
    return [rows.filter(is_filled(column), **{column: value}) for column, value in wanted.items()]


def holding_in(job: ImportJob, wanted: Sought) -> list[QuerySet[ImportRow]]:
    """The same for rows of one import. Not by its index: SQLite would walk through all of it to save the sorting.

    The check writes rows in the order of the sheet, so that the import's first and last row stand at its ends.
    """
    shelves = _shelves(*_ends(ImportRow.objects.filter(job=job), "row_number"))
    rows = ImportRow.objects.alias(shelf=Shelf("id"), whose=F("job_id") + 0)
    return holding(rows.filter(shelf__in=shelves, whose=job.pk), wanted)


def among(job: ImportJob, column: str, values: Iterable[str]) -> QuerySet[ImportRow]:
    """Rows of one import with any of these identifiers in this column."""
    shelves = _shelves(*_ends(ImportRow.objects.filter(job=job), "row_number"))
    rows = ImportRow.objects.alias(shelf=Shelf("id"), whose=F("job_id") + 0).filter(shelf__in=shelves, whose=job.pk)
    return rows.filter(is_filled(column), **{f"{column}__in": list(values)})


def first_of(questions: Iterable[QuerySet[ImportRow]], most: int, *order: str) -> list[ImportRow]:
    """The first rows of all questions together, each once, in the order of their attributes ("-" all descending)."""
    found = {row.pk: row for question in questions for row in question.order_by(*order)[:most]}
    by = attrgetter(*(name.lstrip("-") for name in order))
    return sorted(found.values(), key=by, reverse=order[0].startswith("-"))[:most]


# -- what the rows say together


@dataclass(frozen=True)
class Scan:
    """The customer's newest rows with their imports, as far as the conclusions need them."""

    search: Search
    rows: list[ImportRow]
    jobs: dict[int, ImportJob]
    connections: dict[int, Connection]
    whole: bool


def scan(search: Search, most: int = SCANNED) -> Scan:
    rows = search.rows().defer("notes", "problem", "corrects_row", "settled_run")
    found = first_of(holding(rows, search.wanted), most + 1, "-job_id", "-row_number")
    jobs = ImportJob.objects.filter(pk__in={row.job_id for row in found[:most]})
    named = jobs.only(
        "title", "file_name", "operation", "status", "counts", "first_confirmed_at", "first_queue_number", "connection"
    )
    known = {job.pk: job for job in named}
    platforms = Connection.objects.only("name", "is_sandbox").in_bulk({job.connection_id for job in known.values()})
    return Scan(search, found[:most], known, platforms, len(found) <= most)


def rows_of(seen: Scan, most: int, *, older: Place | None = None, newer: Place | None = None) -> list[ImportRow]:
    """The customer's rows that the person may see, newest import first; `newer` asks for those just above a place."""
    if newer:
        found = [row for row in seen.rows if place_of(row) > newer][-most:]
        is_known = seen.whole or newer >= place_of(seen.rows[-1])
    else:
        found = [row for row in seen.rows if older is None or place_of(row) < older][:most]
        is_known = seen.whole or len(found) == most
    if not is_known:
        found = _further(seen.search, most, older, newer)
    whole = ImportRow.objects.filter(pk__in=[row.pk for row in found])
    whole = whole.select_related("job__owner", "job__connection", "problem").defer("job__columns", "job__summary")
    return list(whole.order_by("-job_id", "-row_number"))


def _further(search: Search, most: int, older: Place | None, newer: Place | None) -> list[ImportRow]:
    """Beyond what was scanned, the database is asked for the rows next to a place."""
    rows, order = search.rows().only("job_id", "row_number"), ("-job_id", "-row_number")
    if newer:
        rows = rows.filter(Q(whose__gt=newer.job_id) | Q(whose=newer.job_id, row_number__gt=newer.row_number))
        order = ("job_id", "row_number")
    elif older:
        rows = rows.filter(Q(whose__lt=older.job_id) | Q(whose=older.job_id, row_number__lt=older.row_number))
    return first_of(holding(rows, search.wanted), most, *order)


class Step(NamedTuple):
    """A row that did something with a tag, or is about to, or may have.

    `place`: of its confirmation among all of its connection, a row that was sent over a newer one having its own.
    """

    job: ImportJob
    row_number: int
    status: str
    place: int
    maybe_applied: bool


@dataclass
class Intention:
    """Of one tag on one platform: the newest row that was accepted, and a newer one whose outcome is open."""

    tag: str
    connection: Connection
    accepted: Step | None = None
    open: Step | None = None

    @property
    def newest(self) -> Step:
        step = self.open or self.accepted
        assert step is not None
        return step


def intentions(seen: Scan) -> list[Intention]:
    """The latest per tag, newest first. Order is that of the first confirmation: the platform's last word is kept so.

    Which of two rows of one import comes first does not matter: they do the same.
    """
    unsure = hold.unsure(seen.jobs.values())
    steps = [(_step(seen.jobs[row.job_id], row, unsure), row.tags) for row in seen.rows]
    known: dict[tuple[int, str], Intention] = {}
    for step, tags in sorted(steps, key=lambda pair: pair[0].place, reverse=True):
        platform = seen.connections.get(step.job.connection_id or 0)
        if platform and (step.status == RowStatus.ACCEPTED or _is_open(step)):
            for tag in filter(None, tags.split(",")):
                _note(known.setdefault((platform.pk, tag), Intention(tag, platform)), step)
    return sorted(known.values(), key=lambda one: _when(one.newest), reverse=True)


def _step(job: ImportJob, row: ImportRow, unsure: Container[int]) -> Step:
    place = row.confirmed_number or job.first_queue_number or 0
    left = row.status == RowStatus.WAITING and job.pk in unsure
    return Step(
        job,
        row.row_number,
        row.status,
        place,
        left or row.status == RowStatus.IN_DOUBT or row.unanswered_at is not None,
    )


def _when(step: Step) -> tuple[float, int]:
    """For a list over several connections, whose places cannot be compared."""
    confirmed = step.job.first_confirmed_at
    return (confirmed.timestamp() if confirmed else 0.0, step.job.pk)


def _is_open(step: Step) -> bool:
    """Whatever became of the row: it may have been applied, or will be."""
    return step.maybe_applied or (step.status == RowStatus.WAITING and step.job.status in UNDER_WAY)


def _note(intention: Intention, step: Step) -> None:
    """Steps come newest first: the first of each kind counts, and nothing older than the accepted one is open."""
    if intention.accepted is None:
        if step.status == RowStatus.ACCEPTED:
            intention.accepted = step
        elif intention.open is None:
            intention.open = step


class Other(NamedTuple):
    """Another identifier that stands in a row of this customer, and in rows that were not found."""

    field: str
    value: str
    place: Place
    rows: int

    @property
    def more(self) -> bool:
        return self.rows >= OTHER_ROWS


def others(seen: Scan) -> list[Other]:
    """The customer may stand elsewhere under these; one small question per kind, nothing when they are many."""
    search, places = seen.search, _other_identifiers(seen.search.wanted, seen.rows)
    if len(places) > OTHERS:
        return []
    found = Counter[tuple[str, str]]()
    for field in {field for field, _value in places}:
        column, values = VALUE_COLUMNS[field], [value for one, value in places if one == field]
        elsewhere = search.rows().filter(is_filled(column), **{f"{column}__in": values})
        elsewhere = elsewhere.exclude(_any_of(search.wanted))
        found.update((field, value) for value in elsewhere.values_list(column, flat=True)[:OTHER_ROWS])
    return [Other(*key, places[key], number) for key, number in found.most_common()]


def _other_identifiers(wanted: Sought, rows: Sequence[ImportRow]) -> dict[tuple[str, str], Place]:
    """With the newest row in which each stands."""
    places: dict[tuple[str, str], Place] = {}
    for row in rows:
        for field, value in row.values_by_field().items():
            if field in IDENTIFIERS and value and value != wanted.get(VALUE_COLUMNS[field]):
                places.setdefault((field, value), place_of(row))
    return places


def _any_of(wanted: Sought) -> Q:
    condition = Q()
    for column, value in wanted.items():
        condition |= Q(**{column: value})
    return condition
