import re
import stat
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.test import Client, override_settings
from django.utils import timezone, translation

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.imports.drafts import drafts
from tagsync.imports.local_files import PARTIAL_NAME
from tagsync.imports.models import ImportJob
from tagsync.imports.states import JobStatus
from tagsync.mapping.matching import suggest
from tagsync.mapping.rows import check_row
from tagsync.sheets.reader import preview
from tagsync.web.upload import template_workbook
from tagsync.web.upload.handlers import PartialUploadHandler
from tests.making import small_workbook, upload_of
from tests.web.conftest import MakeDraft

URL = "/imports/new/"


def stored_files() -> list[Path]:
    return list(Path(settings.MEDIA_ROOT).glob("*")) if Path(settings.MEDIA_ROOT).exists() else []


def test_it_works(signed: Client, sandbox_connection: Connection) -> None:
    page = signed.get(URL)
    assert page.status_code == 200
    assert 'name="file"' in page.content.decode()
    assert "100 MB" in page.content.decode()


def test_it_takes_no_file_that_would_fill_the_disk(signed: Client, sandbox_connection: Connection) -> None:
    with override_settings(TAGSYNC_LEAST_FREE_BYTES=10**18):
        answer = signed.post(URL, {"file": upload_of(small_workbook())})
    assert answer.status_code == 422
    assert "MB are free on the server’s disk" in answer.content.decode()
    assert (ImportJob.objects.exists(), stored_files()) == (False, [])


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        ({"TAGSYNC_MOST_DRAFTS": 1}, "You already have 1 imports that were never started"),
        ({"TAGSYNC_MOST_DRAFT_BYTES": 2**20}, "would take more than 1 MB"),
    ],
)
def test_it_keeps_only_so_much_for_one_person(
    signed: Client, signed_other: Client, draft: ImportJob, limit: dict[str, int], said: str
) -> None:
    ImportJob.objects.filter(pk=draft.pk).update(file_bytes=2**20)
    with override_settings(**limit):
        answer = signed.post(URL, {"file": upload_of(small_workbook())})
        assert (answer.status_code, ImportJob.objects.count()) == (422, 1)
        assert said in answer.content.decode()
        assert signed_other.post(URL, {"file": upload_of(small_workbook())}).status_code == 302
        # What was started is none of hers to delete, and does not count.
        ImportJob.objects.filter(pk=draft.pk).update(status=JobStatus.FINISHED)
        assert signed.post(URL, {"file": upload_of(small_workbook())}).status_code == 302


def test_it_makes_a_draft(signed: Client, marketer: Person, sandbox_connection: Connection) -> None:
    answer = signed.post(URL, {"file": upload_of(small_workbook()), "title": "  双11 "})
    job = ImportJob.objects.get()
    assert answer.status_code == 302
    assert answer["Location"] == f"/imports/{job.pk}/columns/"
    assert (job.owner, job.title, job.file_name) == (marketer, "双11", "双11会员.xlsx")
    assert sorted(path.suffix for path in stored_files()) == [".preview", ".upload"]


def test_it_sends_the_browser_itself_on_from_a_script(signed: Client, sandbox_connection: Connection) -> None:
    answer = signed.post(URL, {"file": upload_of(small_workbook())}, headers={"HX-Request": "true"})
    assert answer["HX-Redirect"] == f"/imports/{ImportJob.objects.get().pk}/columns/"


@pytest.mark.parametrize(
    ("content", "name", "title", "advice"),
    [
        (b"", "leer.xlsx", "The file is empty.", "Check that the export was complete"),
        (b'phone,tags\n"1,2\n', "a.csv", "In row 2 of this text file", "Correct the quotation mark"),
        (b"%PDF-1.7 ...", "a.xlsx", "This is a PDF", "Choose the file with the customers"),
        (small_workbook((), ()), "a.xlsx", "is empty.", "header row"),
        (small_workbook()[:900], "a.xlsx", "damaged", "save it again"),
    ],
)
def test_it_says_why_a_file_is_refused_and_keeps_nothing(
    signed: Client, content: bytes, name: str, title: str, advice: str
) -> None:
    answer = signed.post(URL, {"file": upload_of(content, name)})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert title in page
    assert advice in page
    assert not ImportJob.objects.exists()
    assert not stored_files()


def test_it_answers_a_script_with_the_form_alone(signed: Client) -> None:
    answer = signed.post(URL, {"file": upload_of(b"%PDF")}, headers={"HX-Request": "true"})
    assert answer.status_code == 422
    assert "<html" not in answer.content.decode()
    assert "This is a PDF" in answer.content.decode()


