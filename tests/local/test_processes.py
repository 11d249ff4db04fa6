"""Children: watched, started again, ended with all that they started."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tagsync import orphans
from tagsync.local import processes
from tagsync.local.processes import Child, Ears

SLEEP = [sys.executable, "-S", "-c", "import time; time.sleep(60)"]
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
)
# A child with a grandchild in a process group of its own, as RQ's worker has.
PARENT = f"""
import os, time
if os.fork() == 0:
    os.setpgrp()
print(os.getpid(), flush=True)
{STUBBORN}
"""
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's help is Linux's")


def wait_for(condition: Callable[[], object], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def child(tmp_path: Path, command: list[str], name: str = "one") -> Child:
    return Child(name, lambda _: command, tmp_path / f"{name}.log")


def script(text: str) -> list[str]:
    return [sys.executable, "-S", "-c", text]


def test_it_ends_a_child_in_its_own_time(tmp_path: Path) -> None:
    one = child(tmp_path, SLEEP)
    processes.start(one)
    started = time.monotonic()
    processes.stop([one])
    assert one.ended
    assert time.monotonic() - started < processes.GRACE_SECONDS


@linux_only
def test_it_kills_what_does_not_listen_and_its_children(tmp_path: Path) -> None:
    one = child(tmp_path, script(PARENT))
    processes.start(one)
    wait_for(lambda: one.log.read_text().count("deaf") == 2)
    pids = [int(line) for line in one.log.read_text().splitlines() if line.isdigit()]
    processes.stop([one], grace_seconds=0.1)
    wait_for(lambda: not any(alive(pid) for pid in pids))


def test_it_starts_an_ended_child_again_and_says_so(tmp_path: Path) -> None:
    said: list[tuple[str, str, float]] = []
    one = Child("one", lambda starts: SLEEP if starts else script("raise SystemExit(3)"), tmp_path / "log")
    processes.start(one)

    def look() -> bool:
        processes.tend([one], lambda who, how, pause: said.append((who.name, how, pause)))
        return one.starts == 2

    try:
        wait_for(look)
        assert said == [("one", "3", processes.FIRST_PAUSE_SECONDS)]
    finally:
        processes.stop([one])


def test_it_waits_longer_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "LONGEST_PAUSE_SECONDS", 0.04)
    pauses: list[float] = []
    one = child(tmp_path, script("raise SystemExit(1)"))
    one.pause_seconds = 0.01
    wait_for(lambda: processes.tend([one], lambda *said: pauses.append(said[2])) or len(pauses) == 4)
    assert pauses == [0.01, 0.02, 0.04, 0.04]


@pytest.mark.parametrize(("returncode", "said"), [(0, "0"), (3, "3"), (-9, "SIGKILL"), (-200, "-200")])
def test_it_names_the_signal(returncode: int, said: str) -> None:
    assert processes.how_it_ended(returncode) == said


def test_it_runs_once_to_the_end(tmp_path: Path) -> None:
    assert processes.run(child(tmp_path, script("print('done'); raise SystemExit(4)"))) == 4
    assert (tmp_path / "one.log").read_text() == "done\n"


@linux_only
@pytest.mark.parametrize("kernel_helps", [True, False])
def test_nothing_outlives_a_killed_parent(tmp_path: Path, kernel_helps: bool) -> None:
    pids = tmp_path / "pids"
    command = script(f"import os, time; print(os.getpid(), file=open({str(pids)!r}, 'w'), flush=True); time.sleep(60)")
    call = f"orphans.main(os.getppid(), {command!r}, kernel_helps={kernel_helps})"
    text = f"import os, sys; from tagsync import orphans; {call}"
    start = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {text!r}], start_new_session=True).wait()"
    parent = subprocess.Popen([sys.executable, "-c", start])
    wait_for(lambda: pids.exists() and pids.read_text())
    pid = int(pids.read_text())
    parent.send_signal(signal.SIGKILL)
    parent.wait(60)
    wait_for(lambda: not alive(pid))


def test_a_guard_that_stays_passes_the_end_on() -> None:
    command = script("import time; print('up', flush=True); time.sleep(60)")
    text = f"import os, sys; from tagsync import orphans; sys.exit(orphans.run_beside(os.getppid(), {command!r}))"
    process = subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE)
    assert process.stdout and process.stdout.readline() == b"up\n"
    process.terminate()
    assert process.wait(60) == 128 + signal.SIGTERM
    process.stdout.close()


def test_it_translates_a_signal_as_shells_do() -> None:
    assert (orphans.exit_status(3), orphans.exit_status(-9)) == (3, 137)


def test_it_hears_a_signal_at_once() -> None:
    with Ears() as ears:
        os.kill(os.getpid(), signal.SIGTERM)
        started = time.monotonic()
        ears.wait(60)
        assert time.monotonic() - started < 1
        assert ears.asked_to_stop == 1
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
