from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from tagsync.connections import tokens
from tagsync.connections.models import Connection, ConnectionState
from tagsync.tuzhan.client import Token

HOST = "https://integrate.rabbitpre.com"


@pytest.fixture
def connection(db: None) -> Connection:
    connection = Connection(name="one", base_url=HOST)
    connection.set_app("app-1", "secret-1")
    connection.save()
    return connection


def refused(connection: Connection) -> set[str]:
    with pytest.raises(ValidationError) as caught:
        connection.full_clean()
    return set(caught.value.message_dict)


def test_it_has_what_the_platform_documents_as_defaults(db: None) -> None:
    connection = Connection(name="new", base_url=HOST)
    connection.full_clean()
    assert connection.path == "/api/integrate/audience/tag/batchAdd"
    assert connection.token_path == "/api/open/app/getOrgAccessToken"
    assert (connection.rows_per_call, connection.calls_per_period, connection.period_seconds) == (500, 10, 5)
    assert connection.state == ConnectionState.READY


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("rows_per_call", 501),
        ("rows_per_call", 0),
        ("calls_per_period", 0),
        ("period_seconds", 0.0),
        ("period_seconds", float("nan")),
        ("period_seconds", float("inf")),
        ("parallel_calls", 0),
        ("parallel_calls", 17),
        ("base_url", "http://example.com"),
        ("path", "no-slash"),
        ("token_path", "//evil.com"),
        ("app_id", "app 1"),
        ("app_id", "应用"),
        ("name", ""),
    ],
)
def test_it_refuses_impossible_values(connection: Connection, field: str, value: object) -> None:
    setattr(connection, field, value)
    assert refused(connection) == {field}


def test_it_keeps_one_spelling_of_the_address(connection: Connection) -> None:
    connection.base_url = "HTTPS://Integrate.rabbitpre.com:443/"
    connection.full_clean()
    assert connection.base_url == HOST


def test_it_holds_one_app_of_one_address_once(connection: Connection) -> None:
    twin = Connection(name="two", base_url=f"{HOST}/", app_id="app-1")
    assert refused(twin) == {"app_id"}
    twin.base_url = HOST
    with pytest.raises(IntegrityError), transaction.atomic():
        twin.save()


def test_it_allows_the_same_app_id_elsewhere_and_fixed_tokens_side_by_side(connection: Connection) -> None:
    Connection(name="two", base_url="https://other.rabbitpre.com", app_id="app-1").full_clean()
    for name in ("three", "four"):
        fixed = Connection(name=name, base_url=HOST)
        fixed.set_fixed_token("tok")
        fixed.full_clean()
        fixed.save()


def test_it_changes_from_app_to_fixed_token_and_back(connection: Connection) -> None:
    tokens.keep(connection, Token("fetched", 3600))
    connection.set_fixed_token("pasted")
    assert connection.uses_fixed_token and connection.has_credentials
    assert (connection.fixed_token(), connection.app_secret(), connection.current_token()) == ("pasted", "", "")
    connection.set_app("app-2", "secret-2")
    assert not connection.uses_fixed_token
    assert (connection.app_secret(), connection.fixed_token()) == ("secret-2", "")


@pytest.mark.parametrize(("lifetime_seconds", "shown"), [(3600, "fetched"), (2, "fetched"), (0, "")])
def test_it_gives_no_token_that_has_ended(connection: Connection, lifetime_seconds: int, shown: str) -> None:
    tokens.keep(connection, Token("fetched", lifetime_seconds))
    connection.refresh_from_db()
    assert connection.current_token() == shown
    assert connection.has_live_token is bool(shown)


def test_it_is_blocked_by_whoever_comes_first(connection: Connection) -> None:
    same = Connection.objects.get(pk=connection.pk)
    assert connection.block("forbidden", "x" * 900)
    assert not same.block("certificate", "later")
    assert same.state == ConnectionState.BLOCKED
    assert same.blocked_reason == "forbidden" and len(same.blocked_detail) == 500 and same.blocked_at


def test_it_is_ready_again_after_unblocking(connection: Connection) -> None:
    connection.block("forbidden", "HTTP 403")
    connection.unblock()
    connection.unblock()
    connection.refresh_from_db()
    assert (connection.state, connection.blocked_reason, connection.blocked_detail) == ("ready", "", "")
    assert connection.blocked_at is None
    assert connection.block("certificate")


def test_it_counts_queue_numbers_up_whoever_asks(connection: Connection) -> None:
    same = Connection.objects.get(pk=connection.pk)
    assert [connection.take_queue_number(), same.take_queue_number(), connection.take_queue_number()] == [1, 2, 3]


def test_it_halves_what_was_refused_and_never_raises_the_limit_by_that(connection: Connection) -> None:
    connection.body_was_refused(1000)
    connection.body_was_refused(5000)  # a call that was under way
    assert (connection.max_body_bytes, connection.rows_per_call) == (500, 500)
    connection.body_was_refused(1)
    assert connection.max_body_bytes == 1


def test_the_limit_doubles_once_and_ends_when_a_full_call_fits(connection: Connection) -> None:
    connection.body_was_refused(4000)
    same = Connection.objects.get(pk=connection.pk)
    connection.body_was_taken(2000, 1900, 10)
    same.body_was_taken(2000, 1900, 10)  # cut at the limit of before
    assert (connection.max_body_bytes, same.max_body_bytes) == (4000, 4000)
    connection.rows_per_call = 30
    connection.body_was_taken(4000, 3800, 20)
    assert Connection.objects.get(pk=connection.pk).max_body_bytes is None


def test_it_offers_what_is_in_use_with_the_test_platform_last(connection: Connection) -> None:
    Connection.objects.create(name="a sandbox", base_url="http://127.0.0.1:1", is_sandbox=True)
    old = Connection.objects.create(name="old", base_url="https://old.rabbitpre.com")
    old.archive()
    assert [one.name for one in Connection.objects.usable()] == ["one", "a sandbox"]
    old.restore()
    assert old in Connection.objects.usable()
