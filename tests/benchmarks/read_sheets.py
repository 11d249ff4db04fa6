"""Reading sheets, measured side by side with openpyxl in one run: ratios of CPU time, the child process included.

    python -m tests.benchmarks.read_sheets [rows …]

Not collected by pytest: nothing here is asserted against a clock.
"""

import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import openpyxl

from tagsync.sheets import reader
from tests import workbooks

HEADER = ["客户ID", "openid", "unionid", "手机号", "标签"]
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
TAGS = ["VIP", "新客", "活动2026", "老客回流", "高价值,沉睡用户", "会员日,母婴,华东"]


def audience(count: int) -> Iterator[list[str | int | None]]:
    """A realistic sheet: 18-digit texts, two 28-character ids, a phone (every second a number), tags; 5 % blanks."""
    chance = random.Random(7)
    yield list(HEADER)
    for number in range(count):
        openid, unionid = ("o" + "".join(chance.choices(LETTERS, k=27)) for _ in range(2))
        phone = 13_000_000_000 + chance.randrange(6_999_999_999)
        blank = chance.random() < 0.05
        written = phone if number % 2 else str(phone)
        yield [f"{880000000000000000 + number * 37}", None if blank else openid, unionid, written, chance.choice(TAGS)]


def seconds(act: Callable[[], object]) -> tuple[float, float]:
    """CPU of this process and its children, and wall time."""
    before, began = _cpu(), time.perf_counter()
    act()
    return _cpu() - before, time.perf_counter() - began


def _cpu() -> float:
    both = (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


def ours(path: Path) -> int:
    return sum(1 for _ in reader.rows(path, "Sheet1"))


def theirs(path: Path, first: int | None = None) -> int:
    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    count = sum(1 for _ in islice(book.worksheets[0].iter_rows(values_only=True), first))
    book.close()
    return count


def main() -> None:
    sizes = [int(size) for size in sys.argv[1:]] or [10_000, 100_000]
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            for build in (workbooks.shared, workbooks.inline):
                path = Path(folder) / f"{build.__name__}-{size}.xlsx"
                build(path, audience(size))
                assert ours(path) == theirs(path) == size + 1
                report("all rows", build.__name__, size, lambda p=path: ours(p), lambda p=path: theirs(p))
                report("preview", build.__name__, size, lambda p=path: reader.preview(p), lambda p=path: theirs(p, 200))


def report(what: str, form: str, size: int, mine: Callable[[], object], other: Callable[[], object]) -> None:
    (my_cpu, my_wall), (cpu, wall) = min(seconds(mine) for _ in range(3)), seconds(other)
    print(
        f"{what:9} {form:7} {size:>9,} rows: {my_cpu:6.2f} s cpu, {my_wall:6.2f} s; openpyxl {cpu:6.2f} s cpu, "
        f"{wall:6.2f} s; {cpu / my_cpu:5.1f} x less cpu, {wall / my_wall:5.1f} x less waiting"
    )


if __name__ == "__main__":
    main()
