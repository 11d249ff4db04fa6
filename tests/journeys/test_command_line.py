"""A sheet from the command line through real workers to the test platform, and its ledger against the sheet."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from tests import workbooks
from tests.installation import Up, command, wait_for
from tests.making import FIELDS, HEADER, customer, customers
from tests.workbooks import plain

pytestmark = pytest.mark.journey


def imported(platform: Up, sheet: Path, *options: str, expect: int = 0) -> dict[str, Any]:
    done = platform.manage("import_sheet", str(sheet), "--connection", "Sandbox", "--wait", "--json", *options)
    assert done.returncode == expect, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert found["rows"]["total"] == sum(number for state, number in found["rows"].items() if state != "total")
    return found


def refused(platform: Up, *words: str) -> str:
    """The one line with which a command says that it could not run."""
    done = platform.manage("import_sheet", *words, stdin=subprocess.DEVNULL)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    return done.stderr.splitlines()[-1]


def arrived(platform: Up) -> Counter[str]:
    """Rows that the test platform applied, as JSON."""
    entries = platform.sandbox("GET", "/control/ledger")
    return Counter(
        json.dumps(row, sort_keys=True, ensure_ascii=False)
        for entry in entries
        if entry["applied"]
        for row in entry["body"]["data"]
    )


def as_sent(row: tuple[str, ...]) -> str:
    return json.dumps(dict(zip(FIELDS, row, strict=True)), sort_keys=True, ensure_ascii=False)


@pytest.mark.slow
def test_it_brings_ten_thousand_rows_row_by_row(platform: Up, tmp_path: Path) -> None:
    rows = customers(10_000)
    found = imported(platform, plain(tmp_path / "会员.xlsx", [HEADER, *rows]), "--operation", "add")
    assert found["status"] == "finished"
    assert found["rows"]["accepted"] == 10_000
    assert found["calls"] == 20
    assert arrived(platform) == Counter(map(as_sent, rows))


def test_it_says_what_became_of_the_sample(platform: Up) -> None:
    sample = next((platform.home / "sample").glob("*.xlsx"))
    found = imported(platform, sample, "--operation", "add")
    rows = found["rows"]
    assert rows["accepted"] == sum(arrived(platform).values()) == 288
    assert (rows["to_fix"], rows["duplicate"], rows["total"]) == (9, 2, 299)
    assert sum(problem["rows"] for problem in found["problems"]) == 9


@pytest.mark.slow
@pytest.mark.parametrize("form", ["csv", "xls"])
def test_it_brings_other_forms_of_sheets_to_the_letter(platform: Up, tmp_path: Path, form: str) -> None:
    rows, path = customers(1_200), tmp_path / f"会员.{form}"
    if form == "csv":
        path.write_bytes("\r\n".join(",".join(row) for row in [HEADER, *rows]).encode("gb18030"))
    else:
        workbooks.old(path, [HEADER, *rows])
    assert imported(platform, path, "--operation", "add")["rows"]["accepted"] == 1_200
    assert arrived(platform) == Counter(map(as_sent, rows))


@pytest.mark.slow
def test_it_retries_what_the_platform_refused(platform: Up, tmp_path: Path) -> None:
    rows = customers(700)
    platform.sandbox("POST", "/control/faults", [{"kind": "refuse_rows", "field": "phone", "equals": rows[3][3]}])
    sheet = plain(tmp_path / "sheet.xlsx", [HEADER, *rows])
    found = imported(platform, sheet, "--operation", "add", expect=3)
    assert found["rows"]["rejected"] > 0
    platform.sandbox("DELETE", "/control/faults")
    done = platform.manage("retry_import", str(found["import"]), "--wait", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["rows"]["accepted"] == 700
    assert arrived(platform) == Counter(map(as_sent, rows))
    again = platform.manage("retry_import", str(found["import"]), "--json")
    assert again.returncode == 0


@pytest.mark.slow
def test_it_goes_on_by_itself_when_a_worker_is_killed(platform: Up, tmp_path: Path) -> None:
    rows = customers(8_000)
    platform.sandbox("POST", "/control/faults", [{"kind": "latency", "seconds": 0.5}])
    sheet = plain(tmp_path / "sheet.xlsx", [HEADER, *rows])
    found: dict[str, Any] = {}
    importing = threading.Thread(target=lambda: found.update(imported(platform, sheet, "--operation", "add")))
    importing.start()
    wait_for(lambda: len(platform.sandbox("GET", "/control/ledger")) > 2)
    for pid, line in platform.pids().items():
        if "rqworker sends" in line:
            os.kill(pid, signal.SIGKILL)
    importing.join(100)
    assert found["rows"]["accepted"] == 8_000
    applied = arrived(platform)
    assert set(applied) == set(map(as_sent, rows))
    # At most the calls that were in flight went twice; each is a call of its own in the record.
    assert sum(applied.values()) - len(applied) <= 1_000
    assert found["calls"] >= 16


@pytest.mark.slow
def test_it_goes_on_when_redis_forgot_everything(platform: Up, tmp_path: Path) -> None:
    platform.sandbox("POST", "/control/faults", [{"kind": "latency", "seconds": 0.5}])
    sheet = plain(tmp_path / "sheet.xlsx", [HEADER, *customers(2_000)])
    line = command("import_sheet", str(sheet), "--connection", "Sandbox", "--operation", "add", "--wait")
    # More imports than workers: some of them are nothing but a ring in Redis.
    imports = [
        subprocess.Popen(line, env=platform.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(5)
    ]
    wait_for(lambda: len(platform.sandbox("GET", "/control/ledger")) > 2)
    with closing(redis_of(platform)) as redis:
        redis.flushdb()
    assert [one.wait(100) for one in imports] == [0] * 5


def redis_of(platform: Up) -> Redis:
    return Redis.from_url(platform.environment.get("REDIS_URL") or f"unix://{platform.home}/redis.sock")


@pytest.mark.slow
def test_it_deletes_only_when_the_number_is_typed(platform: Up, tmp_path: Path) -> None:
    sheet = plain(tmp_path / "sheet.xlsx", [HEADER, customer(1)])
    options = (str(sheet), "--connection", "Sandbox", "--operation", "delete", "--wait", "--json")
    assert "--yes" in refused(platform, *options)
    assert platform.manage("import_sheet", *options, input="1\n").returncode == 0
    assert platform.manage("import_sheet", *options, "--yes").returncode == 0


@pytest.mark.slow
def test_it_takes_a_column_that_is_named(platform: Up, tmp_path: Path) -> None:
    sheet = plain(tmp_path / "sheet.xlsx", [("a", "手机", "标签"), ("13800138000", "x", "VIP")])
    found = imported(platform, sheet, "--operation", "add", "--map", "a=phone", "--match", "none")
    assert found["rows"]["accepted"] == 1
    assert list(arrived(platform)) == ['{"phone": "13800138000", "tags": "VIP"}']


@pytest.mark.slow
def test_it_ends_when_the_connection_is_blocked(platform: Up, tmp_path: Path) -> None:
    env = {**platform.environment, "TOKEN": "wrong-token"}
    done = subprocess.run(
        command("add_connection", "Wrong", "--base-url", platform.sandbox_url, "--token-env", "TOKEN"),
        env=env,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    sheet = plain(tmp_path / "sheet.xlsx", [HEADER, customer(1)])
    done = platform.manage(
        "import_sheet", str(sheet), "--connection", "Wrong", "--operation", "add", "--wait", "--json"
    )
    assert done.returncode == 3
    found = json.loads(done.stdout)
    assert (found["status"], found["rows"]["waiting"]) == ("blocked", 1)
