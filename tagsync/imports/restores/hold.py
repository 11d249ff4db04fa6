"""The hold of the whole installation: whether it is on, how it begins, and what nobody knows while it is on. Who sends
asks here before each call."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from django.db import transaction
from django.db.models import Exists, Max, Q

from tagsync.database import repeated_after_deadlock
from tagsync.imports.models import ImportJob, RestoreHold
from tagsync.imports.models.restore import RestoreReason
from tagsync.imports.states import ENDED, UNDER_WAY, RowStatus

# For the WHERE of a claim.
NOT_HELD = ~Q(Exists(RestoreHold.objects.filter(is_on=True)))

log = logging.getLogger(__name__)


def current() -> RestoreHold | None:
    return RestoreHold.objects.filter(is_on=True).select_related("decided_by").first()


def is_on() -> bool:
    return RestoreHold.objects.filter(is_on=True).exists()


def unsure(jobs: Iterable[ImportJob]) -> frozenset[int]:
    """The ended imports whose waiting rows may have been sent after the backup: until the hold is lifted, of these
    nobody may say that they were not. One query, and none where nothing waits."""
    left = [job.pk for job in jobs if job.status in ENDED and job.count(RowStatus.WAITING)]
    held = current() if left else None
    return frozenset(pk for pk in left if held and pk <= held.newest_import)


@repeated_after_deadlock
@transaction.atomic
def begin(reason: RestoreReason) -> tuple[RestoreHold, bool]:
    """The hold, and whether it began now: while one is on, no other begins."""
    # A call is written down under the lock of its import: each is before the hold, or sees it.
    list(ImportJob.objects.select_for_update(no_key=True).filter(status__in=UNDER_WAY).order_by("pk").values("pk"))
    newest = ImportJob.objects.aggregate(newest=Max("pk"))["newest"] or 0
    hold, began = RestoreHold.objects.get_or_create(is_on=True, defaults={"reason": reason, "newest_import": newest})
    if began:
        log.warning("the database was restored from a backup (%s): nothing is sent until an admin confirms", reason)
        hold.refresh_from_db()
    return hold, began
