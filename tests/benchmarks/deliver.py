"""Sending: an import of many rows over the test platform, all in this process, from its start to its end.

    python -m tests.benchmarks.deliver [rows] [rows per call]

CPU seconds of the sending alone (the platform's share, which never changes, is in them) and calls, as one line. To
compare two states of the code, run it in two checkouts in turn; nothing is asserted against a clock. SQLite, as in a
local installation; with DATABASE_URL set, in a database of its own there.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time

import django

from tests.legs import engines


def main() -> None:
    rows, rows_per_call = map(int, [*sys.argv[1:], *("20000", "50")[len(sys.argv) - 1 :]])
    with tempfile.TemporaryDirectory() as folder, engines("faults") as engine:
        os.environ.update({**engine, "TAGSYNC_HOME": folder, "DJANGO_SETTINGS_MODULE": "tests.settings"})
        django.setup()
        run(rows, rows_per_call)


def run(rows: int, rows_per_call: int) -> None:
    """Everything that needs Django, which needs the environment first."""
    from django.core.management import call_command
    from django.db import connections

    from tagsync.accounts.models import Person
    from tagsync.connections.models import Connection
    from tagsync.queueing import doorbell
    from tagsync.sandbox import Sandbox
    from tests.making import customers, run_to_end, started

    call_command("migrate", verbosity=0)
    doorbell.ring = lambda bell, record_id: True  # run_to_end takes slice after slice without it
    with Sandbox() as platform:
        connection = Connection(name="Sandbox", base_url=platform.url, is_sandbox=True, rows_per_call=rows_per_call)
        connection.set_fixed_token("sandbox-token")
        connection.calls_per_period, connection.period_seconds = 10_000, 1
        connection.save()
        job = started(Person.objects.create_user("bench"), connection, customers(rows))
        began, waited = time.process_time(), time.monotonic()
        job = run_to_end(job, slices=1000)
        spent, waited = time.process_time() - began, time.monotonic() - waited
        assert job.counts == {"accepted": rows}, job.counts
        print(f"{rows} rows, {job.deliveries.count()} calls: {spent:.2f} s CPU, {waited:.2f} s waiting")
    connections.close_all()


if __name__ == "__main__":
    main()
