"""How long to wait for a platform that does not answer, and when what was sent counts as in doubt."""

from __future__ import annotations

import random
from datetime import timedelta
from itertools import takewhile

from django.db.models import Min, QuerySet

from tagsync.connections import silence
from tagsync.connections.models import Connection
from tagsync.imports.models import Delivery, ImportJob
from tagsync.imports.models.delivery import INDEFINITE, DeliveryOutcome, DeliveryState
from tagsync.imports.sending.outcomes import UNANSWERED_SENDS, OpenBatch

MAX_BACK_OFF_SECONDS = 300.0
GIVE_UP_AFTER = timedelta(hours=24)
# A probe is a call without rows: whoever answers does so at once, and a worker is not held for long.
PROBE_SECONDS = 5.0
# So long only calls without rows look whether the platform is back; not every one answers those, so then a batch does.
PROBES_ALONE_SECONDS = 60.0
MAX_FAILURES = 20


def back_off_seconds(failures: int) -> float:
    """1 s doubling to 5 min, with jitter so that many imports do not come back in one moment."""
    seconds = min(MAX_BACK_OFF_SECONDS, 2.0 ** max(0, min(failures, 16) - 1))
    return seconds * random.uniform(0.8, 1.2)


def failures_in_a_row(job: ImportJob) -> int:
    """Calls at the end of the import's history that got no definite answer: the exponent of the back-off."""
    last = job.deliveries.exclude(outcome="").order_by("-id").values_list("outcome", flat=True)[:MAX_FAILURES]
    return sum(1 for _ in takewhile(lambda outcome: outcome in INDEFINITE, last))


def pause_seconds(connection: Connection) -> float:
    """As long again as it has been silent already, up to 5 minutes: doubling that needs no counter."""
    return min(MAX_BACK_OFF_SECONDS, max(silence.silent_seconds(connection), back_off_seconds(1)))


def silent_too_long(connection: Connection) -> bool:
    return silence.silent_seconds(connection) > GIVE_UP_AFTER.total_seconds()


def seconds_to_wait(batch: OpenBatch) -> float:
    """What is left of its back-off; 0 or less when it may be sent again."""
    if batch.last.outcome == DeliveryOutcome.WORKER_DIED:
        return 0.0  # that says nothing of the platform
    return back_off_seconds(batch.unanswered) - batch.since.total_seconds()


def may_probe(batch: OpenBatch) -> bool:
    """Whether sending it once more may tell something; after some times only the answer to another call does."""
    return batch.unanswered < UNANSWERED_SENDS


def is_in_doubt(batch: OpenBatch) -> bool:
    """Sent often enough without an answer while the platform answered others: it is this batch.

    When the platform answered nobody else between the first and the last of these sends, it was away, and the batch
    gets one more chance.
    """
    if may_probe(batch):
        return False
    others = _answered_others(batch.last)
    first = _sends(batch.last).aggregate(first=Min("created_at"))["first"]
    if batch.unanswered > UNANSWERED_SENDS:
        return others.filter(answered_at__gt=first).exists()
    return others.filter(answered_at__gt=first, answered_at__lt=batch.last.created_at).exists()


def _sends(last: Delivery) -> QuerySet[Delivery]:
    return Delivery.objects.filter(job=last.job_id, run=last.run, batch=last.batch)


def _answered_others(last: Delivery) -> QuerySet[Delivery]:
    answered = Delivery.objects.filter(job__connection=last.job.connection_id, state=DeliveryState.ANSWERED)
    return answered.exclude(pk__in=_sends(last).values("pk"))
