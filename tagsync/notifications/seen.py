"""Which notices a person has not seen yet, and how long they are kept."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import DatabaseError, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.database import gave_way
from tagsync.imports.drafts.deletion import delete_in_pieces
from tagsync.imports.models import ImportJob
from tagsync.notifications.models import WORKBOOKS, Notice

RETENTION_DAYS = 90


def unseen(person: Person) -> QuerySet[Notice]:
    return Notice.objects.filter(person=person, seen_at=None)


def mark_seen(
    person: Person,
    *,
    job: ImportJob | None = None,
    connection: Connection | None = None,
    workbook: int | None = None,
    notice: int | None = None,
    upto: int | None = None,
) -> None:
    """She opened what they are about. Asked before it is written: most pages have nothing to mark."""
    hers = unseen(person)
    if job is not None:
        hers = hers.filter(job=job)
    if connection is not None:
        hers = hers.filter(connection=connection, job=None)
    if workbook is not None:
        hers = hers.filter(kind__in=WORKBOOKS, params__export=workbook)
    if notice is not None:
        hers = hers.filter(pk=notice)
    if upto is not None:
        hers = hers.filter(pk__lte=upto)
    if not hers.exists():
        return
    try:
        with transaction.atomic():
            # A page is shown also when a notice of it is held by somebody; she opens it again.
            free = hers.select_for_update(skip_locked=True, no_key=True).order_by("pk").values_list("pk", flat=True)
            Notice.objects.filter(pk__in=list(free)).update(seen_at=Now())
    except DatabaseError as error:
        if not gave_way(error):
            raise


def delete_old(**_signal: Any) -> None:
    """Receives `keeper_cleans`."""
    delete_in_pieces(Notice.objects.filter(at__lt=Now() - timedelta(days=RETENTION_DAYS)).order_by("pk"))
