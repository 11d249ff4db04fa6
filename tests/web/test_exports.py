"""Asking for a workbook, watching it being made, fetching it: each only for whom it was made."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from io import BytesIO
from threading import BoundedSemaphore
from typing import Any
from unittest.mock import Mock
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest
from django.test import Client, override_settings
from django.utils import timezone
from openpyxl import load_workbook

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.exports import lifecycle, upkeep
from tagsync.exports.models import Export, ExportState
from tagsync.imports import figures
from tagsync.imports.drafts import previews
from tagsync.imports.models import ImportJob, ImportRow
from tagsync.imports.states import JobStatus, RowStatus
from tagsync.notifications.models import Notice
from tagsync.sheets.errors import Unreadable
from tests.making import upload_of

FORBIDDEN = "13800138000"


@pytest.fixture
def ended(ready: ImportJob) -> ImportJob:
    """One row accepted, one rejected, one to fix."""
    for number, status in ((2, RowStatus.ACCEPTED), (3, RowStatus.REJECTED)):
        ImportRow.objects.filter(job=ready, row_number=number).update(status=status)
    counts = {RowStatus.ACCEPTED: 1, RowStatus.REJECTED: 1, RowStatus.TO_FIX: 1}
    ImportJob.objects.filter(pk=ready.pk).update(
        status=JobStatus.FINISHED, first_confirmed_at=timezone.now(), ended_at=timezone.now(), counts=counts, run=1
    )
    ready.refresh_from_db()
    return ready


def ask(client: Client, job: ImportJob, **data: object) -> Export:
    """As of one that is too large to come at once."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(lifecycle, "ROWS_AT_ONCE", 0)
        response = client.post(f"/imports/{job.pk}/export/", data)
    export = Export.objects.latest("pk")
    assert response.status_code == 302 and response["Location"] == f"/exports/{export.pk}/"
    return export


def made(client: Client, job: ImportJob, **data: object) -> Export:
    response = client.post(f"/imports/{job.pk}/export/", data)
    export = Export.objects.latest("pk")
    assert response["Location"] == f"/exports/{export.pk}/file/" and export.state == ExportState.DONE
    return export


def fetched(client: Client, export: Export) -> list[list[str | None]]:
    answer = client.get(f"/exports/{export.pk}/file/")
    book = load_workbook(BytesIO(b"".join(answer.streaming_content)))
    return [[cell.value for cell in row] for row in book.worksheets[0].iter_rows()]


def test_it_makes_the_failed_rows(signed: Client, ended: ImportJob) -> None:
    export = made(signed, ended, rows="failed")
    assert export.rows == 2
    rows = fetched(signed, export)
    assert [row[3] for row in rows] == ["Row in the sheet", "3", "4"]
    page = signed.get(f"/exports/{export.pk}/").content.decode()
    assert "2 rows are ready" in page and "Identifiers are masked" in page


def test_it_names_the_file_after_the_upload(signed: Client, ended: ImportJob) -> None:
    answer = signed.get(f"/exports/{made(signed, ended, rows='failed').pk}/file/")
    answer.close()
    assert quote("双11会员 failed rows.xlsx") in answer["Content-Disposition"]


@pytest.mark.parametrize(("choice", "number"), [("all", 3), ("accepted", 1), ("to_fix", 1), ("nonsense", 3), ("", 3)])
def test_it_makes_what_the_table_shows(signed: Client, ended: ImportJob, choice: str, number: int) -> None:
    assert ask(signed, ended, rows=choice).rows == number


def test_it_makes_the_rows_of_one_cause(signed: Client, ended: ImportJob) -> None:
    problem = ended.problems.get()
    assert ask(signed, ended, problem=problem.pk).rows == 1
    assert signed.post(f"/imports/{ended.pk}/export/", {"problem": 10**6}).status_code == 404


def test_it_masks_for_the_owner_and_on_wish_not_for_an_admin(
    signed: Client, signed_admin: Client, ended: ImportJob
) -> None:
    assert FORBIDDEN not in str(fetched(signed, made(signed, ended, unmasked=1)))
    assert FORBIDDEN not in str(fetched(signed_admin, made(signed_admin, ended)))
    assert FORBIDDEN in str(fetched(signed_admin, made(signed_admin, ended, unmasked=1)))


def test_it_shows_the_owner_her_own_sheet_before_the_start(signed: Client, ready: ImportJob) -> None:
    problem = ready.problems.get()
    assert "138" in str(fetched(signed, made(signed, ready, problem=problem.pk)))


