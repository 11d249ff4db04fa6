"""Rows that a call of unknown fate has carried and that the platform has not accepted since, or that may have been sent
after the backup of a restored database: whatever their state says, they may have been applied. Counts them and has the
sentence that says so; changes nothing."""

from __future__ import annotations

from django.db.models import Count, F, Q, QuerySet, Value
from django.db.models.functions import Concat
from django.utils import timezone
from django.utils.formats import date_format

from tagsync.database import shown_now
from tagsync.imports.models import ImportJob, ImportRow
from tagsync.imports.problems import Sentence, sentence
from tagsync.imports.restores import hold
from tagsync.imports.states import RowStatus

# "In doubt" says by itself that the row may have been applied; of these states nobody would think so.
UNTOLD = (RowStatus.REJECTED, RowStatus.SUPERSEDED, RowStatus.WAITING)
# As a text that no index knows: SQLite would rather walk through all rows of an import that are in a state.
STATE = Concat(F("status"), Value(""))


def needs_remark(row: ImportRow) -> bool:
    return row.status in UNTOLD and row.unanswered_at is not None


def remark(row: ImportRow) -> Sentence:
    """What to add to the state of a row that needs it."""
    assert row.unanswered_at is not None
    local = timezone.localtime(row.unanswered_at)
    # A day only where it is another one; what is read later has it in any case (`remark_with_date`).
    return _remark(date_format(local, "H:i" if local.date() == timezone.localdate(shown_now()) else "Y-m-d H:i"))


def remark_with_date(row: ImportRow) -> Sentence:
    """The same for a workbook, which may be read on any day."""
    assert row.unanswered_at is not None
    return _remark(date_format(timezone.localtime(row.unanswered_at), "Y-m-d H:i"))


def _remark(time: str) -> Sentence:
    return sentence("earlier_call_unanswered", {"time": time})


def unanswered_rows(job: ImportJob) -> QuerySet[ImportRow]:
    return job.rows.filter(maybe_applied(job))


def maybe_applied(job: ImportJob) -> Q:
    """Of its rows, those that may have been applied, except those in doubt, of which the state says it."""
    unanswered = Q(unanswered_at__isnull=False)
    return unanswered | Q(status=RowStatus.WAITING) if hold.unsure([job]) else unanswered


def counted_by_status(job: ImportJob) -> dict[str, int]:
    """State → rows that may have been applied, without those in doubt, of which the state says it."""
    counted = unanswered_rows(job).order_by().values_list(STATE).annotate(rows=Count("*"))
    return {status: rows for status, rows in counted if status in UNTOLD}


def counted_by_problem(job: ImportJob) -> dict[int, int]:
    """Problem → its rows that may have been applied, without those in doubt."""
    rows = unanswered_rows(job).exclude(status=RowStatus.IN_DOUBT).filter(problem__isnull=False)
    return dict(rows.order_by().values_list("problem").annotate(rows=Count("*")))
