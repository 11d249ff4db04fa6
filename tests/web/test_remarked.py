"""Calls that were accepted with remarks: the rows stay accepted, and every page that shows them says so."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.imports.models import ImportJob
from tagsync.imports.remarked import RowRemarks, is_remarked, remarked
from tagsync.imports.states import JobStatus
from tests.web.records import S, add_call, make_import, text_of

pytestmark = pytest.mark.django_db
WORDS = "errorCode: PARTIAL_FAIL; data.fail: 3"


@pytest.fixture
def job(marketer: Person, sandbox_connection: Connection) -> ImportJob:
    """Rows 2 to 5 were accepted: 2 and 3 with remarks, 4 and 5 without."""
    job = make_import(marketer, sandbox_connection, JobStatus.FINISHED, [S.ACCEPTED] * 4)
    add_call(job, [2, 3], message="ok", data="ref-1", remarks=WORDS)
    add_call(job, [4, 5], batch=2)
    return job


# -- what is counted


def test_it_counts_calls_and_rows_with_the_words_of_most_rows_first(job: ImportJob) -> None:
    add_call(job, [6, 7, 8], batch=3, remarks="success: false")
    add_call(job, [9], batch=4, remarks=WORDS)
    assert remarked(job) == (3, 6, (WORDS, "success: false"))
    for number in range(10, 14):
        add_call(job, [number], batch=number, remarks=f"fail: {number}")
    assert len(remarked(job).words) == 3


def test_it_counts_no_other_call(job: ImportJob) -> None:
    for batch, outcome in enumerate(("sign_of_life", "unanswered", "batch_refused"), start=3):
        assert not is_remarked(add_call(job, [6], batch=batch, outcome=outcome, remarks="x"))
    assert remarked(job) == (1, 2, (WORDS,))


def test_it_counts_what_was_accepted_late(job: ImportJob) -> None:
    late = add_call(job, [6], batch=3, outcome="unanswered", late_outcome="accepted", remarks="success: false")
    assert is_remarked(late)
    assert (remarked(job).calls, remarked(job).rows) == (2, 3)


def test_it_finds_the_words_of_each_row(job: ImportJob) -> None:
    add_call(job, [6, 8, 9, 20], batch=3, remarks="late")
    found = RowRemarks(job.deliveries.all())
    said = {number: found.of(job.pk, number) for number in (1, 2, 3, 4, 6, 7, 8, 9, 10, 20, 21)}
    assert {number: words for number, words in said.items() if words} == {
        2: WORDS, 3: WORDS, 6: "late", 8: "late", 9: "late", 20: "late",
    }  # fmt: skip
    assert found.of(job.pk + 1, 2) == found.of(job.pk - 1, 21) == ""


# -- the calls


def test_the_list_of_calls_marks_them(signed: Client, job: ImportJob) -> None:
    response = signed.get(reverse("import_calls", args=[job.pk]))
    assert [line.look.word for line in response.context["calls"]] == ["Accepted", "Accepted with remarks"]
    assert {str(look.word): number for look, number in response.context["summary"]} == {
        "Accepted": 1,
        "Accepted with remarks": 1,
    }
    assert WORDS in text_of(response)


def test_an_opened_call_says_what_the_platform_added(signed: Client, job: ImportJob) -> None:
    call = job.deliveries.get(batch=1)
    call.excerpt = '{"traceId": "a1"}'
    call.save()
    page = text_of(signed.get(reverse("import_calls", args=[job.pk]), {"call": call.pk}))
    assert f"<dt>Remarks</dt><dd>{WORDS}</dd>" in page
    assert "<dt>Besides in the answer</dt><dd>{&quot;traceId&quot;: &quot;a1&quot;}</dd>" in page
    assert "Unreadable answer" not in page


def test_an_opened_call_without_remarks_has_no_line_for_them(signed: Client, job: ImportJob) -> None:
    call = job.deliveries.get(batch=2)
    page = text_of(signed.get(reverse("import_calls", args=[job.pk]), {"call": call.pk}))
    assert "<dt>Remarks</dt>" not in page and "<dt>Besides in the answer</dt>" not in page


# -- the rows


def test_lists_of_rows_say_it(signed: Client, job: ImportJob) -> None:
    lines = signed.get(reverse("import_rows", args=[job.pk])).context["page"].lines
    assert [line.remark.title if line.remark else "" for line in lines] == [f"Accepted with remarks: {WORDS}"] * 2 + [
        "",
        "",
    ]
    assert {line.status for line in lines} == {"accepted"}


def test_the_panel_of_a_row_says_what_to_do(signed: Client, job: ImportJob) -> None:
    address = reverse("import_rows", args=[job.pk])
    page = text_of(signed.get(address, {"row": 2}))
    assert "The platform has accepted this row, with remarks." in page
    assert "Look at this customer there." in page and "Nothing to do." not in page
    opened = signed.get(address, {"row": 4}).context["opened"]
    assert opened.next_step == "The platform has accepted this row. Nothing to do."
    assert opened.line.remark is None


def test_the_page_of_the_customer_says_it(signed: Client, job: ImportJob) -> None:
    for phone, expected in (("13800000002", True), ("13800000004", False)):
        found = signed.get(signed.post("/customers/", {"typed": phone})["Location"])
        (one,) = found.context["customer"].page.lines
        assert bool(one.line.remark) == expected
        assert [bool(tag.remarks) for tag in found.context["customer"].tags] == [expected] * 2
        assert ("Accepted with remarks" in text_of(found)) == expected
