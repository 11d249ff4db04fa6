"""Which processes run, as each of them says about once a minute."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class ProcessRole(models.TextChoices):
    WEB = "web", _("Pages")
    CHECKS = "checks", _("Checks")
    SENDS = "sends", _("Sends")
    EXPORTS = "exports", _("Workbooks")
    KEEPER = "keeper", _("Keeper")


class Process(models.Model):
    role = models.CharField(max_length=10, choices=ProcessRole.choices)
    host = models.CharField(max_length=100)
    pid = models.PositiveIntegerField()
    version = models.CharField(max_length=40)
    # by how much its clock is ahead of the database's
    clock_ahead_seconds = models.FloatField(default=0)
    # what stands in the storage that it uses, see `storage.identity`; "" when it cannot be read
    storage = models.CharField(max_length=40, blank=True, default="")
    started_at = models.DateTimeField(db_default=Now())
    seen_at = models.DateTimeField(db_default=Now(), db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["role", "host", "pid"], name="process_once")]

    def __str__(self) -> str:
        return f"{self.role} {self.pid} on {self.host}"
