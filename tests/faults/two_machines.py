"""`python -m tests.faults.two_machines --rows 50000`: one of two machines is killed, cut off, let back, frozen and
woken while both send; ends with an error when a promise is broken. DATABASE_URL leads to a PostgreSQL server, where a
database is made and dropped.
"""

from __future__ import annotations

import argparse
import os

from tests.faults.by_hand import of_its_own, tell


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.faults.two_machines", description=__doc__)
    parser.add_argument("--rows", type=int, default=50_000)
    wanted = parser.parse_args()
    if not os.environ.get("DATABASE_URL", "").startswith("postgres"):
        parser.error("machines share a PostgreSQL database: set DATABASE_URL")
    with of_its_own() as folder:
        # it needs Django
        from tests.faults import struck_machines

        tell(struck_machines.run(folder, wanted.rows))
    print("all promises kept")


if __name__ == "__main__":
    main()
