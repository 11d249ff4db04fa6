"""How long imports that were never started are kept. One rule, for the page that says it and for the keeper."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db.models import DateTimeField, Exists, F, Max, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce, Greatest, Now

from tagsync.accounts.models import Person
from tagsync.imports.models import ImportJob, JobEvent
from tagsync.imports.states import DELETABLE, UNSTARTED

# The last event of an import, the last save of its choices, or its upload.
_TOUCHED = Greatest(
    Coalesce(Max("events__at"), F("created_at")), Coalesce("saved_at", "created_at"), output_field=DateTimeField()
)


class Unstarted(NamedTuple):
    job: ImportJob
    touched_at: datetime
    kept_until: datetime


def unstarted_of(person: Person, most: int) -> list[Unstarted]:
    """Her drafts and whatever else she has not started, the last touched first."""
    own = ImportJob.objects.filter(owner=person, status__in=UNSTARTED).select_related("connection")
    found = own.annotate(touched_at=_TOUCHED).order_by("-touched_at", "-pk")[:most]
    days = timedelta(days=settings.TAGSYNC_DRAFT_DAYS)
    touched = dict(found.values_list("pk", "touched_at"))
    return [Unstarted(job, touched[job.pk], touched[job.pk] + days) for job in found]


def overdue() -> QuerySet[ImportJob]:
    """What may be deleted now. A check under way may not."""
    return ImportJob.objects.filter(is_overdue(), status__in=DELETABLE)


def is_overdue() -> Q:
    """Nobody has touched it for so long; by the clock of the database, which wrote the times that are compared."""
    limit = Now() - timedelta(days=settings.TAGSYNC_DRAFT_DAYS)
    touched = JobEvent.objects.filter(job=OuterRef("pk"), at__gte=limit)
    saved = Q(saved_at__isnull=False, saved_at__gte=limit)
    return Q(created_at__lt=limit) & ~saved & ~Q(Exists(touched))
