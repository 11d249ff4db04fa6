"""One whole installation with real workers; calls are short, so that leases are, and a killed worker is missed soon."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.installation import Up, up
from tests.legs import engines

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    quick = {
        "TAGSYNC_CALL_SECONDS": "3",
        "TAGSYNC_KEEPER_SECONDS": "1",
        "TAGSYNC_HOLD_BACK_SECONDS": "3",
        "TAGSYNC_ADMIN_PASSWORD": PASSWORD,
    }
    home = tmp_path_factory.mktemp("journey") / "home"
    with engines("journey") as engine, up(home, workers=2, **quick, **engine) as started:
        yield started


@pytest.fixture
def platform(installation: Up) -> Iterator[Up]:
    """The installation with an empty test platform without faults."""
    installation.sandbox("DELETE", "/control/faults")
    installation.sandbox("POST", "/control/reset")
    yield installation
    installation.sandbox("DELETE", "/control/faults")
