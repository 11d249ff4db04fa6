"""What every template can see besides its view's own context."""

from __future__ import annotations

from typing import TypedDict

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _

from tagsync.accounts.models import Person
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


def number_of_new(user: object) -> int:
    return unseen(user).order_by()[:MOST_NEW].count() if isinstance(user, Person) else 0


def banners(request: HttpRequest) -> dict[str, object]:
    """Notices above every page of a signed-in person; looked up only where a template shows them."""
    return {"banners": SimpleLazyObject(lambda: _banners(request))}


def _banners(request: HttpRequest) -> list[Banner]:
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return []
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
        "text": _("Nothing is lost, and it goes on by itself. If this stays, tell whoever runs tagsync."),
    }
