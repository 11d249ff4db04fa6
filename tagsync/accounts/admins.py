"""Whether somebody would be left to run the house. Must not know the pages that ask."""

from __future__ import annotations

from enum import StrEnum

from django.db.models import Q, QuerySet

from tagsync.accounts.models import Person
from tagsync.accounts.roles import ADMINS


class Refusal(StrEnum):
    """Why a person can't lose her admin role or be disabled."""

    HERSELF = "herself"
    LAST_ADMIN = "last_admin"


def active_admins() -> QuerySet[Person]:
    is_admin = Q(is_superuser=True) | Q(pk__in=Person.objects.filter(groups__name=ADMINS).values("pk"))
    return Person.objects.filter(is_admin, is_active=True)


def refusal_to_dismiss(person: Person, by: Person) -> Refusal | None:
    """Call it inside the transaction of the change: the admins stay locked, so that two can't dismiss each other."""
    admins = {admin.pk for admin in active_admins().select_for_update(no_key=True).order_by("pk")}
    if person.pk not in admins:
        return None
    if person.pk == by.pk:
        return Refusal.HERSELF
    return Refusal.LAST_ADMIN if len(admins) == 1 else None
