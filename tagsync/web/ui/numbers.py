"""Numbers as people read them, and the geometry of the bars. Knows nothing about HTML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from tagsync.web.ui.statuses import ROW_LOOKS

# What is still to come is the bare track, so it needs no minimum and gives way to the rest.
TRACK = ("waiting", "not_sent")
# Two pixels: of a bar on a phone (about 330 px, minus the gap), and of a mini bar (140 px).
MIN_PERCENT = 1.2
MIN_PERCENT_MINI = 2.2


# A share too small to show.
LEAST = "<0.1%"


class Segment(NamedTuple):
    status: str
    rows: int
    x: float
    width: float


def thousands(number: object) -> str:
    """`48210` as `48,210`, in both languages; None as a dash."""
    if number is None:
        return "–"
    return f"{number:,}" if isinstance(number, (int, float)) else str(number)


def percent(part: int, total: int) -> str:
    """One decimal, rounded down, so that 100% means all; a share too small to show is `<0.1%`."""
    if not total:
        return "0%"
    tenths = part * 1000 // total
    if part and not tenths:
        return LEAST
    return f"{tenths // 10}%" if tenths % 10 == 0 else f"{tenths // 10}.{tenths % 10}%"


def shares(parts: Mapping[str, int]) -> dict[str, str]:
    """The share of each part of the whole that they are together, in tenths that add up to 100%: by largest remainder.

    100% is said of all only, and of some never 0%: what is too small to show takes its `<0.1%` from the others.
    """
    whole = sum(parts.values())
    tenths = {name: rows * 1000 // whole for name, rows in parts.items() if rows} if whole else {}
    small = [name for name, share in tenths.items() if not share]
    spare = 1000 - sum(tenths.values()) - len(small)
    by_remainder = sorted((name for name in tenths if tenths[name]), key=lambda name: -(parts[name] * 1000 % whole))
    for name in by_remainder[: max(spare, 0)]:
        tenths[name] += 1
    shown = {name: f"{share / 10:.1f}".removesuffix(".0") + "%" for name, share in tenths.items()}
    return {**dict.fromkeys(parts, "0%"), **shown, **dict.fromkeys(small, LEAST)}


def whole_percent(part: int, total: int) -> str:
    """Rounded down, so that 100% means all; of some never 0%."""
    share = part * 100 // total if total else 0
    return "<1%" if part and not share else f"{share}%"


def settled(counts: Mapping[str, int]) -> int:
    """Rows whose outcome is known."""
    return sum(rows for status, rows in counts.items() if status not in TRACK)


def segments(counts: Mapping[str, int], total: int, min_percent: float = MIN_PERCENT) -> list[Segment]:
    """The non-zero shares in their fixed order, in percent of the bar; together never more than 100."""
    present = [(status, counts[status]) for status in ROW_LOOKS if counts.get(status, 0) > 0]
    whole = max(total, sum(rows for _status, rows in present), 1)
    widths = [rows * 100 / whole for _status, rows in present]
    raised = [
        width if status in TRACK else max(width, min_percent)
        for (status, _rows), width in zip(present, widths, strict=True)
    ]
    excess = sum(raised) - sum(widths)
    if excess > 0 and sum(raised) > 100:
        # Something above its minimum must give: the widest can always spare it.
        widest = raised.index(max(raised))
        raised[widest] = max(raised[widest] - (sum(raised) - 100), 0)
    drawn, x = [], 0.0
    for (status, rows), width in zip(present, raised, strict=True):
        drawn.append(Segment(status, rows, round(x, 2), round(width, 2)))
        x += width
    return drawn
