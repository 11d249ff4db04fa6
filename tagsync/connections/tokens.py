"""The access token of a connection: the fixed one, or one fetched with app id and secret by one worker at a time.

Whether a new token kills the old one is not documented, so a connection has one token that all workers share.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from tagsync.connections.crypto import decrypt, encrypt
from tagsync.connections.models import Connection
from tagsync.tuzhan.client import Client, Token
from tagsync.tuzhan.errors import Outcome

RENEW_EARLY_SECONDS = 120.0
# Longer than a call: whoever renews is done, or dead, when it ends.
RENEWAL_LEASE = timedelta(seconds=40)


@dataclass(frozen=True)
class BeingRenewed:
    """Another worker fetches the token at this moment; ask again in a second."""


def token_for(connection: Connection, client: Client) -> str | BeingRenewed | Outcome:
    """A token to call with, or what came instead of one. Raises crypto.CredentialsUnreadable."""
    if connection.uses_fixed_token:
        return connection.fixed_token()
    connection.refresh_from_db(fields=["token_encrypted", "token_expires_at", "token_renew_at"])
    token = connection.current_token()
    if token and connection.token_renew_at and timezone.now() < connection.token_renew_at:
        return token
    if not _claim_renewal(connection):
        return token or BeingRenewed()
    return _fetch(connection, client)


def refused(connection: Connection, token: str) -> bool:
    """A call with `token` was refused. True when only a person can help; else the next token_for() may be tried.

    A token that is no longer the current one says nothing. A fixed token can't be renewed. A fetched one is renewed;
    when the token fetched after a refusal is refused on its first use too, fetching more is no use.
    """
    if connection.uses_fixed_token:
        return token == connection.fixed_token()
    connection.refresh_from_db(fields=["token_encrypted", "token_refusals"])
    if decrypt(connection.token_encrypted) != token:
        return False
    # Conditional on the very token: a worker that fetched a newer one meanwhile must not lose it. Forgotten in any
    # case: kept, it would be refused again after a person's repair, and block the connection for ever.
    current = Connection.objects.filter(pk=connection.pk, token_encrypted=connection.token_encrypted)
    current.update(token_encrypted="", token_expires_at=None, token_refusals=F("token_refusals") + 1)
    return connection.token_refusals > 0


def proven(connection: Connection) -> None:
    """A call with the current token was not refused."""
    if connection.token_refusals:
        Connection.objects.filter(pk=connection.pk).update(token_refusals=0)
        connection.token_refusals = 0


def _claim_renewal(connection: Connection) -> bool:
    free = Q(token_lease_until=None) | Q(token_lease_until__lt=Now())
    mine = Connection.objects.filter(free, pk=connection.pk, token_encrypted=connection.token_encrypted)
    return bool(mine.update(token_lease_until=Now() + RENEWAL_LEASE))


def _fetch(connection: Connection, client: Client) -> str | Outcome:
    answer = client.fetch_token(connection.app_id, connection.app_secret())
    if not isinstance(answer, Token):
        Connection.objects.filter(pk=connection.pk).update(token_lease_until=None)
        return answer
    keep(connection, answer)
    return answer.value


def keep(connection: Connection, token: Token) -> None:
    """Encrypted, for all workers; ends the renewal."""
    now, life = timezone.now(), token.lifetime_seconds
    connection.token_encrypted = encrypt(token.value)
    connection.token_expires_at = now + timedelta(seconds=life)
    # A token of a few seconds is renewed in the middle of its life, not two minutes before its birth.
    connection.token_renew_at = now + timedelta(seconds=max(life - RENEW_EARLY_SECONDS, life / 2))
    connection.token_lease_until = None
    connection.save(update_fields=["token_encrypted", "token_expires_at", "token_renew_at", "token_lease_until"])
