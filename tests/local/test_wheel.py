"""Installed from a wheel, with the sources nowhere near: the command, its pages, and a whole import."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import urllib.request
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.installation import Up, environment, started

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc"),
]

ROOT = Path(__file__).parents[2]
FOLDERS = {"tagsync": "tagsync", "templates": "tagsync/templates", "static": "tagsync/static"}
# What says where the sources or a folder are. An empty environment has none of it.
TELLTALES = ("TAGSYNC_HOME", "DJANGO_SETTINGS_MODULE", "PYTHONPATH")


def pip(*words: str | Path) -> None:
    done = subprocess.run([sys.executable, "-m", "pip", *map(str, words)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made from a copy: what a build leaves behind would be in the next one."""
    sources, made = tmp_path_factory.mktemp("sources"), tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, sources)
    for name in FOLDERS:
        shutil.copytree(ROOT / name, sources / name, ignore=shutil.ignore_patterns("__pycache__"))
    pip("wheel", "-q", "--no-deps", "-w", made, sources)
    (found,) = made.iterdir()
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command, in an environment that has the wheel and borrows from ours what it depends on."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    pip("--python", folder / "bin" / "python", "install", "-q", "--no-deps", "--no-index", wheel)
    (packages,) = folder.glob("lib/python*/site-packages")
    # A folder that is named in such a file has no say of its own: an editable installation in it stays out of sight.
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin" / "tagsync"


@pytest.fixture(scope="module")
def running(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    folder = tmp_path_factory.mktemp("empty")
    env = {name: value for name, value in environment(folder).items() if name not in TELLTALES}
    with started([str(installed)], folder / "var", env) as up:
        yield up


def page(running: Up, path: str) -> str:
    asked = urllib.request.Request(running.url + path, headers={"Accept-Language": "zh-CN"})
    with urllib.request.urlopen(asked, timeout=20) as answer:
        return str(answer.read().decode())


def test_it_holds_what_the_sources_hold(wheel: Path) -> None:
    """All but what is written for those who read the sources."""
    expected = {
        f"{place}/{path.relative_to(ROOT / name).as_posix()}"
        for name, place in FOLDERS.items()
        for path in (ROOT / name).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".md"
    }
    with zipfile.ZipFile(wheel) as archive:
        found = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert found == expected


def test_it_shows_its_pages_in_chinese_with_their_styles(running: Up) -> None:
    shown = page(running, "/login/")
    assert "登录" in shown
    assert "{" in page(running, "/static/css/base.css")


def test_it_brings_the_sample(running: Up) -> None:
    sample = next((running.home / "sample").glob("*.xlsx"))
    words = ("import_sheet", str(sample), "--connection", "Sandbox", "--operation", "add", "--wait", "--json")
    done = running.manage(*words, cwd=running.home.parent)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["rows"]["accepted"] == 288


def test_it_starts_everything_from_the_wheel(running: Up) -> None:
    lines = running.pids().values()
    ours = [line for line in lines if "tagsync" in line and "valkey-server" not in line]
    python = str(Path(running.program[0]).with_name("python"))
    assert len(ours) >= 6 and not [line for line in ours if not line.startswith(python)]
    assert not [line for line in lines if "manage.py" in line or str(ROOT / "tagsync") in line]


def test_it_writes_only_below_the_folder_where_it_was_started(running: Up) -> None:
    assert sorted(os.listdir(running.home.parent)) == ["var", "var.out"]


def test_its_command_is_the_one_of_the_module(running: Up) -> None:
    python = str(Path(running.program[0]).with_name("python"))
    command = running.manage("help", "--commands", cwd=running.home.parent)
    module = subprocess.run(
        [python, "-m", "tagsync", "help", "--commands"],
        env=running.environment,
        cwd=running.home.parent,
        capture_output=True,
        text=True,
    )
    assert command.returncode == 0
    assert {"up", "import_sheet", "keeper", "rqworker"} <= set(command.stdout.split())
    assert command.stdout == module.stdout


def test_it_says_where_it_looks_when_started_elsewhere(running: Up, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("phone,tags\n")
    done = running.manage("import_sheet", "a.csv", "--connection", "Sandbox", "--operation", "add", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"looks for it in {tmp_path}/var" in done.stderr


def test_it_ends(running: Up) -> None:
    running.process.send_signal(signal.SIGINT)
    assert running.process.wait(60) == 0
    assert running.pids() == {}
