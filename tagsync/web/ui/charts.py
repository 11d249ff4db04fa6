"""Bars as SVG: shares are attributes, because the content security policy forbids inline styles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from tagsync.web.ui.numbers import MIN_PERCENT, MIN_PERCENT_MINI, Segment, segments, settled, shares, thousands
from tagsync.web.ui.statuses import ROW_LOOKS

# pixels
CHART_HEIGHT = 60

PATTERNED = ("left_out", "to_fix", "rejected", "in_doubt")

# Once per page. Not display: none, which would switch the patterns off in some browsers.
PATTERNS = mark_safe(
    '<svg class="defs" aria-hidden="true" focusable="false"><defs>'
    '<pattern id="pat-left_out" width="6" height="6" patternUnits="userSpaceOnUse">'
    '<rect class="pat" width="6" height="6"/><rect class="pat--neutral" width="3" height="6"/></pattern>'
    '<pattern id="pat-to_fix" width="6" height="6" patternUnits="userSpaceOnUse">'
    '<rect class="pat" width="6" height="6"/><rect class="pat--warn" width="3" height="6"/></pattern>'
    '<pattern id="pat-rejected" width="7" height="7" patternUnits="userSpaceOnUse"'
    ' patternTransform="rotate(45)"><rect class="pat--bad" width="7" height="7"/>'
    '<rect class="pat" width="2" height="7" opacity=".55"/></pattern>'
    '<pattern id="pat-in_doubt" width="5" height="5" patternUnits="userSpaceOnUse">'
    '<rect class="pat" width="5" height="5"/><circle class="pat--warn" cx="2.5" cy="2.5" r="1.7"/></pattern>'
    "</defs></svg>"
)


def outcome_bar(counts: Mapping[str, int], total: int, name: str = "outcome") -> SafeString:
    """The bar of an import, with its progress spoken: "24,680 of 48,210 rows". One `name` per bar of a page."""
    done = settled(counts)
    text = _("%(done)s of %(total)s rows") % {"done": thousands(done), "total": thousands(total)}
    return format_html(
        '<div role="progressbar" aria-label="{}" aria-valuemin="0" aria-valuemax="100" aria-valuenow="{}"'
        ' aria-valuetext="{}">{}</div>',
        _("Progress"),
        done * 100 // total if total else 0,
        text,
        _svg("bar", segments(counts, total, MIN_PERCENT), name),
    )


def mini_bar(counts: Mapping[str, int], total: int) -> SafeString:
    """The same bar for a line of a list; its counts are its label."""
    shares = segments(counts, total, MIN_PERCENT_MINI)
    said = " · ".join(f"{ROW_LOOKS[one.status].word} {thousands(one.rows)}" for one in shares)
    bar = _svg("bar bar--mini", shares)
    return format_html('<span role="img" aria-label="{}">{}</span>', said or _("No rows yet"), bar)


def share_bar(part: int, most: int, tone: str) -> SafeString:
    """A thin bar beside a number: its share of the largest one."""
    width = max(part * 100 / most, 2) if most and part else 0
    return format_html(
        '<svg class="sharebar sharebar--{}" aria-hidden="true" focusable="false">'
        '<rect width="{}%" height="100%"/></svg>',
        tone,
        round(width, 1),
    )


class Column(NamedTuple):
    """One bar of a chart: what stands below, and on top what failed; `text` is shown by whoever rests on it."""

    accepted: int
    failed: int
    text: str


def column_chart(columns: Sequence[Column], label: str) -> SafeString:
    """Thin bars side by side, linear; whatever is not nothing is seen. Its numbers stand in a table beside it."""
    most = max((one.accepted + one.failed for one in columns), default=0)
    step = 100 / max(len(columns), 1)
    drawn = format_html_join(
        "",
        '<g><title>{}</title><rect class="chart__place" x="{}%" width="{}%" height="100%"/>{}</g>',
        ((one.text, round(n * step, 2), round(step, 2), _column(one, n, step, most)) for n, one in enumerate(columns)),
    )
    return format_html(
        '<svg class="chart" role="img" aria-label="{}" height="{}" focusable="false">{}'
        '<rect class="chart__base" y="{}" width="100%" height="1"/></svg>',
        label,
        CHART_HEIGHT,
        drawn,
        CHART_HEIGHT - 1,
    )


def _column(one: Column, number: int, step: float, most: int) -> SafeString:
    def height(rows: int) -> float:
        return max(rows * (CHART_HEIGHT - 4) / most, 2) if rows else 0

    accepted, failed = height(one.accepted), height(one.failed)
    top = CHART_HEIGHT - 1 - accepted
    parts = [("accepted", top, accepted), ("rejected", top - failed - (1 if accepted else 0), failed)]
    return format_html_join(
        "",
        '<rect class="seg seg--{}" x="{}%" width="{}%" y="{}" height="{}"{}/>',
        (
            (state, round((number + 0.16) * step, 2), round(step * 0.68, 2), round(y, 1), round(high, 1), _fill(state))
            for state, y, high in parts
            if high
        ),
    )


def swatch(status: str) -> SafeString:
    return format_html(
        '<svg class="swatch" width="12" height="12" aria-hidden="true" focusable="false">'
        '<rect class="seg seg--{}" width="12" height="12"{}/></svg>',
        status,
        _fill(status),
    )


def tiles(
    counts: Mapping[str, int], urls: Mapping[str, str], maybe_applied: Mapping[str, int] | None = None
) -> list[dict[str, object]]:
    """What the legend shows: accepted always, the rest when there is any.

    `maybe_applied`: state → rows of it that may have been applied although the state does not say so.
    """
    maybe, share = maybe_applied or {}, shares(counts)
    return [
        {
            "status": status,
            "word": look.word,
            "rows": counts.get(status, 0),
            "share": share.get(status, "0%"),
            "swatch": swatch(status),
            "url": urls.get(status, ""),
            "maybe_applied": maybe.get(status, 0),
        }
        for status, look in ROW_LOOKS.items()
        if counts.get(status, 0) or status == "accepted"
    ]


def _fill(status: str) -> SafeString:
    return format_html(' fill="url(#pat-{})"', status) if status in PATTERNED else mark_safe("")


def _svg(kind: str, shares: list[Segment], name: str = "") -> SafeString:
    """Each share reaches from the left edge to its end, below the ones before it.

    So a bar that grows moves only widths (browsers do not animate x), and a share that is new grows out of its
    neighbour: a bar with a name draws the empty ones as well.
    """
    ends, end = [], 0.0
    drawn = {one.status: one for one in shares}
    for status in ROW_LOOKS if name else drawn:
        if status in drawn:
            end = round(drawn[status].x + drawn[status].width, 2)
        ends.append((_id(name, status), status, end, _fill(status)))
    rects = format_html_join("", '<rect{} class="seg seg--{}" width="{}%" height="100%"{}/>', reversed(ends))
    return format_html('<svg class="{}" aria-hidden="true" focusable="false">{}</svg>', kind, rects)


def _id(name: str, status: str) -> SafeString:
    # A stable id lets htmx carry the old width over, so that the bar grows instead of jumping.
    return format_html(' id="{}-{}"', name, status) if name else mark_safe("")
