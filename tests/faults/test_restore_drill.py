"""The restore drill with the processes of an installation; `python -m tests.faults.restore_drill` is the large one."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from django.db import connection as database

from tests.faults import drill

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]

ROWS = 5000


@pytest.mark.parametrize("told", [True, False], ids=["told", "noticed"])
def test_nothing_is_sent_twice_and_nothing_sent_is_called_unsent(tmp_path: Path, settings: Any, told: bool) -> None:
    if database.vendor == "postgresql" and not shutil.which("pg_dump"):
        pytest.skip("no pg_dump")
    settings.MEDIA_ROOT = tmp_path / "uploads"
    print(drill.run(tmp_path, ROWS, told=told))
