from __future__ import annotations

import re

from django.test import Client

from tagsync.connections.models import Connection
from tests.web.test_connections import posted


def test_nobody_moves_the_test_platform(signed_admin: Client, sandbox_connection: Connection) -> None:
    """Else it would be called so, and reach real customers."""
    page = signed_admin.get(f"/connections/{sandbox_connection.pk}/").content.decode()
    assert re.search(r'<input[^>]*name="base_url"[^>]*disabled', page)
    data = posted(name="Renamed", base_url="https://integrate.example.com", credentials="token")
    answer = signed_admin.post(f"/connections/{sandbox_connection.pk}/", data)
    assert answer.status_code == 302, answer.context["form"].errors
    sandbox_connection.refresh_from_db()
    assert (sandbox_connection.name, sandbox_connection.base_url) == ("Renamed", "http://127.0.0.1:9")


def test_one_click_leads_to_what_arrived_there(signed_admin: Client, sandbox_connection: Connection) -> None:
    for place in ("/connections/", f"/connections/{sandbox_connection.pk}/"):
        assert f'href="{sandbox_connection.base_url}"' in signed_admin.get(place).content.decode()
    Connection.objects.update(is_sandbox=False)
    for place in ("/connections/", f"/connections/{sandbox_connection.pk}/"):
        assert f'href="{sandbox_connection.base_url}"' not in signed_admin.get(place).content.decode()
