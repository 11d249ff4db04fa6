"""Migrating: a copy first, and only when something is pending. In a process of its own, with a real file."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

STEPS = """
import django
django.setup()
import pytest
from django.conf import settings
from django.core.management import call_command
from tagsync.local import database, home
folder = settings.TAGSYNC_HOME
home.prepare(folder)
print(database.bring_up_to_date(folder))
print(database.bring_up_to_date(folder))
call_command("migrate", "imports", "zero", verbosity=0)
print(database.bring_up_to_date(folder))
"""


def tables(path: Path) -> set[str]:
    database = sqlite3.connect(path)
    found = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    database.close()
    return found


@pytest.mark.slow
def test_it_copies_an_existing_database_before_it_migrates(tmp_path: Path) -> None:
    # Always the file of the folder, also where the other tests use a server.
    inherited = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    environment = {**inherited, "TAGSYNC_HOME": str(tmp_path), "DJANGO_SETTINGS_MODULE": "tagsync.settings"}
    done = subprocess.run(
        [sys.executable, "-c", STEPS], env=environment, cwd=settings.BASE_DIR, capture_output=True, text=True
    )
    new, unchanged, copy = done.stdout.split()
    assert (new, unchanged) == ("None", "None")
    assert "imports_importjob" not in tables(Path(copy))
    assert "accounts_person" in tables(Path(copy))
    assert "imports_importjob" in tables(tmp_path / "tagsync.sqlite3")
    assert list((tmp_path / "backups").iterdir()) == [Path(copy)]
