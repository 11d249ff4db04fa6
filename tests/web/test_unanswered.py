"""Rows that a call of unknown fate has carried: every place says that they may have been applied, none "not sent"."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone

from tagsync.accounts.models import Person
from tagsync.cli.report import report
from tagsync.connections.models import Connection
from tagsync.imports.models import ImportJob
from tagsync.imports.models.delivery import DeliveryOutcome, DeliveryState
from tagsync.imports.models.row import Origin
from tagsync.imports.states import Act, JobStatus
from tests.making import S, add_call, blame, make_import
from tests.web.layout import text_of

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 20, 14, 2, 30, tzinfo=ZoneInfo("Asia/Shanghai"))
REMARK = {
    "en": "An earlier call of 2026-11-20 14:02 got no answer: the row may have been applied",
    "zh-hans": "此前 2026-11-20 14:02 的一次调用未收到有效响应，该行可能已在平台生效",
}
# How a row that may have been applied must never be spoken of.
BELIED = {
    "en": ("not sent", "never sent", "will not be sent", "before this row was sent"),
    "zh-hans": ("未发送", "从未发送", "不会发送", "不再发送", "尚未发送"),
}
PANEL = {"HX-Request": "true", "HX-Target": "row"}
# Said of columns, and of connections to the test platform.
INNOCENT = ("1 more column is not sent.", "另有 1 列不发送。", "测试平台：不会发送到兔展。")
LANGUAGES = ["en", "zh-hans"]


def belied(page: str, language: str) -> list[str]:
    for text in INNOCENT:
        page = page.replace(text, "")
    return [words for words in BELIED[language] if words in page.lower()]


def speak(language: str, person: Person) -> None:
    Person.objects.filter(pk=person.pk).update(language=language)


@pytest.fixture
def job(marketer: Person, sandbox_connection: Connection) -> ImportJob:
    """Rows 2 and 3 rejected, 4 superseded, 5 in doubt, 6 accepted; of 2, 4 and 5 a call got no answer."""
    rows = [S.REJECTED, S.REJECTED, S.SUPERSEDED, S.IN_DOUBT, S.ACCEPTED]
    made = make_import(marketer, sandbox_connection, JobStatus.FINISHED, rows)
    blame(made, S.REJECTED, "refused", message="标签不存在")
    blame(made, S.IN_DOUBT, "no_answer", Origin.US)
    blame(made, S.SUPERSEDED, "superseded", Origin.US, **{"import": 999})
    note = {"code": "superseded_by", "field": None, "column": "", "value": "", "params": {"import": 999, "row": 7}}
    made.rows.filter(status=S.SUPERSEDED).update(notes=[note])
    broken_off(made, [2, 4, 5])
    return made


def broken_off(job: ImportJob, numbers: list[int]) -> None:
    """A call with these rows, whose fate nobody knows."""
    fields: dict[str, Any] = {"http_status": None, "code": "", "answered_at": AT, "batch": 90}
    add_call(job, numbers, state=DeliveryState.BROKEN_OFF, outcome=DeliveryOutcome.UNANSWERED, **fields)
    job.rows.filter(row_number__in=numbers).update(unanswered_at=AT)


def stopped_with_doubt(owner: Person, connection: Connection) -> ImportJob:
    """As an older version left it: row 2 waits and may have been applied, 3 and 4 were never sent."""
    made = make_import(owner, connection, JobStatus.STOPPED, [S.WAITING] * 3)
    broken_off(made, [2])
    return made


# -- the remark at the row


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("number", [2, 4])
def test_its_panel_says_that_it_may_have_been_applied(
    signed: Client, marketer: Person, job: ImportJob, number: int, language: str
) -> None:
    speak(language, marketer)
    page = text_of(signed.get(f"/imports/{job.pk}/rows/?row={number}", headers=PANEL))
    assert REMARK[language] in page
    assert not belied(page, language)


@pytest.mark.parametrize("number", [3, 5, 6])
def test_other_rows_have_no_remark(signed: Client, job: ImportJob, number: int) -> None:
    """Of row 5 its state says it; row 3 was refused at its first call."""
    page = text_of(signed.get(f"/imports/{job.pk}/rows/?row={number}", headers=PANEL))
    assert "may have been applied" not in page


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_list_of_rows_says_it_too(signed: Client, marketer: Person, job: ImportJob, language: str) -> None:
    speak(language, marketer)
    assert text_of(signed.get(f"/imports/{job.pk}/rows/")).count(REMARK[language]) == 2


def test_it_tells_the_time_without_the_day_of_today(signed: Client, job: ImportJob) -> None:
    now = timezone.now()
    job.rows.filter(row_number=2).update(unanswered_at=now)
    clock = timezone.localtime(now).strftime("%H:%M")
    assert f"An earlier call of {clock} got no answer" in text_of(signed.get(f"/imports/{job.pk}/rows/"))


def test_a_waiting_row_keeps_its_next_step(signed: Client, marketer: Person, sandbox_connection: Connection) -> None:
    made = make_import(marketer, sandbox_connection, JobStatus.RUNNING, [S.WAITING] * 2)
    broken_off(made, [2])
    page = text_of(signed.get(f"/imports/{made.pk}/rows/?row=2", headers=PANEL))
    assert REMARK["en"] in page and "as soon as it is its turn" in page


# -- what an ended import left waiting


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_may_have_been_applied_is_not_called_not_sent(
    signed: Client, marketer: Person, sandbox_connection: Connection, language: str
) -> None:
    speak(language, marketer)
    made = stopped_with_doubt(marketer, sandbox_connection)
    page = text_of(signed.get(f"/imports/{made.pk}/rows/?row=2", headers=PANEL))
    assert not belied(page, language)
    assert {"en": "In doubt", "zh-hans": "结果待确认"}[language] in page


def test_it_is_found_among_the_rows_in_doubt(signed: Client, marketer: Person, sandbox_connection: Connection) -> None:
    made = stopped_with_doubt(marketer, sandbox_connection)
    for status, numbers in (("in_doubt", [2]), ("not_sent", [3, 4])):
        response = signed.get(f"/imports/{made.pk}/rows/?status={status}")
        assert [line.number for line in response.context["page"].lines] == numbers
        assert response.context["shown_rows"] == len(numbers)


def test_the_list_of_imports_counts_it_as_in_doubt(
    signed: Client, marketer: Person, sandbox_connection: Connection
) -> None:
    stopped_with_doubt(marketer, sandbox_connection)
    [line] = signed.get("/imports/").context["page"].lines
    assert line.counts == {"in_doubt": 1, "not_sent": 2}


# -- commands


def test_commands_say_how_many_may_have_been_applied(job: ImportJob) -> None:
    said = report(job)
    assert said["may_have_been_applied"] == {"in_doubt": 1, "rejected": 1, "superseded": 1, "waiting": 0}
    assert said["rows"]["rejected"] == 2


# -- counts


COUNTED = {
    "en": {
        "tile": "1 may have been applied",
        "balance": "(of these, 1 may have been applied)",
        "headline": "1 of the rejected rows may have been applied all the same: an earlier call got no answer.",
        "superseded": "1 of the superseded rows may have been applied all the same",
        "cause": "1 of these rows may have been applied all the same: an earlier call got no answer.",
    },
    "zh-hans": {
        "tile": "其中 1 行可能已生效",
        "balance": "（其中 1 行可能已生效）",
        "headline": "平台拒绝的行中，有 1 行可能已在平台生效：此前的一次调用未收到有效响应。",
        "superseded": "被取代的行中，有 1 行可能已在平台生效",
        "cause": "其中 1 行可能已在平台生效：此前的一次调用未收到有效响应。",
    },
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_job_page_counts_what_may_have_been_applied(
    signed: Client, marketer: Person, job: ImportJob, language: str
) -> None:
    speak(language, marketer)
    page, words = text_of(signed.get(f"/imports/{job.pk}/")), COUNTED[language]
    assert not [name for name, text in words.items() if text not in page]
    # once in the tile and once in the cause, of the rejected and of the superseded
    assert (page.count(words["balance"]), page.count(words["cause"])) == (2, 2)
    assert not belied(page, language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_of_a_cause_counts_it(signed: Client, marketer: Person, job: ImportJob, language: str) -> None:
    speak(language, marketer)
    cause = job.problems.get(code="refused")
    page = text_of(signed.get(f"/imports/{job.pk}/rows/?problem={cause.pk}"))
    assert COUNTED[language]["cause"] in page


def test_it_says_nothing_where_nothing_is_unsure(signed: Client, job: ImportJob) -> None:
    job.rows.update(unanswered_at=None)
    assert "may have been applied" not in text_of(signed.get(f"/imports/{job.pk}/"))


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "Stopped: 0 of 3 rows were accepted, 2 were not sent."),
        ("zh-hans", "已停止：应发送 3 行，平台已接收 0 行，未发送 2 行。"),
    ],
)
def test_a_stopped_import_counts_as_not_sent_only_what_was_not(
    signed: Client, marketer: Person, sandbox_connection: Connection, language: str, words: str
) -> None:
    speak(language, marketer)
    response = signed.get(f"/imports/{stopped_with_doubt(marketer, sandbox_connection).pk}/")
    assert words in text_of(response)
    assert response.context["standing"].counts == {"in_doubt": 1, "not_sent": 2}


def test_a_running_import_says_it_of_rows_that_wait(
    signed: Client, marketer: Person, sandbox_connection: Connection
) -> None:
    made = make_import(marketer, sandbox_connection, JobStatus.RUNNING, [S.WAITING] * 3)
    broken_off(made, [2, 3])
    assert "2 may have been applied" in text_of(signed.get(f"/imports/{made.pk}/live/"))


# -- notices


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "2 rejected or superseded rows may have been applied all the same"),
        ("zh-hans", "被平台拒绝或已被取代的行中，有 2 行可能已在平台生效"),
    ],
)
def test_the_notice_of_the_end_says_it(
    signed: Client, marketer: Person, job: ImportJob, language: str, words: str
) -> None:
    speak(language, marketer)
    ImportJob.objects.filter(pk=job.pk).update(status=JobStatus.RUNNING)
    job.refresh_from_db()
    job.move(Act.FINISH)
    assert words in text_of(signed.get("/notices/"))


@pytest.mark.parametrize(("language", "words"), [("en", "2 rows had no result yet"), ("zh-hans", "还有 2 行没有结果")])
def test_the_notice_of_a_stop_does_not_belie_it(
    signed: Client, marketer: Person, admin_person: Person, sandbox_connection: Connection, language: str, words: str
) -> None:
    speak(language, marketer)
    made = make_import(marketer, sandbox_connection, JobStatus.QUEUED, [S.WAITING] * 3)
    broken_off(made, [2])
    made.stop(admin_person)
    page = text_of(signed.get("/notices/"))
    assert words in page and not belied(page, language)
