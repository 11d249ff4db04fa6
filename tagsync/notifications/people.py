"""Whom a notice goes to besides the owner of an import."""

from __future__ import annotations

from tagsync.accounts.models import Person


def people_with(permission: str) -> list[int]:
    """The numbers of all active people who have it, by their role or as superusers."""
    people = Person.objects.with_perm(permission, backend="django.contrib.auth.backends.ModelBackend")
    return list(people.order_by("pk").values_list("pk", flat=True).distinct())
