"""What every template can see besides its view's own context."""

from __future__ import annotations

from typing import TypedDict

from django.contrib.auth.models import AbstractUser
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _

from tagsync import schema
from tagsync.accounts.models import Person
from tagsync.connections.models import Connection, ConnectionState
from tagsync.imports.restores import hold
from tagsync.notifications.seen import unseen
from tagsync.queueing.health import queue_health


class Banner(TypedDict, total=False):
    tone: str
    title: str
    text: str
    action_url: str
    action_label: str


# More are shown as 99+, and never counted.
MOST_NEW = 100


def notices(request: HttpRequest) -> dict[str, object]:
    """How many notices the person has not seen; one look at a small index, and only where a template shows it."""
    return {"new_notices": SimpleLazyObject(lambda: number_of_new(getattr(request, "user", None)))}


def connections(_request: HttpRequest) -> dict[str, object]:
    """How many connections need somebody; of a handful, and asked for only where a template shows it."""
    blocked = Connection.objects.filter(state=ConnectionState.BLOCKED, archived_at=None)
    return {"blocked_number": SimpleLazyObject(blocked.count)}


def number_of_new(user: object) -> int:
    return unseen(user).order_by()[:MOST_NEW].count() if isinstance(user, Person) else 0


def banners(request: HttpRequest) -> dict[str, object]:
    """Notices above every page of a signed-in person; looked up only where a template shows them."""
    return {"banners": SimpleLazyObject(lambda: _banners(request))}


def _banners(request: HttpRequest) -> list[Banner]:
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return []
    return [*_held(user), *_of_program(user), *_of_workers()]


def _held(user: AbstractUser) -> list[Banner]:
    if not hold.is_on():
        return []
    text = _("This database was restored from a backup. What may have been sent since must be reviewed first.")
    banner: Banner = {"tone": "warning", "title": _("Nothing is sent: an admin must confirm"), "text": text}
    if user.has_perm("imports.confirm_restore"):
        banner |= {"action_url": reverse("restore"), "action_label": _("Review and confirm")}
    return [banner]


def _of_program(user: AbstractUser) -> list[Banner]:
    if not user.has_perm("connections.manage_connections") or not schema.differed_lately():
        return []
    title = _("This program and its database are of different versions")
    text = _("Workers of this version do no work. Stop the old ones, migrate the database, start the new ones.")
    return [{"tone": "danger", "title": title, "text": text}]


def _of_workers() -> list[Banner]:
    health = queue_health()
    if not health.redis:
        return [_delayed(_("Checks and imports start late: Redis can't be reached"))]
    if not health.check_workers and not health.send_workers:
        return [_delayed(_("Checks and imports wait: no worker is running"))]
    if not health.check_workers:
        return [_delayed(_("Files wait to be checked: no worker for checks is running"))]
    if not health.send_workers:
        return [_delayed(_("Imports wait to be sent: no worker for sending is running"))]
    return []


def _delayed(title: str) -> Banner:
    return {
        "tone": "warning",
        "title": title,
        "text": _("Nothing is lost, and it continues automatically. If this lasts, tell whoever runs tagsync."),
    }