def test_a_small_one_comes_at_the_press(signed: Client, ended: ImportJob, quiet_queue: list[tuple[str, int]]) -> None:
    response = signed.post(f"/imports/{ended.pk}/export/", {"rows": "failed"}, follow=True)
    assert response["Content-Type"] == "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    book = load_workbook(BytesIO(b"".join(response.streaming_content)))
    assert [row[3].value for row in book.worksheets[0].iter_rows()] == ["Row in the sheet", "3", "4"]
    assert not quiet_queue and not Notice.objects.exists()


@pytest.mark.parametrize("obstacle", ["more rows than that", "too slow", "reader too slow", "others are being read"])
def test_what_takes_its_time_is_left_to_a_worker(
    signed: Client,
    ended: ImportJob,
    quiet_queue: list[tuple[str, int]],
    django_capture_on_commit_callbacks: Any,
    obstacle: str,
) -> None:
    with pytest.MonkeyPatch.context() as patched, django_capture_on_commit_callbacks(execute=True):
        if obstacle == "more rows than that":
            patched.setattr(lifecycle, "ROWS_AT_ONCE", 2)
        elif obstacle == "too slow":
            patched.setattr("tagsync.exports.workbook.ROWS_AT_ONCE", 1)
            patched.setattr(lifecycle, "SECONDS_AT_ONCE", 1e-9)
        elif obstacle == "reader too slow":
            patched.setattr(lifecycle, "write_workbook", Mock(side_effect=Unreadable("took_too_long", seconds=8)))
        else:
            patched.setattr(previews, "READERS", BoundedSemaphore(1))
            previews.READERS.acquire()
        response = signed.post(f"/imports/{ended.pk}/export/")
    export = Export.objects.get()
    assert response["Location"] == f"/exports/{export.pk}/"
    assert (export.state, export.lease_until) == (ExportState.WAITING, None)
    assert quiet_queue == [("exports", export.pk)] and upkeep.nobody_works_on() == [export.pk]
    assert "of 3 rows" in signed.get(response["Location"]).content.decode()


def test_one_that_cannot_be_made_at_once_says_why(signed: Client, ended: ImportJob) -> None:
    ended.file.storage.delete(str(ended.file.name))
    page = signed.post(f"/imports/{ended.pk}/export/", follow=True).content.decode()
    assert "no longer stored" in page and not Notice.objects.exists()


@pytest.mark.parametrize("gone", [False, True], ids=["made", "not made"])
@pytest.mark.parametrize("seen_at", ["", "file/"])
def test_one_by_a_worker_announces_itself_once(signed: Client, ended: ImportJob, gone: bool, seen_at: str) -> None:
    export = ask(signed, ended, rows="failed")
    if gone:
        ended.file.storage.delete(str(ended.file.name))
    lifecycle.make(export.pk)
    lifecycle.make(export.pk)
    notice = Notice.objects.get()
    assert (notice.kind, notice.person) == ("workbook_failed" if gone else "workbook_ready", ended.owner)
    page = signed.get("/notices/").content.decode()
    told = "could not be made: The uploaded file is no longer stored" if gone else "is ready: 2 rows"
    assert f"“双11会员 failed rows.xlsx” {told}" in page
    assert signed.get(f"/notices/{notice.pk}/")["Location"] == f"/exports/#export-{export.pk}"
    assert f'id="export-{export.pk}"' in signed.get("/exports/").content.decode()
    # Whoever goes to it by herself has seen it, too; looking at its import is not enough.
    Notice.objects.update(seen_at=None)
    signed.get(f"/imports/{ended.pk}/")
    assert Notice.objects.get().seen_at is None
    page_or_file = signed.get(f"/exports/{export.pk}/{seen_at}", follow=True)
    assert b"".join(page_or_file)
    assert Notice.objects.get().seen_at is not None


def test_it_makes_one_when_asked_twice(signed: Client, ended: ImportJob) -> None:
    assert ask(signed, ended) == ask(signed, ended)
    assert Export.objects.count() == 1


def test_it_shows_how_far_it_is_and_then_goes_on(signed: Client, ended: ImportJob) -> None:
    export = ask(signed, ended)
    assert "0 of 3 rows" in signed.get(f"/exports/{export.pk}/live/").content.decode()
    assert signed.get(f"/exports/{export.pk}/file/").status_code == 302
    lifecycle.make(export.pk)
    assert signed.get(f"/exports/{export.pk}/live/")["HX-Redirect"] == f"/exports/{export.pk}/?now=1"


def test_it_says_why_it_failed(signed: Client, ended: ImportJob) -> None:
    export = ask(signed, ended)
    ended.file.storage.delete(str(ended.file.name))
    lifecycle.make(export.pk)
    assert "no longer stored" in signed.get(f"/exports/{export.pk}/").content.decode()


