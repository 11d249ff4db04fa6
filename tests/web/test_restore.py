"""The page after a restore, and what everybody sees before an admin has confirmed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils.html import escape

from tagsync import schema
from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.imports.models import ImportJob, RestoreHold
from tagsync.imports.models.restore import RestoreReason
from tagsync.imports.restores import hold
from tagsync.imports.states import JobStatus
from tests.making import S, make_import

pytestmark = pytest.mark.django_db
BANNER = "Nothing is sent: an admin must confirm"
VERSIONS = "This program and its database are of different versions"


@pytest.fixture
def held(marketer: Person, sandbox_connection: Connection) -> RestoreHold:
    make_import(marketer, sandbox_connection, JobStatus.QUEUED, [S.ACCEPTED, *[S.WAITING] * 2], title="spring")
    make_import(marketer, sandbox_connection, JobStatus.READY, [S.WAITING], title="summer")
    return hold.begin(RestoreReason.TOLD)[0]


def confirm(client: Client, held: RestoreHold, sent: str = "maybe") -> Any:
    return client.post("/restore/", {"hold": held.pk, "sent": sent}, follow=True)


def test_everybody_is_told_and_an_admin_where_to_confirm(
    held: RestoreHold, signed: Client, signed_admin: Client
) -> None:
    for client, leads in ((signed, False), (signed_admin, True)):
        page = client.get("/imports/").content.decode()
        assert (BANNER in page, 'href="/restore/"' in page) == (True, leads)


def test_nobody_is_told_without_a_hold(signed_admin: Client) -> None:
    assert BANNER not in signed_admin.get("/imports/").content.decode()
    assert "Nothing to confirm" in signed_admin.get("/restore/").content.decode()


def test_it_is_for_admins(held: RestoreHold, client: Client, signed: Client) -> None:
    assert client.get("/restore/")["Location"].startswith("/login/")
    assert signed.get("/restore/").status_code == 404
    assert signed.post("/restore/", {"hold": held.pk, "sent": "nothing"}).status_code == 404
    assert hold.is_on()


def test_it_names_imports_and_files(held: RestoreHold, signed_admin: Client) -> None:
    folder = Path(settings.MEDIA_ROOT)
    folder.mkdir(parents=True)
    for ending in (".upload", ".export", ".preview"):
        (folder / f"{'a' * 32}{ending}").write_bytes(b"12345")
        os.utime(folder / f"{'a' * 32}{ending}", (0, 0))
    page = signed_admin.get("/restore/").content.decode()
    assert "spring" in page and "2 of 3 rows are still to be sent" in page and "summer" in page
    assert f"{'a' * 32}.upload" in page and f"{'a' * 32}.export" in page and f"{'a' * 32}.preview" not in page


def test_what_may_have_been_sent_is_in_doubt(held: RestoreHold, signed_admin: Client, admin_person: Person) -> None:
    page = confirm(signed_admin, held).content.decode()
    job = ImportJob.objects.get(title="spring")
    assert job.counts == {"accepted": 1, "in_doubt": 2}
    assert "Confirmed." in page and BANNER not in page and "Rows may have been sent" in page
    assert "2 rows may have been sent since" in signed_admin.get(f"/imports/{job.pk}/").content.decode()
    row = signed_admin.get(f"/imports/{job.pk}/rows/?row=3").content.decode()
    assert "May have been sent after the backup" in row


def test_when_nothing_was_sent_all_goes_on(held: RestoreHold, signed_admin: Client) -> None:
    confirm(signed_admin, held, "nothing")
    job = ImportJob.objects.get(title="spring")
    assert (job.counts, hold.is_on()) == ({"accepted": 1, "waiting": 2}, False)
    assert "nothing was sent since" in signed_admin.get(f"/imports/{job.pk}/").content.decode()


@pytest.mark.parametrize("sent", ["", "yes"])
def test_it_wants_an_answer(held: RestoreHold, signed_admin: Client, sent: str) -> None:
    answer = confirm(signed_admin, held, sent)
    assert answer.status_code == 422 and "Choose one of the two." in answer.content.decode() and hold.is_on()


def test_it_confirms_only_what_was_seen(held: RestoreHold, signed_admin: Client) -> None:
    for other in (str(held.pk + 1), "", "x"):
        answer = signed_admin.post("/restore/", {"hold": other, "sent": "maybe"}, follow=True)
        assert "out of date" in answer.content.decode() and hold.is_on()
    confirm(signed_admin, held)
    assert "out of date" in confirm(signed_admin, held, "nothing").content.decode()


def test_it_says_that_it_is_being_carried_out(
    held: RestoreHold, signed_admin: Client, marketer: Person, sandbox_connection: Connection
) -> None:
    ImportJob.objects.filter(title="spring").update(status="running", lease_until="2099-01-01T00:00:00Z")
    page = confirm(signed_admin, held).content.decode()
    assert "is being carried out" in page and 'name="sent"' not in page
    assert "already confirmed" in confirm(signed_admin, held, "nothing").content.decode()


def test_admins_are_told_that_versions_differ(signed: Client, signed_admin: Client, monkeypatch: Any) -> None:
    monkeypatch.setattr(schema, "_asked", None)
    monkeypatch.setattr(schema, "of_program", lambda: frozenset({("imports", "9999_next")}))
    assert escape(VERSIONS) in signed_admin.get("/imports/").content.decode()
    assert escape(VERSIONS) not in signed.get("/imports/").content.decode()
