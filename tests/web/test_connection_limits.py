"""The limit of bytes that a 413 leaves on a connection: shown, and forgotten on demand."""

from __future__ import annotations

import pytest
from django.test import Client

from tagsync.connections.models import Connection
from tests.web.layout import text_of
from tests.web.test_connections import HOST, page_of, posted


@pytest.fixture
def connection(db: None) -> Connection:
    connection = Connection(name="华东", base_url=HOST)
    connection.set_app("app-1", "stored-secret-9f3a")
    connection.save()
    return connection


def test_it_forgets_the_limit_of_bytes_when_the_size_is_chosen_anew(
    signed_admin: Client, connection: Connection
) -> None:
    connection.body_was_refused(100_000)
    signed_admin.post(page_of(connection), posted(name="renamed"))
    connection.refresh_from_db()
    assert connection.max_body_bytes == 50_000
    signed_admin.post(page_of(connection), posted(rows_per_call=200))
    connection.refresh_from_db()
    assert connection.max_body_bytes is None


def test_it_shows_the_limit_of_bytes_with_a_reset(signed_admin: Client, signed: Client, connection: Connection) -> None:
    address = f"/connections/{connection.pk}/forget-limit/"
    assert address not in text_of(signed_admin.get(page_of(connection)))
    connection.body_was_refused(100_000)
    page = text_of(signed_admin.get(page_of(connection)))
    assert "limited to 50,000 bytes" in page and address in page
    assert signed_admin.get(address).status_code == 405
    assert signed.post(address).status_code in (403, 404)
    connection.refresh_from_db()
    assert connection.max_body_bytes == 50_000
    page = text_of(signed_admin.post(address, follow=True))
    connection.refresh_from_db()
    assert connection.max_body_bytes is None and "The limit is removed" in page and address not in page
    signed_admin.post(address)
    assert signed_admin.post("/connections/999999/forget-limit/").status_code == 404
