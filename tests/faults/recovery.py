"""`python -m tests.faults.recovery`: how long an import stands still when its worker is killed, with the settings of
real life. From the SIGKILL of the RQ worker to the next call of the same import, on an installation of its own.
"""

from __future__ import annotations

import argparse
import os
import signal
import tempfile
import time
from pathlib import Path

import django

from tests.legs import engines


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.faults.recovery", description=__doc__)
    parser.add_argument("--times", type=int, default=3)
    wanted = parser.parse_args()
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    django.setup()
    for _ in range(wanted.times):
        with tempfile.TemporaryDirectory(dir="/tmp") as folder, engines("faults") as engine:
            print(f"{measure(Path(folder), engine):.1f} s", flush=True)


def measure(folder: Path, engine: dict[str, str]) -> float:
    from tests.faults import pages
    from tests.faults.test_redis import PASSWORD, wait_for_state
    from tests.installation import up, wait_for
    from tests.making import customers

    with up(folder / "home", workers=2, TAGSYNC_ADMIN_PASSWORD=PASSWORD, **engine) as installation:
        person = pages.signed_in(installation, PASSWORD)
        number = pages.upload(person, customers(10_000))
        wait_for_state(installation, number, "ready")
        installation.sandbox("POST", "/control/faults", [{"kind": "latency", "seconds": 0.5}])
        pages.start(person, number)
        wait_for(lambda: len(installation.sandbox("GET", "/control/ledger")) > 3)
        for pid, line in installation.pids().items():
            if "rqworker sends" in line:
                os.kill(pid, signal.SIGKILL)
        killed, calls = time.monotonic(), len(installation.sandbox("GET", "/control/ledger"))
        # Calls that were on their way when it was killed still arrive.
        wait_for(lambda: time.monotonic() - killed > 2)
        calls = len(installation.sandbox("GET", "/control/ledger"))
        wait_for(lambda: len(installation.sandbox("GET", "/control/ledger")) > calls, 200)
        seconds = time.monotonic() - killed
        person.http.close()
    return seconds


if __name__ == "__main__":
    main()
