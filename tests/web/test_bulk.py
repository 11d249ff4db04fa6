"""Acts on several imports at once: what was done in numbers, what was left and why; each only for whom it is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs, urlparse

import pytest
from django.contrib.messages import get_messages
from django.test import Client

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.delivery import actions
from tagsync.exports.models import Export
from tagsync.imports import figures
from tagsync.imports.followups.retry import Selection
from tagsync.imports.models import ImportJob, ImportRow
from tagsync.imports.states import JobStatus
from tests.making import S, make_import
from tests.web.conftest import MakeDraft
from tests.web.layout import text_of

pytestmark = pytest.mark.django_db
RETRY, DELETE = "/imports/selected/retry/", "/imports/selected/delete/"


def select(client: Client, act: str, jobs: Sequence[ImportJob], **more: Any) -> Any:
    return client.post("/imports/selected/", {"act": act, "import": [job.pk for job in jobs], **more})


def ids(*jobs: ImportJob) -> dict[str, list[int]]:
    return {"import": [job.pk for job in jobs]}


def told(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


@pytest.fixture
def failed(marketer: Person, sandbox_connection: Connection) -> ImportJob:
    return make_import(
        marketer, sandbox_connection, JobStatus.FINISHED, [S.ACCEPTED, S.REJECTED, S.REJECTED, S.IN_DOUBT, S.TO_FIX]
    )


@pytest.fixture
def running(marketer: Person, sandbox_connection: Connection) -> ImportJob:
    return make_import(marketer, sandbox_connection, JobStatus.RUNNING, [S.REJECTED, S.WAITING], title="Runs")


# -- from the list


def test_drafts_are_marked_for_the_button_that_deletes_them(
    signed: Client, failed: ImportJob, running: ImportJob, draft: ImportJob
) -> None:
    """The stylesheet shows it while one of them is ticked."""
    page = text_of(signed.get("/imports/"))
    ticks = dict(re.findall(r'<input[^>]*name="import"[^>]*value="(\d+)"([^>]*)>', page))
    assert {int(pk): "data-draft" in rest for pk, rest in ticks.items()} == {
        failed.pk: False,
        running.pk: False,
        draft.pk: True,
    }
    assert "bulkbar__drafts" in page


def test_it_leads_to_the_reviews_with_the_same_imports(
    signed_admin: Client, failed: ImportJob, running: ImportJob
) -> None:
    back = "/imports/?status=finished&q=a+b&before=7&nonsense=1"
    answer = select(signed_admin, "retry", [failed, running], back=back)
    address = urlparse(answer["Location"])
    query = parse_qs(address.query)
    assert address.path == RETRY and query["import"] == [str(running.pk), str(failed.pk)]
    assert query["back"] == ["/imports/?q=a+b&status=finished"]
    assert urlparse(select(signed_admin, "delete", [failed])["Location"]).path == DELETE


def test_it_goes_back_to_no_address_of_somebody_else(signed: Client, failed: ImportJob) -> None:
    answer = select(signed, "failed", [], back="https://evil.example/?status=finished")
    assert answer["Location"] == "/imports/?status=finished"
    assert told(answer) == ["No import was selected."]


def test_the_list_offers_the_retry_to_admins_only(signed: Client, signed_admin: Client, failed: ImportJob) -> None:
    button = 'value="retry"'
    assert button in text_of(signed_admin.get("/imports/")) and button not in text_of(signed.get("/imports/"))


# -- retry


def test_it_reviews_what_would_be_sent_and_what_not(
    signed_admin: Client, marketer: Person, sandbox_connection: Connection, failed: ImportJob, running: ImportJob
) -> None:
    draft = make_import(marketer, sandbox_connection, JobStatus.DRAFT)
    fine = make_import(marketer, sandbox_connection, JobStatus.FINISHED, [S.ACCEPTED])
    to_fix = make_import(marketer, sandbox_connection, JobStatus.FINISHED, [S.TO_FIX])
    doubtful = make_import(marketer, sandbox_connection, JobStatus.STOPPED, [S.IN_DOUBT, S.WAITING])
    everything = ids(failed, running, draft, fine, to_fix, doubtful)
    response = signed_admin.get(RETRY, everything)
    plan = response.context["plan"]
    assert [(one.job, one.rows_by_state) for one in plan.again] == [(failed, {"rejected": 2})]
    assert {rest.status: rest.rows for rest in plan.again[0].rest} == {"accepted": 1, "in_doubt": 1, "to_fix": 1}
    assert {one.job: one.why for one in plan.left} == {
        running: "still under way",
        draft: "not started yet",
        fine: "no failed row",
        to_fix: "its failed rows have to be fixed in the sheet",
        doubtful: "only rows in doubt, and the box for these is not ticked",
    }
    assert "Retry 2 rows" in text_of(response) and "Also the 2 rows in doubt" in text_of(response)
    plan = signed_admin.get(RETRY, {**everything, "in_doubt": "1"}).context["plan"]
    # the row of `doubtful` that waits goes along
    assert plan.rows == 5 and [one.job for one in plan.again] == [doubtful, failed]


def test_it_queues_the_rows_of_all(
    signed_admin: Client,
    other_marketer: Person,
    sandbox_connection: Connection,
    failed: ImportJob,
    running: ImportJob,
    quiet_queue: list[tuple[str, int]],
) -> None:
    second = make_import(other_marketer, sandbox_connection, JobStatus.FINISHED, [S.REJECTED])
    answer = signed_admin.post(RETRY, {**ids(failed, second, running), "back": "/imports/?status=finished"})
    assert answer["Location"] == "/imports/?status=finished"
    assert told(answer) == ["3 rows queued again.", "1 import was left as it is: “Runs” (still under way)"]
    failed.refresh_from_db(), second.refresh_from_db()
    assert failed.status == second.status == JobStatus.QUEUED
    assert failed.counts == {"accepted": 1, "waiting": 2, "in_doubt": 1, "to_fix": 1}


def test_pressed_twice_it_sends_once_and_says_so(signed_admin: Client, failed: ImportJob) -> None:
    signed_admin.post(RETRY, ids(failed))
    answer = signed_admin.post(RETRY, ids(failed))
    assert told(answer)[-1] == "1 import was left as it is: “双11会员.xlsx” (still under way)"
    failed.refresh_from_db()
    assert failed.run == 2


def test_who_is_overtaken_is_told_what_happened(
    signed_admin: Client, admin_person: Person, failed: ImportJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = actions.retry

    def slow(job: ImportJob, selection: Selection, by: Person) -> int:
        real(ImportJob.objects.get(pk=job.pk), selection, admin_person)  # another tab was quicker
        return real(job, selection, by)

    monkeypatch.setattr("tagsync.web.history.bulk_views.actions.retry", slow)
    answer = signed_admin.post(RETRY, ids(failed))
    assert told(answer) == ["1 import was left as it is: “双11会员.xlsx” (changed meanwhile, it is now: Queued)"]


def test_rows_that_a_corrected_sheet_fixed_stay(
    signed_admin: Client, marketer: Person, sandbox_connection: Connection, failed: ImportJob
) -> None:
    correction = make_import(marketer, sandbox_connection, JobStatus.FINISHED, [S.ACCEPTED] * 3, corrects=failed)
    for row, corrected in ((2, 3), (3, 5), (4, 6)):
        ImportRow.objects.filter(job=correction, row_number=row).update(corrects_row=corrected)
    figures.recount(failed)
    assert failed.fixed_failures == 3
    plan = signed_admin.get(RETRY, {**ids(failed), "in_doubt": "1"}).context["plan"]
    assert plan.again[0].rows_by_state == {"rejected": 1} and plan.again[0].fixed == 3
    signed_admin.post(RETRY, {**ids(failed), "in_doubt": "1"})
    assert failed.rows.get(row_number=4).status == S.WAITING and failed.rows.get(row_number=3).status == S.REJECTED


def test_marketers_retry_nothing(signed: Client, failed: ImportJob) -> None:
    assert signed.get(RETRY, ids(failed)).status_code == 404
    assert signed.post(RETRY, ids(failed)).status_code == 404


def test_a_review_asks_the_same_for_one_or_ten(
    signed_admin: Client,
    marketer: Person,
    sandbox_connection: Connection,
    failed: ImportJob,
    django_assert_max_num_queries: Any,
) -> None:
    many = [make_import(marketer, sandbox_connection, JobStatus.FINISHED, [S.REJECTED]) for _ in range(10)]
    signed_admin.get(RETRY, ids(failed))
    with django_assert_max_num_queries(9):
        signed_admin.get(RETRY, ids(failed))
    with django_assert_max_num_queries(9):
        signed_admin.get(RETRY, ids(failed, *many))


# -- drafts


def test_it_deletes_drafts_and_names_what_it_left(
    signed: Client, marketer: Person, make_draft: MakeDraft, sandbox_connection: Connection, running: ImportJob
) -> None:
    drafts = [make_draft(), make_draft()]
    checking = make_import(marketer, sandbox_connection, JobStatus.CHECKING, title="Checks")
    review = text_of(signed.get(DELETE, ids(*drafts, checking, running)))
    assert "2 drafts will be deleted" in review and "2 imports stay as they are" in review
    answer = signed.post(DELETE, ids(*drafts, checking, running))
    assert told(answer) == [
        "2 drafts deleted.",
        "2 imports were left as they are: “Checks” (its check is under way), “Runs” (started, so it is a record)",
    ]
    assert set(ImportJob.objects.all()) == {checking, running}


def test_it_names_a_few_and_counts_the_rest(signed: Client, marketer: Person, sandbox_connection: Connection) -> None:
    many = [make_import(marketer, sandbox_connection, JobStatus.FINISHED, title=f"T{n}") for n in range(7)]
    (text,) = told(signed.post(DELETE, ids(*many)))
    assert text.startswith("7 imports were left as they are: “T6” (") and text.endswith("and 2 more")


def test_nobody_deletes_what_she_does_not_see(signed_other: Client, draft: ImportJob) -> None:
    signed_other.post(DELETE, ids(draft))
    assert ImportJob.objects.filter(pk=draft.pk).exists()
    assert draft.label not in text_of(signed_other.get(DELETE, ids(draft)))


def test_what_is_deleted_twice_is_gone_once(signed: Client, draft: ImportJob) -> None:
    signed.post(DELETE, ids(draft))
    assert told(signed.post(DELETE, ids(draft)))[1:] == []


# -- workbooks


def test_it_asks_for_one_workbook_per_import(
    signed: Client, marketer: Person, sandbox_connection: Connection, failed: ImportJob, draft: ImportJob
) -> None:
    fine = make_import(marketer, sandbox_connection, JobStatus.FINISHED, [S.ACCEPTED], title="Fine")
    answer = select(signed, "failed", [failed, fine, draft])
    assert answer["Location"] == "/exports/"
    assert [(one.job, one.rows, one.filters["open"]) for one in Export.objects.all()] == [(failed, 4, True)]
    assert told(answer) == [
        "1 workbook is being made.",
        "2 imports were left as they are: “Fine” (no failed row), “双11会员.xlsx” (not checked yet)",
    ]
    select(signed, "all", [failed, fine])
    assert Export.objects.filter(filters={}).count() == 2


def test_asked_twice_it_makes_one(signed: Client, failed: ImportJob) -> None:
    for _ in range(2):
        select(signed, "all", [failed])
    assert Export.objects.count() == 1


def test_without_any_workbook_it_stays_at_the_list(signed: Client, draft: ImportJob) -> None:
    answer = select(signed, "failed", [draft], back="/imports/?status=not_started")
    assert answer["Location"] == "/imports/?status=not_started" and not Export.objects.exists()


def test_it_makes_none_of_an_import_of_somebody_else(signed_other: Client, failed: ImportJob) -> None:
    assert told(select(signed_other, "all", [failed])) == ["No import was selected."]
    assert not Export.objects.exists()


# -- any address


@pytest.mark.parametrize("numbers", [[], ["x"], ["9" * 30], ["-1", "0"], ["1"] * 3000])
def test_it_reads_any_selection_without_failing(signed_admin: Client, numbers: list[str]) -> None:
    for url in (RETRY, DELETE):
        assert "No import was selected" in text_of(signed_admin.get(url, {"import": numbers}))
        assert signed_admin.post(url, {"import": numbers}).status_code == 302
    assert signed_admin.post("/imports/selected/", {"import": numbers, "act": "?"}).status_code == 302


def test_it_takes_the_buttons_by_post_only(signed: Client) -> None:
    assert signed.get("/imports/selected/").status_code == 405


@pytest.mark.parametrize("url", ["/imports/selected/", RETRY, DELETE])
def test_it_sends_strangers_to_the_sign_in(client: Client, url: str) -> None:
    assert client.post(url).headers["Location"].startswith("/login/")
