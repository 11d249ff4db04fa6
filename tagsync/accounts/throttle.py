"""Slows down who guesses passwords, without letting anybody lock a colleague out. Must not know pages.

Wrong passwords are counted, and hold up the next try for longer each time:

- on a browser or a client address that she has signed in from before: only what was wrong there with her name;
- everywhere else: what was wrong with the name, wherever that was, and what was wrong at the address, with any name.

So whatever others try, at her account or at theirs, she gets in where she got in before; her own browser is known even
where colleagues share its address. Unknown names are counted like others, so nobody learns which accounts there are.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.crypto import salted_hmac

from tagsync.accounts.models import SignInPlace
from tagsync.database import database_now

# How many may be wrong before the first delay. Many people may share an address.
FREE = {"browser": 5, "known": 5, "account": 5, "address": 20}
FIRST_DELAY_SECONDS = 10
LONGEST_DELAY_SECONDS = 3600
# Without a wrong one for so long, the count begins anew.
FORGOTTEN_AFTER = timedelta(days=1)
KNOWN_FOR = timedelta(days=180)


@dataclass(frozen=True)
class Attempt:
    """One try with a name and a password. It may be made unless it is held up."""

    address: str = ""
    held_until: datetime | None = None
    # key → until when it holds others up, should this try be wrong
    counted: dict[str, datetime | None] = field(default_factory=dict)


def begin(name: str, address: str, browser: str = "") -> Attempt:
    """Count the try as a wrong one before the password is looked at: of many at once, none may pass uncounted.

    `name`: as it was typed. `browser`: its random identifier, "" if it has none.
    """
    known = _known_keys(name, address, browser)
    strange = {"account": _key("account", name), "address": _key("address", address)}
    familiar = set(SignInPlace.objects.filter(key__in=known.values(), known=True).values_list("key", flat=True))
    return _count(address, next(({kind: key} for kind, key in known.items() if key in familiar), strange))


def _known_keys(name: str, address: str, browser: str) -> dict[str, str]:
    browsers = {"browser": _key("browser", name, browser)} if browser else {}
    return {**browsers, "known": _key("known", name, address)}


def _count(address: str, kinds: dict[str, str]) -> Attempt:
    with transaction.atomic():
        SignInPlace.objects.bulk_create((SignInPlace(key=key) for key in sorted(kinds.values())), ignore_conflicts=True)
        # In one order, so that two tries never wait for each other.
        held = SignInPlace.objects.select_for_update(no_key=True).filter(key__in=kinds.values()).order_by("key")
        places, now = {place.key: place for place in held}, database_now()
        waits = [place.held_until for place in places.values() if place.held_until and place.held_until > now]
        if waits:
            return Attempt(address, held_until=max(waits))
        for kind, key in kinds.items():
            place = places[key]
            place.wrong = 1 if now - place.last_at > FORGOTTEN_AFTER else place.wrong + 1
            place.held_until = _held_until(now, place.wrong - FREE[kind])
            place.last_at = now
            place.save(update_fields=["wrong", "held_until", "last_at"])
    return Attempt(address, counted={key: place.held_until for key, place in places.items()})


def _held_until(now: datetime, too_many: int) -> datetime | None:
    if too_many < 0:
        return None
    # The exponent stops where the longest delay is reached anyhow.
    return now + timedelta(seconds=min(FIRST_DELAY_SECONDS * 2 ** min(too_many, 20), LONGEST_DELAY_SECONDS))


def succeeded(attempt: Attempt, name: str, browser: str) -> None:
    """The password was right: the try is taken back, and she is known here from now on.

    What others did wrong stays counted: whoever has an account could else begin anew by signing in to it.
    """
    with transaction.atomic():
        for key, until in sorted(attempt.counted.items()):
            place = SignInPlace.objects.filter(key=key)
            place.filter(wrong__gt=0).update(wrong=F("wrong") - 1)
            place.filter(held_until=until).update(held_until=None)
        for key in sorted(_known_keys(name, attempt.address, browser).values()):
            values: dict[str, Any] = {"known": True, "last_at": Now()}
            if key in attempt.counted:
                values |= {"wrong": 0, "held_until": None}
            SignInPlace.objects.update_or_create(key=key, defaults=values)


def delete_old(**_signal: Any) -> None:
    """Receives `keeper_cleans`."""
    old = Q(last_at__lt=Now() - FORGOTTEN_AFTER, known=False) | Q(last_at__lt=Now() - KNOWN_FOR)
    SignInPlace.objects.filter(old).delete()


def _key(kind: str, *parts: str) -> str:
    """Hashed with the secret of this installation: people type passwords where the name belongs."""
    folded = (unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", part.strip()).casefold()) for part in parts)
    return salted_hmac(f"tagsync.accounts.throttle.{kind}", "\0".join(folded), algorithm="sha256").hexdigest()
