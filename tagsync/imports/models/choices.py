"""What a person chooses for an import."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Match(models.TextChoices):
    NONE = "none", _("Do not match")
    EXACT = "exact", _("Exact")
    FUZZY = "fuzzy", _("Fuzzy")


class IdentifyWay(models.IntegerChoices):
    ONE = 1, _("Way 1")
    TWO = 2, _("Way 2")


class Operation(models.TextChoices):
    ADD = "add", _("Add tags")
    DELETE = "delete", _("Remove tags")

    @property
    def opposite(self) -> Operation:
        return Operation.DELETE if self == Operation.ADD else Operation.ADD


class HiddenRows(models.TextChoices):
    """What becomes of rows that a filter, or a person, has hidden in the sheet."""

    SKIP = "skip", _("Only the rows that are shown")
    SEND = "send", _("All rows, including hidden ones")
