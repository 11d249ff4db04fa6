"""How long somebody stays signed in: until she has pressed nothing for hours, and some days at most."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.sessions.backends.base import SessionBase, UpdateError
from django.http import HttpRequest, HttpResponseBase

from tagsync.database import shown_now
from tagsync.web.account.devices import device_of

GetResponse = Callable[[HttpRequest], HttpResponseBase]

# What open pages ask for by themselves, by the names of the addresses.
POLLS = frozenset({"notice_badge", "import_live", "import_check_live", "export_live"})
# Pages that ask for themselves, by a script.
PAGES_THAT_POLL = frozenset({"export_list"})
# Of a request that a page repeats by itself because it failed: the press was earlier.
REPEATED_HEADER = "X-Repeated"
# A press is written down once in so long: each page would else write to the database.
NOTED_EVERY_SECONDS = 60
BEGAN, PRESSED, DEVICE = "began", "pressed", "device"


class SessionLimits:
    """Ends a session whose time is over, before anybody asks who is signed in."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_view: Any) -> None:
        if not request.user.is_authenticated:
            return
        if is_over(request.session):
            logout(request)
        elif not is_poll(request):
            _note_press(request.session)


def is_poll(request: HttpRequest) -> bool:
    """Whether nobody pressed anything: an open page asked what is new, or tries again what failed."""
    name = request.resolver_match.url_name if request.resolver_match else None
    repeats = REPEATED_HEADER in request.headers
    return repeats or name in POLLS or (name in PAGES_THAT_POLL and bool(getattr(request, "htmx", False)))


def begin(request: HttpRequest, **_signal: Any) -> None:
    """Receives `user_logged_in`."""
    request.session[BEGAN] = request.session[PRESSED] = _now()
    request.session[DEVICE] = device_of(request.headers.get("User-Agent", ""))


def delete_expired(**_signal: Any) -> None:
    """Receives `keeper_cleans`."""
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()


def _now() -> int:
    return int(shown_now().timestamp())


def is_over(session: SessionBase | Mapping[str, Any]) -> bool:
    """By the limits for presses and for the whole of it."""
    now = _now()
    pressed, began = session.get(PRESSED, 0), session.get(BEGAN, 0)
    idle = timedelta(hours=settings.TAGSYNC_SESSION_IDLE_HOURS).total_seconds()
    longest = timedelta(days=settings.TAGSYNC_SESSION_DAYS).total_seconds()
    # One from before there were limits is over.
    return bool(now - pressed > idle or now - began > longest)


def _note_press(session: SessionBase) -> None:
    if _now() - session[PRESSED] < NOTED_EVERY_SECONDS:
        return
    modified = session.modified
    session[PRESSED] = _now()
    # At once, and not with the answer: what the page does must not fail over it. A busy database notes the next press.
    with suppress(UpdateError):
        session.save()
    session.modified = modified
