"""How far an import got, in numbers: for its card, its balance and its line of the list. Knows no problems."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db.models import Count, Max, Min, Q, Sum
from django.utils.translation import gettext as _

from tagsync.database import shown_now
from tagsync.imports.models import ImportJob, ImportRow
from tagsync.imports.models.delivery import DeliveryOutcome
from tagsync.imports.problems.file_rows import no_customers
from tagsync.imports.restores import hold
from tagsync.imports.sending.remarks import Remarked, remarked
from tagsync.imports.sending.to_send import rows_to_send
from tagsync.imports.sending.unanswered import STATE, counted_by_status
from tagsync.imports.states import ENDED, NEVER_SENT, UNDER_WAY, JobStatus, RowStatus, WaitReason
from tagsync.web.ui.numbers import thousands, whole_percent
from tagsync.web.ui.statuses import ROW_LOOKS

NOT_SENT = "not_sent"
PACE_SECONDS = 60
# A connection that allows a call every so many seconds is slow, but nobody would call that waiting.
SLOW_CALL_SECONDS = 15
# An estimate from fewer calls or a shorter time jumps about.
STABLE_CALLS = 3
STABLE_SECONDS = 8


def shown_counts(job: ImportJob, unanswered: int) -> dict[str, int]:
    """State → rows as pages name them: what an ended import did not send is "not sent", not "waiting".

    `unanswered`: waiting rows that may have been applied; of these nobody may say that they were not sent.
    """
    return with_waiting_shown(job, job.counts, unanswered)


def with_waiting_shown(job: ImportJob, counts: Mapping[str, int], unanswered: int) -> dict[str, int]:
    """Of all rows of the import or of some, as `shown_counts` tells them."""
    counts = {str(state): rows for state, rows in counts.items() if rows}
    if job.status in ENDED and RowStatus.WAITING in counts:
        waiting = counts.pop(RowStatus.WAITING)
        in_doubt = min(unanswered, waiting)
        shown = {RowStatus.IN_DOUBT: counts.get(RowStatus.IN_DOUBT, 0) + in_doubt, NOT_SENT: waiting - in_doubt}
        counts |= {str(state): rows for state, rows in shown.items() if rows}
    return counts


def waiting_but_sent(jobs: Iterable[ImportJob]) -> Mapping[int, int]:
    """Ended import → its waiting rows that may have been applied."""
    ended = {job.pk: job for job in jobs if job.status in ENDED}
    rows = ImportRow.objects.filter(job__in=ended, unanswered_at__isnull=False)
    rows = rows.alias(state=STATE).filter(state=RowStatus.WAITING)
    found = dict(rows.order_by().values_list("job").annotate(rows=Count("*")))
    return found | {pk: ended[pk].count(RowStatus.WAITING) for pk in hold.unsure(ended.values())}


class Share(NamedTuple):
    """`maybe_applied`: how many of the rows may have been applied although their state does not say so."""

    status: str
    rows: int
    maybe_applied: int = 0
    label: str = ""  # of rows that are no customers, and have no state


@dataclass(frozen=True)
class Standing:
    counts: Mapping[str, int]
    # what the bar is about: while sending the rows to send, afterwards every row of the file
    bar_counts: Mapping[str, int]
    bar_total: int
    total: int
    sendable: int
    settled: int
    accepted: int
    waiting: int
    live: bool
    # shown state → rows of it that may have been applied all the same
    maybe_applied: Mapping[str, int]
    remarked: Remarked

    @property
    def percent(self) -> int:
        """Rounded down, so that 100 means all."""
        return self._part * 100 // self.sendable if self.sendable else 0

    @property
    def shown_percent(self) -> str:
        return whole_percent(self._part, self.sendable)

    @property
    def _part(self) -> int:
        """Of the rows to send, settled while live and accepted at the end."""
        return self.settled if self.live else self.accepted

    @property
    def unaccepted(self) -> int:
        return self.sendable - self.accepted


def standing(job: ImportJob) -> Standing:
    unanswered = counted_by_status(job)
    counts = shown_counts(job, unanswered.get(RowStatus.WAITING, 0))
    never = {str(state) for state in NEVER_SENT}
    to_send = {state: rows for state, rows in counts.items() if state not in never}
    live = job.status in UNDER_WAY
    bar_counts = to_send if live else counts
    return Standing(
        counts=counts,
        bar_counts=bar_counts,
        bar_total=sum(bar_counts.values()),
        total=job.total,
        sendable=sum(to_send.values()),
        settled=sum(rows for state, rows in to_send.items() if state not in (RowStatus.WAITING, NOT_SENT)),
        accepted=counts.get(RowStatus.ACCEPTED, 0),
        waiting=rows_to_send(job),
        live=live,
        maybe_applied={state: rows for state, rows in unanswered.items() if state in counts},
        remarked=remarked(job),
    )


def balance(job: ImportJob, standing: Standing) -> list[Share]:
    """The parts that add up to the rows of the file; "above" and "blank" are no states, only numbers."""
    counts, maybe = standing.counts, standing.maybe_applied
    above = [Share("above", part.rows, label=part.label) for part in no_customers(job)]
    parts = above + [Share(state, counts[state], maybe.get(state, 0)) for state in ROW_LOOKS if counts.get(state)]
    return [*parts, Share("blank", job.blank_rows)] if job.blank_rows else parts


def keeps_pace(job: ImportJob) -> bool:
    """Whether it only lets the time pass that its connection wants between two calls."""
    found = job.connection
    if job.wait_reason != WaitReason.PACE or found is None:
        return False
    return found.period_seconds / found.calls_per_period * found.slow_factor <= SLOW_CALL_SECONDS


def waits_until(job: ImportJob) -> datetime | None:
    """The moment it waits for, when it does and that is worth telling."""
    waits = job.wait_until is not None and job.wait_until > shown_now()
    return job.wait_until if waits and not keeps_pace(job) else None


def status_now(job: ImportJob) -> str:
    """The status for somebody who watches: between two slices of work, or two calls, an import goes on as running."""
    if job.status != JobStatus.QUEUED or job.is_blocked or waits_until(job):
        return job.shown_status
    return JobStatus.RUNNING if job.deliveries.filter(run=job.run).exists() else JobStatus.QUEUED


class Pace(NamedTuple):
    rows_per_second: float
    seconds_left: float | None


# A refused batch that was split settled nothing; its pieces do.
_SETTLES = Q(outcome=DeliveryOutcome.ACCEPTED) | Q(outcome=DeliveryOutcome.BATCH_REFUSED, halves=None)


def pace(job: ImportJob, now: datetime | None = None) -> Pace | None:
    """How fast this run settled rows in the last minute; None when it settled none, waits or is being stopped."""
    now = now or shown_now()
    if job.status not in (JobStatus.QUEUED, JobStatus.RUNNING) or job.is_blocked or waits_until(job):
        return None
    recent = job.deliveries.filter(_SETTLES, run=job.run, answered_at__gte=now - timedelta(seconds=PACE_SECONDS))
    sums = recent.aggregate(
        rows=Sum("row_count"), calls=Count("id"), since=Min("created_at"), latest=Max("answered_at")
    )
    if not sums["rows"]:
        return None
    seconds = max((now - sums["since"]).total_seconds(), 1)
    rate = sums["rows"] / seconds
    # While a refused batch is halved nothing is settled, and what the rate was says nothing.
    halts = (now - sums["latest"]).total_seconds() > seconds / 2
    stable = sums["calls"] >= STABLE_CALLS and seconds >= STABLE_SECONDS and not halts
    return Pace(rate, job.count(RowStatus.WAITING) / rate if stable else None)


def speed(rows_per_second: float) -> str:
    if rows_per_second < 1:
        return _("%(rate)s rows/min") % {"rate": max(round(rows_per_second * 60), 1)}
    return _("%(rate)s rows/s") % {"rate": thousands(round(rows_per_second, 1 if rows_per_second < 10 else None))}


def time_left(seconds: float) -> str:
    """As people say it, rounded up: an estimate that ends too early annoys."""
    if seconds < 60:
        return _("about %(seconds)s s left") % {"seconds": (int(seconds) // 5 + 1) * 5}
    minutes = -int(-seconds // 60)
    if minutes < 60:
        return _("about %(minutes)s min left") % {"minutes": minutes}
    return _("about %(hours)s h %(minutes)s min left") % {"hours": minutes // 60, "minutes": minutes % 60}


def took(job: ImportJob) -> str:
    """How long it was from the start to the end, with all waits; a retry has no such number."""
    if job.status != JobStatus.FINISHED or job.run != 1 or not job.ended_at or not job.first_confirmed_at:
        return ""
    seconds = max(round((job.ended_at - job.first_confirmed_at).total_seconds()), 1)
    if seconds < 60:
        return _("%(seconds)s s from start to end") % {"seconds": seconds}
    minutes, seconds = divmod(seconds, 60)
    if minutes < 60:
        return _("%(minutes)s min %(seconds)s s from start to end") % {"minutes": minutes, "seconds": seconds}
    return _("%(hours)s h %(minutes)s min from start to end") % {"hours": minutes // 60, "minutes": minutes % 60}
