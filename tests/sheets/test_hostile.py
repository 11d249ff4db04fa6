"""Files made to harm their reader: a verdict comes soon, and the process that asked does not grow."""

from pathlib import Path

import pytest

from tests.matrix import most_slow
from tests.sheets import hostile

# Of the whole table (`python -m tests.sheets.hostile`) those that take no minute to make, and not all memory.
SLOW = ("400 MiB", "million", "60 MB", "last row")
QUICK = [name for name in hostile.CORPUS if not any(mark in name for mark in SLOW)]
AT_ONCE = [name for number, name in enumerate(QUICK) if number % 6 == 0]


@pytest.mark.parametrize("name", most_slow(QUICK, at_once=AT_ONCE))
def test_it_is_answered_soon_and_in_little_memory(tmp_path: Path, name: str) -> None:
    result = hostile.measure(hostile.CORPUS[name](tmp_path / "hostile.upload"))
    assert result.said not in ("reader_failed", "reader_killed")
    assert result.seconds < 5
    assert result.grown_mib <= 50
    assert result.child_mib < 300
