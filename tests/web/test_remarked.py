"""Calls that were accepted with remarks: the rows stay accepted, and every page that shows them says so."""

from __future__ import annotations

import json
from io import BytesIO

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation
from openpyxl import load_workbook

from tagsync.accounts.models import Person
from tagsync.cli.report import report
from tagsync.connections.models import Connection
from tagsync.exports import lifecycle
from tagsync.exports.models import Export
from tagsync.imports.models import ImportJob
from tagsync.imports.sending.remarks import RowRemarks, remarked
from tagsync.imports.states import Act, JobStatus
from tagsync.notifications.models import Notice, NoticeKind
from tagsync.notifications.texts import said
from tagsync.web.job.announcements import announcement
from tagsync.web.record.progress import standing
from tests.making import S, add_call, make_import
from tests.web.layout import text_of

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
        assert not add_call(job, [6], batch=batch, outcome=outcome, remarks="x").is_remarked
    assert remarked(job) == (1, 2, (WORDS,))


def test_it_counts_what_was_accepted_late(job: ImportJob) -> None:
    late = add_call(job, [6], batch=3, outcome="unanswered", late_outcome="accepted", remarks="success: false")
    assert late.is_remarked
    assert (remarked(job).calls, remarked(job).rows) == (2, 3)


def test_it_finds_the_words_of_each_row(job: ImportJob) -> None:
    add_call(job, [6, 8, 9, 20], batch=3, remarks="late")
    found = RowRemarks(job.deliveries.all())
    found_for = {number: found.of(job.pk, number) for number in (1, 2, 3, 4, 6, 7, 8, 9, 10, 20, 21)}
    assert {number: words for number, words in found_for.items() if words} == {
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
    assert "<dt>Also in the answer</dt><dd>{&quot;traceId&quot;: &quot;a1&quot;}</dd>" in page
    assert "Unreadable answer" not in page


def test_an_opened_call_without_remarks_has_no_line_for_them(signed: Client, job: ImportJob) -> None:
    call = job.deliveries.get(batch=2)
    page = text_of(signed.get(reverse("import_calls", args=[job.pk]), {"call": call.pk}))
    assert "<dt>Remarks</dt>" not in page and "<dt>Also in the answer</dt>" not in page


# -- the rows


def test_lists_of_rows_say_it(signed: Client, job: ImportJob) -> None:
    lines = signed.get(reverse("import_rows", args=[job.pk])).context["page"].lines
    assert [line.remark.title if line.remark else "" for line in lines] == ["Accepted with remarks"] * 2 + [
        "",
        "",
    ]
    assert {line.status for line in lines} == {"accepted"}


def test_the_panel_of_a_row_says_what_to_do(signed: Client, job: ImportJob) -> None:
    address = reverse("import_rows", args=[job.pk])
    page = text_of(signed.get(address, {"row": 2}))
    assert "The platform has accepted this row, with remarks." in page
    assert "Check whether the tags are there." in page and "Nothing to do." not in page and WORDS in page
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


# -- the import


def test_its_page_says_how_many_with_the_words_and_what_to_do(signed: Client, job: ImportJob) -> None:
    response = signed.get(reverse("import_detail", args=[job.pk]))
    ended, found = response.context["notices"]
    assert (ended.tone, found.tone) == ("warning", "warning")
    assert ended.title.endswith(
        "All 4 rows that were sent were accepted by the platform. 2 rows were accepted with remarks."
    )
    assert found.title == "The platform accepted 2 rows, but its answers mention failures."
    assert found.text.startswith("1 call is affected. Look at these customers on the platform")
    page = text_of(response)
    assert f'<p class="data">{WORDS}</p>' in page and "<details open>" in page
    assert found.action_url == reverse("import_calls", args=[job.pk])
    assert "Nothing went wrong" not in page
    assert response.context["tab_title"].startswith("⚠")


def test_its_page_is_calm_without_remarks(signed: Client, job: ImportJob) -> None:
    job.deliveries.update(remarks="")
    response = signed.get(reverse("import_detail", args=[job.pk]))
    (ended,) = response.context["notices"]
    assert ended.tone == "success" and "remarks" not in ended.title
    assert "Nothing went wrong: 4 rows accepted." in text_of(response)
    assert response.context["tab_title"].startswith("✓")


def test_it_speaks_chinese(signed: Client, job: ImportJob) -> None:
    Person.objects.update(language="zh-hans")
    page = text_of(signed.get(reverse("import_detail", args=[job.pk])))
    assert "其中 2 行接收时附有备注。" in page and "平台已接收 2 行，但其响应中提到了失败。" in page and WORDS in page
    panel = text_of(signed.get(reverse("import_rows", args=[job.pk]), {"row": 2}))
    assert "平台已接收此行，但附有备注。" in panel and WORDS in panel


def test_it_escapes_the_words(signed: Client, job: ImportJob) -> None:
    job.deliveries.filter(batch=1).update(remarks="msg: <b>失败</b>")
    for address in (
        reverse("import_detail", args=[job.pk]),
        reverse("import_calls", args=[job.pk]),
        reverse("import_rows", args=[job.pk]) + "?row=2",
    ):
        page = text_of(signed.get(address))
        assert "&lt;b&gt;失败" in page and "<b>失败" not in page


@pytest.mark.parametrize("status", [JobStatus.RUNNING, JobStatus.STOPPED, JobStatus.BLOCKED])
def test_it_says_it_whatever_the_state_is(signed: Client, job: ImportJob, status: JobStatus) -> None:
    ImportJob.objects.update(status=status, cause="trial_done" if status == JobStatus.BLOCKED else "")
    response = signed.get(reverse("import_detail", args=[job.pk]))
    assert response.context["notices"][-1].title.startswith("The platform accepted 2 rows, but")
    if status != JobStatus.RUNNING:
        first = response.context["notices"][0]
        assert "2 rows were accepted with remarks." in f"{first.title} {first.text}"


def test_a_screen_reader_hears_of_no_flawless_progress(job: ImportJob) -> None:
    job.status = JobStatus.RUNNING
    said = announcement(job, standing(job), JobStatus.RUNNING, "")
    assert said == "At least 100% of the rows are settled, some with remarks."


@pytest.mark.parametrize(("language", "words"), [("en", "accepted with remarks"), ("zh-hans", "附有备注")])
def test_the_notice_of_its_end_says_it(job: ImportJob, admin_person: Person, language: str, words: str) -> None:
    ImportJob.objects.update(status=JobStatus.RUNNING)
    job.refresh_from_db()
    job.move(Act.FINISH)
    notice = Notice.objects.get()
    assert (notice.kind, notice.params["remarked"]) == (NoticeKind.FINISHED_WITH_FAILURES, 2)
    job.deliveries.update(remarks="")
    with translation.override(language):
        assert any(words in line for line in said(notice).lines)


def test_the_workbook_says_it(signed: Client, ready: ImportJob) -> None:
    ready.rows.filter(status=S.WAITING).update(status=S.ACCEPTED)
    ImportJob.objects.update(status=JobStatus.FINISHED, run=1)
    first = ready.rows.filter(status=S.ACCEPTED).order_by("row_number")[0].row_number
    add_call(ready, [first], run=1, remarks=WORDS)
    signed.post(reverse("import_export", args=[ready.pk]), {"rows": "all"})
    export = Export.objects.get()
    lifecycle.make(export.pk)
    rows = load_workbook(BytesIO(b"".join(signed.get(f"/exports/{export.pk}/file/").streaming_content))).worksheets[0]
    said_of = {str(row[3]): row for row in rows.iter_rows(values_only=True)}
    assert said_of[str(first)][5] == f"Accepted with remarks: {WORDS}"
    assert "Check whether the tags are there." in str(said_of[str(first)][6])
    assert [number for number, row in said_of.items() if WORDS in str(row[5])] == [str(first)]


def test_commands_say_it(job: ImportJob) -> None:
    assert report(job)["accepted_with_remarks"] == {"calls": 1, "rows": 2, "words": [WORDS]}
    json.dumps(report(job))
    job.deliveries.update(remarks="")
    assert report(job)["accepted_with_remarks"] == {"calls": 0, "rows": 0, "words": []}
