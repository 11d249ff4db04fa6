"""How long to wait for a platform that does not answer, and when what was sent counts as in doubt."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import QuerySet
from django.utils import timezone

from tagsync.connections.models import Connection
from tagsync.delivery.decisions import MAX_BACK_OFF_SECONDS, back_off_seconds
from tagsync.imports.models import Delivery
from tagsync.imports.models.delivery import DeliveryState

GIVE_UP_AFTER = timedelta(hours=24)


def pause_seconds(connection: Connection) -> float:
    """As long again as it has been silent already, up to 5 minutes: doubling that needs no counter."""
    if connection.silent_since is None:
        return back_off_seconds(1)
    silent = (timezone.now() - connection.silent_since).total_seconds()
    return min(MAX_BACK_OFF_SECONDS, max(silent, back_off_seconds(1)))


def silent_too_long(connection: Connection) -> bool:
    connection.refresh_from_db(fields=["silent_since"])
    return connection.silent_since is not None and timezone.now() - connection.silent_since > GIVE_UP_AFTER


def is_in_doubt(last: Delivery) -> bool:
    """Another call of the connection was answered between its first send and its last: it is this batch.

    An answer after the last send only tells that the platform is back; then the batch gets one more chance.
    """
    first = _tries(last).order_by("id").values_list("created_at", flat=True)[0]
    return _answered_others(last).filter(answered_at__gt=first, answered_at__lt=last.created_at).exists()


def is_back(last: Delivery) -> bool:
    """The platform answered another call of the connection after this one."""
    return _answered_others(last).filter(answered_at__gt=last.created_at).exists()


def _tries(last: Delivery) -> QuerySet[Delivery]:
    return Delivery.objects.filter(job=last.job_id, run=last.run, batch=last.batch)


def _answered_others(last: Delivery) -> QuerySet[Delivery]:
    answered = Delivery.objects.filter(job__connection=last.job.connection_id, state=DeliveryState.ANSWERED)
    return answered.exclude(pk__in=_tries(last).values("pk"))
