from __future__ import annotations

import pytest

from tests.read_once import read_once

# What these try is the reading itself.
READING = ("test_previews", "test_stored_files")


@pytest.fixture(autouse=True)
def _read_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if not request.module.__name__.endswith(READING):
        read_once(monkeypatch)
