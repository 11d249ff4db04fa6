from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils.html import escape

from tagsync.queueing import health
from tagsync.queueing.health import QueueHealth

REDIS = "Checks and imports start late: Redis can't be reached"
NOBODY = "Checks and imports wait: no worker is running"
NO_CHECKS = "Files wait to be checked: no worker for checks is running"
NO_SENDS = "Imports wait to be sent: no worker for sending is running"


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        (QueueHealth(True, 1, 2), None),
        (QueueHealth(False, 0, 0), REDIS),
        (QueueHealth(True, 0, 0), NOBODY),
        (QueueHealth(True, 0, 2), NO_CHECKS),
        (QueueHealth(True, 1, 0), NO_SENDS),
    ],
)
def test_it_says_when_nobody_works(signed: Client, monkeypatch: Any, state: QueueHealth, shown: str | None) -> None:
    monkeypatch.setattr(health, "_look", lambda: state)
    page = signed.get("/imports/").content.decode()
    assert [text for text in (REDIS, NOBODY, NO_CHECKS, NO_SENDS) if escape(text) in page] == ([shown] if shown else [])


def test_it_tells_strangers_nothing(client: Client, db: None, monkeypatch: Any) -> None:
    looks: list[int] = []
    monkeypatch.setattr(health, "_look", lambda: looks.append(1))
    assert "Redis" not in client.get("/login/").content.decode()
    assert not looks
