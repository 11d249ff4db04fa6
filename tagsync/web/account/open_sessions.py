"""Where a person is signed in: her sessions that still live, each with its browser, and an end to one of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.models import Session
from django.db.models.functions import Now
from django.utils.crypto import constant_time_compare, salted_hmac

from tagsync.accounts.models import Person
from tagsync.web.account.sessions import BEGAN, DEVICE, PRESSED, is_over


class OpenSession(NamedTuple):
    """`mark` names it on the page: its key opens it, and is shown to nobody."""

    mark: str
    device: str
    began: datetime
    pressed: datetime
    is_this_one: bool


def open_sessions(person: Person, this_key: str | None) -> list[OpenSession]:
    """This one first, then by the last press. All sessions are read, of which there are as many as people sign in."""
    found = [_open_session(stored, this_key) for stored in _hers(person)]
    return sorted(found, key=lambda one: (not one.is_this_one, -one.pressed.timestamp()))


def end_session(person: Person, mark: str) -> bool:
    """False when none of hers has this mark (any more)."""
    ended = [one.session_key for one in _hers(person) if constant_time_compare(_mark(one.session_key), mark)]
    return Session.objects.filter(session_key__in=ended).delete()[0] > 0


def _hers(person: Person) -> Iterator[Session]:
    counts = {person.get_session_auth_hash(), *person.get_session_auth_fallback_hash()}
    for stored in Session.objects.filter(expire_date__gt=Now()).iterator():
        data = stored.get_decoded()
        if data.get(SESSION_KEY) == str(person.pk) and data.get(HASH_SESSION_KEY) in counts and not is_over(data):
            yield stored


def _open_session(stored: Session, this_key: str | None) -> OpenSession:
    data = stored.get_decoded()
    began, pressed = (datetime.fromtimestamp(data[name], UTC) for name in (BEGAN, PRESSED))
    return OpenSession(_mark(stored.session_key), data.get(DEVICE, ""), began, pressed, stored.session_key == this_key)


def _mark(session_key: str) -> str:
    return salted_hmac("tagsync.web.account.open_sessions", session_key).hexdigest()[:20]
