"""Runs a command that ends when `manage.py up` ends, however it ends. Run by path, so that it starts fast: no Django.

Usage: guard.py PARENT_PID COMMAND [ARGUMENT ...]
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from types import FrameType

PR_SET_PDEATHSIG = 1  # Source: linux/prctl.h
CHECK_SECONDS = 0.3


def main(parent_pid: int, command: list[str], *, kernel_helps: bool) -> int:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    if not kernel_helps:
        return watch(parent_pid, command)
    die_with(parent_pid)
    os.execvp(command[0], command)


def die_with(parent_pid: int) -> None:
    """From now on, also after an exec, the kernel kills this process when its parent is gone. Linux only."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        os.kill(os.getpid(), signal.SIGKILL)


def watch(parent_pid: int, command: list[str]) -> int:
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
