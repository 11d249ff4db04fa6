"""Whatever became of a row that a call of unknown fate has carried, no place that tells of it says that it was not
sent: pages, notices, workbooks and the JSON of the commands, in both languages."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone, translation
from openpyxl import load_workbook

from tagsync.accounts.models import Person
from tagsync.cli.report import report
from tagsync.connections.models import Connection
from tagsync.exports import lifecycle
from tagsync.exports.models import Export
from tagsync.imports.models import ImportJob
from tagsync.imports.models.delivery import DeliveryOutcome, DeliveryState
from tagsync.imports.models.restore import RestoreReason
from tagsync.imports.models.row import Origin
from tagsync.imports.restores import hold
from tagsync.imports.states import Act, JobStatus, RowStatus
from tests.making import S, add_call, blame, make_import, small_workbook
from tests.matrix import most_slow, one_in
from tests.web.layout import text_of

PHONE = "13800000002"
BELIED = {
    "en": ("not sent", "never sent", "will not be sent", "unsent", "before this row was sent", "changed nothing"),
    "zh-hans": ("未发送", "从未发送", "不会发送", "不再发送", "尚未发送", "没有改动平台"),
}
# Said of accepted rows, of columns, of the test platform, of what an undo does before its last button, and of the
# other rows of an import that is being stopped.
INNOCENT = (
    "Accepted already: never sent twice.",
    "1 more column is not sent.",
    "Rows that were not sent stay as they are and can be sent later with “Resume”.",
    "另有 1 列不发送。",
    "测试平台：不会发送到兔展。",
    "查看检查结果并点击最后一步的按钮之前，不会发送任何内容。",
    "未发送的行保持不变，之后可点击“继续”发送。",
)
# What its row may be in, and the import with it.
JOURNEYS = [
    (S.WAITING, JobStatus.RUNNING),
    (S.WAITING, JobStatus.STOPPING),
    (S.WAITING, JobStatus.STOPPED),
    (S.WAITING, JobStatus.BLOCKED),
    (S.IN_DOUBT, JobStatus.STOPPED),
    (S.REJECTED, JobStatus.FINISHED),
    (S.REJECTED, JobStatus.BLOCKED),
    (S.SUPERSEDED, JobStatus.FINISHED),
    (S.SUPERSEDED, JobStatus.STOPPED),
]
CAUSES = {S.REJECTED: "refused", S.SUPERSEDED: "superseded", S.IN_DOUBT: "no_answer"}


def made(owner: Person, connection: Connection, status: JobStatus, state: RowStatus) -> ImportJob:
    job = make_import(owner, connection, status, [state, S.ACCEPTED], cause="refuses_everything")
    job.file.save("客户.xlsx", SimpleUploadedFile("客户.xlsx", small_workbook()))
    job.sheet = "客户"
    job.save()
    return job


@pytest.fixture
def job(request: pytest.FixtureRequest, marketer: Person, sandbox_connection: Connection) -> ImportJob:
    """Row 2 was carried by a call of unknown fate; row 3 was accepted."""
    state, status = request.param
    job = made(marketer, sandbox_connection, status, state)
    if state in CAUSES:
        params = {"import": 999} if state == S.SUPERSEDED else {"message": "x"}
        blame(job, state, CAUSES[state], Origin.US if state != S.REJECTED else Origin.PLATFORM, **params)
    if state == S.SUPERSEDED:
        note = {"code": "superseded_by", "field": None, "column": "", "value": "", "params": {"import": 999, "row": 7}}
        job.rows.filter(row_number=2).update(notes=[note])
    broken = {"state": DeliveryState.BROKEN_OFF, "outcome": DeliveryOutcome.UNANSWERED, "http_status": None, "code": ""}
    add_call(job, [2], **broken)
    add_call(job, [2], outcome=DeliveryOutcome.BATCH_REFUSED, code="400", batch=2)
    job.rows.filter(row_number=2).update(unanswered_at=timezone.now())
    return job


def places(client: Client, job: ImportJob) -> Iterator[str]:
    """Every address where something is said of the row."""
    base = f"/imports/{job.pk}/"
    yield from ("/imports/", "/notices/", base, f"{base}live/", f"{base}calls/", f"{base}undo/")
    yield from (
        f"{base}rows/",
        f"{base}rows/?row=2",
        *(f"{base}rows/?status={state}" for state in ("in_doubt", "waiting")),
    )
    yield from (f"{base}retry/", f"{base}retry/?in_doubt=1", f"{base}retry/?choice=rows&row=2&in_doubt=1")
    yield from (f"{base}retry/?choice=superseded", f"/imports/selected/retry/?import={job.pk}")
    yield from (f"{base}rows/?problem={problem.pk}" for problem in job.problems.all())
    yield client.post("/customers/", {"typed": PHONE})["Location"]


def exported(client: Client, job: ImportJob, rows: str) -> str:
    client.post(f"/imports/{job.pk}/export/", {"rows": rows})
    export = Export.objects.latest("pk")
    lifecycle.make(export.pk)
    content = b"".join(client.get(f"/exports/{export.pk}/file/").streaming_content)
    lines = load_workbook(BytesIO(content)).worksheets[0].iter_rows(values_only=True)
    return "\n".join(str(value) for line in lines for value in line if value)


def belied(text: str, language: str) -> list[str]:
    for innocent in INNOCENT:
        text = text.replace(innocent, "")
    return [words for words in BELIED[language] if words in text.lower()]


def told(clients: Iterable[Client], job: ImportJob, language: str) -> dict[str, list[str]]:
    """Every place that belies the row, to an admin or to the owner, with its words."""
    Person.objects.update(language=language)
    found: dict[str, list[str]] = {}
    for client in clients:
        for address in places(client, job):
            response = client.get(address)
            if response.status_code == 200:
                found[address] = belied(text_of(response), language)
        for rows in ("all", "failed"):
            found[f"workbook of {rows} rows"] = belied(exported(client, job, rows), language)
    with translation.override(language):
        found["commands"] = belied(json.dumps(report(job), ensure_ascii=False), language)
    assert len(found) >= 14  # the pages were there at all
    return {place: words for place, words in found.items() if words}


@pytest.mark.django_db
@pytest.mark.parametrize("language", most_slow(("en", "zh-hans"), at_once=("zh-hans",)))
@pytest.mark.parametrize(
    "job", one_in(4, JOURNEYS), indirect=True, ids=lambda pair: f"{pair[0].value} in {pair[1].value}"
)
def test_it_is_nowhere_called_not_sent(signed_admin: Client, signed: Client, job: ImportJob, language: str) -> None:
    assert told((signed_admin, signed), job, language) == {}


@pytest.mark.django_db
@pytest.mark.parametrize("language", most_slow(("en", "zh-hans"), at_once=("zh-hans",)))
@pytest.mark.parametrize("status", one_in(2, [JobStatus.STOPPED, JobStatus.BLOCKED]))
def test_nor_what_may_have_been_sent_after_a_backup(
    signed_admin: Client, signed: Client, marketer: Person, sandbox_connection: Connection,
    language: str, status: JobStatus,
) -> None:  # fmt: skip
    """The database knows of no call that carried row 2. While the hold is on, nobody knows whether there was one."""
    job = made(marketer, sandbox_connection, status, S.WAITING)
    assert belied(text_of(signed.get(f"/imports/{job.pk}/rows/?row=2")), "en")  # else this test said nothing
    hold.begin(RestoreReason.TOLD)
    assert told((signed_admin, signed), job, language) == {}


@pytest.mark.django_db
@pytest.mark.parametrize("language", most_slow(("en", "zh-hans"), at_once=("zh-hans",)))
@pytest.mark.parametrize(
    ("act", "job"),
    [(Act.FINISH, (S.REJECTED, JobStatus.RUNNING)), (Act.STOP, (S.WAITING, JobStatus.QUEUED))],
    indirect=["job"],
)
def test_the_notices_do_not_call_it_so(
    signed: Client, marketer: Person, admin_person: Person, job: ImportJob, act: Act, language: str
) -> None:
    Person.objects.filter(pk=marketer.pk).update(language=language)
    job.move(act, by=admin_person)
    page = text_of(signed.get("/notices/"))
    assert job.file_name in page and belied(page, language) == []


def test_the_words_would_be_found() -> None:
    """Else the tests above said nothing."""
    assert belied("Rows: not sent", "en") and belied("该行未发送", "zh-hans")
    assert RowStatus.WAITING in {state for state, _status in JOURNEYS}