@override_settings(TAGSYNC_MAX_UPLOAD_BYTES=1024)
def test_it_refuses_more_bytes_than_allowed(signed: Client) -> None:
    answer = signed.post(URL, {"file": upload_of(small_workbook())})
    assert answer.status_code == 413
    assert "too large" in answer.content.decode()
    assert not stored_files()


def test_it_asks_for_a_file(signed: Client) -> None:
    answer = signed.post(URL, {})
    assert answer.status_code == 422
    assert "Choose a file first." in answer.content.decode()


def test_it_shows_a_hostile_file_name_as_text(signed: Client, make_draft: MakeDraft) -> None:
    signed.post(URL, {"file": upload_of(small_workbook(), "<script>alert(1)</script>.xlsx")})
    page = signed.get(URL).content.decode()
    assert "<script>alert" not in page
    assert "script&gt;.xlsx" in page


def test_it_lists_the_last_three_imports_of_this_person(
    signed: Client, make_draft: MakeDraft, other_marketer: Person
) -> None:
    mine = [make_draft() for _number in range(4)]
    foreign = make_draft(owner=other_marketer)
    ImportJob.objects.update(status=JobStatus.FINISHED, first_confirmed_at=timezone.now())
    page = signed.get(URL).content.decode()
    assert [f"/imports/{job.pk}/" in page for job in mine] == [False, True, True, True]
    assert f"/imports/{foreign.pk}/" not in page


def test_it_lists_what_this_person_has_not_started(
    signed: Client, make_draft: MakeDraft, other_marketer: Person
) -> None:
    mine = [make_draft() for _number in range(6)]
    foreign = make_draft(owner=other_marketer)
    page = signed.get(URL).content.decode()
    assert [f"/imports/{job.pk}/columns/" in page for job in mine] == [False, *[True] * 5]
    assert f"/imports/{foreign.pk}/" not in page
    assert "Kept until" in page and f"{timezone.localtime() + timedelta(days=7):%Y-%m-%d}" in page


def like(make_draft: MakeDraft) -> ImportJob:
    job = make_draft()
    job.columns = [
        {**column, "field": field} for column, field in zip(job.columns, ("phone", "tags", None), strict=True)
    ]
    job.operation, job.match, job.identify_way, job.fixed_tags = "delete", "fuzzy", 2, "春季"
    job.save()
    return job


def test_it_takes_settings_and_columns_over_on_wish(signed: Client, make_draft: MakeDraft) -> None:
    job = like(make_draft)
    page = signed.get(URL, {"like": job.pk}).content.decode()
    assert f'name="like" value="{job.pk}"' in page and "Remove tags · Fuzzy matching, way 2" in page
    signed.post(URL, {"file": upload_of(small_workbook()), "like": job.pk})
    made = ImportJob.objects.latest("pk")
    assert (made.operation, made.match, made.identify_way, made.fixed_tags) == ("delete", "fuzzy", 2, "春季")
    assert made.mapped_columns() == {0: "phone", 1: "tags"}


def test_it_takes_over_only_what_the_new_sheet_has(signed: Client, make_draft: MakeDraft) -> None:
    job = like(make_draft)
    content = small_workbook(("openid", "手机号", "客户标签"), [("", "13800138000", "新客")])
    signed.post(URL, {"file": upload_of(content), "like": job.pk})
    assert ImportJob.objects.latest("pk").mapped_columns() == {0: "openid", 1: "phone", 2: "tags"}


@pytest.mark.parametrize("number", ["", "x", "0", "999999", "99999999999999999999", "-1", "１"])
def test_it_ignores_a_wish_that_it_does_not_understand(signed: Client, make_draft: MakeDraft, number: str) -> None:
    assert signed.get(URL, {"like": number}).status_code == 200
    assert signed.post(URL, {"file": upload_of(small_workbook()), "like": number}).status_code == 302
    assert ImportJob.objects.latest("pk").operation == "add"


def test_it_does_not_tell_of_another_s_settings(signed_other: Client, make_draft: MakeDraft) -> None:
    job = like(make_draft)
    assert "With the settings of" not in signed_other.get(URL, {"like": job.pk}).content.decode()
    signed_other.post(URL, {"file": upload_of(small_workbook()), "like": job.pk})
    assert ImportJob.objects.latest("pk").operation == "add"


def test_it_tells_marketers_to_ask_and_admins_to_add_when_there_is_no_connection(
    signed: Client, signed_admin: Client
) -> None:
    for_marketer, for_admin = signed.get(URL).content.decode(), signed_admin.get(URL).content.decode()
    assert "ask an admin" in for_marketer
    assert "/connections/new/" not in for_marketer
    assert "/connections/new/" in for_admin


