"""One rule for every page and workbook: who sees identifiers as they are, and until when."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO

import pytest
from django.test import Client
from django.utils import timezone
from openpyxl import load_workbook

from tagsync.accounts.models import Person
from tagsync.exports import lifecycle
from tagsync.exports.models import Export
from tagsync.imports.drafts import drafts
from tagsync.imports.followups import undo
from tagsync.imports.models import ImportJob, ImportRow
from tagsync.imports.states import JobStatus, RowStatus
from tagsync.web.columns.forms import field_name
from tests.making import finish_check, small_workbook, upload_of
from tests.web.conftest import MakeDraft

PHONE, SHORT = "13800138000", "1380013800012345"
ROWS = [(PHONE, "林晓雨", "春季"), ("13800138001", "王子涵", "新客"), (SHORT, "赵一鸣", "新客")]


@pytest.fixture
def job(make_draft: MakeDraft) -> ImportJob:
    """Two rows can be sent, the phone of the third has too many digits."""
    draft = make_draft(small_workbook(rows=ROWS))
    draft.begin_check(draft.owner)
    return finish_check(draft)


def run(job: ImportJob) -> ImportJob:
    """As after a run in which the first row was accepted and the second refused."""
    for number, status in ((2, RowStatus.ACCEPTED), (3, RowStatus.REJECTED)):
        ImportRow.objects.filter(job=job, row_number=number).update(status=status)
    now = timezone.now()
    counts = {RowStatus.ACCEPTED: 1, RowStatus.REJECTED: 1, RowStatus.TO_FIX: 1}
    ImportJob.objects.filter(pk=job.pk).update(
        status=JobStatus.FINISHED, first_confirmed_at=now, ended_at=now, counts=counts, run=1
    )
    job.refresh_from_db()
    return job


def workbook(client: Client, job: ImportJob) -> bytes:
    client.post(f"/imports/{job.pk}/export/", {"rows": "all"})
    export = Export.objects.latest("pk")
    lifecycle.make(export.pk)
    answer = client.get(f"/exports/{export.pk}/file/")
    return b"".join(answer.streaming_content)


def texts(content: bytes) -> str:
    sheet = load_workbook(BytesIO(content)).worksheets[0]
    return " ".join(str(cell.value) for row in sheet.iter_rows() for cell in row)


def everywhere(client: Client, job: ImportJob) -> Iterator[str]:
    """Every page that shows rows of the import, and its workbook, for whoever is signed in."""
    at = f"/imports/{job.pk}/"
    problems = [f"check/?open={problem.pk}" for problem in job.problems.all()]
    for place in ("", "columns/", "check/", "rows/", "rows/?row=2", "rows/?row=4", "calls/", *problems):
        yield client.get(at + place, follow=True).content.decode()
    columns = {field_name(one["column"]): one["field"] or "" for one in job.columns}
    yield client.post(f"{at}save/", columns, headers={"HX-Request": "true"}).content.decode()
    yield texts(workbook(client, job))


def found(pattern: str, client: Client, job: ImportJob) -> list[str]:
    return [hit for text in everywhere(client, job) for hit in re.findall(pattern, text)]


def test_before_the_start_the_uploader_sees_what_she_typed(signed: Client, job: ImportJob) -> None:
    assert {PHONE, SHORT} <= set(found(rf"\b(?:{PHONE}|{SHORT})\b", signed, job))


def test_before_the_start_a_colleague_sees_it_masked(signed_admin: Client, job: ImportJob) -> None:
    assert found(r"138001380\d+", signed_admin, job) == []


def test_after_the_start_the_uploader_sees_only_what_is_wrong(signed: Client, job: ImportJob) -> None:
    assert set(found(r"138001380\d+", signed, run(job))) == {SHORT}
    assert "138****8000" in signed.get(f"/imports/{job.pk}/").content.decode()


def test_after_the_start_others_do_not_see_that_either(signed_admin: Client, job: ImportJob) -> None:
    assert found(r"138001380\d+", signed_admin, run(job)) == []


def test_a_file_that_is_gone_shows_nothing_more(signed: Client, job: ImportJob) -> None:
    ImportJob.objects.filter(pk=run(job).pk).update(file="")
    assert "138001380" not in signed.get(f"/imports/{job.pk}/rows/?row=4").content.decode()


@pytest.fixture
def undone(job: ImportJob, marketer: Person) -> ImportJob:
    draft = undo.undo_draft(run(job), marketer)
    drafts.look_first(draft)
    return draft


def test_an_undo_shows_nobody_more_than_the_import_does(signed: Client, undone: ImportJob) -> None:
    assert found(r"138001380\d+", signed, undone) == []
    undone.begin_check(undone.owner)
    finish_check(undone)
    assert found(r"138001380\d+", signed, undone) == []


@pytest.mark.parametrize("field", ["", "tags", "openid"])
def test_another_field_takes_no_mask_from_a_column_of_an_undo(signed: Client, undone: ImportJob, field: str) -> None:
    columns = {field_name(one["column"]): field for one in undone.columns}
    page = signed.post(f"/imports/{undone.pk}/columns/", columns).content.decode()
    assert "138****8000" in page and "138001380" not in page


@pytest.mark.parametrize("field", ["", "tags", "openid"])
def test_nor_does_one_that_is_kept(signed: Client, undone: ImportJob, field: str) -> None:
    """Also beside an identifier, with which the rows could be sent and the request is shown."""
    kept = {field_name(one["column"]): one["field"] for one in undone.columns}
    phone = next(name for name, key in kept.items() if key == "phone")
    other = next(name for name, key in kept.items() if key == "openid")
    asked = {**kept, phone: field, other: "" if field == "openid" else "openid"}
    assert signed.post(f"/imports/{undone.pk}/save/", asked).status_code == 200
    undone.refresh_from_db()
    assert "phone" not in undone.mapped_columns().values()
    assert found(r"138001380\d+", signed, undone) == []


def test_tags_that_are_identifiers_are_masked_in_the_request(signed_admin: Client, job: ImportJob) -> None:
    columns = {field_name(one["column"]): one["field"] or "" for one in job.columns}
    name = next(name for name, key in columns.items() if key == "phone")
    other = next(name for name, key in columns.items() if not key)
    asked = {**columns, name: "tags", other: "audienceUserId"}
    page = signed_admin.post(f"/imports/{job.pk}/save/", asked).content.decode()
    assert "138****8000" in page and PHONE not in page


def test_a_workbook_with_masks_shows_nothing_that_they_hide(signed: Client, job: ImportJob, marketer: Person) -> None:
    content = workbook(signed, run(job))
    assert "138****8001" in texts(content)
    back = drafts.create(marketer, upload_of(content, "back.xlsx"))
    assert isinstance(back, ImportJob) and back.corrects == job
    back.begin_check(marketer)
    finish_check(back)
    assert back.rows.get(corrects_row=3).phone == "13800138001"
    assert set(found(r"138001380\d+", signed, back)) == {SHORT}


def test_a_workbook_made_before_the_start_is_not_given_after_it(signed: Client, job: ImportJob) -> None:
    assert PHONE in texts(workbook(signed, job))
    export = Export.objects.latest("pk")
    assert export.clear
    run(job)
    at = f"/exports/{export.pk}/"
    assert signed.get(f"{at}file/")["Location"] == at
    for page in (at, "/exports/"):
        said = signed.get(page).content.decode()
        assert "shows identifiers in full" in said and f"{at}file/" not in said
    assert f" {PHONE} " not in texts(workbook(signed, job))


def test_who_may_see_identifiers_gets_the_one_of_before_the_start(
    signed_admin: Client, admin_person: Person, make_draft: MakeDraft
) -> None:
    job = make_draft(small_workbook(rows=ROWS), owner=admin_person)
    job.begin_check(admin_person)
    workbook(signed_admin, finish_check(job))
    run(job)
    answer = signed_admin.get(f"/exports/{Export.objects.latest('pk').pk}/file/")
    assert PHONE in texts(b"".join(answer.streaming_content))
