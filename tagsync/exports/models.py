"""A workbook that somebody asked for: made in the background, for that person alone, gone after a day."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from tagsync.imports.models.job import ImportJob

# nobody writes it
FREE = Q(lease_until=None) | Q(lease_until__lt=Now())


class ExportState(models.TextChoices):
    WAITING = "waiting", "waiting"
    DONE = "done", "done"
    FAILED = "failed", "failed"


def _random_path(_export: Any, _file_name: str) -> str:
    """Stored under a name that tells nothing."""
    return f"{uuid.uuid4().hex}.export"


class Export(models.Model):
    job = models.ForeignKey(ImportJob, on_delete=models.CASCADE, related_name="exports")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="exports")
    asked_at = models.DateTimeField(db_default=Now(), editable=False)
    # Which rows: {"statuses": […], "problem": id}; without a key, all.
    filters = models.JSONField(default=dict, blank=True)
    language = models.CharField(max_length=10)
    # identifiers unmasked
    clear = models.BooleanField(default=False)
    state = models.CharField(max_length=10, choices=ExportState.choices, default=ExportState.WAITING)
    rows = models.PositiveIntegerField()
    rows_done = models.PositiveIntegerField(default=0)
    # Whoever writes it holds a lease; a higher fence takes it over.
    lease_until = models.DateTimeField(null=True, blank=True)
    fence = models.PositiveIntegerField(default=0)
    # why it failed: a code of imports.problems with its parameters
    cause = models.CharField(max_length=60, blank=True, default="")
    cause_params = models.JSONField(default=dict, blank=True)
    file = models.FileField(upload_to=_random_path, max_length=200, blank=True)
    file_name = models.CharField(max_length=255)
    # Pages tell it, and would ask the storage for each; 0 of those that were made before it was written down.
    file_bytes = models.PositiveBigIntegerField(default=0)
    expires_at = models.DateTimeField()

    class Meta:
        # Exports were records of imports once; the table stayed.
        db_table = "imports_export"
        indexes = [
            models.Index(fields=["state", "id"], name="export_state"),
            models.Index(fields=["expires_at"], name="export_expires"),
        ]

    def __str__(self) -> str:
        return f"export {self.pk}"
