"""“Test the connection”: what came back stands on the page, and how a connection is doing in the list."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tagsync.connections.models import Connection
from tagsync.delivery import connection_actions
from tagsync.imports.sending.outcomes import TheirAnswer
from tagsync.sandbox.running import Sandbox
from tests.web.layout import text_of

LIST = "/connections/"


@pytest.fixture
def connection(sandbox_connection: Connection, sandbox: Sandbox) -> Connection:
    sandbox_connection.base_url = sandbox.url
    sandbox_connection.save()
    return sandbox_connection


def try_it(client: Client, connection: Connection) -> Any:
    return client.post(reverse("connection_test", args=[connection.pk]))


def test_it_shows_what_came_back(signed_admin: Client, connection: Connection) -> None:
    response = try_it(signed_admin, connection)
    page = text_of(response)
    assert response.status_code == 200 and "notice--success" in page
    assert "The connection works: address, path and token are right" in page
    assert "<dt>HTTP status</dt><dd>200</dd>" in page and " ms</dd>" in page
    assert "It is repaired" not in page


def test_it_offers_to_go_on_when_a_blocked_one_works(signed_admin: Client, connection: Connection) -> None:
    connection.block("forbidden")
    page = text_of(try_it(signed_admin, connection))
    assert "Mark as repaired" in page and "still blocked" in page
    connection.refresh_from_db()
    assert connection.state == "blocked"


def test_it_ends_the_silence(signed_admin: Client, connection: Connection) -> None:
    Connection.objects.update(silent_since=timezone.now())
    try_it(signed_admin, connection)
    connection.refresh_from_db()
    assert connection.silent_since is None


def test_it_says_that_nothing_answers(signed_admin: Client, sandbox_connection: Connection) -> None:
    page = text_of(try_it(signed_admin, sandbox_connection))  # its port is closed
    assert "it cannot be reached" in page and "notice--warning" in page


def test_it_says_what_is_missing(signed_admin: Client, sandbox_connection: Connection) -> None:
    Connection.objects.update(fixed_token_encrypted="")
    page = text_of(try_it(signed_admin, sandbox_connection))
    assert "no token and no app id" in page and "no call got through" in page


def test_it_escapes_the_platforms_words(
    signed_admin: Client, sandbox_connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = TheirAnswer(403, "100403", "E<1>", "<b>无权限</b>", "", "", 1402)
    found = connection_actions.Found("connection_forbidden", answer)
    monkeypatch.setattr("tagsync.web.connections.views.try_connection", lambda _connection: found)
    page = text_of(try_it(signed_admin, sandbox_connection))
    assert "&lt;b&gt;无权限" in page and "<b>无权限" not in page
    for words in ("403", "100403", "E&lt;1&gt;", "1,402 ms", "The platform forbids the call", "notice--danger"):
        assert words in page


# -- how it is doing


def test_it_lists_silence_and_a_slower_pace(signed_admin: Client, sandbox_connection: Connection) -> None:
    since = timezone.now() - timedelta(hours=1)
    Connection.objects.update(silent_since=since, slow_factor=4, calls_per_period=10, period_seconds=5)
    for url in (LIST, reverse("connection_edit", args=[sandbox_connection.pk])):
        page = text_of(signed_admin.get(url))
        assert f"{timezone.localtime(since):%H:%M}" in page and "has not answered since" in page
        assert "asked to slow down: now 2.5 calls in 5 s" in page


def test_it_tells_a_very_slow_pace_by_the_call(signed_admin: Client, sandbox_connection: Connection) -> None:
    Connection.objects.update(slow_factor=32, calls_per_period=10, period_seconds=5)
    assert "now 1 call in 16 s" in text_of(signed_admin.get(LIST))


def test_it_says_nothing_of_a_healthy_one(signed_admin: Client, sandbox_connection: Connection) -> None:
    page = text_of(signed_admin.get(LIST))
    assert "slow down" not in page and "not answered" not in page


def test_it_keeps_the_choice_to_send_again(signed_admin: Client, sandbox_connection: Connection) -> None:
    url = reverse("connection_edit", args=[sandbox_connection.pk])
    form = signed_admin.get(url).context["form"]
    data = {name: form[name].value() or "" for name in form.fields}
    assert data.pop("resend_unanswered") is True
    assert signed_admin.post(url, data).status_code == 302
    sandbox_connection.refresh_from_db()
    assert sandbox_connection.resend_unanswered is False
