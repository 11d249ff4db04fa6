"""Refusals and renewals while a person replaces what was refused: only what is still stored blocks, or is kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tagsync.connections import tokens
from tagsync.connections.models import Connection
from tagsync.tuzhan.client import Client, Token
from tagsync.tuzhan.outcomes import Answer, Blocked, Outcome

HOST = "https://integrate.rabbitpre.com"

pytestmark = pytest.mark.django_db


class Platform(Client):
    """Gives the token that it is told to; something else may happen while it does."""

    def __init__(self, connection: Connection, gives: Token | Outcome, meanwhile: Callable[[], object] = int) -> None:
        super().__init__(connection.base_url, connection.path, connection.token_path)
        self.gives, self.meanwhile = gives, meanwhile
        self.asked: list[tuple[str, str]] = []

    def fetch_token(self, app_id: str, app_secret: str) -> Token | Outcome:
        self.asked.append((app_id, app_secret))
        self.meanwhile()
        return self.gives


@pytest.fixture
def fixed() -> Connection:
    connection = Connection(name="fixed", base_url=HOST)
    connection.set_fixed_token("old-token")
    connection.save()
    return connection


@pytest.fixture
def app() -> Connection:
    connection = Connection(name="app", base_url=HOST)
    connection.set_app("app-1", "old-secret")
    connection.save()
    return connection


def again(connection: Connection) -> Connection:
    return Connection.objects.get(pk=connection.pk)


def enter(connection: Connection, **changes: Any) -> None:
    """What an admin's form does, beside whoever holds `connection`."""
    stored = again(connection)
    if token := changes.pop("token", ""):
        stored.set_fixed_token(token)
    if secret := changes.pop("secret", ""):
        stored.set_app(stored.app_id, secret)
    for name, value in changes.items():
        setattr(stored, name, value)
    stored.save()


def client_of(connection: Connection) -> Client:
    return Client(connection.base_url, connection.path, connection.token_path)


# -- a call refused


def test_it_blocks_for_the_fixed_token_that_is_stored(fixed: Connection) -> None:
    assert tokens.refused(fixed, "old-token", tokens.sent_with(fixed, client_of(fixed)))
    assert (again(fixed).state, again(fixed).blocked_reason) == ("blocked", "token_rejected")


def test_it_blocks_for_no_token_that_was_replaced(fixed: Connection) -> None:
    sent = tokens.sent_with(fixed, client_of(fixed))
    enter(fixed, token="new-token")
    assert not tokens.refused(fixed, "old-token", sent)
    assert again(fixed).state == "ready"
    assert tokens.token_for(fixed, client_of(fixed)) == "new-token"


def test_it_blocks_for_no_token_that_is_replaced_at_this_moment(fixed: Connection, monkeypatch: Any) -> None:
    def read_then_replaced(self: Connection) -> str:
        enter(self, token="new-token")
        return "old-token"

    monkeypatch.setattr(Connection, "fixed_token", read_then_replaced)
    assert not tokens.refused(fixed, "old-token")
    assert again(fixed).state == "ready"


def test_it_blocks_for_no_refusal_from_before_the_repair(fixed: Connection) -> None:
    sent = tokens.sent_with(fixed, client_of(fixed))
    fixed.block("forbidden", where=sent)
    again(fixed).unblock()
    # Two more calls were under way, and come back now.
    assert not fixed.block("forbidden", where=sent)
    assert not tokens.refused(again(fixed), "old-token", sent)
    assert again(fixed).state == "ready"
    # What is sent after the repair counts.
    fresh = again(fixed)
    assert fresh.block("forbidden", where=tokens.sent_with(fresh, client_of(fresh)))


@pytest.mark.parametrize(
    ("change", "blocks"),
    [
        ({"path": "/new"}, False),
        ({"base_url": "https://other.rabbitpre.com"}, False),
        ({"token": "new-token"}, False),
        ({"calls_per_period": 3, "rows_per_call": 7, "name": "renamed"}, True),
    ],
)
def test_it_blocks_for_what_was_called_only(fixed: Connection, change: dict[str, Any], blocks: bool) -> None:
    sent = tokens.sent_with(fixed, client_of(fixed))
    enter(fixed, **change)
    assert fixed.block("wrong_address", "HTTP 404", sent) is blocks
    assert again(fixed).state == ("blocked" if blocks else "ready")


