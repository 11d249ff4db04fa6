"""“Test the connection”: one harmless call, and exactly what came back."""

from __future__ import annotations

from typing import Any

import pytest

from tagsync.connections.models import Connection
from tagsync.delivery.connection_actions import WORKS, try_connection
from tagsync.sandbox import DEFAULT_APP_ID, DEFAULT_APP_SECRET, Sandbox

pytestmark = pytest.mark.django_db(transaction=True)


def test_it_works_and_touches_no_customer(connection: Connection, sandbox: Sandbox) -> None:
    found = try_connection(connection)
    assert found.works
    assert found.answer.http_status == 200
    assert not any(entry.applied_rows for entry in sandbox.ledger)
    assert sandbox.tags == {}


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"kind": "status", "http_status": 403}, "connection_forbidden"),
        ({"kind": "status", "http_status": 404}, "connection_wrong_address"),
        ({"kind": "token_expired"}, "connection_token_rejected"),
        ({"kind": "html"}, "wait_unanswered"),
        ({"kind": "cut"}, "wait_unanswered"),
        ({"kind": "busy"}, "wait_throttled"),
        ({"kind": "refuse_all", "on": "token"}, "connection_token_refused"),
        ({"kind": "status", "http_status": 503, "on": "token"}, "wait_unanswered"),
    ],
)
def test_it_tells_what_came_back(connection: Connection, sandbox: Sandbox, fault: dict[str, Any], code: str) -> None:
    connection.set_app(DEFAULT_APP_ID, DEFAULT_APP_SECRET)
    connection.save()
    sandbox.faults.add(**fault)
    assert try_connection(connection).code == code


def test_it_tells_when_nobody_listens(connection: Connection, sandbox: Sandbox) -> None:
    sandbox.stop()
    assert try_connection(connection).code == "wait_not_reached"


def test_it_tells_when_there_are_no_credentials(connection: Connection) -> None:
    connection.fixed_token_encrypted = ""
    connection.save()
    assert try_connection(connection).code == "connection_no_credentials"


@pytest.mark.parametrize(("options", "code"), [({}, WORKS), ({"json": False}, "wait_unanswered")])
def test_it_works_when_the_platform_says_anything_to_a_call_without_rows(
    connection: Connection, sandbox: Sandbox, options: dict[str, bool], code: str
) -> None:
    """What the real platform answers to an empty list is not documented: a JSON object of it is enough."""
    sandbox.faults.add("refuse_empty", **options)
    assert try_connection(connection).code == code