@pytest.mark.parametrize("place", ["", "live/", "file/"])
def test_it_is_for_nobody_else(
    client: Client, signed: Client, signed_other: Client, signed_admin: Client, ended: ImportJob, place: str
) -> None:
    url = f"/exports/{made(signed, ended).pk}/{place}"
    assert signed_other.get(url).status_code == 404
    assert signed_admin.get(url).status_code == 404
    assert client.get(url)["Location"].startswith("/login/")
    assert signed.post(url).status_code == 405
    assert signed.get(f"/exports/{10**6}/{place}").status_code == 404


def test_it_is_gone_in_time(signed: Client, ended: ImportJob) -> None:
    export = made(signed, ended)
    Export.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert signed.get(f"/exports/{export.pk}/file/").status_code == 404


def test_it_is_not_given_to_who_may_no_longer_see(signed_admin: Client, admin_person: Person, ended: ImportJob) -> None:
    export = made(signed_admin, ended, unmasked=1)
    admin_person.groups.clear()
    assert signed_admin.get(f"/exports/{export.pk}/file/").status_code == 404


def test_nobody_asks_for_another_s_rows(client: Client, signed: Client, signed_other: Client, ended: ImportJob) -> None:
    url = f"/imports/{ended.pk}/export/"
    assert signed_other.post(url).status_code == 404
    assert client.post(url)["Location"].startswith("/login/")
    assert signed.get(url).status_code == 405
    assert not Export.objects.exists()


@pytest.fixture
def come_back(signed: Client, ended: ImportJob) -> Callable[[], ImportJob]:
    def upload() -> ImportJob:
        answer = signed.get(f"/exports/{made(signed, ended, rows='failed').pk}/file/")
        content = b"".join(answer.streaming_content)
        response = signed.post("/imports/new/", {"file": upload_of(content, "改好.xlsx")})
        job = ImportJob.objects.latest("pk")
        assert response["Location"] == f"/imports/{job.pk}/check/"
        return job

    return upload


def test_what_comes_back_is_checked_at_once(
    signed: Client, ended: ImportJob, come_back: Callable[[], ImportJob]
) -> None:
    job = come_back()
    assert (job.status, job.corrects) == (JobStatus.CHECKING, ended)
    assert "Recognised: rows of “双11会员.xlsx”" in signed.get(f"/imports/{job.pk}/check/").content.decode()


def test_it_goes_to_the_columns_when_its_connection_is_gone(
    signed: Client, ended: ImportJob, come_back: Callable[[], ImportJob], sandbox_connection: Connection
) -> None:
    answer = signed.get(f"/exports/{made(signed, ended, rows='failed').pk}/file/")
    content = b"".join(answer.streaming_content)
    Connection.objects.filter(pk=sandbox_connection.pk).update(archived_at=timezone.now())
    response = signed.post("/imports/new/", {"file": upload_of(content)})
    assert response["Location"].endswith("/columns/")


def test_what_comes_back_with_hidden_rows_is_asked_about(signed: Client, ended: ImportJob) -> None:
    answer = signed.get(f"/exports/{made(signed, ended, rows='failed').pk}/file/")
    book = load_workbook(BytesIO(b"".join(answer.streaming_content)))
    book.worksheets[0].row_dimensions[2].hidden = True
    content = BytesIO()
    book.save(content)
    response = signed.post("/imports/new/", {"file": upload_of(content.getvalue(), "改好.xlsx")})
    job = ImportJob.objects.latest("pk")
    assert job.corrects == ended
    assert response["Location"] == f"/imports/{job.pk}/columns/"
    assert "1 row is hidden in this sheet" in signed.get(response["Location"]).content.decode()


def test_the_first_import_tells_what_was_fixed(
    signed: Client, ended: ImportJob, come_back: Callable[[], ImportJob]
) -> None:
    job = come_back()
    ImportRow.objects.create(job=job, row_number=2, status=RowStatus.ACCEPTED, corrects_row=3)
    now = timezone.now()
    ImportJob.objects.filter(pk=job.pk).update(status=JobStatus.FINISHED, first_confirmed_at=now, ended_at=now)
    figures.recount(ended)
    page = signed.get(f"/imports/{ended.pk}/").content.decode()
    assert "1 of 2 failed rows fixed by corrected sheets" in page and "Download 1 failed row" in page
    assert "双11会员.xlsx" in signed.get(f"/imports/{job.pk}/").content.decode()


