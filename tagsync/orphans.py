"""No process outlives the one that started it. Needs no Django, and is run by path as well, so that it starts fast:

python orphans.py PARENT_PID COMMAND [ARGUMENT ...]
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from types import FrameType

PR_SET_PDEATHSIG = 1  # Source: linux/prctl.h
CHECK_SECONDS = 0.3


def die_with(parent_pid: int) -> None:
    """From now on this process is killed when its parent dies, however it dies; on Linux also after an exec."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    else:
        threading.Thread(target=_watch, args=(parent_pid,), daemon=True).start()
    if os.getppid() != parent_pid:
        os.kill(os.getpid(), signal.SIGKILL)


def _watch(parent_pid: int) -> None:
    while os.getppid() == parent_pid:
        time.sleep(CHECK_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)


# -- a command that ends when `manage.py up` ends, however it ends


def main(parent_pid: int, command: list[str], *, kernel_helps: bool) -> int:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    if not kernel_helps:
        return run_beside(parent_pid, command)
    die_with(parent_pid)
    os.execvp(command[0], command)


def run_beside(parent_pid: int, command: list[str]) -> int:
    """Where the kernel does not help (macOS): stay, pass SIGTERM on, and take the whole group along."""
    child = subprocess.Popen(command, close_fds=False)

    def pass_on(number: int, frame: FrameType | None) -> None:
        child.send_signal(number)

    signal.signal(signal.SIGTERM, pass_on)
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return exit_status(child.wait(CHECK_SECONDS))
        if os.getppid() != parent_pid:
            os.killpg(0, signal.SIGKILL)
            time.sleep(CHECK_SECONDS)


def exit_status(returncode: int) -> int:
    return returncode if returncode >= 0 else 128 - returncode


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:], kernel_helps=sys.platform == "linux"))
