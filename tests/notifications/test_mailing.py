"""Letters: once per notice, in the person's language, only what she has not seen, and never in the way of anything."""

from __future__ import annotations

import smtplib
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import override_settings
from django.utils import timezone

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.imports.models import ImportJob
from tagsync.imports.states import Act, JobStatus, RowStatus
from tagsync.notifications import mailing
from tagsync.notifications.models import Notice
from tests.mail_server import MailServer
from tests.making import make_import

pytestmark = pytest.mark.django_db
S = RowStatus


@pytest.fixture(autouse=True)
def configured(settings: Any) -> None:
    settings.TAGSYNC_EMAIL = True
    settings.TAGSYNC_BASE_URL = "https://tags.example.com"
    settings.DEFAULT_FROM_EMAIL = "tagsync <noreply@example.com>"


@pytest.fixture
def reader(marketer: Person) -> Person:
    marketer.email = "lin@example.com"
    marketer.save()
    return marketer


@pytest.fixture
def job(reader: Person, sandbox_connection: Connection) -> ImportJob:
    return make_import(reader, sandbox_connection, JobStatus.RUNNING, [S.ACCEPTED, S.ACCEPTED, S.REJECTED])


def due(**changes: Any) -> None:
    Notice.objects.filter(mail_at__isnull=False).update(mail_at=timezone.now() - timedelta(seconds=1), **changes)


@pytest.fixture
def finished(job: ImportJob) -> Notice:
    job.move(Act.FINISH)
    due()
    return Notice.objects.get()


def test_it_writes_in_her_language(finished: Notice, job: ImportJob, reader: Person) -> None:
    assert mailing.send_due() == 1
    letter = mail.outbox[0]
    assert letter.to == ["lin@example.com"] and letter.from_email == "tagsync <noreply@example.com>"
    assert letter.subject == "“双11会员.xlsx” is finished: 2 of 3 rows were accepted"
    assert f"https://tags.example.com/imports/{job.pk}/" in letter.body
    assert "1 row was rejected by the platform." in letter.body and "138" not in letter.body
    assert "https://tags.example.com/account/#mail" in letter.body
    assert letter.extra_headers["Auto-Submitted"] == "auto-generated"


def test_it_writes_chinese(finished: Notice, reader: Person) -> None:
    Person.objects.update(language="zh-hans")
    mailing.send_due()
    assert mail.outbox[0].subject == "“双11会员.xlsx”已完成：应发送 3 行，平台已接收 2 行"


def test_it_writes_once(finished: Notice) -> None:
    assert [mailing.send_due() for _ in range(3)] == [1, 0, 0]
    finished.refresh_from_db()
    assert finished.mailed_at and finished.mail_at is None


def test_it_waits_a_moment_for_her_to_see_it_on_the_page(job: ImportJob) -> None:
    job.move(Act.FINISH)
    assert mailing.send_due() == 0
    due()
    assert mailing.send_due() == 1


@pytest.mark.parametrize("why", ["seen", "over", "switched off", "no address", "disabled"])
def test_it_writes_nothing_that_nobody_needs(finished: Notice, reader: Person, why: str) -> None:
    now = timezone.now()
    if why == "seen":
        Notice.objects.update(seen_at=now)
    elif why == "over":
        Notice.objects.update(over_at=now)
    else:
        change = {
            "switched off": {"mail_notices": False},
            "no address": {"email": ""},
            "disabled": {"is_active": False},
        }
        Person.objects.update(**change[why])
    assert mailing.send_due() == 0
    finished.refresh_from_db()
    assert finished.mail_at is None and finished.mailed_at is None and finished.mail_tries == 0


def test_it_writes_nothing_when_nothing_is_configured(job: ImportJob, settings: Any) -> None:
    settings.TAGSYNC_EMAIL = False
    job.move(Act.FINISH)
    assert Notice.objects.get().mail_at is None
    settings.TAGSYNC_EMAIL = True
    assert mailing.send_due() == 0, "what was told before the mail server came is not posted late"


def test_only_who_heard_of_the_beginning_hears_of_the_end(job: ImportJob, sandbox_connection: Connection) -> None:
    sandbox_connection.block("forbidden")
    sandbox_connection.unblock()
    due()
    assert mailing.send_due() == 0, "it was over before anybody was told by e-mail"
    sandbox_connection.block("forbidden")
    due()
    mailing.send_due()
    sandbox_connection.unblock()
    due()
    mailing.send_due()
    assert [letter.subject for letter in mail.outbox] == [
        "“双11会员.xlsx” waits: its connection is blocked",
        "“双11会员.xlsx” continues",
    ]


