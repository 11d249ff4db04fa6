"""What a person once chose for a set of column names, to be found again."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from tagsync.imports.models.job import ImportJob


class SavedMapping(models.Model):
    """The newest choice of one person for one set of headers. Others get it when they have none of their own."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="mappings")
    # SHA-256 of the folded headers, sorted: the same columns in another order are the same set
    headers_sha256 = models.CharField(max_length=64, db_index=True)
    # [{"header": as typed, "field": key or null}, …] in the order of the sheet
    columns = models.JSONField(default=list)
    job = models.ForeignKey(ImportJob, on_delete=models.SET_NULL, null=True, related_name="+")
    used_at = models.DateTimeField()
    times_used = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner", "headers_sha256"], name="one_mapping_per_headers")]

    def __str__(self) -> str:
        return f"mapping {self.pk}"
