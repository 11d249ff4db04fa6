"""Notices by e-mail, sent by keepers only. Who sends is settled by a conditional update before anything is sent.

A keeper that dies between sending and writing it down lets another send again: both letters carry one Message-ID, and
mail programs show one. Nothing is sent of what was seen on the page meanwhile, or is over already.
"""

from __future__ import annotations

import logging
import smtplib
from datetime import timedelta
from email.utils import parseaddr
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db.models import F
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from tagsync.database import database_now
from tagsync.notifications.models import WORKBOOKS, Notice
from tagsync.notifications.texts import said

LETTERS_PER_ROUND = 50
MOST_TRIES = 8  # with the doubling back-off that is a bit more than four hours
FIRST_BACK_OFF = timedelta(minutes=2)
SUBJECT_CHARACTERS = 150

log = logging.getLogger(__name__)


def send_due(**_signal: Any) -> int:
    """Send what is due; returns how many letters went out. Receives `letters_due`.

    Ends at the first sign that the mail server is not there.
    """
    if not settings.TAGSYNC_EMAIL:
        return 0
    due = Notice.objects.filter(mail_at__lte=Now()).order_by("mail_at", "pk")
    people = ("person", "by", "job__owner", "connection", "recovers")
    sent = 0
    with_server = get_connection()
    try:
        for notice in due.select_related(*people)[:LETTERS_PER_ROUND]:
            if not is_wanted(notice):
                Notice.objects.filter(pk=notice.pk).update(mail_at=None)
            elif claim(notice):
                if not _send(notice, with_server):
                    break
                sent += 1
    finally:
        _hang_up(with_server)
    return sent


def is_wanted(notice: Notice) -> bool:
    person = notice.person
    began = notice.recovers
    # Who has not heard that it began need not be told that it is over.
    late = notice.over_at is not None or (began is not None and not (began.mailed_at or began.seen_at))
    return bool(person.is_active and person.mail_notices and person.email) and not notice.seen_at and not late


def claim(notice: Notice) -> bool:
    """True for the one keeper that may try now. The next try is written down before this one is made."""
    tries = notice.mail_tries + 1
    again = database_now() + FIRST_BACK_OFF * 2**notice.mail_tries if tries < MOST_TRIES else None
    still_due = Notice.objects.filter(pk=notice.pk, mail_at=notice.mail_at, mail_tries=notice.mail_tries)
    return bool(still_due.update(mail_at=again, mail_tries=F("mail_tries") + 1))


def _send(notice: Notice, with_server: BaseEmailBackend) -> bool:
    """False when the server is to be left alone for a while."""
    mine = Notice.objects.filter(pk=notice.pk)
    try:
        with_server.open()
        with_server.send_messages([letter(notice)])
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _text in error.recipients.values()]
        log.warning("notice %s: the mail server refuses the recipient (%s)", notice.pk, codes)
        if all(code >= 500 for code in codes):
            mine.update(mail_at=None)
        return True
    except ValueError:
        log.warning("notice %s: no letter can be written to this address", notice.pk)
        mine.update(mail_at=None)
        return True
    except (OSError, smtplib.SMTPException) as error:
        log.warning("notice %s could not be mailed: %s", notice.pk, type(error).__name__)
        return False
    mine.update(mail_at=None, mailed_at=Now())
    return True


def _hang_up(with_server: BaseEmailBackend) -> None:
    try:
        with_server.close()
    except (OSError, smtplib.SMTPException) as error:
        log.info("the mail server hung up first: %s", type(error).__name__)


def letter(notice: Notice) -> EmailMessage:
    """Plain text in her language; of an import no more than its name and numbers."""
    with translation.override(notice.person.language or settings.LANGUAGE_CODE):
        told = said(notice)
        when = date_format(timezone.localtime(notice.at), "Y-m-d H:i")
        link = settings.TAGSYNC_BASE_URL + place_of(notice)
        farewell = _(
            "You get this e-mail because notices are also sent to this address. Turn that off here: %(url)s"
        ) % {"url": f"{settings.TAGSYNC_BASE_URL}{reverse('account')}#mail"}
        head = "\n".join((told.title, when))
        text = "\n\n".join(part for part in (head, "\n".join(told.lines), link, f"-- \n{farewell}") if part)
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
    headers = {
        "Message-ID": f"<notice-{notice.pk}-{int(notice.at.timestamp())}@{domain}>",
        # No out-of-office answer, please.
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
    }
    return EmailMessage(_one_line(told.title), text, to=[notice.person.email], headers=headers)


def place_of(notice: Notice) -> str:
    """The page that shows what it is about."""
    if notice.job_id:
        return reverse("import_detail", args=[notice.job_id])
    if notice.kind.startswith("connection_") and notice.connection_id:
        return reverse("connection_edit", args=[notice.connection_id])
    if notice.kind in WORKBOOKS:
        # The list: the workbook itself may be gone when she comes.
        return f"{reverse('export_list')}#export-{notice.params.get('export', '')}"
    status = {"waits": "?status=under_way", "held": "?status=blocked", "goes_on": "?status=under_way"}
    return reverse("import_list") + status.get(notice.kind, "")


def _one_line(text: str) -> str:
    """A file name may hold anything; a subject holds no line end, and is not endless."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= SUBJECT_CHARACTERS else line[: SUBJECT_CHARACTERS - 1] + "…"
