"""What tells that the database was restored from a backup, and the hold that follows from it. Knows no import."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class RestoreReason(models.TextChoices):
    TOLD = "told", "`manage.py restored`"
    BEHIND = "behind", "behind the storage"


class RestoreHold(models.Model):
    """A hold of the whole installation: while one is on, nothing is sent. Kept afterwards, with who decided what."""

    is_on = models.BooleanField(default=True)
    reason = models.CharField(max_length=10, choices=RestoreReason.choices)
    began_at = models.DateTimeField(db_default=Now(), editable=False)
    # What has a greater number was made after the restore: of that nothing can have been sent before.
    newest_import = models.PositiveBigIntegerField(default=0)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    # Whether rows may have been sent after the backup; empty before somebody decides.
    may_have_sent = models.BooleanField(null=True, blank=True)
    # When the decision was carried out.
    lifted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        permissions = [("confirm_restore", "Can let sending go on after a restore")]
        constraints = [
            models.UniqueConstraint(fields=["is_on"], condition=Q(is_on=True), name="one_restore_hold_at_a_time")
        ]

    def __str__(self) -> str:
        return f"hold {self.pk}"


class HighWaterMark(models.Model):
    """One row. Its number grows whenever the newest event or call is another than before, and never shrinks.

    Not the number of an event itself: drafts are deleted with their events.
    """

    number = models.PositiveBigIntegerField(default=0)
    newest_event = models.PositiveBigIntegerField(default=0)
    newest_call = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return str(self.number)
