"""Who acts next, of many imports at once: conditions of columns alone. An import may wait for two at the same time.

An unfinished draft, and what somebody stopped, waits for nobody.
"""

from __future__ import annotations

from django.db.models import Q

from tagsync.connections.models import ConnectionState
from tagsync.imports.states import ENDED, UNDER_WAY, JobStatus

# On a blocked connection an import keeps one of these two states.
ON_BLOCKED = Q(status__in=(JobStatus.QUEUED, JobStatus.RUNNING), connection__state=ConnectionState.BLOCKED)
ASKS_ITS_OWNER = (JobStatus.READY, JobStatus.UNREADABLE, JobStatus.BLOCKED)
# As long as an import asks its owner whether to go on, nobody sends its rows again.
DECIDED = ENDED - {JobStatus.BLOCKED}


def owners() -> Q:
    """Whoever uploaded it starts it, decides, or corrects the sheet."""
    return Q(status__in=ASKS_ITS_OWNER) | Q(status__in=ENDED, left_to_owner__gt=0)


def admins() -> Q:
    """An admin repairs the connection, or sends rows again."""
    return ON_BLOCKED | Q(status__in=DECIDED, left_to_admins__gt=0)


def somebodys() -> Q:
    """It stands still, or something of it is left, until a person acts."""
    return owners() | admins()


def nobodys() -> Q:
    "It continues automatically."
    return Q(status__in=(JobStatus.CHECKING, *UNDER_WAY)) & ~ON_BLOCKED


def open_failures() -> Q:
    """Imports that have ended with a failure that nobody has fixed, and whose cause nobody has settled."""
    return Q(status__in=ENDED) & (Q(left_to_owner__gt=0) | Q(left_to_admins__gt=0))
