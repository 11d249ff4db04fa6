"""systemd reads the units without a complaint, and each gets what all of them share."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from django.conf import settings

from tagsync.settings import RQ_QUEUES
from tests.deploy.tools import KIT, found

UNITS = KIT / "systemd"
SERVICES = sorted(path.name for path in UNITS.glob("*.service"))
SHARED = UNITS / "tagsync-.service.d" / "common.conf"


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root folder with the units, systemd's own, and programs by the names that the units start."""
    root = tmp_path_factory.mktemp("machine")
    shutil.copytree("/usr/lib/systemd", root / "usr/lib/systemd", symlinks=True)
    shutil.copytree(UNITS, root / "etc/systemd/system", dirs_exist_ok=True)
    for name in ("tagsync", "gunicorn"):
        program = root / "opt/tagsync/venv/bin" / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.touch(mode=0o755)
    return root


def started(name: str) -> str:
    """A template is looked at by one of its instances."""
    return name.replace("@.", "@1.")


@pytest.mark.parametrize("name", [*SERVICES, "tagsync.target"])
def test_systemd_has_no_complaint(machine: Path, name: str) -> None:
    done = analyze(machine, "verify", started(name))
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_systemd_would_complain(machine: Path) -> None:
    """Of what it does not know it says a word and goes on: so every word counts."""
    (machine / "etc/systemd/system/wrong.service").write_text("[Service]\nExecStart=/opt/none\nKilMode=mixed\n")
    assert "KilMode" in analyze(machine, "verify", "wrong.service").stderr


@pytest.mark.parametrize("name", SERVICES)
def test_it_is_shut_in(machine: Path, name: str) -> None:
    done = analyze(machine, "security", "--offline=yes", "--no-pager", "--threshold=20", started(name))
    assert done.returncode == 0, done.stdout[-300:]


def analyze(machine: Path, verb: str, *words: str) -> subprocess.CompletedProcess[str]:
    line = [found("systemd-analyze", "systemd"), verb, f"--root={machine}", *words]
    return subprocess.run(line, capture_output=True, text=True, timeout=60, env={"SYSTEMD_COLORS": "0"})


def test_each_queue_has_a_unit() -> None:
    commands = "\n".join((UNITS / name).read_text() for name in SERVICES)
    assert sorted(re.findall(r"rqworker (\w+)$", commands, re.M)) == sorted(RQ_QUEUES)


def test_who_is_stopped_has_time_for_the_call_under_way() -> None:
    seconds = re.search(r"^TimeoutStopSec=(\d+)$", SHARED.read_text(), re.M)
    assert seconds and int(seconds[1]) > 2 * settings.TAGSYNC_CALL_SECONDS


def test_to_stop_the_target_is_to_wait_for_all() -> None:
    """Else a backup, a restore or an upgrade begins while workers still end."""
    shared = SHARED.read_text()
    assert re.search(r"^PartOf=tagsync\.target$", shared, re.MULTILINE)
    assert re.search(r"^After=tagsync\.target\b", shared, re.MULTILINE)
