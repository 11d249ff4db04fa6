"""One call to the platform: our state, their answer. Written before the call, completed after it, never overwritten."""

from __future__ import annotations

from django.db import models
from django.db.models import Q, Sum
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from tagsync.imports.models.job import ImportJob


class DeliveryState(models.TextChoices):
    PLANNED = "planned", _("Planned")
    SENDING = "sending", _("Sending")
    ANSWERED = "answered", _("Answered")
    BROKEN_OFF = "broken_off", _("Interrupted")


class DeliveryOutcome(models.TextChoices):
    """The classes of `tuzhan.outcomes`, as stored. Empty while the call is under way."""

    ACCEPTED = "accepted", _("Accepted")
    NOT_SENT = "not_sent", _("Not sent")
    UNANSWERED = "unanswered", _("No readable answer")
    WORKER_DIED = "worker_died", _("The worker ended during the call")
    SIGN_OF_LIFE = "sign_of_life", _("Without rows: the platform answers")
    THROTTLED = "throttled", _("Asked to slow down")
    TOKEN_REJECTED = "token_rejected", _("Token refused")
    BLOCKED = "blocked", _("Connection refused")
    BATCH_REFUSED = "batch_refused", _("Batch refused")
    TOO_LARGE = "too_large", _("Batch too large")


# Sent, and nobody knows what became of it.
UNKNOWN_FATE = (DeliveryOutcome.UNANSWERED, DeliveryOutcome.WORKER_DIED)
# The import got no further by it.
INDEFINITE = frozenset({*UNKNOWN_FATE, DeliveryOutcome.NOT_SENT, DeliveryOutcome.THROTTLED})


# An answer that came late settles its rows as any other does.
REMARKED = (Q(outcome=DeliveryOutcome.ACCEPTED) | Q(late_outcome=DeliveryOutcome.ACCEPTED)) & ~Q(remarks="")


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def remarked(self) -> DeliveryQuerySet:
        """Accepted, and the platform said more than that."""
        return self.filter(REMARKED)

    def remarked_rows(self) -> int:
        return int(self.remarked().aggregate(rows=Sum("row_count"))["rows"] or 0)


class Delivery(models.Model):
    job = models.ForeignKey(ImportJob, on_delete=models.CASCADE, related_name="deliveries")
    run = models.PositiveIntegerField()
    # the batch within the import, and which try of it this call is; both from 1
    batch = models.PositiveIntegerField()
    attempt = models.PositiveIntegerField(default=1)
    root = models.ForeignKey(
        "self", on_delete=models.CASCADE, null=True, blank=True, related_name="pieces", db_index=False
    )
    parent = models.ForeignKey("self", on_delete=models.CASCADE, null=True, blank=True, related_name="halves")
    # [[first, last], …] of row numbers, both included
    row_ranges = models.JSONField()
    row_count = models.PositiveIntegerField()
    # empty while a piece of a refused batch is only planned
    body_sha256 = models.CharField(max_length=64, blank=True, default="")
    fence = models.PositiveIntegerField()

    state = models.CharField(max_length=12, choices=DeliveryState.choices, default=DeliveryState.PLANNED)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    answered_at = models.DateTimeField(null=True, blank=True)

    outcome = models.CharField(max_length=16, choices=DeliveryOutcome.choices, blank=True, default="")
    http_status = models.PositiveSmallIntegerField(null=True, blank=True)
    code = models.CharField(max_length=60, blank=True, default="")
    error_code = models.CharField(max_length=120, blank=True, default="")
    message = models.CharField(max_length=500, blank=True, default="")
    data = models.CharField(max_length=500, blank=True, default="")
    excerpt = models.CharField(max_length=500, blank=True, default="")
    duration_ms = models.PositiveIntegerField(null=True, blank=True)
    # What the platform added to an acceptance that may mean that not all of it was one; redacted.
    remarks = models.CharField(max_length=500, blank=True, default="")
    # An answer that came when the call had been given up; it stands beside `outcome`, whose consequences are drawn.
    late_outcome = models.CharField(max_length=16, choices=DeliveryOutcome.choices, blank=True, default="")
    late_at = models.DateTimeField(null=True, blank=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "deliveries"
        indexes = [
            models.Index(fields=["job", "run", "batch"], name="delivery_batch"),
            models.Index(fields=["root"], name="delivery_root"),
            models.Index(fields=["answered_at"], name="delivery_answered"),
        ]

    def __str__(self) -> str:
        return f"batch {self.batch}, try {self.attempt}"

    @property
    def is_remarked(self) -> bool:
        return bool(self.remarks) and DeliveryOutcome.ACCEPTED in (self.outcome, self.late_outcome)
