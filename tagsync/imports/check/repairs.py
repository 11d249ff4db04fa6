"""Repairs on the check page: one value replaced in all its rows, one cell changed, one tag dropped, rows left out.

A repair checks again only the rows that it touches and keeps how each stood before, so that it can be undone until the
start. It works in pieces, each a true whole: rows, counts, tags and the repair's own record in one transaction.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from django.db.models import QuerySet
from django.db.models.functions import Now

from tagsync.accounts.models import Person
from tagsync.imports.check.corrections import FAILED, OF_THE_ROW
from tagsync.imports.check.duplicates import content_of, twins_of
from tagsync.imports.check.repaired_summary import retally
from tagsync.imports.drafts.deletion import delete_piece
from tagsync.imports.locking import Lease, lease_in
from tagsync.imports.models import ImportJob, ImportRow, JobEvent, Repair, RepairedRow
from tagsync.imports.models.repair import RepairKind
from tagsync.imports.models.row import VALUE_COLUMNS, Origin
from tagsync.imports.notes import stored
from tagsync.imports.problems.groups import ProblemIndex, fingerprint
from tagsync.imports.sending import counts
from tagsync.imports.states import Act, JobStatus, Mark, RowStatus
from tagsync.mapping.cleaning import without_tag
from tagsync.mapping.rows import LONGER_THAN_HEADER, Checked, Note, check_again

ROWS_AT_ONCE = 2000

Was = dict[str, Any]


class Change(NamedTuple):
    """What becomes of one row: new contents of its columns, by name."""

    row: ImportRow
    columns: Was


def make(job: ImportJob, repair: Repair, by: Person) -> Counter[str]:
    """Carry out a new repair; returns state → rows that it brought there, nothing when no row fits it.

    Raises: MoveRefused when the import is not ready to start (any more), or not as it was when `job` was read.
    """
    lease = _ready(job)
    with lease():
        repair.job, repair.by = job, by
        repair.save()
        event = _told(repair, Mark.REPAIR, by)
    became = _apply(repair, lease)
    if not became:
        with lease():
            event.delete()
            repair.delete()
    _read_again(job)
    return became


def undo(repair: Repair, by: Person) -> int:
    """Bring its rows back to how they stood, whatever was repaired later; returns how many.

    Later repairs are taken back first and made again afterwards: some of them may rest on this one.
    Raises: MoveRefused.
    """
    job, lease = repair.job, _ready(repair.job)
    with lease():
        # Whoever still makes this repair stops at the next piece.
        if Repair.objects.filter(pk=repair.pk, undone_at=None).update(undone_at=Now()):
            _told(repair, Mark.UNDO_REPAIR, by)
    later = list(job.repairs.filter(pk__gt=repair.pk, undone_at=None).order_by("pk"))
    for one in reversed(later):
        _restore(one, lease)
    rows = _restore(repair, lease)
    for one in later:
        _apply(one, lease)
    _read_again(job)
    return rows


def _read_again(job: ImportJob) -> None:
    # Discarded in the moment since: the next page says so.
    with suppress(ImportJob.DoesNotExist):
        job.refresh_from_db()


def _told(repair: Repair, mark: Mark, by: Person) -> JobEvent:
    """Before the first row is touched: from now on no page that shows the rows as they were can start the import."""
    told = {"before": JobStatus.READY, "after": JobStatus.READY, "params": {"repair": repair.pk}}
    return JobEvent.objects.create(job=repair.job, act=mark, by=by, **told)


def make_again(job: ImportJob, lease: Lease) -> None:
    """After a new check: whatever was repaired before, as far as the sheet still says the same in the same places."""
    repairs = job.repairs.filter(undone_at=None).order_by("pk")
    while True:
        with lease():
            if not delete_piece(RepairedRow.objects.filter(repair__job=job, repair__undone_at=None)):
                repairs.update(rows=0)
                earlier = repairs.values("earlier")
                ImportJob.objects.filter(pk=job.pk, corrects__in=earlier).update(corrects=None)
                break
    for repair in repairs:
        _apply(repair, lease)


def _ready(job: ImportJob) -> Lease:
    """As long as it stays ready to start, without a change and a new check in between."""
    return lease_in(job, JobStatus.READY, Act.CHANGE)


# -- one repair, piece by piece


def _apply(repair: Repair, lease: Lease) -> Counter[str]:
    changes_of = _Changes(repair)
    became: Counter[str] = Counter()
    last = 0
    while True:
        with lease() as locked:
            if not Repair.objects.filter(pk=repair.pk, undone_at=None).exists():
                return became
            rows = list(changes_of.rows.filter(row_number__gt=last).order_by("row_number")[:ROWS_AT_ONCE])
            if not rows:
                return became
            last = rows[-1].row_number
            changes = changes_of.made(rows)
            RepairedRow.objects.bulk_create(
                RepairedRow(repair=repair, row_number=row.row_number, was=_as_is(row, columns))
                for row, columns in changes
            )
            became.update(_write(locked, changes))
            repair.rows = repair.touched.count()
            Repair.objects.filter(pk=repair.pk).update(rows=repair.rows)
            if repair.earlier_id and locked.corrects_id is None:
                ImportJob.objects.filter(pk=locked.pk).update(corrects=repair.earlier_id)


def _restore(repair: Repair, lease: Lease) -> int:
    done = 0
    while True:
        with lease() as locked:
            touched = list(repair.touched.order_by("-row_number")[:ROWS_AT_ONCE])
            if not touched:
                if repair.earlier_id:
                    ImportJob.objects.filter(pk=locked.pk, corrects=repair.earlier_id).update(corrects=None)
                Repair.objects.filter(pk=repair.pk).update(rows=0)
                return done
            rows = {row.row_number: row for row in _rows(locked).filter(row_number__in=[t.row_number for t in touched])}
            _write(locked, [Change(rows[one.row_number], one.was) for one in touched])
            repair.touched.filter(pk__in=[one.pk for one in touched]).delete()
            done += len(touched)


def _as_is(row: ImportRow, columns: Iterable[str]) -> Was:
    return {column: getattr(row, column) for column in columns}


def _write(locked: ImportJob, changes: Sequence[Change]) -> Counter[str]:
    """Write rows, counts, tags and sums; returns state → rows."""
    came, went = [], []
    moves: Counter[tuple[str, str]] = Counter()
    alike: dict[str, tuple[Was, list[int]]] = {}
    for row, columns in changes:
        before, values = row.status, row.values_by_field()
        after = columns.get("status", before)
        key = json.dumps(columns, sort_keys=True, ensure_ascii=False)
        alike.setdefault(key, (columns, []))[1].append(row.pk)
        moves[before, after] += 1
        if before == RowStatus.WAITING:
            went.append(values)
        if after == RowStatus.WAITING:
            came.append({field: columns.get(column, values[field]) for field, column in VALUE_COLUMNS.items()})
    for (before, after), rows in moves.items():
        counts.shift(locked, out_of=RowStatus(before), into=RowStatus(after), rows=rows)
    for columns, pks in alike.values():
        ImportRow.objects.filter(pk__in=pks).update(**columns)
    retally(locked, came, went)
    locked.save(update_fields=["counts", "summary", "content_sha256"])
    return Counter(str(columns.get("status", row.status)) for row, columns in changes)


def _rows(job: ImportJob) -> QuerySet[ImportRow]:
    return ImportRow.objects.filter(job=job)


# -- which rows a repair means, and what becomes of them


class _Changes:
    """The rows of one repair, and what it makes of each."""

    def __init__(self, repair: Repair) -> None:
        self._repair, self._job = repair, repair.job
        self._problems = ProblemIndex(self._job)
        self._columns = self._job.mapped_columns()
        self._delivered, self._failed = _of_earlier(repair.earlier) if repair.earlier else (set(), {})
        self.rows = self._candidates()

    def _candidates(self) -> QuerySet[ImportRow]:
        repair, rows = self._repair, _rows(self._job)
        if repair.kind == RepairKind.ACCEPTED_BEFORE:
            return rows.filter(status=RowStatus.WAITING)
        again = (RowStatus.WAITING, RowStatus.DUPLICATE) if self._follows_itself() else ()
        rows = rows.filter(status__in=(RowStatus.TO_FIX, *again))
        if repair.row_number is not None:
            rows = rows.filter(row_number=repair.row_number)
        if repair.code:
            return rows.filter(problem__fingerprint=fingerprint(Origin.CHECK, repair.code, repair.params))
        if repair.field:
            return rows.filter(**{VALUE_COLUMNS[repair.field]: repair.before})
        return rows

    def _follows_itself(self) -> bool:
        """Another cell of the row that was changed just before: no other row can rest on that row yet."""
        before = self._job.repairs.filter(pk__lt=self._repair.pk, undone_at=None).order_by("-pk").first()
        cells = before is not None and before.kind == self._repair.kind == RepairKind.CELL
        return cells and before is not None and before.row_number == self._repair.row_number

    def made(self, rows: Sequence[ImportRow]) -> list[Change]:
        if self._repair.kind == RepairKind.ACCEPTED_BEFORE:
            return [change for row in rows if (change := self._compared(row))]
        if self._repair.kind == RepairKind.LEAVE_OUT:
            return [Change(row, {"status": RowStatus.LEFT_OUT.value}) for row in rows]
        wrong = [row for row in rows if self._is_meant(row)]
        checked = [self._checked(row) for row in wrong]
        twins = twins_of(self._job, [one for one in checked if not one.notes])
        return [
            Change(row, self._after(row, one, twins.get(row.row_number)))
            for row, one in zip(wrong, checked, strict=True)
        ]

    def _is_meant(self, row: ImportRow) -> bool:
        """A person who names a row means it; a value is meant only where it is what is wrong."""
        return self._repair.row_number is not None or any(note.field == self._repair.field for note in row.noted)

    def _checked(self, row: ImportRow) -> Checked:
        # What is said of the row as a whole is found anew, or else a former duplicate would stay one. Whoever types
        # into a row that was cut apart has seen all of its cells.
        mended = OF_THE_ROW | {LONGER_THAN_HEADER} if self._repair.kind == RepairKind.CELL else OF_THE_ROW
        notes = tuple(note for note in row.noted if note.code not in mended)
        now = Checked(row.row_number, row.values_by_field(), notes)
        field, text, fixed = self._repair.field, self._repair.after, self._job.fixed_tags
        if not self._repair.code:
            return check_again(now, field, text, self._columns, fixed)
        tags = now.values[field] if text else without_tag(now.values[field], self._repair.before)
        return check_again(now, field, tags, self._columns, fixed, meant=text)

    def _after(self, row: ImportRow, checked: Checked, twin: int | None) -> Was:
        before, field = row.values_by_field(), self._repair.field
        # Another identifier too: a placeholder beside one that is usable now.
        changed = {key: value for key, value in checked.values.items() if key == field or value != before[key]}
        found: Was = {**{VALUE_COLUMNS[key]: value for key, value in changed.items()}, "problem_id": None}
        if checked.notes:
            first = checked.notes[0]
            params = {"field": first.field or "", **first.params}
            problem = self._problems.id_of(Origin.CHECK, first.code, params)
            return {**found, "status": RowStatus.TO_FIX.value, "problem_id": problem, "notes": stored(*checked.notes)}
        if twin is not None:
            notes = stored(Note("duplicate_of", None, None, "", {"row": twin}))
            return {**found, "status": RowStatus.DUPLICATE.value, "notes": notes}
        return {**found, "status": RowStatus.WAITING.value, "notes": []}

    def _compared(self, row: ImportRow) -> Change | None:
        """Delivered by the earlier import: left out. Failed there: it is that row which is sent again."""
        content = content_of(row.values_by_field())
        if content in self._delivered:
            note = Note("accepted_before", None, None, "", {"import": self._repair.earlier_id or 0})
            return Change(row, {"status": RowStatus.LEFT_OUT.value, "notes": stored(note)})
        if content in self._failed and row.corrects_row is None:
            return Change(row, {"corrects_row": self._failed[content]})
        return None


def _of_earlier(earlier: ImportJob) -> tuple[set[bytes], dict[bytes, int]]:
    """Digests of the rows that the earlier import delivered, and those that failed there with their numbers."""
    delivered, failed = set(), {}
    wanted = _rows(earlier).filter(status__in=(RowStatus.ACCEPTED, *FAILED))
    for row in wanted.only("row_number", "status", *VALUE_COLUMNS.values()).iterator(ROWS_AT_ONCE):
        content = content_of(row.values_by_field())
        if row.status == RowStatus.ACCEPTED:
            delivered.add(content)
        else:
            failed[content] = row.row_number
    return delivered, failed
