"""Who waits how long in the database: always less than a lease, and longer than it takes to end who is frozen."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from tagsync.timeouts import PARTS, VARIABLE, Role, postgresql_options, role_of, timeouts_of

LEASES = (2, 6, 10, 60, 600)


@pytest.mark.parametrize(
    ("words", "role"),
    [
        ("rqworker checks", Role.CHECKS),
        ("rqworker sends --name worker-sends-1", Role.SENDS),
        ("rqworker --name worker-checks-1 checks", Role.CHECKS),
        ("rqworker exports", Role.CHECKS),
        ("keeper", Role.KEEPER),
        ("keeper --release-leases", Role.KEEPER),
        ("runserver 8000", Role.WEB),
        ("import_sheet a.xlsx --wait", Role.COMMAND),
        ("retry_import 3", Role.COMMAND),
        ("add_connection x", Role.COMMAND),
        ("shell", Role.COMMAND),
        ("migrate --noinput", Role.UNLIMITED),
        ("up", Role.UNLIMITED),
        ("dbshell", Role.UNLIMITED),
        ("", Role.COMMAND),
    ],
)
def test_it_knows_a_process_by_its_command(words: str, role: Role) -> None:
    assert role_of(["/srv/tagsync/manage.py", *words.split()]) == role


@pytest.mark.parametrize("role", list(PARTS))
@pytest.mark.parametrize("lease", LEASES)
def test_nobody_waits_as_long_as_a_lease(role: Role, lease: float) -> None:
    found = timeouts_of(role, lease)
    assert found is not None
    assert max(found) < lease
    assert found.lock < found.statement


@pytest.mark.parametrize("lease", LEASES)
def test_a_worker_outlasts_whoever_is_frozen(lease: float) -> None:
    idle = max(found.idle for role in PARTS if (found := timeouts_of(role, lease)))
    for role in (Role.CHECKS, Role.SENDS, Role.COMMAND):
        found = timeouts_of(role, lease)
        assert found is not None and found.lock > idle


@pytest.mark.parametrize("lease", LEASES)
def test_a_page_and_the_keeper_give_up_early(lease: float) -> None:
    page, keeper = timeouts_of(Role.WEB, lease), timeouts_of(Role.KEEPER, lease)
    assert page is not None and page.lock <= 3
    assert keeper is not None and keeper.lock <= lease / 12


def test_it_speaks_postgresql() -> None:
    assert postgresql_options(Role.UNLIMITED, 60) == ""
    assert postgresql_options(Role.WEB, 60) == (
        "-c lock_timeout=3000 -c statement_timeout=30000 -c idle_in_transaction_session_timeout=15000"
    )


SHOW = "from django.conf import settings; print(settings.DATABASES['default']['OPTIONS'])"


def options(tmp_path: Path, *command: str, url: str) -> str:
    environment = {**os.environ, "TAGSYNC_HOME": str(tmp_path), "DATABASE_URL": url, "TAGSYNC_CALL_SECONDS": "30"}
    environment["DJANGO_SETTINGS_MODULE"] = "tagsync.settings"
    environment.pop(VARIABLE, None)
    done = subprocess.run(
        [sys.executable, *command], env=environment, cwd=settings.BASE_DIR, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_doors_say_what_they_open(tmp_path: Path) -> None:
    url = "postgres://nobody@127.0.0.1:1/none"
    assert "-c lock_timeout=22500" in options(tmp_path, "manage.py", "shell", "-v0", "-c", SHOW, url=url)
    assert "-c lock_timeout=3000" in options(tmp_path, "-c", f"import tagsync.wsgi; {SHOW}", url=url)
    assert "timeout" not in options(tmp_path, "-c", SHOW, url=url)
    # Who has reasons of her own says so in the address.
    said = options(tmp_path, "-c", f"import tagsync.wsgi; {SHOW}", url=f"{url}?options=-c%20lock_timeout%3D9")
    assert said.rstrip().endswith("-c lock_timeout=9'}")


@pytest.mark.slow
def test_a_page_waits_less_for_sqlite_than_a_worker(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/a.sqlite3"
    assert "'timeout': 5" in options(tmp_path, "-c", f"import tagsync.wsgi; {SHOW}", url=url)
    assert "'timeout': 20" in options(tmp_path, "manage.py", "shell", "-v0", "-c", SHOW, url=url)