def test_it_refuses_other_methods(signed: Client) -> None:
    assert signed.put(URL).status_code == 405
    assert signed.post("/imports/template.xlsx").status_code == 405


@pytest.mark.parametrize("url", [URL, "/imports/template.xlsx"])
def test_it_sends_strangers_to_the_sign_in(db: None, client: Client, url: str) -> None:
    answer = client.get(url)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/login/")


def test_it_makes_two_drafts_of_two_uploads(signed: Client, sandbox_connection: Connection) -> None:
    for _time in range(2):
        signed.post(URL, {"file": upload_of(small_workbook())})
    assert ImportJob.objects.count() == 2
    assert sorted(path.suffix for path in stored_files()) == [".preview", ".preview", ".upload", ".upload"]


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_its_template_needs_no_work_at_all(signed: Client, marketer: Person, tmp_path: Path, language: str) -> None:
    marketer.language = language
    marketer.save()
    with translation.override(language):
        answer = signed.get("/imports/template.xlsx")
    path = tmp_path / "template.xlsx"
    path.write_bytes(BytesIO(b"".join(answer.streaming_content)).getvalue())
    header, *rows = preview(path).rows
    suggestions = suggest({column: cell.text for column, cell in header.cells.items()})
    assert all(suggestion.exact for suggestion in suggestions)
    assert len({suggestion.field for suggestion in suggestions}) == 5
    columns = {suggestion.column: suggestion.field or "" for suggestion in suggestions}
    assert len(rows) == 3
    assert [check_row(row, columns).notes for row in rows] == [(), (), ()]
    assert header.cells[0].text == template_workbook.sheets(language)[0].header[0]


def test_it_tells_the_browser_what_to_refuse(signed: Client) -> None:
    page = signed.get(URL).content.decode()
    assert f'data-max-bytes="{settings.TAGSYNC_MAX_UPLOAD_BYTES}"' in page
    for code, words in (
        ("pdf", "This is a PDF"),
        ("too_large", "at most 100 MB"),
        ("empty_file", "The file is empty."),
    ):
        assert re.search(f'data-refusal="{code}"[^>]*{words}', page)


def test_it_says_which_settings_are_used_again(signed: Client, make_draft: MakeDraft) -> None:
    job = like(make_draft)
    ImportJob.objects.update(status=JobStatus.FINISHED, first_confirmed_at=timezone.now())
    page = signed.get(URL).content.decode()
    assert f"?like={job.pk}" in page and "Use the same settings" in page
    assert "Remove tags" in page and "Fuzzy matching, way 2" in page


def test_a_large_upload_lies_beside_the_others_while_it_comes_in(
    signed: Client, sandbox_connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, int]] = []
    create = drafts.create

    def look_and_create(owner: Person, upload: TemporaryUploadedFile, *more: Any) -> Any:
        path = Path(upload.temporary_file_path())
        assert path.parent == Path(settings.MEDIA_ROOT)
        seen.append((path.name, path.stat().st_mode & 0o777))
        return create(owner, upload, *more)

    monkeypatch.setattr(drafts, "create", look_and_create)
    with override_settings(FILE_UPLOAD_MAX_MEMORY_SIZE=0):
        signed.post(URL, {"file": upload_of(small_workbook())})
        signed.post(URL, {"file": upload_of(b"%PDF-1.7")})
    assert all(PARTIAL_NAME.fullmatch(name) and mode == 0o600 for name, mode in seen)
    assert len(seen) == 2
    assert sorted(path.suffix for path in stored_files()) == [".preview", ".upload"]
    assert stat.S_IMODE(Path(ImportJob.objects.get().file.path).stat().st_mode) == 0o600


def test_an_interrupted_upload_leaves_nothing() -> None:
    handler = PartialUploadHandler()
    handler.new_file("file", "a.xlsx", "", None)
    handler.receive_data_chunk(b"13800138000", 0)
    assert [path.suffix for path in stored_files()] == [".partial"]
    handler.upload_interrupted()
    assert not stored_files()


def test_it_says_whose_corrected_sheet_is_wanted(signed: Client, make_draft: MakeDraft, signed_other: Client) -> None:
    job = make_draft()
    told = f"Corrected sheet of “{job.label}”"
    assert told in signed.get(f"/imports/new/?corrects={job.pk}").content.decode()
    for client, query in ((signed_other, str(job.pk)), (signed, "x"), (signed, "99999999")):
        answer = client.get(f"/imports/new/?corrects={query}")
        assert answer.status_code == 200 and "Corrected sheet of" not in answer.content.decode()
