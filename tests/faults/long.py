"""`python -m tests.faults.long --steps 1000 --seed 7`: a long random mix on a database of its own; exit status 1 when
a promise is broken. With DATABASE_URL set to a PostgreSQL server it makes, and drops, a database there.
"""

from __future__ import annotations

import argparse
import os
import random
import secrets
import sys
import tempfile
import time
from pathlib import Path

import django

from tests.legs import engines


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.faults.long", description=__doc__)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**32))
    wanted = parser.parse_args()
    print(f"seed {wanted.seed}, {wanted.steps} steps", flush=True)
    with tempfile.TemporaryDirectory() as folder, engines("faults") as engine:
        os.environ.update({**engine, "TAGSYNC_HOME": folder, "DJANGO_SETTINGS_MODULE": "tests.settings"})
        django.setup()
        return run(Path(folder), wanted.steps, wanted.seed)


def run(folder: Path, steps: int, seed: int) -> int:
    """Everything that needs Django, which needs the environment first."""
    from django.core.management import call_command
    from django.db import connections

    from tagsync.accounts.roles import ADMINS
    from tagsync.connections.models import Connection
    from tagsync.queueing import doorbell
    from tagsync.sandbox import Sandbox
    from tests.conftest import make_person
    from tests.faults import mix, mixed_acts
    from tests.faults.senders import forker, senders_of

    call_command("migrate", verbosity=0)
    doorbell.ring = lambda queue_name, job_id: True
    connection = Connection(name="Sandbox", is_sandbox=True, calls_per_period=1000, period_seconds=1)
    began, broken = time.monotonic(), ""
    with Sandbox() as sandbox, forker() as process, senders_of(process, folder) as senders:
        mixed_acts.prepare(connection, sandbox)
        world = mixed_acts.World(random.Random(seed), make_person("ada", ADMINS), connection, sandbox, senders)
        try:
            mix.run(world, steps)
        except AssertionError as error:
            broken = str(error)
            print(*mix.unfinished(world), sep="\n")
        found = {"seed": seed, **mix.summary(world), "minutes": round((time.monotonic() - began) / 60, 1)}
        if broken:
            print(*senders.said(), sep="\n")
    for name, value in found.items():
        print(f"{name}: {value}")
    print(f"BROKEN: {broken}" if broken else "all promises kept")
    connections.close_all()
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