def test_several_keepers_write_once(finished: Notice, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second one comes between the first one's look and its claim."""
    claim = mailing.claim

    def late(notice: Notice) -> bool:
        monkeypatch.setattr(mailing, "claim", claim)
        assert mailing.send_due() == 1
        return claim(notice)

    monkeypatch.setattr(mailing, "claim", late)
    assert mailing.send_due() == 0
    assert len(mail.outbox) == 1


def test_a_keeper_that_dies_is_followed_with_the_same_message_id(
    finished: Notice, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Dies(BaseException):
        pass

    def dies(*_args: object) -> None:
        raise Dies

    with monkeypatch.context() as patch, pytest.raises(Dies):
        patch.setattr(mailing, "_send", dies)
        mailing.send_due()
    assert mailing.send_due() == 0, "somebody might still be sending"
    finished.refresh_from_db()
    first = mailing.letter(finished).extra_headers["Message-ID"]
    due()
    assert mailing.send_due() == 1
    assert mail.outbox[0].extra_headers["Message-ID"] == first


@pytest.mark.parametrize("error", [ConnectionRefusedError, TimeoutError, smtplib.SMTPServerDisconnected])
def test_it_tries_again_a_bounded_number_of_times(
    finished: Notice, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    tried = []

    def down(_self: object, _letters: object) -> None:
        tried.append(1)
        raise error

    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", down)
    waits = []
    for _ in range(20):
        mailing.send_due()
        finished.refresh_from_db()
        if finished.mail_at and finished.mail_at > timezone.now():
            waits.append(round((finished.mail_at - timezone.now()).total_seconds() / 60))
        due()
    assert len(tried) == mailing.MOST_TRIES and finished.mail_at is None and finished.mailed_at is None
    assert waits == [2, 4, 8, 16, 32, 64, 128]


def test_it_leaves_a_server_that_is_down_alone(
    finished: Notice, job: ImportJob, sandbox_connection: Connection, reader: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_import(reader, sandbox_connection, JobStatus.RUNNING, [S.ACCEPTED]).move(Act.FINISH)
    due()
    tried = []

    def down(_self: object, _letters: object) -> None:
        tried.append(1)
        raise ConnectionRefusedError

    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", down)
    assert mailing.send_due() == 0 and len(tried) == 1


@pytest.mark.parametrize("name", ["a\r\nBcc: eve@example.com.xlsx", "x" * 255, "‮gpj.xlsx", "\x07\t.xlsx"])
def test_a_file_name_is_no_header(finished: Notice, name: str) -> None:
    ImportJob.objects.update(file_name=name)
    assert mailing.send_due() == 1
    subject = mail.outbox[0].message()["Subject"]
    assert "\n" not in mail.outbox[0].subject and len(mail.outbox[0].subject) <= 150
    assert mail.outbox[0].message()["Bcc"] is None and subject


def test_it_logs_no_address(
    finished: Notice, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_self: object, _letters: object) -> None:
        raise smtplib.SMTPRecipientsRefused({"lin@example.com": (550, b"lin@example.com unknown")})

    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", refused)
    mailing.send_due()
    finished.refresh_from_db()
    assert finished.mail_at is None, "refused for good"
    assert "550" in caplog.text and "lin@" not in caplog.text


def test_it_speaks_to_a_real_server(finished: Notice, job: ImportJob, reader: Person, other_marketer: Person) -> None:
    Person.objects.filter(pk=other_marketer.pk).update(email="gone@example.com")
    assert job.connection is not None
    for owner in (other_marketer, reader):
        make_import(owner, job.connection, JobStatus.RUNNING, [S.ACCEPTED]).move(Act.FINISH)
    due()
    smtp = {"EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend", "EMAIL_HOST": "127.0.0.1"}
    with MailServer() as server, override_settings(**smtp, EMAIL_PORT=server.port, EMAIL_TIMEOUT=5):
        server.refuses.add("gone@example.com")
        assert mailing.send_due() == 3
        assert mailing.send_due() == 0
    assert server.conversations == 1, "one connection for all of them"
    assert [letter["To"] for letter in server.letters] == ["lin@example.com"] * 2
    first = server.letters[0]
    assert first["Subject"].strip() == "“双11会员.xlsx” is finished: 2 of 3 rows were accepted"
    assert first["Message-ID"].startswith(f"<notice-{finished.pk}-") and first["Message-ID"].endswith("@example.com>")
    assert first.get_content_type() == "text/plain" and "rejected by the platform" in first.get_content()


def test_a_server_that_is_not_there_costs_no_letter(finished: Notice) -> None:
    smtp = {"EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend", "EMAIL_HOST": "127.0.0.1"}
    with override_settings(**smtp, EMAIL_PORT=9, EMAIL_TIMEOUT=2):
        assert mailing.send_due() == 0
    due()
    assert mailing.send_due() == 1
