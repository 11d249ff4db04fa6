"""The reading process: however it ends, the caller gets an answer, and nothing of it is left behind."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tagsync.sheets import reader
from tagsync.sheets.errors import Unreadable
from tagsync.sheets.guard import Limits
from tests import workbooks

ROOT = Path(reader.__file__).parents[2]


@pytest.fixture
def processes(monkeypatch):
    """Every reading process that was started."""
    started = []
    start = reader._start

    def remember(request):
        started.append(start(request))
        return started[-1]

    monkeypatch.setattr(reader, "_start", remember)
    return started


@pytest.fixture
def behaving(monkeypatch, path):
    """A reading process that does as the script says, and a file that passes the first look."""
    workbooks.hand_written(path, workbooks.rows_xml([["x"]]))

    def behave(script: str) -> None:
        monkeypatch.setattr(reader, "COMMAND", [sys.executable, "-c", f"import os, signal, time\n{script}"])

    return behave


def code_of(path, **limits) -> str:
    with pytest.raises(Unreadable) as rows:
        list(reader.rows(path, "Sheet1", limits=Limits(**limits)))
    with pytest.raises(Unreadable) as preview:
        reader.preview(path, limits=Limits(**limits))
    assert rows.value.code == preview.value.code
    return rows.value.code


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("os.kill(os.getpid(), signal.SIGKILL)", "reader_killed"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "reader_killed"),
        ("os.kill(os.getpid(), signal.SIGXCPU)", "took_too_long"),
        ("os._exit(12)", "out_of_memory"),
        ("os._exit(0)", "reader_failed"),
        ("raise RuntimeError", "reader_failed"),
        ("print('hello')", "reader_failed"),
        ("print('[5]')", "reader_failed"),
        ("print('[[1, [1, 2, 3]]]')", "reader_failed"),
        ("""print('{"end": 5}')""", "reader_failed"),
        ("""print('{"error": "no such code"}')""", "reader_failed"),
        ("""print('{"error": "damaged", "params": {}}')""", "damaged"),
        ("os.write(1, b'[[1,2')", "reader_failed"),
    ],
)
def test_any_end_of_the_process_is_an_answer(path, behaving, processes, script, code):
    behaving(script)

    assert code_of(path) == code
    assert all(process.returncode is not None for process in processes)


def test_an_end_in_the_middle_is_an_answer(path, behaving):
    behaving("""print('[[1, "a"]]', flush=True); os.kill(os.getpid(), 9)""")
    rows = reader.rows(path, "Sheet1")

    assert next(rows).number == 1
    with pytest.raises(Unreadable, match="reader_killed"):
        next(rows)


def test_it_does_not_wait_for_ever(path, behaving, processes):
    behaving("time.sleep(600)")

    assert code_of(path, max_wait_seconds=0.2) == "took_too_long"
    assert [process.returncode for process in processes] == [-signal.SIGKILL] * 2


def test_it_does_not_count_the_time_of_the_caller(path):
    rows = reader.rows(workbooks.inline(path, [["x" * 50]] * 20_000), "Sheet1", limits=Limits(max_wait_seconds=5))
    next(rows)
    deadline = time.monotonic() + 0.1
    while time.monotonic() < deadline:  # a caller that has other work
        pass

    assert sum(1 for _ in rows) == 19_999


def test_it_does_not_swallow_a_line_without_end(path, behaving, monkeypatch):
    monkeypatch.setattr(reader, "LONGEST_LINE", 1 << 20)
    behaving("while True: os.write(1, b'x' * 65536)")

    assert code_of(path) == "out_of_memory"


def test_it_ends_when_the_computing_time_is_over(path):
    # Without references the parser has to read them: many times the work of plain rows, at the same length.
    workbooks.hand_written(path, ("<row>" + "<c><v>1.5</v></c>" * 20 + "</row>") * 60_000)

    with pytest.raises(Unreadable, match="took_too_long"):
        for _ in reader.rows(path, "Sheet1", limits=Limits(max_cpu_seconds=1)):
            pass


def test_a_preview_may_compute_for_a_shorter_time(path, behaving, monkeypatch):
    """Somebody waits for it; the check has its own limit."""
    asked = []
    start = reader._start
    monkeypatch.setattr(reader, "_start", lambda request: asked.append(request["limits"]) or start(request))
    behaving("os.kill(os.getpid(), signal.SIGXCPU)")

    def seconds_told(read, **limits):
        with pytest.raises(Unreadable, match="took_too_long") as caught:
            read(Limits(**limits))
        assert caught.value.params["seconds"] == asked[-1]["max_cpu_seconds"]
        return caught.value.params["seconds"]

    assert seconds_told(lambda limits: reader.preview(path, limits=limits)) == 10
    assert seconds_told(lambda limits: reader.preview(path, limits=limits), max_cpu_seconds=3) == 3
    assert seconds_told(lambda limits: list(reader.rows(path, "Sheet1", limits=limits))) == 120


def test_a_preview_ends_when_its_computing_time_is_over(path, monkeypatch):
    monkeypatch.setattr(reader, "PREVIEW_CPU_SECONDS", 1)
    # Without references the parser has to read them, and blank rows are not what a preview ends with.
    workbooks.hand_written(path, ("<row>" + '<c t="str"><v> </v></c>' * 200 + "</row>") * 5_000)

    with pytest.raises(Unreadable) as caught:
        reader.preview(path, limits=Limits(max_ratio=10_000))
    assert (caught.value.code, caught.value.params) == ("took_too_long", {"seconds": 1})


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="macOS does not limit the address space")
def test_it_ends_when_the_memory_is_over(path):
    workbooks.shared(path, [[f"{n:0>100}"] for n in range(300_000)])

    assert code_of_rows(path, max_memory_bytes=70 << 20) == "out_of_memory"


def test_a_string_repeated_everywhere_does_not_fill_the_disk(path):
    workbooks.repeated_string(path, characters=90_000, cells=2_000)

    assert code_of_rows(path, max_inflated_bytes=20 << 20) == "inflates_too_much"


def code_of_rows(path, **limits) -> str:
    with pytest.raises(Unreadable) as caught:
        for _ in reader.rows(path, "Sheet1", limits=Limits(**limits)):
            pass
    return caught.value.code


@pytest.mark.slow
def test_closing_the_rows_ends_the_process(path, processes):
    rows = reader.rows(workbooks.inline(path, [["x" * 100]] * 50_000), "Sheet1")
    next(rows)
    rows.close()

    assert [process.returncode for process in processes] == [-signal.SIGKILL]
    assert processes[0].stdin.closed and processes[0].stdout.closed


def test_nothing_starts_before_the_first_row_is_asked_for(path, processes):
    reader.rows(path, "Sheet1")

    assert processes == []


def test_it_says_plainly_that_there_is_no_file(path):
    with pytest.raises(FileNotFoundError):
        reader.preview(path)


def test_it_reads_in_several_threads(path, read):
    workbooks.inline(path, [["x", n] for n in range(3_000)])

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(lambda _: len(read(path)), range(8))) == {3_000}


def test_it_reads_in_a_forked_process(path):
    workbooks.plain(path, [["x"]])
    forked = multiprocessing.get_context("fork").Process(target=reader.preview, args=(path,))
    forked.start()
    forked.join(30)

    assert forked.exitcode == 0


def test_a_forked_copy_does_not_end_the_reading(path):
    rows = reader.rows(workbooks.inline(path, [["x" * 100]] * 20_000), "Sheet1")
    next(rows)
    pid = os.fork()
    if pid == 0:
        rows.close()
        os._exit(0)
    os.waitpid(pid, 0)

    assert sum(1 for _ in rows) == 19_999


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("busy", [False, True], ids=["blocked", "busy"])
def test_it_does_not_survive_its_parent(path, tmp_path, busy):
    """The parent is killed while the child is blocked on a full pipe, or computes and writes nothing."""
    workbooks.inline(path, [["x" * 100]] * 50_000)
    command = [
        sys.executable,
        "-c",
        "import sys\nsys.stdin.readline()\nfrom tagsync.sheets import child\nimport threading\n"
        "threading.Thread(target=child._end_with_parent, daemon=True).start()\nprint('[[1]]', flush=True)\n"
        "while True: pass",
    ]
    script = f"""
