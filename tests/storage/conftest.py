"""A marketer's browser, a test platform, and nothing of anybody else on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tagsync.connections.models import Connection
from tagsync.queueing.health import QueueHealth
from tagsync.sandbox.running import Sandbox


@pytest.fixture(autouse=True)
def home(settings: Any, tmp_path: Path) -> Path:
    settings.TAGSYNC_HOME = tmp_path / "home"
    return tmp_path / "home"


@pytest.fixture(autouse=True)
def quiet_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tagsync.queueing.doorbell.ring", lambda queue, job: True)
    monkeypatch.setattr("tagsync.queueing.health._look", lambda: QueueHealth(True, 1, 1, 1))


@pytest.fixture
def connection(sandbox_connection: Connection, sandbox: Sandbox) -> Connection:
    sandbox_connection.base_url = sandbox.url
    sandbox_connection.save()
    return sandbox_connection
