"""`python -m tests.sheets.fuzz --variants 2000 --seed 7`: valid .xlsx, .xls and .csv files with flipped bytes, each
read as the upload page reads it. Whatever comes must be rows or a refusal with a sentence, and come soon.
"""

from __future__ import annotations

import argparse
import random
import secrets
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tagsync.sheets import reader
from tagsync.sheets.errors import Unreadable
from tests import workbooks

TABLE = [("手机号", "客户标签"), *((f"138{number:08d}", "VIP,春季") for number in range(60))]
SLOW_SECONDS = 5.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.sheets.fuzz", description=__doc__)
    parser.add_argument("--variants", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**32))
    wanted = parser.parse_args()
    print(f"seed {wanted.seed}, {wanted.variants} variants")
    with tempfile.TemporaryDirectory() as folder:
        found, slowest = run(Path(folder), wanted.variants, random.Random(wanted.seed))
    for name, times in found.most_common():
        print(f"{name}: {times}")
    print(f"slowest: {slowest:.1f} s")
    broken = found["reader_failed"] + found["reader_killed"] + (slowest > SLOW_SECONDS)
    return 1 if broken else 0


def run(folder: Path, variants: int, chosen: random.Random) -> tuple[Counter[str], float]:
    """How often each end was met, and how long the slowest took. Raises what reading must not raise."""
    found: Counter[str] = Counter()
    contents, slowest = valid_files(folder), 0.0
    for number in range(variants):
        path = folder / f"{number}.upload"
        path.write_bytes(flipped(contents[number % len(contents)], chosen))
        began = time.monotonic()
        found[outcome(path)] += 1
        slowest = max(slowest, time.monotonic() - began)
        path.unlink()
    return found, slowest


def valid_files(folder: Path) -> list[bytes]:
    stored = workbooks.shared(folder / "a.xlsx", TABLE)
    old = workbooks.old(folder / "a.xls", TABLE)
    lines = "\r\n".join(f'{phone},"{tags}"' for phone, tags in TABLE)
    return [stored.read_bytes(), old.read_bytes(), lines.encode(), lines.encode("gb18030")]


def flipped(content: bytes, chosen: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(chosen.randint(1, 8)):
        changed[chosen.randrange(len(changed))] = chosen.randrange(256)
    return bytes(changed)


def outcome(path: Path) -> str:
    try:
        reader.preview(path)
    except Unreadable as refused:
        return refused.code
    return "rows"


if __name__ == "__main__":
    sys.exit(main())
