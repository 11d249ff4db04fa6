"""A sandbox platform on a real socket, and no Redis: rings go nowhere, tests call the tasks themselves."""

from __future__ import annotations

import pytest

from tagsync.connections.models import Connection
from tagsync.queueing import doorbell
from tagsync.sandbox.running import Sandbox
from tests.read_once import read_once


@pytest.fixture(autouse=True)
def _read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read_once(monkeypatch)


@pytest.fixture
def connection(sandbox_connection: Connection, sandbox: Sandbox) -> Connection:
    sandbox_connection.base_url = sandbox.url
    sandbox_connection.save()
    return sandbox_connection


@pytest.fixture(autouse=True)
def rings(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    heard: list[tuple[str, int]] = []

    def ring(queue_name: str, job_id: int) -> bool:
        heard.append((queue_name, job_id))
        return True

    monkeypatch.setattr(doorbell, "ring", ring)
    return heard


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits of a moment where real ones take minutes."""
    monkeypatch.setattr("tagsync.delivery.policy.MAX_BACK_OFF_SECONDS", 0.01)
    monkeypatch.setattr("tagsync.delivery.runner.SLICE_SECONDS", 1.0)
