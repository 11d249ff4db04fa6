"""As many files are read at the same time as there are cores; who finds no turn loses nothing and tries again."""

from __future__ import annotations

import threading

import pytest
from django.test import Client
from django.utils import translation

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.imports.drafts import drafts, previews
from tagsync.imports.models import ImportJob
from tagsync.imports.problems import sentence
from tagsync.imports.stored_files import preview_name
from tests.making import small_workbook, upload_of
from tests.web.conftest import MakeDraft

TITLE = "Many files are being read at this moment, and this one had to wait too long."
ADVICE = "Nothing is lost: try again in a moment."


@pytest.fixture
def readers(monkeypatch: pytest.MonkeyPatch) -> threading.Semaphore:
    """One turn, which can be taken."""
    one = threading.Semaphore(1)
    monkeypatch.setattr(previews, "READERS", one)
    monkeypatch.setattr(previews, "TURN_SECONDS", 0.0)
    return one


def forget_preview(job: ImportJob) -> None:
    job.file.storage.delete(preview_name(str(job.file.name)))


@pytest.mark.parametrize("is_htmx", [False, True])
def test_an_upload_is_kept_and_looked_at_later(
    signed: Client, sandbox_connection: Connection, readers: threading.Semaphore, is_htmx: bool
) -> None:
    readers.acquire()
    headers = {"HX-Request": "true"} if is_htmx else {}
    answer = signed.post("/imports/new/", {"file": upload_of(small_workbook()), "title": "双11"}, headers=headers)
    job = ImportJob.objects.get()
    page = f"/imports/{job.pk}/columns/"
    assert answer.headers["HX-Redirect" if is_htmx else "Location"] == page
    answer = signed.get(page)
    html = answer.content.decode()
    assert answer.status_code == 503
    assert TITLE in html and ADVICE in html
    assert '<form method="get">' in html and "Try again" in html
    assert "Upload another file" not in html
    readers.release()
    html = signed.get(page).content.decode()
    assert "林晓雨" in html and "Matched by its header" in html
    job.refresh_from_db()
    assert [column["field"] for column in job.columns] == ["phone", None, "tags"]
    assert job.title == "双11"


def test_a_damaged_upload_says_so_when_it_has_its_turn(
    signed: Client, sandbox_connection: Connection, readers: threading.Semaphore
) -> None:
    readers.acquire()
    signed.post("/imports/new/", {"file": upload_of(small_workbook()[:900])})
    page = f"/imports/{ImportJob.objects.get().pk}/columns/"
    readers.release()
    answer = signed.get(page)
    assert answer.status_code == 422
    assert "damaged" in answer.content.decode() and "Discard draft" in answer.content.decode()


def test_the_page_needs_no_turn_when_it_is_looked_at_again(
    make_draft: MakeDraft, signed: Client, readers: threading.Semaphore
) -> None:
    job = make_draft()
    readers.acquire()
    assert signed.get(f"/imports/{job.pk}/columns/").status_code == 200
    assert signed.post(f"/imports/{job.pk}/request/", {}).status_code == 200


def test_what_was_chosen_is_sent_again(make_draft: MakeDraft, signed: Client, readers: threading.Semaphore) -> None:
    job = make_draft()
    forget_preview(job)
    readers.acquire()
    chosen = {
        "column_0": "phone", "column_2": "tags", "fixed_tags": '春"季', "operation": "delete", "matching": "exact",
        "connection": str(job.connection_id),
    }  # fmt: skip
    answer = signed.post(f"/imports/{job.pk}/columns/", {**chosen, "csrfmiddlewaretoken": "secret"})
    html = answer.content.decode()
    assert answer.status_code == 503
    assert TITLE in html and '<form method="post">' in html
    for name, value in chosen.items():
        assert f'<input type="hidden" name="{name}" value="{value.replace(chr(34), "&quot;")}">' in html
    assert 'value="secret"' not in html
    readers.release()
    assert signed.post(f"/imports/{job.pk}/columns/", chosen)["Location"] == f"/imports/{job.pk}/check/"


def test_what_is_being_chosen_stays_as_it_is(
    make_draft: MakeDraft, signed: Client, readers: threading.Semaphore
) -> None:
    job = make_draft()
    forget_preview(job)
    readers.acquire()
    answer = signed.post(f"/imports/{job.pk}/request/", {"column_0": "phone"})
    assert (answer.status_code, answer.content) == (204, b"")
    assert not [name for name in answer.headers if name.startswith("HX-")]


def test_another_sheet_is_chosen_again(make_draft: MakeDraft, signed: Client, readers: threading.Semaphore) -> None:
    job = make_draft()
    forget_preview(job)
    readers.acquire()
    answer = signed.post(f"/imports/{job.pk}/sheet/", {"sheet": "客户", "header_row": "2"})
    assert answer["Location"] == f"/imports/{job.pk}/columns/"
    readers.release()
    assert TITLE in signed.get(f"/imports/{job.pk}/columns/").content.decode()
    job.refresh_from_db()
    assert job.header_row == 1


def test_nobody_else_may_look_first(
    signed: Client, signed_other: Client, sandbox_connection: Connection, readers: threading.Semaphore
) -> None:
    readers.acquire()
    signed.post("/imports/new/", {"file": upload_of(small_workbook())})
    readers.release()
    assert signed_other.get(f"/imports/{ImportJob.objects.get().pk}/columns/").status_code == 404
    assert drafts.is_unseen(ImportJob.objects.get())


def test_it_is_discarded_meanwhile(
    signed: Client, marketer: Person, sandbox_connection: Connection, readers: threading.Semaphore
) -> None:
    readers.acquire()
    signed.post("/imports/new/", {"file": upload_of(small_workbook())})
    job = ImportJob.objects.get()
    assert signed.post(f"/imports/{job.pk}/delete/")["Location"] == "/imports/"
    readers.release()
    assert signed.get(f"/imports/{job.pk}/columns/").status_code == 404


def test_it_is_said_in_chinese() -> None:
    with translation.override("zh-hans"):
        said = sentence("readers_busy")
    assert "排到" in said.title and "稍后再试" in said.advice
