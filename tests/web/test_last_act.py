"""Many people press a button at once: one wins, the others read who it was, and nobody gets an error."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.imports.models import ImportJob, JobEvent
from tagsync.imports.states import Act, JobStatus, Mark
from tagsync.web.record.last_act import TELLINGS
from tagsync.web.record.timeline import UNTOLD
from tests.making import S, make_import
from tests.web.layout import text_of

AT_ONCE = 50


def event(job: ImportJob, act: str, by: Person | None = None, minutes: int = 0) -> None:
    made = JobEvent.objects.create(job=job, act=act, before="running", after="stopped", by=by)
    JobEvent.objects.filter(pk=made.pk).update(at=timezone.now() - timedelta(minutes=minutes))


@pytest.fixture
def finished(marketer: Person, sandbox_connection: Connection) -> ImportJob:
    return make_import(marketer, sandbox_connection, JobStatus.FINISHED, [S.ACCEPTED])


@pytest.mark.parametrize(
    ("act", "by_admin", "minutes", "words"),
    [
        ("stop", True, 0, "ada stopped this import just now. It is now: Finished."),
        ("resume", True, 1, "ada resumed this import 1 minute ago."),
        ("retry", True, 30, "ada queued rows of this import again 30 minutes ago."),
        ("start", False, 0, "Somebody started this import just now."),
        ("finish", False, 5, "This import finished 5 minutes ago."),
        ("block", False, 0, "This import began to wait for a decision just now."),
        ("start", True, 90, "ada started this import on 2"),
    ],
)
def test_it_names_who_was_first(
    signed: Client, admin_person: Person, finished: ImportJob, act: str, by_admin: bool, minutes: int, words: str
) -> None:
    event(finished, act, admin_person if by_admin else None, minutes)
    event(finished, "claim")
    event(finished, "pause")
    event(finished, "late_answer")
    assert words in text_of(signed.post(reverse("import_stop", args=[finished.pk]), follow=True))


def test_it_has_words_for_every_act() -> None:
    assert set(TELLINGS) == (set(Act) | set(Mark)) - {*UNTOLD, Mark.LATE_ANSWER, Mark.RESTORE}


def test_it_calls_the_reader_you(signed: Client, marketer: Person, finished: ImportJob) -> None:
    event(finished, "stop", marketer)
    page = text_of(signed.post(reverse("import_stop", args=[finished.pk]), follow=True))
    assert "You stopped this import just now." in page


def test_it_names_who_started(signed: Client, admin_person: Person, finished: ImportJob) -> None:
    event(finished, "start", admin_person)
    page = text_of(signed.post(reverse("import_start", args=[finished.pk]), follow=True))
    assert "ada started this import just now." in page


# -- at once


def press(people: list[Person], url: str, data: dict[str, Any]) -> list[str]:
    """Everybody posts in the same moment; returns what each was told."""
    clients = [Client(raise_request_exception=False) for _person in people]
    for client, person in zip(clients, people, strict=True):
        client.force_login(person)
    together = Barrier(len(clients))

    def post(client: Client) -> str:
        try:
            together.wait(timeout=30)
            response = client.post(url, data)
            assert response.status_code == 302, response.status_code
            return "\n".join(str(message) for message in response.wsgi_request._messages)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(clients)) as pool:
        return list(pool.map(post, clients))


def winners(told: list[str], won: Callable[[str], bool]) -> int:
    losers = [text for text in told if not won(text)]
    assert all(" just now. It is now: " in text for text in losers), Counter(losers)
    return len(told) - len(losers)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_one_of_many_stops_it(marketer: Person, admin_person: Person, sandbox_connection: Connection) -> None:
    job = make_import(marketer, sandbox_connection, JobStatus.RUNNING, [S.WAITING] * 3)
    told = press([marketer, admin_person] * (AT_ONCE // 2), reverse("import_stop", args=[job.pk]), {})
    assert winners(told, lambda text: text.startswith("Stopping after")) == 1
    assert job.events.filter(act="stop").count() == 1
    job.refresh_from_db()
    assert job.status == JobStatus.STOPPING


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_one_of_many_queues_the_rows_again(admin_person: Person, sandbox_connection: Connection) -> None:
    job = make_import(admin_person, sandbox_connection, JobStatus.FINISHED, [S.ACCEPTED] + [S.REJECTED] * 5)
    told = press([admin_person] * AT_ONCE, reverse("import_retry", args=[job.pk]), {"choice": "all"})
    assert winners(told, lambda text: text == "5 rows queued again.") == 1
    job.refresh_from_db()
    assert (job.run, job.counts) == (2, {"accepted": 1, "waiting": 5})
    assert job.events.filter(act="retry").count() == 1
