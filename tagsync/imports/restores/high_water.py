"""The high-water mark: a number that grows with what happens, in the database and, a minute later, in the storage.

A database that is behind the storage was restored from a backup, and knows nothing of what was done after it.
"""

from __future__ import annotations

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import F, Max

from tagsync.imports.models import Delivery, HighWaterMark, ImportJob, JobEvent
from tagsync.imports.models.restore import RestoreReason
from tagsync.imports.restores import hold

NAME = "high-water-mark"
MAX_DIGITS = 18
THE_ONE = 1


def hold_if_behind() -> bool:
    """Whether the database is behind the storage; the hold is on then, and the mark level with the storage's again.

    One small file and one row: cheap enough before each claim. Raises what the storage does when it can't be read.
    """
    stored = _stored()
    if stored is None or stored <= _number():
        return False
    with transaction.atomic():
        mark, _made = HighWaterMark.objects.select_for_update().get_or_create(pk=THE_ONE)
        if stored <= mark.number:
            return False
        mark.number = stored
        mark.save(update_fields=["number"])
        # A new installation in a used folder has nothing that could be sent twice.
        if not ImportJob.objects.exists():
            return False
        hold.begin(RestoreReason.BEHIND)
    return True


def keep() -> None:
    """Raise the mark when something has happened, and have it in the storage. Look whether it is behind before."""
    event = JobEvent.objects.aggregate(newest=Max("pk"))["newest"] or 0
    call = Delivery.objects.aggregate(newest=Max("pk"))["newest"] or 0
    HighWaterMark.objects.get_or_create(pk=THE_ONE)
    as_before = HighWaterMark.objects.filter(newest_event=event, newest_call=call)
    HighWaterMark.objects.exclude(pk__in=as_before.values("pk")).update(
        number=F("number") + 1, newest_event=event, newest_call=call
    )
    number = _number()
    # The database first: nobody sees a storage that is ahead of it unless it was restored.
    if (_stored() or 0) < number:
        _store(number)


def _number() -> int:
    return HighWaterMark.objects.filter(pk=THE_ONE).values_list("number", flat=True).first() or 0


def _stored() -> int | None:
    """None when nobody has stored one, or what stands there is none."""
    try:
        with default_storage.open(NAME) as file:
            text = file.read(MAX_DIGITS).decode("ascii", "replace").strip()
    except FileNotFoundError:
        return None
    return int(text) if text.isdecimal() and text.isascii() else None


def _store(number: int) -> None:
    # A storage does not overwrite; of two keepers that write at once, the second finds the name taken.
    default_storage.delete(NAME)
    stored_as = default_storage.save(NAME, ContentFile(str(number).encode()))
    if stored_as != NAME:
        default_storage.delete(stored_as)
