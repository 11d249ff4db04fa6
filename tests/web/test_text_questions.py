"""Text files that do not tell how they are written: the columns page asks, in samples that everybody can judge."""

from __future__ import annotations

import pytest
from django.test import Client

from tagsync.accounts.models import Person
from tagsync.imports.drafts import drafts
from tagsync.imports.models import ImportJob
from tagsync.imports.states import JobStatus
from tests.making import finish_check, upload_of

TOO_SHORT_TO_TELL = "phone,tags\n13800138000,会\n13800138001,会\n".encode("gb18030")
CLEAR = "手机号,客户标签\n13800138000,春季活动\n13800138001,新客\n".encode()


def uploaded(owner: Person, content: bytes) -> ImportJob:
    job = drafts.create(owner, upload_of(content, "会员.csv"))
    assert isinstance(job, ImportJob), job
    return job


def said(job: ImportJob, *fields: str) -> dict[str, object]:
    settings = {"connection": job.connection_id, "operation": "add", "matching": "fuzzy-1"}
    return {**{f"column_{place}": field for place, field in enumerate(fields)}, **settings}


@pytest.mark.usefixtures("sandbox_connection")
def test_it_asks_before_anything_is_checked(marketer: Person, signed: Client) -> None:
    job = uploaded(marketer, TOO_SHORT_TO_TELL)
    address = f"/imports/{job.pk}/columns/"
    page = signed.get(address).content.decode()
    assert "One thing first" in page and "Which of these can you read?" in page
    for sample in ("13800138000,会", "13800138000,頗"):
        assert sample in page
    assert "What separates the columns?" not in page  # that is certain

    answer = signed.post(address, said(job, "phone", "tags"))
    assert answer.status_code == 422
    assert "choose the one that shows its characters correctly" in answer.content.decode()
    job.refresh_from_db()
    assert job.status == JobStatus.DRAFT


@pytest.mark.usefixtures("sandbox_connection")
@pytest.mark.parametrize(("encoding", "tag"), [("gb18030", "会"), ("big5", "頗")])
def test_it_reads_what_was_chosen(marketer: Person, signed: Client, encoding: str, tag: str) -> None:
    job = uploaded(marketer, TOO_SHORT_TO_TELL)
    signed.post(f"/imports/{job.pk}/sheet/", {"sheet": "CSV", "header_row": "1", "encoding": encoding})
    job.refresh_from_db()
    assert job.encoding == encoding
    page = signed.get(f"/imports/{job.pk}/columns/").content.decode()
    assert "One thing first" not in page and tag in page

    assert signed.post(f"/imports/{job.pk}/columns/", said(job, "phone", "tags")).status_code == 302
    job.refresh_from_db()
    finish_check(job)
    assert set(job.rows.values_list("tags", flat=True)) == {tag}


@pytest.mark.usefixtures("sandbox_connection")
def test_what_the_file_tells_can_be_corrected(marketer: Person, signed: Client) -> None:
    job = uploaded(marketer, CLEAR)
    page = signed.get(f"/imports/{job.pk}/columns/").content.decode()
    assert "UTF-8 · Comma" in page
    assert "What separates the columns?" in page
    assert job.encoding == job.delimiter == ""


@pytest.mark.usefixtures("sandbox_connection")
def test_choices_made_for_another_reading_are_not_kept(marketer: Person, signed: Client) -> None:
    job = uploaded(marketer, TOO_SHORT_TO_TELL)
    before = {**said(job, "phone", "tags"), "of_sheet": "CSV", "of_header_row": "1", "of_reading": "/"}
    signed.post(f"/imports/{job.pk}/sheet/", {"sheet": "CSV", "encoding": "big5"})
    answer = signed.post(f"/imports/{job.pk}/columns/", before)
    assert (answer.status_code, answer["Location"]) == (302, f"/imports/{job.pk}/columns/")
    job.refresh_from_db()
    assert job.status == JobStatus.DRAFT


@pytest.mark.usefixtures("sandbox_connection")
def test_it_refuses_an_encoding_that_it_does_not_read(marketer: Person, signed: Client) -> None:
    job = uploaded(marketer, CLEAR)
    answer = signed.post(f"/imports/{job.pk}/sheet/", {"sheet": "CSV", "encoding": "rot13"}, follow=True)
    assert "“rot13” is not an encoding that tagsync reads." in answer.content.decode()
    job.refresh_from_db()
    assert job.encoding == ""