import os, sys
from pathlib import Path
from tagsync.sheets import reader
if {busy}: reader.COMMAND = {command!r}
start = reader._start
def remember(request):
    process = start(request)
    print(process.pid, flush=True)
    return process
reader._start = remember
rows = reader.rows(Path({str(path)!r}), "Sheet1")
next(rows)
os.kill(os.getpid(), 9)
"""
    parent = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60)
    child = int(parent.stdout)

    deadline = time.monotonic() + 20
    while _is_running(child):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"  # nobody in a container may be there to collect it


def test_it_finds_neither_installed_packages_nor_what_lies_around():
    """Installed from a wheel, the house itself lies among the packages of others."""
    *python, _code, root = reader.COMMAND
    shown = [*python, f"{reader.BEGIN}; print(child.__name__, *sys.path, sep='\\n')", root]
    name, *folders = subprocess.run(shown, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()

    assert name == "tagsync.sheets.child"
    assert folders and not {"", str(ROOT)} & set(folders)
    assert not [folder for folder in folders if "-packages" in folder]


def test_it_imports_nothing_but_the_standard_library_and_its_room():
    script = "import sys; before = set(sys.modules); import tagsync.sheets.child; print(*set(sys.modules) - before)"
    loaded = subprocess.run([sys.executable, "-S", "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)

    ours = {name for name in loaded.stdout.split() if name.split(".")[0] not in sys.stdlib_module_names}
    assert {name for name in ours if not name.startswith("tagsync.sheets.")} <= {"tagsync", "tagsync.sheets"}
