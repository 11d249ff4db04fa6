"""Which identifier the platform tries first, and how many rows of an import that makes for each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tagsync.connections.models import Connection, WayTwoOrder
from tagsync.imports.models import ImportJob
from tagsync.mapping.fields import CUSTOMER_ID

# Source: the user's document, identifyWay; pages 985990 and 986538 for the other meaning of way 2.
WAY_ONE = ("unionid", "openid", "phone", CUSTOMER_ID)
WAY_TWO = {
    WayTwoOrder.PHONE_FIRST: ("phone", "unionid", "openid", CUSTOMER_ID),
    WayTwoOrder.CUSTOMER_ID_FIRST: (CUSTOMER_ID, "phone", "openid", "unionid"),
}


def order(way: int | None, connection: Connection | None) -> Sequence[str]:
    """Field keys, first one first. Without a way (no or exact matching) the platform decides; way 1 is shown."""
    if way == 2 and connection is not None:
        return WAY_TWO[WayTwoOrder(connection.way_two_order)]
    return WAY_TWO[WayTwoOrder.PHONE_FIRST] if way == 2 else WAY_ONE


def identified_by(job: ImportJob) -> list[tuple[str, int]]:
    """(field key, rows) for the rows that the check found sendable, in the order of identification."""
    keys = order(job.identify_way, job.connection)
    rows: Counter[str] = Counter()
    for present, number in job.check_summary.get("identifiers", []):
        rows[next(key for key in keys if key in present)] += number
    return [(key, rows[key]) for key in keys if rows[key]]
