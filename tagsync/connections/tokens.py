"""The access token of a connection: the fixed one, or one fetched with app id and secret by one worker at a time.

Whether a new token kills the old one is not documented, so a connection has one token that all workers share. A person
may replace credentials and address at any moment: whatever is written here holds in its WHERE what it is about.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import models, transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from tagsync.connections.crypto import decrypt, encrypt
from tagsync.connections.models import Connection
from tagsync.database import database_now
from tagsync.tuzhan.client import Client, Token
from tagsync.tuzhan.outcomes import BlockReason, Outcome

RENEW_EARLY_SECONDS = 120.0
# Longer than a call: whoever renews is done, or dead, when it ends.
RENEWAL_LEASE = timedelta(seconds=40)

CREDENTIALS = ("app_id", "app_secret_encrypted", "fixed_token_encrypted")


class NoToken(Exception):
    """`outcome`: what came instead of a token.

    None: another worker fetches one at this moment, or the credentials were just replaced; ask again in a second.
    """

    def __init__(self, outcome: Outcome | None = None) -> None:
        super().__init__(type(outcome).__name__)
        self.outcome = outcome


def token_for(connection: Connection, client: Client) -> str:
    """A token to call with; `connection` is then as it was stored at that moment.

    Raises NoToken, crypto.CredentialsUnreadable.
    """
    now = _read_again(connection)
    if connection.uses_fixed_token:
        return connection.fixed_token()
    lives = connection.token_expires_at is not None and connection.token_expires_at > now
    token = decrypt(connection.token_encrypted) if lives else ""
    if token and connection.token_renew_at and now < connection.token_renew_at:
        return token
    if not _claim_renewal(connection, now):
        if not token:
            raise NoToken
        return token
    return _fetch(connection, client)


def sent_with(connection: Connection, client: Client) -> Q:
    """The condition that address and credentials are still stored as a call goes out with them now.

    Ask after token_for() and before `connection` is read again; give it to `Connection.block` when the call comes back
    refused. A repair in between counts as another connection: the refusal was on its way before it.
    """
    return _stored(connection, client)


def read_from(connection: Connection) -> Q:
    """The same for a connection that could not be used at all: as `connection` was read."""
    return _stored(connection, connection)


def refused(connection: Connection, token: str, sent: Q | None = None) -> bool:
    """A call with `token` was refused. True when that blocked the connection; else the next token_for() may be tried.

    A token that is no longer the current one says nothing. A fixed token can't be renewed. A fetched one is renewed;
    when the token fetched after a refusal is refused on its first use too, fetching more is no use.

    `sent`: what sent_with() said when the call began.
    """
    _read_again(connection)
    where = (sent or Q()) & _stored_credentials(connection)
    if connection.uses_fixed_token:
        return connection.fixed_token() == token and connection.block(BlockReason.TOKEN_REJECTED, where=where)
    if decrypt(connection.token_encrypted) != token:
        return False
    current = Q(token_encrypted=connection.token_encrypted, token_refusals=connection.token_refusals)
    with transaction.atomic():
        # Forgotten in any case: kept, it would be refused again after a person's repair, and block the connection for
        # ever.
        mine = Connection.objects.filter(current, _stored_credentials(connection), pk=connection.pk)
        if not mine.update(token_encrypted="", token_expires_at=None, token_refusals=F("token_refusals") + 1):
            return False
        return connection.token_refusals > 0 and connection.block(BlockReason.TOKEN_REJECTED, where=where)


def proven(connection: Connection) -> None:
    """A call with the current token was not refused."""
    if connection.token_refusals:
        Connection.objects.filter(pk=connection.pk).update(token_refusals=0)
        connection.token_refusals = 0


def keep(connection: Connection, token: Token) -> bool:
    """Encrypted, for all workers; ends the renewal. False when the credentials, or the lease, are no longer ours:
    a token of replaced credentials must not stand where one of the new ones belongs."""
    now, life = database_now(), token.lifetime_seconds
    kept = {
        "token_encrypted": encrypt(token.value),
        "token_expires_at": now + timedelta(seconds=life),
        # A token of a few seconds is renewed in the middle of its life, not two minutes before its birth.
        "token_renew_at": now + timedelta(seconds=max(life - RENEW_EARLY_SECONDS, life / 2)),
        "token_lease_until": None,
    }
    if not _renewed_by_us(connection).update(**kept):
        return False
    for name, value in kept.items():
        setattr(connection, name, value)
    return True


def _read_again(connection: Connection) -> datetime:
    """Make `connection` what is stored now, with one question; returns the database's time."""
    found: dict[str, Any] = dict(Connection.objects.filter(pk=connection.pk).annotate(now=Now()).values().get())
    now: datetime = found.pop("now")
    for name, value in found.items():
        setattr(connection, name, value)
    return now


def _stored(connection: Connection, address: Client | Connection) -> Q:
    place = Q(base_url=address.base_url, path=address.path, token_path=address.token_path)
    return place & _stored_credentials(connection) & Q(repaired_at=connection.repaired_at)


def _stored_credentials(connection: Connection) -> Q:
    return Q(**{name: getattr(connection, name) for name in CREDENTIALS})


def _claim_renewal(connection: Connection, now: datetime) -> bool:
    """The end of the lease is also its name: whoever holds another one, or none, keeps nothing."""
    free = Q(token_lease_until=None) | Q(token_lease_until__lt=Now())
    mine = Connection.objects.filter(
        free, _stored_credentials(connection), pk=connection.pk, token_encrypted=connection.token_encrypted
    )
    if not mine.update(token_lease_until=now + RENEWAL_LEASE):
        return False
    connection.token_lease_until = now + RENEWAL_LEASE
    return True


def _renewed_by_us(connection: Connection) -> models.QuerySet[Connection]:
    lease = Q(token_lease_until=connection.token_lease_until)
    return Connection.objects.filter(lease, _stored_credentials(connection), pk=connection.pk)


def _fetch(connection: Connection, client: Client) -> str:
    answer = client.fetch_token(connection.app_id, connection.app_secret())
    if not isinstance(answer, Token):
        _renewed_by_us(connection).update(token_lease_until=None)
        raise NoToken(answer)
    if not keep(connection, answer):
        raise NoToken
    return answer.value
