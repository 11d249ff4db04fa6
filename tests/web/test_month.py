"""The last thirty days: numbers and bars that agree with the imports, and lead to them."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.imports.models import ImportJob
from tagsync.imports.states import JobStatus
from tagsync.web.history.month import DAYS, Day, Month, month
from tagsync.web.ui import charts
from tests.making import S, corrected, make_import
from tests.web.layout import text_of

pytestmark = pytest.mark.django_db


def started(owner: Person, connection: Connection, days_ago: int, *rows: S, **changes: Any) -> ImportJob:
    """At the first moment of a day of the company."""
    day = timezone.localdate() - timedelta(days=days_ago)
    at = timezone.make_aware(datetime.combine(day, time.min))
    return make_import(owner, connection, JobStatus.FINISHED, rows, first_confirmed_at=at, **changes)


def test_it_adds_up_the_days(marketer: Person, other_marketer: Person, sandbox_connection: Connection) -> None:
    started(marketer, sandbox_connection, 0, S.ACCEPTED, S.ACCEPTED, S.REJECTED)
    started(marketer, sandbox_connection, 0, S.ACCEPTED, S.IN_DOUBT, S.TO_FIX, S.DUPLICATE, S.SUPERSEDED)
    started(marketer, sandbox_connection, DAYS - 1, S.ACCEPTED)
    started(marketer, sandbox_connection, DAYS, S.REJECTED)
    started(other_marketer, sandbox_connection, 0, S.REJECTED)
    make_import(marketer, sandbox_connection, JobStatus.READY, [S.WAITING, S.TO_FIX])
    found = month(marketer)
    assert found is not None
    assert (found.imports, found.sent, found.accepted) == (3, 6, 4)
    assert found.share == "66.6%" and (found.open_failures, found.open_imports) == (3, 2)
    assert found.days[-1] == Day(timezone.localdate(), 2, 3, 2, 3, 2) and found.days[0][1:] == (1, 1, 0, 0, 0)
    assert [day.imports for day in found.busy_days] == [2, 1]


def test_it_shows_admins_everybodys(
    marketer: Person, other_marketer: Person, admin_person: Person, sandbox_connection: Connection
) -> None:
    for owner in (marketer, other_marketer):
        started(owner, sandbox_connection, 3, S.ACCEPTED)
    found = month(admin_person)
    assert found is not None and found.accepted == 2


def test_its_number_of_open_failures_is_that_of_the_list_behind_it(
    client: Client, marketer: Person, sandbox_connection: Connection
) -> None:
    for days_ago in (0, 5, DAYS - 1, DAYS, DAYS + 9):
        started(marketer, sandbox_connection, days_ago, S.ACCEPTED, S.REJECTED)
    client.force_login(marketer)
    found = client.get("/imports/").context["month"]
    page = client.get(found.open_failures_url).context["page"]
    assert found.open_imports == page.number == 3


def test_it_says_the_picture_in_words(client: Client, marketer: Person, sandbox_connection: Connection) -> None:
    started(marketer, sandbox_connection, 2, S.ACCEPTED, S.REJECTED)
    client.force_login(marketer)
    page, day = text_of(client.get("/imports/")), timezone.localdate() - timedelta(days=2)
    assert f"1 accepted, 1 with an open failure; most on {day} with 2." in page
    assert f"<title>{day}: 1 accepted, 1 with an open failure</title>" in page and f">{day}</th>" in page


def test_its_red_drains_and_never_says_that_nothing_failed_beside_what_is_open(
    client: Client, marketer: Person, sandbox_connection: Connection
) -> None:
    job = started(marketer, sandbox_connection, 2, S.ACCEPTED, S.TO_FIX, S.TO_FIX)
    client.force_login(marketer)
    page = text_of(client.get("/imports/"))
    assert "2 rows with an open failure" in page and "0 rows failed" not in page
    corrected(job, 3)
    found = month(marketer)
    assert found is not None and (found.open_failures, found.open_imports) == (1, 1)
    corrected(job, 4)
    found = month(marketer)
    assert found is not None and (found.open_failures, found.open_imports) == (0, 0)


def test_it_is_not_there_when_nothing_was_started(
    client: Client, marketer: Person, sandbox_connection: Connection
) -> None:
    make_import(marketer, sandbox_connection, JobStatus.READY, [S.WAITING])
    started(marketer, sandbox_connection, DAYS, S.ACCEPTED)
    client.force_login(marketer)
    assert month(marketer) is None and "Last 30 days" not in text_of(client.get("/imports/"))


def test_it_asks_once_however_many_there_are(
    marketer: Person, sandbox_connection: Connection, django_assert_num_queries: Any
) -> None:
    for days_ago in range(20):
        started(marketer, sandbox_connection, days_ago, S.ACCEPTED, S.REJECTED)
    marketer.has_perm("imports.view_all_imports")
    with django_assert_num_queries(1):
        month(marketer)


def test_a_day_without_an_answer_has_no_share() -> None:
    assert Month([Day(timezone.localdate(), 1)]).share == "–"


def test_a_chart_draws_what_is_not_nothing() -> None:
    drawn = charts.column_chart(
        [charts.Column(10**6, 1, "a"), charts.Column(0, 0, "<b>"), charts.Column(1, 0, "c")], "all"
    )
    assert drawn.count("seg--accepted") == 2 and drawn.count("url(#pat-rejected)") == 1
    assert 'role="img" aria-label="all"' in drawn and "&lt;b&gt;" in drawn
    heights = [float(high) for high in re.findall(r'seg--\w+"[^/]* height="([\d.]+)"', drawn)]
    assert len(heights) == 3 and min(heights) == 2


def test_a_chart_of_nothing_is_a_line() -> None:
    assert charts.column_chart([], "none").count("<rect") == 1
