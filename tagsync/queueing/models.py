"""Which installation this database belongs to: its name in a Redis that others use as well."""

from __future__ import annotations

import secrets

from django.db import models
from django.db.models import Q

IDENTIFIER_BYTES = 6


def new_identifier() -> str:
    return secrets.token_hex(IDENTIFIER_BYTES)


class Installation(models.Model):
    """One row, made after `migrate`; a restored database brings its own along."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    identifier = models.CharField(max_length=2 * IDENTIFIER_BYTES, default=new_identifier, editable=False)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="one_installation")]

    def __str__(self) -> str:
        return self.identifier
