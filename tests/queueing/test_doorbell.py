"""What is rung for waits only behind its own kind."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from tagsync.queueing import doorbell


def test_no_kind_waits_behind_another(monkeypatch: pytest.MonkeyPatch, settings: object) -> None:
    rung = []
    monkeypatch.setattr(doorbell, "queue", lambda name: SimpleNamespace(enqueue=lambda *_, **__: rung.append(name)))
    for bell in doorbell.TASKS:
        doorbell.ring(bell, 1)
    assert len(set(rung)) == len(rung) == len(settings.RQ_QUEUES) == 3  # type: ignore[attr-defined]  # pytest-django's
