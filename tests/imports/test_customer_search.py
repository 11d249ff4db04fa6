"""Finding a customer: by its indexes on both databases, beyond what was scanned, and what an identifier may be."""

from __future__ import annotations

import pytest
from django.db import connection

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.imports.customer_search import (
    Place,
    holding,
    holding_in,
    is_masked,
    likely_field,
    place_of,
    rows_of,
    scan,
    search_for,
    sought,
)
from tagsync.imports.models.row import found_by
from tagsync.imports.states import JobStatus
from tests.making import S, make_import

OPENID = "oAbC1234567890"


@pytest.mark.django_db
@pytest.mark.parametrize("who", ["marketer", "admin_person"])
def test_it_asks_the_index_of_each_identifier(
    request: pytest.FixtureRequest, marketer: Person, sandbox_connection: Connection, who: str
) -> None:
    job = make_import(marketer, sandbox_connection, JobStatus.FINISHED, [S.ACCEPTED] * 3)
    search = search_for(request.getfixturevalue(who), OPENID)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":  # of three rows it would read all
            cursor.execute("SET LOCAL enable_seqscan = off")
    across = [rows.order_by("-job_id", "-row_number")[:51] for rows in holding(search.rows(), search.wanted)]
    within = [rows.filter(row_number__gt=1).order_by("row_number")[:51] for rows in holding_in(job, search.wanted)]
    for questions in (across, within):
        plans = [rows.explain() for rows in questions]
        names = {column: found_by(column).name for column in search.wanted}
        assert [names[column] in plan for column, plan in zip(search.wanted, plans, strict=True)] == [True] * 4


@pytest.mark.django_db
def test_it_goes_on_beyond_what_it_scanned(marketer: Person, sandbox_connection: Connection) -> None:
    jobs = [make_import(marketer, sandbox_connection, JobStatus.FINISHED, [S.ACCEPTED] * 5) for _ in range(3)]
    for job in jobs:
        job.rows.update(openid=OPENID)
    every = sorted((Place(job.pk, row) for job in jobs for row in range(2, 7)), reverse=True)
    seen = scan(search_for(marketer, OPENID), most=4)
    assert not seen.whole and [place_of(row) for row in seen.rows] == every[:4]
    for at, place in enumerate(every):
        assert [place_of(row) for row in rows_of(seen, 3, older=place)] == every[at + 1 : at + 4]
        assert [place_of(row) for row in rows_of(seen, 3, newer=place)] == every[max(at - 3, 0) : at]


def test_it_looks_for_what_each_column_would_hold() -> None:
    assert sought(" +86 138-0000-0001 ") == {
        "customer_id": "+86 138-0000-0001",
        "openid": "+86 138-0000-0001",
        "unionid": "+86 138-0000-0001",
        "phone": "13800000001",
    }
    assert sought("8８0") == dict.fromkeys(("openid", "unionid", "phone"), "8８0") | {"customer_id": "880"}
    assert sought(" ' ") == {}


def test_it_knows_what_kind_an_identifier_is() -> None:
    assert [likely_field(typed) for typed in ("13800000001", OPENID, "88000012", "a b")] == [
        "phone",
        "openid",
        "audienceUserId",
        "",
    ]
    assert is_masked("138****0001") and is_masked("oAbC…90") and not is_masked("13800000001")