def test_it_goes_by_where_the_client_calls(fixed: Connection) -> None:
    """The connection was read again, the client is an older one: the old path was refused, not the new one."""
    client = client_of(fixed)
    enter(fixed, path="/new")
    fixed.refresh_from_db()
    assert not fixed.block("wrong_address", where=tokens.sent_with(fixed, client))
    assert fixed.block("wrong_address", where=tokens.sent_with(fixed, client_of(fixed)))


def test_it_forgets_a_refused_token_but_blocks_for_no_replaced_secret(app: Connection) -> None:
    platform = Platform(app, Token("first", 3600))
    assert tokens.token_for(app, platform) == "first"
    assert not tokens.refused(app, "first", tokens.sent_with(app, platform))
    platform.gives = Token("second", 3600)
    assert tokens.token_for(app, platform) == "second"
    sent = tokens.sent_with(app, platform)
    enter(app, secret="new-secret")
    # The second in a row: with the old secret that would be the end.
    assert not tokens.refused(app, "second", sent)
    assert again(app).state == "ready"
    assert (again(app).token_refusals, again(app).app_secret()) == (0, "new-secret")


def test_it_counts_a_refusal_once_when_another_worker_saw_it_too(app: Connection, monkeypatch: Any) -> None:
    platform = Platform(app, Token("first", 3600))
    tokens.token_for(app, platform)
    real = tokens.decrypt

    def told_by_another(stored: str) -> str:
        text = real(stored)
        monkeypatch.setattr(tokens, "decrypt", real)
        assert not tokens.refused(again(app), "first")
        return text

    monkeypatch.setattr(tokens, "decrypt", told_by_another)
    assert not tokens.refused(app, "first")
    assert again(app).token_refusals == 1


# -- a token call


def instead_of_token(connection: Connection, client: Any) -> Any:
    with pytest.raises(tokens.NoToken) as caught:
        tokens.token_for(connection, client)
    return caught.value.outcome


def test_it_keeps_no_token_of_a_replaced_secret(app: Connection) -> None:
    def replaced() -> None:
        enter(app, secret="new-secret")

    assert instead_of_token(app, Platform(app, Token("of the old", 3600), replaced)) is None
    assert again(app).token_encrypted == ""
    # Nor does the old renewal hold up the new one.
    platform = Platform(app, Token("of the new", 3600))
    assert tokens.token_for(app, platform) == "of the new"
    assert platform.asked == [("app-1", "new-secret")]
    assert again(app).current_token() == "of the new"


def test_it_keeps_no_token_over_a_newer_one(app: Connection) -> None:
    """A renewal that slept past its lease; another worker has fetched a token meanwhile."""

    def overslept() -> None:
        Connection.objects.filter(pk=app.pk).update(token_lease_until=tokens.database_now() - timedelta(seconds=1))
        assert tokens.token_for(again(app), Platform(app, Token("newer", 3600))) == "newer"

    assert instead_of_token(app, Platform(app, Token("older", 3600), overslept)) is None
    assert again(app).current_token() == "newer"


def test_it_ends_no_lease_of_another_worker(app: Connection) -> None:
    later = tokens.database_now() + timedelta(seconds=30)

    def overslept() -> None:
        Connection.objects.filter(pk=app.pk).update(token_lease_until=later)

    refusal = Blocked(Answer(), "app_id_or_secret")
    assert instead_of_token(app, Platform(app, refusal, overslept)) == refusal
    assert again(app).token_lease_until == later


def test_it_blocks_for_no_secret_that_was_replaced_during_the_token_call(app: Connection) -> None:
    def replaced() -> None:
        enter(app, secret="new-secret")

    platform = Platform(app, Blocked(Answer(), "app_id_or_secret"), replaced)
    assert instead_of_token(app, platform) == platform.gives
    assert not app.block("app_id_or_secret", where=tokens.sent_with(app, platform))
    # The new one is refused as well: now it is that.
    platform.meanwhile = int
    assert instead_of_token(app, platform) == platform.gives
    assert app.block("app_id_or_secret", where=tokens.sent_with(app, platform))


def test_it_sees_other_credentials_at_the_next_call(fixed: Connection) -> None:
    stale = again(fixed)
    enter(fixed, token="new-token")
    assert tokens.token_for(stale, client_of(fixed)) == "new-token"
    changed = again(fixed)
    changed.set_app("app-2", "secret-2")
    changed.save()
    platform = Platform(fixed, Token("fetched", 3600))
    assert tokens.token_for(stale, platform) == "fetched"
    assert platform.asked == [("app-2", "secret-2")]
