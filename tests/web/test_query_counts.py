"""Pages ask the database the same number of questions, however many imports, rows, calls and causes there are."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.imports.models import ImportJob
from tagsync.imports.states import JobStatus
from tests.making import S, add_call, blame, make_import
from tests.matrix import one_in

pytestmark = pytest.mark.django_db
FEW, MANY = 3, 30
OPENID = "oAbC1234567890"

Make = Callable[[int], ImportJob]


@pytest.fixture
def make(marketer: Person, sandbox_connection: Connection) -> Make:
    """As many imports, the last with as many rows of each state, causes and calls; all rows are one customer's."""

    def make(number: int) -> ImportJob:
        for order in range(number):
            parts = number if order == number - 1 else 1
            states = [S.ACCEPTED, S.REJECTED, S.IN_DOUBT, S.TO_FIX, S.SUPERSEDED] * parts
            later = timezone.now() + timedelta(minutes=order)
            job = make_import(marketer, sandbox_connection, JobStatus.FINISHED, states, first_confirmed_at=later)
            job.rows.update(openid=OPENID, unionid="u1234567890")
            job.rows.filter(status=S.SUPERSEDED).update(notes=[_overtaken_by(order)])
            for cause, row in enumerate(job.rows.filter(status=S.REJECTED)):
                row.problem = blame(job, S.IN_DOUBT, "refused", message=f"{cause}")
                row.save(update_fields=["problem"])
                add_call(job, [2 + cause, 3 + cause], batch=cause + 1, remarks=f"fail: {cause}")
        return job

    return make


def _overtaken_by(other: int) -> dict[str, object]:
    return {"code": "superseded_by", "field": None, "column": "", "value": "", "params": {"import": other, "row": 2}}


def count(client: Client, address: str) -> int:
    client.get(address)  # what is looked up once for all pages
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert client.get(address).status_code == 200
    return len(queries)


def searched(client: Client, address: str, typed: str) -> str:
    return str(client.post(address, {"typed": typed})["Location"])


PAGES: dict[str, tuple[Callable[[Client, ImportJob], str], int]] = {
    "history": (lambda client, job: "/imports/", 19),
    "job": (lambda client, job: f"/imports/{job.pk}/", 33),
    "rows": (lambda client, job: f"/imports/{job.pk}/rows/", 13),
    "rows by state": (lambda client, job: f"/imports/{job.pk}/rows/?status=rejected", 11),
    "row opened": (lambda client, job: f"/imports/{job.pk}/rows/?row=3", 19),
    "rows found": (lambda client, job: searched(client, f"/imports/{job.pk}/rows/search/", OPENID), 18),
    "calls": (lambda client, job: f"/imports/{job.pk}/calls/", 11),
    "customer": (lambda client, job: searched(client, "/customers/", OPENID), 20),
}


@pytest.mark.parametrize("page", one_in(3, PAGES))
@pytest.mark.parametrize("who", ["signed", "signed_admin"])
def test_it_asks_the_same_with_few_and_with_many(
    request: pytest.FixtureRequest, make: Make, page: str, who: str
) -> None:
    client, (address, most) = request.getfixturevalue(who), PAGES[page]
    with_few = count(client, address(client, make(FEW)))
    with_many = count(client, address(client, make(MANY)))
    assert with_few == with_many <= most
