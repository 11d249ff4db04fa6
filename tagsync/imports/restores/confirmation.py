"""What may have been sent after the backup, and how it is marked once an admin has said so. Only then the hold ends.

What counts is the restored state: each import that was started and has rows to send may have sent them since, a
stopped or blocked one too, because it may have been resumed. What stood ready may have been started; nobody can see it.
"""

from __future__ import annotations

import logging
import time
from contextlib import suppress

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from tagsync.accounts.models import Person
from tagsync.database import let_others_write
from tagsync.imports import figures
from tagsync.imports.followups import retry
from tagsync.imports.locking import FenceLost
from tagsync.imports.models import ImportJob, ImportRow, JobEvent, RestoreHold
from tagsync.imports.restores import hold as holds
from tagsync.imports.sending import outcomes
from tagsync.imports.states import UNDER_WAY, JobStatus, Mark, RowStatus

CODE = "sent_after_backup"
STARTED = UNDER_WAY | {JobStatus.STOPPED, JobStatus.BLOCKED}
AT_WORK = (JobStatus.RUNNING, JobStatus.STOPPING)

log = logging.getLogger(__name__)


def may_have_sent(hold: RestoreHold) -> QuerySet[ImportJob]:
    """The imports whose rows, those that wait or that a retry has chosen, may have been sent after the backup."""
    waiting = ImportRow.objects.filter(job=OuterRef("pk"), status=RowStatus.WAITING)
    jobs = _restored(hold).filter(Q(Exists(waiting)) | Q(retry_selection__isnull=False), status__in=STARTED)
    return jobs.select_related("owner", "connection").order_by("pk")


def may_have_started(hold: RestoreHold) -> QuerySet[ImportJob]:
    """Those that nobody had started at the time of the backup, and that somebody may have started after it."""
    return _restored(hold).filter(status=JobStatus.READY).select_related("owner", "connection").order_by("pk")


def _restored(hold: RestoreHold) -> QuerySet[ImportJob]:
    return ImportJob.objects.filter(pk__lte=hold.newest_import)


def decide(hold: RestoreHold, by: Person, *, sent: bool) -> bool:
    """`sent`: rows may have been sent after the backup. False when somebody else has decided before."""
    undecided = RestoreHold.objects.filter(pk=hold.pk, is_on=True, decided_at=None)
    decided = undecided.update(decided_at=Now(), decided_by=by, may_have_sent=sent)
    if decided:
        log.warning("person %s confirmed the restore: rows may have been sent since: %s", by.pk, sent)
    return bool(decided)


def carry_out(seconds: float) -> bool:
    """Do what was decided, for about so long; whether no hold is on (any more). Who is interrupted is gone on after."""
    hold = holds.current()
    if hold is None:
        return True
    # A call under way at this moment is recorded first: its rows need not be in doubt.
    if hold.decided_at is None or ImportJob.objects.filter(status__in=AT_WORK).exists():
        return False
    end_by = time.monotonic() + seconds
    if hold.may_have_sent:
        for job in may_have_sent(hold):
            # Somebody acts on it at this moment: the next round looks again.
            with suppress(FenceLost):
                if not _doubt(job, hold, end_by):
                    return False
        if may_have_sent(hold).exists():
            return False
    return _lift(hold)


def _doubt(job: ImportJob, hold: RestoreHold, end_by: float) -> bool:
    """Mark the rows of an import that may have been sent; False when the time was too short. Raises FenceLost."""

    def goes_on() -> bool:
        return time.monotonic() < end_by

    # What a retry had chosen was perhaps sent again as well; only what waits can be marked.
    if not retry.take_up(job, goes_on):
        return False
    while not _doubt_piece(job, hold):
        let_others_write()
        if not goes_on():
            return False
    return True


def _doubt_piece(job: ImportJob, hold: RestoreHold) -> bool:
    with transaction.atomic():
        locked = ImportJob.objects.select_for_update(no_key=True).get(pk=job.pk)
        if not outcomes.doubt_waiting(locked, CODE):
            return True
        if locked.count(RowStatus.WAITING):
            return False
        outcomes.close_planned(locked)
        figures.recount(locked)
        marked = locked.rows.filter(status=RowStatus.IN_DOUBT, problem__code=CODE).count()
        _tell(locked, hold, marked)
    return True


def _lift(hold: RestoreHold) -> bool:
    with transaction.atomic():
        lifted = RestoreHold.objects.filter(pk=hold.pk, is_on=True).update(is_on=False, lifted_at=Now())
        if lifted and not hold.may_have_sent:
            for job in may_have_sent(hold):
                _tell(job, hold, 0)
    if lifted:
        log.warning("the hold after the restore is lifted")
    return True


def _tell(job: ImportJob, hold: RestoreHold, rows: int) -> None:
    told = {"act": Mark.RESTORE, "before": job.status, "after": job.status, "params": {"rows": rows}}
    JobEvent.objects.create(job=job, by=hold.decided_by, **told)
