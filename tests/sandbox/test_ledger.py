import json
import os
import signal
import stat
import subprocess
import sys
import time

import pytest

from tagsync.sandbox import Sandbox

from .conftest import Caller

ROW = {"phone": "13800138000", "tags": "新客,VIP"}


def test_it_remembers_through_a_restart(tmp_path):
    path = tmp_path / "ledger.jsonl"
    with Sandbox(ledger_path=path) as sandbox:
        sandbox.faults.add("apply_half", times=1)
        caller = Caller(sandbox.url)
        caller.rows(ROW, {"phone": "2", "tags": "x"})
        caller.rows({"phone": "3", "tags": "x"}, token="wrong")
        caller.rows({"phone": "13800138000", "tags": "VIP"}, operation="delete")
        caller.batch(b"not json")
        entries, tags = sandbox.ledger, sandbox.tags
    with Sandbox(ledger_path=path) as sandbox:
        assert [entry.as_json() for entry in sandbox.ledger] == [entry.as_json() for entry in entries]
        assert sandbox.ledger[0].rows == entries[0].rows
        assert sandbox.tags == tags == {"13800138000": {"新客"}}
        Caller(sandbox.url).rows(ROW)
        assert [entry.number for entry in sandbox.ledger] == [1, 2, 3, 4, 5]


def test_it_writes_a_line_for_each_call_for_its_owner_only(tmp_path):
    path = tmp_path / "ledger.jsonl"
    with Sandbox(ledger_path=str(path)) as sandbox:
        Caller(sandbox.url).rows(ROW)
        (line,) = path.read_text("utf-8").splitlines()
    assert json.loads(line)["body"]["data"] == [ROW]
    assert "新客" in line
    assert "sandbox-token" not in line
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_it_survives_a_line_cut_short(tmp_path):
    path = tmp_path / "ledger.jsonl"
    with Sandbox(ledger_path=path) as sandbox:
        Caller(sandbox.url).rows(ROW)
    path.write_bytes(path.read_bytes() + b'{"number":2,"ti')
    for count in (2, 3):
        with Sandbox(ledger_path=path) as sandbox:
            Caller(sandbox.url).rows(ROW)
            assert len(sandbox.ledger) == count


def test_it_keeps_what_utf_8_can_not_say(tmp_path):
    path = tmp_path / "ledger.jsonl"
    raw = b'{"publicParams":{"isMatching":false,"optType":"add"},"data":[{"phone":"1","tags":"\\ud800 ,\\"body\\":"}]}'
    with Sandbox(ledger_path=path) as sandbox:
        assert Caller(sandbox.url).batch(raw)[0] == 200
    with Sandbox(ledger_path=path) as sandbox:
        assert sandbox.ledger[0].rows == json.loads(raw)["data"]
        assert Caller(sandbox.url).call("GET", "/")[0] == 200
        assert Caller(sandbox.url).call("GET", "/control/tags")[0] == 200


def test_it_empties_the_file_when_reset(tmp_path):
    path = tmp_path / "ledger.jsonl"
    with Sandbox(ledger_path=path) as sandbox:
        caller = Caller(sandbox.url)
        caller.rows(ROW)
        sandbox.reset()
        caller.rows(ROW)
        assert len(sandbox.ledger) == 1
    assert len(path.read_bytes().splitlines()) == 1


def test_it_does_not_take_another_file_for_a_ledger(tmp_path):
    path = tmp_path / "letter.txt"
    for text in ("Dear all,\nthis is no ledger.\n", "{}\n", "[1]\n", "Dear", '{"number":1,"body":null}\n'):
        path.write_text(text)
        with pytest.raises(ValueError, match="not a ledger"):
            Sandbox(ledger_path=path)
        assert path.read_text() == text


@pytest.fixture
def process(tmp_path):
    command = [sys.executable, "-m", "tagsync.sandbox", "--port", "0", "--ledger", str(tmp_path / "ledger.jsonl")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as one:
        yield one
        if one.poll() is None:
            one.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_runs_as_a_process_and_ends_at_once(process, number):
    said, _, url = process.stdout.readline().strip().rpartition(" ")
    assert said == "sandbox ready"
    caller = Caller(url)
    assert caller.rows(ROW)[0] == 200
    started = time.monotonic()
    os.kill(process.pid, number)
    assert process.wait(60) == 0
    assert time.monotonic() - started < 2
    assert process.stderr.read() == ""


def test_it_has_written_what_it_answered_when_it_is_killed(process, tmp_path):
    caller = Caller(process.stdout.readline().strip().rpartition(" ")[2])
    for _ in range(20):
        caller.rows(ROW)
    process.kill()
    process.wait(60)
    assert len((tmp_path / "ledger.jsonl").read_bytes().splitlines()) == 20


def test_it_says_what_is_wrong_with_the_host():
    command = [sys.executable, "-m", "tagsync.sandbox", "--host", "0.0.0.0"]
    found = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert found.returncode == 2
    assert "loopback" in found.stderr
