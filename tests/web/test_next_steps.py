"""What a result says comes next: download, correct, upload; one act for each cause; one example of it."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.imports.models import ImportJob, Problem
from tagsync.imports.models.row import Origin
from tagsync.imports.states import JobStatus
from tests.making import S, blame, make_import, small_workbook
from tests.web.layout import text_of

WRONG = [{"code": "phone_invalid", "field": "phone", "column": "A", "value": "138-wrong", "params": {}}]


@pytest.fixture
def ended(marketer: Person, sandbox_connection: Connection) -> ImportJob:
    """Row 2 accepted, 3 and 4 rejected, 5 to fix, 6 superseded."""
    states = [S.ACCEPTED, S.REJECTED, S.REJECTED, S.TO_FIX, S.SUPERSEDED]
    job = make_import(marketer, sandbox_connection, JobStatus.FINISHED, states)
    job.file.save("客户.xlsx", SimpleUploadedFile("客户.xlsx", small_workbook()))
    blame(job, S.REJECTED, "refused", code="100404", message="no")
    blame(job, S.TO_FIX, "phone_invalid", Origin.CHECK, field="phone")
    blame(job, S.SUPERSEDED, "superseded_by", Origin.US, **{"import": 1, "row": 2})
    job.rows.filter(status=S.TO_FIX).update(phone="138-wrong", notes=WRONG)
    return job


def found(client: Client, job: ImportJob) -> dict[str, tuple[str, ...]]:
    """Problem code → its acts."""
    shown = client.get(f"/imports/{job.pk}/").context["causes"].shown
    return {cause.problem_code: cause.acts for cause in shown}


# -- download, correct, upload


def test_it_leads_from_the_download_to_the_upload(signed: Client, ended: ImportJob) -> None:
    page = text_of(signed.get(f"/imports/{ended.pk}/"))
    assert page.count("Download 3 failed rows") == 1
    download, correct, upload = (
        page.index(text)
        for text in ("Download 3 failed rows", "Correct the coloured cells in Excel", "Upload the corrected sheet")
    )
    assert download < correct < upload and "with full identifiers" not in page


def test_who_may_see_them_can_have_full_identifiers(signed_admin: Client, ended: ImportJob) -> None:
    assert 'name="unmasked" value="1"' in text_of(signed_admin.get(f"/imports/{ended.pk}/"))


@pytest.mark.parametrize("state", ["running", "blocked", "without failures"])
def test_it_leads_nowhere_where_there_is_nothing_to_correct(signed: Client, ended: ImportJob, state: str) -> None:
    changes = {"counts": {"accepted": 5}} if state == "without failures" else {"status": state, "cause": "trial_done"}
    ImportJob.objects.filter(pk=ended.pk).update(**changes)
    assert "Correct the coloured cells" not in text_of(signed.get(f"/imports/{ended.pk}/"))


# -- one act for each cause


def test_the_likeliest_act_stands_alone_and_the_others_in_a_menu(
    signed: Client, signed_admin: Client, ended: ImportJob
) -> None:
    assert found(signed, ended) == {
        "refused": ("download", "rows", "settle"),
        "phone_invalid": ("download", "rows", "settle"),
        "superseded_by": ("rows", "download", "settle"),
    }
    assert found(signed_admin, ended) == {
        "refused": ("retry", "download", "rows", "settle"),
        "phone_invalid": ("download", "rows", "settle"),
        "superseded_by": ("rows", "download", "anyway", "settle"),
    }
    page = text_of(signed_admin.get(f"/imports/{ended.pk}/"))
    assert page.count('<details class="dropdown"') == 3
    problem = Problem.objects.get(code="refused")
    primary, menu = page.index(f'id="cause-{problem.pk}-retry"'), page.index(f'id="cause-{problem.pk}-more"')
    assert primary < menu < page.index(f'id="cause-{problem.pk}-download"')


def test_a_settled_cause_is_reopened(signed: Client, ended: ImportJob) -> None:
    problem = Problem.objects.get(code="refused")
    signed.post(f"/imports/{ended.pk}/problems/{problem.pk}/settle/")
    assert found(signed, ended)["refused"] == ("reopen", "rows", "download")


def test_while_it_is_under_way_rows_can_be_seen(signed: Client, ended: ImportJob) -> None:
    ImportJob.objects.filter(pk=ended.pk).update(status=JobStatus.RUNNING)
    assert set(found(signed, ended).values()) == {("rows",)}
    assert '<details class="dropdown"' not in text_of(signed.get(f"/imports/{ended.pk}/"))


def test_every_act_can_be_drawn(signed_admin: Client, ended: ImportJob) -> None:
    problem = Problem.objects.get(code="phone_invalid")
    signed_admin.post(f"/imports/{ended.pk}/problems/{problem.pk}/settle/")
    page = text_of(signed_admin.get(f"/imports/{ended.pk}/"))
    for cause in signed_admin.get(f"/imports/{ended.pk}/").context["causes"].shown:
        for act in cause.acts:
            assert f'id="cause-{cause.id}-{act}"' in page


# -- one example


def test_one_example_says_where_to_look(signed: Client, signed_admin: Client, ended: ImportJob) -> None:
    page = text_of(signed.get(f"/imports/{ended.pk}/"))
    assert "A5<b>138-wrong</b>" in page
    assert "row 3<b>138****0003</b>" in page
    page = text_of(signed_admin.get(f"/imports/{ended.pk}/"))
    assert "138-wrong" not in page and '<span class="chip data">A5</span>' in page


def test_the_wrong_value_goes_with_its_file(signed: Client, ended: ImportJob) -> None:
    ImportJob.objects.filter(pk=ended.pk).update(file="")
    assert "138-wrong" not in text_of(signed.get(f"/imports/{ended.pk}/"))


# -- whose move


def test_whose_move_it_is_stands_where_it_is_another_s(signed: Client, ended: ImportJob) -> None:
    page = text_of(signed.get(f"/imports/{ended.pk}/"))
    causes = page[page.index('id="job-causes"') : page.index("</ul>", page.index('id="job-causes"'))]
    assert causes.count("You: fix the sheet") == 1  # once, for the card
    assert causes.count("Nobody: for your information") == 1
