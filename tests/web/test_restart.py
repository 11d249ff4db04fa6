"""Stopping an import and starting it again with other settings, from its page."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.imports.models import ImportJob
from tagsync.imports.states import JobStatus
from tests.making import S, make_import, small_workbook
from tests.web.layout import text_of

RESTART = "Stop and start again with other settings"


@pytest.fixture
def blocked(marketer: Person, sandbox_connection: Connection) -> ImportJob:
    job = make_import(marketer, sandbox_connection, JobStatus.BLOCKED, [S.REJECTED, S.WAITING, S.TO_FIX])
    return with_file(job, cause="refuses_everything")


def with_file(job: ImportJob, **changes: object) -> ImportJob:
    job.file.save("客户.xlsx", SimpleUploadedFile("客户.xlsx", small_workbook()))
    ImportJob.objects.filter(pk=job.pk).update(sheet="客户", file_sha256="a" * 64, **changes)
    job.refresh_from_db()
    return job


def url(job: ImportJob) -> str:
    return f"/imports/{job.pk}/restart/"


def acts(client: Client, job: ImportJob) -> list[tuple[str, str]]:
    notice = client.get(f"/imports/{job.pk}/").context["notices"][0]
    return [(act.label, act.tone) for act in notice.acts]


def test_it_is_the_first_thing_where_everything_was_refused(signed: Client, blocked: ImportJob) -> None:
    assert acts(signed, blocked) == [
        (RESTART, "primary"),
        ("Leave these rejected and send the other 1 row", "default"),
        ("Stop", "quiet-danger"),
    ]


def test_it_comes_second_where_something_was_accepted(signed: Client, blocked: ImportJob) -> None:
    blocked.rows.filter(row_number=4).update(status=S.ACCEPTED)
    ImportJob.objects.filter(pk=blocked.pk).update(counts={"accepted": 1, "rejected": 1, "waiting": 1})
    assert [tone for _label, tone in acts(signed, blocked)] == ["primary", "default", "quiet-danger"]
    assert acts(signed, blocked)[1][0] == RESTART


@pytest.mark.parametrize(
    ("status", "cause", "offered"),
    [
        (JobStatus.BLOCKED, "trial_done", RESTART),
        (JobStatus.BLOCKED, "no_answer_for_long", ""),
        (JobStatus.STOPPED, "", "Start again with other settings"),
        (JobStatus.FINISHED, "", "Start again with other settings"),
        (JobStatus.RUNNING, "", ""),
    ],
)
def test_it_is_offered_where_other_settings_may_help(
    signed: Client, blocked: ImportJob, status: JobStatus, cause: str, offered: str
) -> None:
    ImportJob.objects.filter(pk=blocked.pk).update(status=status, cause=cause)
    page = signed.get(f"/imports/{blocked.pk}/")
    assert (url(blocked) in page.content.decode()) == bool(offered)
    assert offered in text_of(page)


def test_it_stops_and_leads_to_the_settings(signed: Client, blocked: ImportJob, marketer: Person) -> None:
    page = signed.post(url(blocked), follow=True)
    draft = ImportJob.objects.latest("pk")
    assert page.redirect_chain == [(f"/imports/{draft.pk}/columns/", 302)]
    assert "that the platform has not accepted are sent from this file" in text_of(page)
    assert "Import stopped. Choose columns and settings for the 3 rows" in text_of(page)
    blocked.refresh_from_db()
    assert (blocked.status, draft.corrects, draft.owner) == (JobStatus.STOPPED, blocked, marketer)
    assert blocked.events.latest("pk").act == "stop"
    # Pressed twice it is the same draft.
    assert signed.post(url(blocked))["Location"] == f"/imports/{draft.pk}/columns/"
    assert ImportJob.objects.count() == 2


def test_the_page_leads_to_where_it_goes_on(signed: Client, signed_admin: Client, blocked: ImportJob) -> None:
    signed.post(url(blocked))
    draft = ImportJob.objects.latest("pk")
    page = text_of(signed.get(f"/imports/{blocked.pk}/"))
    assert "A draft with the same file and other settings has not been started yet" in page and "Resume" in page
    ImportJob.objects.filter(pk=draft.pk).update(
        status=JobStatus.FINISHED, first_confirmed_at=timezone.now(), ended_at=timezone.now()
    )
    ImportJob.objects.filter(pk=blocked.pk).update(went_on_as=draft)
    listed = text_of(signed.get("/imports/"))
    assert f"Continued as import #{draft.pk}" in listed and "resume it" not in listed
    for client in (signed, signed_admin):
        page = text_of(client.get(f"/imports/{blocked.pk}/"))
        assert f"now belong to import #{draft.pk}" in page and f"/imports/{draft.pk}/" in page
        assert "Resume" not in page and "Retry" not in page and url(blocked) not in page
        assert "Started again with the same file" in page
    assert "Starts again" in text_of(signed.get(f"/imports/{draft.pk}/"))
    for act in ("resume", "restart"):
        assert signed.post(f"/imports/{blocked.pk}/{act}/")["Location"] == f"/imports/{blocked.pk}/"
    page = text_of(signed.post(f"/imports/{blocked.pk}/resume/", follow=True))
    assert "Continue there" in page
    answer = signed_admin.post(f"/imports/{blocked.pk}/retry/", {"choice": "all"}, follow=True)
    assert f"now belong to import #{draft.pk}" in text_of(answer)
    answer = signed_admin.post("/imports/selected/retry/", {"import": blocked.pk}, follow=True)
    assert f"its rows have moved to import #{draft.pk}" in text_of(answer)
    blocked.refresh_from_db()
    assert blocked.status == JobStatus.STOPPED


def test_it_says_when_the_file_is_gone_and_changes_nothing(signed: Client, blocked: ImportJob) -> None:
    Path(blocked.file.path).unlink()
    page = text_of(signed.post(url(blocked), follow=True))
    assert "The uploaded file is no longer stored." in page and "Nothing was changed." in page
    blocked.refresh_from_db()
    assert blocked.status == JobStatus.BLOCKED and ImportJob.objects.count() == 1


def test_an_admin_sees_no_more_of_the_draft_than_of_the_import(signed_admin: Client, blocked: ImportJob) -> None:
    page = signed_admin.post(url(blocked), follow=True)
    assert page.status_code == 200 and "13800138000" not in text_of(page)


def test_it_is_for_owner_and_admins(client: Client, signed: Client, signed_other: Client, blocked: ImportJob) -> None:
    assert client.post(url(blocked))["Location"].startswith("/login/")
    assert signed_other.post(url(blocked)).status_code == 404
    assert signed.get(url(blocked)).status_code == 405
    assert signed.post(f"/imports/{10**6}/restart/").status_code == 404
    assert ImportJob.objects.count() == 1


def test_it_does_nothing_to_what_is_under_way(signed: Client, blocked: ImportJob) -> None:
    ImportJob.objects.filter(pk=blocked.pk).update(status=JobStatus.RUNNING)
    assert signed.post(url(blocked))["Location"] == f"/imports/{blocked.pk}/"
    assert ImportJob.objects.count() == 1
