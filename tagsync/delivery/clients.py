"""From a connection to a client that may talk to it, or the reason why not."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError

from tagsync.connections.addresses import check_base_url, is_loopback
from tagsync.connections.crypto import CredentialsUnreadable
from tagsync.connections.models import Connection
from tagsync.tuzhan.client import Client
from tagsync.tuzhan.outcomes import BlockReason


class Unusable(Exception):
    """The connection cannot be used at all."""

    def __init__(self, reason: BlockReason) -> None:
        super().__init__(reason)
        self.reason = reason


def calls(client: Client, connection: Connection) -> bool:
    """Whether this client calls where the connection leads now."""
    address = (connection.base_url, connection.path, connection.token_path)
    return (client.base_url, client.path, client.token_path) == address


def client_for(connection: Connection) -> Client:
    """Raises Unusable. The address is checked again: what may be called can have changed since it was saved."""
    try:
        check_base_url(connection.base_url)
    except ValidationError:
        raise Unusable(BlockReason.ADDRESS_NOT_ALLOWED) from None
    if not connection.has_credentials:
        raise Unusable(BlockReason.NO_CREDENTIALS)
    try:
        connection.fixed_token(), connection.app_secret(), connection.current_token()
    except CredentialsUnreadable:
        raise Unusable(BlockReason.CREDENTIALS_UNREADABLE) from None
    loopback = is_loopback(urlsplit(connection.base_url).hostname or "")
    return Client(
        connection.base_url,
        connection.path,
        connection.token_path,
        timeout_seconds=settings.TAGSYNC_CALL_SECONDS,
        connect_timeout_seconds=min(5, settings.TAGSYNC_CALL_SECONDS),
        public_only=not loopback and not settings.TAGSYNC_ALLOWED_API_HOSTS,
    )
