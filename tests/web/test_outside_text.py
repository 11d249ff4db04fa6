"""Text from outside is kept and looked for on both engines, whatever is in it and however long it is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
from django.contrib.sessions.models import Session
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import NoReverseMatch, URLPattern, reverse

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.delivery.calls import their_answer
from tagsync.exports import lifecycle
from tagsync.exports.models import Export, ExportState
from tagsync.imports.drafts import drafts
from tagsync.imports.drafts.drafts import Choices
from tagsync.imports.drafts.saved_mappings import remember
from tagsync.imports.models import ImportJob
from tagsync.imports.models.row import JobTag
from tagsync.imports.states import JobStatus
from tagsync.imports.titles import rename
from tagsync.tuzhan.outcomes import BlockReason, classify
from tagsync.web.urls import urlpatterns
from tests import workbooks
from tests.making import S, add_call, finish_check, make_import
from tests.matrix import most_slow

pytestmark = pytest.mark.django_db
ODD = "a\x00b\ud800c\x1b[2J\r\nd"
LONG = "名" * 400


def draft_of(owner: Person, path: Path, name: str = "a.xlsx", title: str = "") -> ImportJob:
    upload = SimpleUploadedFile("a.xlsx", path.read_bytes())
    upload._name = name  # as a command gives it; a browser's has been cleaned by then
    made = drafts.create(owner, upload, title)
    assert isinstance(made, ImportJob), made
    return ImportJob.objects.get(pk=made.pk)


def cell(reference: str, text: str) -> str:
    return f'<c r="{reference}" t="inlineStr"><is><t>{text}</t></is></c>'


def odd_book(path: Path, sheet: str = "Sheet1") -> Path:
    header = cell("A1", "手机号") + cell("B1", "标签") + cell("C1", "x_x0000_y_xD800_z_x001B_") + cell("D1", LONG)
    rows = f'<row r="1">{header}</row>'
    rows += f'<row r="2">{cell("A2", "13800138000")}{cell("B2", "VIP")}{cell("D2", "x")}</row>'
    rows += f'<row r="3">{cell("A3", "1_x0000_")}{cell("B3", "V_x0000_")}</row>'
    return workbooks.hand_written(path, rows, sheets=[(sheet, "visible"), ("other", "visible")])


def test_it_keeps_odd_and_long_names(
    signed: Client, marketer: Person, sandbox_connection: Connection, tmp_path: Path
) -> None:
    job = draft_of(marketer, odd_book(tmp_path / "a.xlsx", LONG), ODD + LONG + ".xlsx", ODD + LONG)
    assert [column["header"] for column in job.columns] == ["手机号", "标签", "x\ufffdy\ufffdz\ufffd", "名" * 200]
    assert job.sheet == "名" * 100
    assert len(job.file_name) == 255 and job.file_name.endswith("名.xlsx")
    assert job.title.startswith("a\ufffdb\ufffdc\ufffd[2J  d名") and len(job.title) == 200
    assert signed.get(f"/imports/{job.pk}/columns/").status_code == 200
    drafts.choose_settings(job, Choices(sandbox_connection, "add", "fuzzy", 1))
    job.begin_check(marketer)
    finish_check(job)
    remember(job)
    assert (job.total, job.count(S.TO_FIX)) == (2, 1)
    for page in ("check", "rows"):
        assert signed.get(f"/imports/{job.pk}/{page}/").status_code == 200
    assert rename(job, ODD + LONG)


def test_it_finds_a_sheet_by_its_kept_name(signed: Client, marketer: Person, tmp_path: Path) -> None:
    job = draft_of(marketer, odd_book(tmp_path / "a.xlsx", LONG))
    for sheet in ("other", "名" * 100):
        signed.post(f"/imports/{job.pk}/sheet/", {"sheet": sheet})
        job.refresh_from_db()
        assert job.sheet == sheet
    job.begin_check(marketer)
    assert finish_check(job).total == 2


def test_it_says_which_part_is_damaged(marketer: Person, tmp_path: Path) -> None:
    parts = workbooks.parts_of(workbooks.rows_xml([["手机号", "标签"], ["1", "2"]]))
    good = workbooks.package(tmp_path / "good.xlsx", parts)
    job = draft_of(marketer, good)
    job.begin_check(marketer)
    job.unreadable("damaged", {"part": LONG * 10})
    job.refresh_from_db()
    relations = str(parts["xl/_rels/workbook.xml.rels"]).replace("worksheets/sheet1.xml", f"worksheets/{LONG}.xml")
    bad = workbooks.package(tmp_path / "bad.xlsx", {**parts, "xl/_rels/workbook.xml.rels": relations})
    refused = drafts.create(marketer, SimpleUploadedFile("a.xlsx", bad.read_bytes()))
    assert isinstance(refused, drafts.Refusal)
    assert len(str(refused.params.get("part", ""))) <= 200


@pytest.mark.slow
def test_its_page_of_columns_stays_small(signed: Client, marketer: Person, tmp_path: Path) -> None:
    wide = [["头" * 1_200] * 199 + ["手机号"], *[["值" * 1_200] * 200] * 9]
    job = draft_of(marketer, workbooks.inline(tmp_path / "a.xlsx", wide))
    assert len(json.dumps(job.columns, ensure_ascii=False)) < 60_000
    assert len(signed.get(f"/imports/{job.pk}/columns/").content) < 2_000_000


def test_a_workbook_of_ours_with_long_headers_is_known_when_it_comes_back(
    signed: Client, marketer: Person, sandbox_connection: Connection, tmp_path: Path
) -> None:
    job = draft_of(marketer, odd_book(tmp_path / "a.xlsx"), "b" * 250 + ".xlsx")
    drafts.choose_settings(job, Choices(sandbox_connection, "add", "fuzzy", 1))
    job.begin_check(marketer)
    finish_check(job)
    signed.post(f"/imports/{job.pk}/export/", {"rows": "failed"})
    export = Export.objects.get()
    assert len(export.file_name) <= 255
    lifecycle.make(export.pk)
    export.refresh_from_db()
    assert export.state == ExportState.DONE
    response = signed.get(f"/exports/{export.pk}/file/")
    assert (response.status_code, len(b"".join(response.streaming_content)) > 1_000) == (200, True)
    again = draft_of(marketer, Path(export.file.path))
    assert again.corrects == job
    assert [column["field"] for column in again.columns[:4]] == ["phone", "tags", None, None]


# -- what comes with a request

HOSTILE = ("a\x00b", "9" * 30, "-1", "\ufffd" * 5_000, "0x1", "１２", "1\x00", "%00", "'\"\\")
LONGEST_IN_ADDRESS = 100  # no server takes an address of megabytes
NUMBERS = (1, 2**31 - 1, 2**31, 2**63 - 1, 2**63, 10**30)


def names_of_fields() -> set[str]:
    """Everything that any form or view reads."""
    fields = "q status operation connection person tag since until before after page row search unmasked problem older"
    more = "newer open call upto shown import back act in_doubt seen confirm_count sheet header_row use_header_row use"
    rest = "of_sheet of_header_row fixed_tags typed field text title like file next language theme username password"
    last = "first_name email role name base_url path token_path app_id matching choice rows failed restore unsure"
    return {*fields.split(), *more.split(), *rest.split(), *last.split(), "cell-2-phone", "cell-99999999999-x"}


def addresses(number: int) -> Iterator[str]:
    for pattern in urlpatterns:
        assert isinstance(pattern, URLPattern)
        if pattern.name == "readyz":
            continue  # it says 503 where no Redis runs
        for count in range(3):
            try:
                yield reverse(str(pattern.name), args=[number] * count)
            except NoReverseMatch:
                continue


@pytest.mark.parametrize("number", most_slow(NUMBERS, at_once=(2**63,)))
def test_no_number_in_an_address_is_too_large(signed_admin: Client, number: int) -> None:
    signed_admin.raise_request_exception = False
    failed = [address for address in addresses(number) if signed_admin.get(address).status_code >= 500]
    assert failed == []


@pytest.mark.parametrize("text", most_slow(HOSTILE, at_once=("a\x00b",)))
def test_no_text_of_a_request_makes_it_fail(
    signed_admin: Client, admin_person: Person, sandbox_connection: Connection, text: str
) -> None:
    job = make_import(admin_person, sandbox_connection, JobStatus.FINISHED, [S.ACCEPTED, S.REJECTED])
    JobTag.objects.create(job=job, tag="VIP", rows=1)
    data = dict.fromkeys(names_of_fields(), text)
    signed_admin.raise_request_exception = False
    wanted = [address for address in addresses(job.pk) if address != "/logout/"]
    short = {name: text[:LONGEST_IN_ADDRESS] for name in data}
    failed = [address for address in wanted if signed_admin.get(address, short).status_code >= 500]
    failed += [f"POST {address}" for address in wanted if signed_admin.post(address, data).status_code >= 500]
    assert failed == []


@pytest.mark.parametrize("text", most_slow(HOSTILE, at_once=("a\x00b",)))
def test_no_text_makes_the_forms_fail_that_keep_it(signed: Client, draft: ImportJob, text: str) -> None:
    for page in ("columns", "sheet", "request", "title", "check", "change"):
        data = {**dict.fromkeys(names_of_fields(), text), "column_0": text, "column_1": text}
        assert signed.post(f"/imports/{draft.pk}/{page}/", data).status_code < 500, page
    assert signed.get("/customers/", {"search": text}).status_code < 500
    for address in ("/customers/", f"/imports/{draft.pk}/rows/search/"):
        found = signed.post(address, {"typed": text}, follow=True)
        assert found.status_code < 500, address


def test_no_name_of_a_session_makes_it_fail(client: Client, marketer: Person) -> None:
    """A cookie may hold any character, written as an octal number."""
    for key in ('"abcdefgh\\000ijkl"', '"' + "\\377" * 40 + '"', "x" * 3_000):
        assert client.get("/imports/", headers={"cookie": f"sessionid={key}"}).status_code == 302
        assert client.get("/login/", headers={"cookie": f"sessionid={key}"}).status_code == 200
    assert not Session.objects.exists()


def test_nobody_signs_in_with_an_odd_name(client: Client, marketer: Person) -> None:
    for name in (*HOSTILE, "lin\x00"):
        answer = client.post("/login/", {"username": name, "password": name})
        assert (answer.status_code, "sessionid" in answer.cookies) == (200, False)


# -- what the platform answers


def test_what_the_platform_answers_is_kept(marketer: Person, sandbox_connection: Connection) -> None:
    odd = "\\u0000\\ud800\\u001b" + "长" * 2_000
    body = json.dumps({"code": "500", "msg": "x"}).replace('"500"', f'"{odd}"')
    body = body.replace('"x"', f'"{odd}", "errorCode": "{odd}", "data": {{"{odd}": "{odd}"}}, "fail{odd}": "{odd}"')
    job = make_import(marketer, sandbox_connection, JobStatus.RUNNING, [S.WAITING])
    for sent in (body, body.replace(f'"code": "{odd}"', '"code": "200"'), odd, "\x00\x1b" + LONG):
        outcome = classify(200, {}, sent.encode())
        told = their_answer(outcome)
        call = add_call(job, [2], **asdict(told))
        call.refresh_from_db()
        assert (call.message, call.excerpt) == (told.message, told.excerpt)
        assert sandbox_connection.block(BlockReason.TOKEN_REFUSED, f"{told.code} {told.message}" * 3)
        sandbox_connection.unblock()
