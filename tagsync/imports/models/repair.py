"""What people repaired on the check page, and how each touched row stood before: enough to undo it until the start."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from tagsync.imports.models.job import ImportJob


class RepairKind(models.TextChoices):
    VALUE = "value", _("A value replaced in all rows")
    CELL = "cell", _("A cell changed")
    LEAVE_OUT = "leave_out", _("Rows left out")
    ACCEPTED_BEFORE = "accepted_before", _("Rows left out that the platform accepted in an earlier import")


class Repair(models.Model):
    """One repair. `before` and `after` are what was typed in the sheet and what it became: personal data."""

    job = models.ForeignKey(ImportJob, on_delete=models.CASCADE, related_name="repairs")
    at = models.DateTimeField(db_default=Now(), editable=False)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    kind = models.CharField(max_length=16, choices=RepairKind.choices)
    # the field repaired; "" when whole rows are left out
    field = models.CharField(max_length=20, blank=True, default="")
    row_number = models.PositiveIntegerField(null=True, blank=True)  # of a single cell
    before = models.TextField(blank=True, default="")
    after = models.TextField(blank=True, default="")
    # code and parameters of the problem whose rows are left out; or in whose rows the tag `before` is dropped or, when
    # `after` is the same, sent as it stands
    code = models.CharField(max_length=60, blank=True, default="")
    params = models.JSONField(default=dict, blank=True)
    # the earlier import whose accepted rows are left out
    earlier = models.ForeignKey(ImportJob, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    # how many rows it touched when it was last applied
    rows = models.PositiveIntegerField(default=0)
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["job", "id"], name="repair_job")]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class RepairedRow(models.Model):
    """A row before a repair touched it: those of its columns that were changed, by name."""

    repair = models.ForeignKey(Repair, on_delete=models.CASCADE, related_name="touched")
    row_number = models.PositiveIntegerField()
    was = models.JSONField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["repair", "row_number"], name="one_touch_per_repair")]

    def __str__(self) -> str:
        return f"row {self.row_number}"
