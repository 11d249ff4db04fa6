"""What real commands say and how they end when something around them fails."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from tests.installation import Up, command, wait_for
from tests.making import HEADER, customer, customers
from tests.workbooks import plain

pytestmark = [pytest.mark.journey, pytest.mark.slow]


@pytest.fixture
def line(tmp_path: Path) -> list[str]:
    sheet = plain(tmp_path / "sheet.xlsx", [HEADER, customer(1)])
    return command("import_sheet", str(sheet), "--connection", "Sandbox", "--operation", "add", "--wait", "--json")


def ended(line: list[str], environment: dict[str, str], stdout: int | IO[Any] = subprocess.PIPE) -> tuple[int, str]:
    """Exit status and the last line on stderr."""
    done = subprocess.run(
        line, env=environment, stdout=stdout, stderr=subprocess.PIPE, text=True, errors="replace", timeout=100
    )
    assert "Traceback" not in done.stderr and "Exception" not in done.stderr, done.stderr
    return done.returncode, (done.stderr.splitlines() or [""])[-1]


def test_a_name_that_is_not_utf_8_is_a_name(platform: Up, line: list[str], tmp_path: Path) -> None:
    odd = os.fsencode(tmp_path) + b"/\xbb\xe1\xd4\xb1.xlsx"
    os.rename(tmp_path / "sheet.xlsx", odd)
    line[3] = os.fsdecode(odd)
    assert ended(line, platform.environment)[0] == 0
    os.unlink(odd)
    assert ended(line, platform.environment)[0] == 2


@pytest.mark.parametrize("locale", ["zh_CN.GBK", "C", "en_US.ISO-8859-1"])
def test_no_locale_makes_it_fail(platform: Up, line: list[str], locale: str) -> None:
    encoding = {"zh_CN.GBK": "gbk", "en_US.ISO-8859-1": "latin-1"}.get(locale, "ascii")
    environment = {**platform.environment, "LC_ALL": locale, "PYTHONIOENCODING": encoding}
    assert ended(line, environment)[0] == 0
    assert ended([*line[:-1], "--map", "会员😀=phone"], environment)[0] == 2


def test_a_database_that_is_gone_is_one_line(platform: Up, line: list[str], tmp_path: Path) -> None:
    for url in ("postgres://nobody:x@127.0.0.1:1/none", f"sqlite:///{tmp_path}/none/none.sqlite3"):
        status, said = ended(line, {**platform.environment, "DATABASE_URL": url})
        assert (status, "OperationalError" in said) == (2, True), said


def test_it_goes_on_without_redis(platform: Up, line: list[str]) -> None:
    """The keeper rings."""
    assert ended(line, {**platform.environment, "REDIS_URL": "redis://127.0.0.1:1/0"})[0] == 0


def test_an_answer_that_nobody_takes_is_told(platform: Up, line: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "wb") as closed:
        status, said = ended(line, platform.environment, closed)
    assert (status, "Broken pipe" in said) == (3, True), said
    with open("/dev/full", "wb") as full:
        status, said = ended(line, platform.environment, full)
    assert (status, "No space left" in said) == (3, True), said


def test_nobody_at_all_reads(platform: Up, line: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "wb") as closed:
        done = subprocess.run(line, env=platform.environment, stdout=closed, stderr=closed, timeout=100)
    assert done.returncode == 3


@pytest.fixture
def heard() -> Iterator[None]:
    """Whoever runs the tests in the background of a shell hands down that Ctrl-C is ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_says_what_goes_on(platform: Up, heard: None, tmp_path: Path) -> None:
    platform.sandbox("POST", "/control/faults", [{"kind": "latency", "seconds": 1.0}])
    sheet = plain(tmp_path / "sheet.xlsx", [HEADER, *customers(3_000)])
    line = command("import_sheet", str(sheet), "--connection", "Sandbox", "--operation", "add", "--wait")
    with subprocess.Popen(line, env=platform.environment, stderr=subprocess.PIPE, text=True) as process:
        wait_for(lambda: len(platform.sandbox("GET", "/control/ledger")) > 0)
        process.send_signal(signal.SIGINT)
        _nothing, said = process.communicate(timeout=30)
    assert process.returncode == 3
    assert "is queued and continues without this command. It was interrupted." in said.splitlines()[-1]
    assert "Traceback" not in said
