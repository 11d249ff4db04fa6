"""The access token of a connection: the fixed one, or one fetched with app id and secret and kept encrypted."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from tagsync.connections.models import Connection
from tagsync.tuzhan.client import Client, Token
from tagsync.tuzhan.errors import Outcome


def token_for(connection: Connection, client: Client) -> str | Outcome:
    """A token to call with, or what came instead of one. Raises crypto.CredentialsUnreadable."""
    if connection.uses_fixed_token:
        return connection.fixed_token()
    # Another worker may have fetched one since this row was read.
    connection.refresh_from_db(fields=["token_encrypted", "token_expires_at"])
    return connection.current_token() or fetch(connection, client)


def fetch(connection: Connection, client: Client) -> str | Outcome:
    """A new token, kept for all workers, or what came instead of one."""
    answer = client.fetch_token(connection.app_id, connection.app_secret())
    if not isinstance(answer, Token):
        return answer
    connection.keep_token(answer.value, timezone.now() + timedelta(seconds=answer.lifetime_seconds))
    return answer.value
