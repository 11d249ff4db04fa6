"""`python -m tests.faults.restore_drill --rows 50000`: backup, crash and restore of a whole installation in the middle
of an import; ends with an error when a promise is broken. With DATABASE_URL set to a PostgreSQL server it makes, and
drops, a database there.
"""

from __future__ import annotations

import argparse

from tests.faults.by_hand import of_its_own, tell


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.faults.restore_drill", description=__doc__)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--way", choices=["told", "noticed"], default="told")
    wanted = parser.parse_args()
    with of_its_own() as folder:
        # it needs Django
        from tests.faults import drill

        tell(drill.run(folder, wanted.rows, told=wanted.way == "told"))
    print("all promises kept")


if __name__ == "__main__":
    main()