def test_it_lists_what_she_asked_for(signed: Client, signed_admin: Client, ended: ImportJob) -> None:
    done, waiting = made(signed, ended, rows="failed"), ask(signed, ended)
    other = ask(signed_admin, ended, unmasked=1)
    page = signed.get("/exports/")
    assert [line[0] for line in page.context["lines"]] == [waiting, done]
    text = page.content.decode()
    assert f"/exports/{done.pk}/file/" in text and 'hx-trigger="every' in text and f"/exports/{other.pk}/" not in text
    piece = signed.get("/exports/", headers={"HX-Request": "true"}).content.decode()
    assert piece.startswith('<div class="card" id="exports"')
    lifecycle.make(waiting.pk)
    assert "/live/" not in signed.get("/exports/").content.decode()


def test_its_list_forgets_what_expired_and_what_she_may_not_see_any_more(
    signed: Client, ended: ImportJob, marketer: Person, other_marketer: Person
) -> None:
    ask(signed, ended)
    Export.objects.update(expires_at=timezone.now())
    assert "No workbook yet" in signed.get("/exports/").content.decode()
    ask(signed, ended, rows="failed")
    ImportJob.objects.update(owner=other_marketer)
    assert signed.get("/exports/").context["lines"] == []


def test_its_list_asks_the_same_for_one_or_ten(
    signed: Client, ended: ImportJob, marketer: Person, django_assert_max_num_queries: object
) -> None:
    soon = timezone.now() + timedelta(1)
    for _ in range(10):
        Export.objects.create(job=ended, by=marketer, language="en", rows=1, file_name="a.xlsx", expires_at=soon)
    with django_assert_max_num_queries(7):
        signed.get("/exports/")


def test_its_list_is_only_read_and_not_by_strangers(signed: Client, client: Client) -> None:
    assert signed.post("/exports/").status_code == 405
    assert client.get("/exports/")["Location"].startswith("/login/")


@pytest.mark.parametrize("status", [RowStatus.REJECTED, RowStatus.SUPERSEDED, RowStatus.IN_DOUBT, RowStatus.WAITING])
@pytest.mark.parametrize(
    ("language", "remark", "belied"),
    [
        ("en", "An earlier call of 2026-11-20 14:02 got no answer: the row may have been applied.", "not sent"),
        ("zh-hans", "此前 2026-11-20 14:02 的一次调用未收到有效响应，该行可能已在平台生效。", "未发送"),
    ],
)
def test_it_says_of_a_row_that_it_may_have_been_applied(
    signed: Client, ended: ImportJob, marketer: Person, status: RowStatus, language: str, remark: str, belied: str
) -> None:
    """Row 3; of one in doubt its state says so, and of one left waiting by an ended import it has to."""
    Person.objects.filter(pk=marketer.pk).update(language=language)
    at = datetime(2026, 11, 20, 14, 2, tzinfo=ZoneInfo("Asia/Shanghai"))
    ended.rows.filter(row_number=3).update(status=status, unanswered_at=at)
    rows = {row[3]: row for row in fetched(signed, made(signed, ended, rows="all"))}
    state, todo = str(rows["3"][4]), str(rows["3"][6] or "")
    assert (remark in todo) == (status != RowStatus.IN_DOUBT)
    assert belied not in f"{state} {todo}".lower()
    assert remark not in str(rows["2"][6] or "") and remark not in str(rows["4"][6] or "")


def test_it_leaves_what_may_have_been_applied_out_of_the_rows_not_sent(signed: Client, ended: ImportJob) -> None:
    ended.rows.update(status=RowStatus.WAITING)
    ended.rows.filter(row_number=3).update(unanswered_at=timezone.now())
    assert ask(signed, ended, rows="not_sent").rows == 2


def test_only_so_many_wait_for_one_person(signed: Client, signed_admin: Client, ended: ImportJob) -> None:
    with override_settings(TAGSYNC_MOST_WAITING_EXPORTS=1):
        first = ask(signed, ended)
        page = signed.post(f"/imports/{ended.pk}/export/", {"rows": "failed"}, follow=True).content.decode()
        assert "At most 1 workbooks can be made for one person" in page
        page = signed.post("/imports/selected/", {"act": "failed", "import": ended.pk}, follow=True).content.decode()
        assert "as many of your workbooks as allowed are still being made" in page
        assert Export.objects.count() == 1
        ask(signed_admin, ended)
        # Asked for twice it is the same one; cancelled, it makes room.
        assert ask(signed_admin, ended) == Export.objects.latest("pk")
        signed.post(f"/exports/{first.pk}/cancel/")
        assert not Export.objects.filter(pk=first.pk).exists()
        ask(signed, ended, rows="failed")


def test_nobody_cancels_what_is_another_s_or_ready(signed: Client, signed_admin: Client, ended: ImportJob) -> None:
    export = made(signed, ended)
    assert signed_admin.post(f"/exports/{export.pk}/cancel/").status_code == 404
    signed.post(f"/exports/{export.pk}/cancel/")
    assert Export.objects.filter(pk=export.pk).exists()
