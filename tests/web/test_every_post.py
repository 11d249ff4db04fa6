"""Every address is posted to, by everybody, in every state of an import: nobody meets a server error."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, reverse
from django.utils import timezone

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.exports.models import Export
from tagsync.imports.models import ImportJob, Repair, SavedMapping
from tagsync.imports.models.repair import RepairKind
from tagsync.imports.states import UNSTARTED, JobStatus
from tagsync.notifications.models import Notice
from tagsync.web.urls import urlpatterns
from tests.making import S, blame, make_import, small_workbook
from tests.matrix import most_slow

pytestmark = pytest.mark.django_db

ROLES = ("nobody", "owner", "another", "admin")
WITHOUT_CONNECTION, DELETED, UNKNOWN = "without a connection", "deleted", "unknown"
STATES = [*JobStatus.values, WITHOUT_CONNECTION, DELETED, UNKNOWN]
AT_ONCE = (JobStatus.READY,)
# By what the number in an address means; the first part of its name says it.
NUMBERED = {"import", "problem", "repair", "export", "connection", "person", "mapping", "notice"}
ROWS = {
    JobStatus.RUNNING: [S.WAITING, S.ACCEPTED],
    JobStatus.STOPPED: [S.WAITING, S.REJECTED],
    JobStatus.BLOCKED: [S.WAITING, S.REJECTED],
    JobStatus.FINISHED: [S.ACCEPTED, S.REJECTED, S.IN_DOUBT],
}
POSTED = {"confirm_count": "1", "rows": "failed", "act": "failed", "matching": "exact-1", "typed": "13800000002"}


@pytest.fixture
def numbers(request: pytest.FixtureRequest, marketer: Person, sandbox_connection: Connection) -> dict[str, int]:
    """What of each kind there is, with an import in the state that is asked for."""
    state = request.param
    status = JobStatus(state) if state in JobStatus.values else JobStatus.DRAFT
    job = make_import(marketer, sandbox_connection, status, ROWS.get(status, [S.WAITING, S.TO_FIX]))
    job.file.save("客户.xlsx", SimpleUploadedFile("客户.xlsx", small_workbook()))
    problem = blame(job, S.REJECTED if status not in UNSTARTED else S.TO_FIX, "refused", message="x")
    repair = Repair.objects.create(job=job, by=marketer, kind=RepairKind.LEAVE_OUT, row_number=3)
    export = Export.objects.create(
        job=job, by=marketer, language="en", rows=3, file_name="a.xlsx", expires_at=timezone.now() + timedelta(1)
    )
    found = {
        "import": job.pk,
        "problem": problem.pk,
        "repair": repair.pk,
        "export": export.pk,
        "connection": sandbox_connection.pk,
        "person": marketer.pk,
        "mapping": SavedMapping.objects.create(owner=marketer, headers_sha256="0" * 64, used_at=timezone.now()).pk,
        "notice": Notice.objects.create(person=marketer, kind="finished", job=job).pk,
    }
    if state == JobStatus.DISCARDED:
        ImportJob.objects.update(first_confirmed_at=None)  # only what was never started is
    if state == WITHOUT_CONNECTION:
        ImportJob.objects.update(connection=None)
    if state == DELETED:
        Notice.objects.update(job=None)
        job.delete()
    return dict.fromkeys(found, 987654) if state == UNKNOWN else found


def addresses(numbers: dict[str, int]) -> Iterator[str]:
    """Of every page. A pattern of a kind that is not known here is a failure."""
    for pattern in urlpatterns:
        assert isinstance(pattern, URLPattern)
        name, converters = str(pattern.name), list(pattern.pattern.converters)
        kind = name.partition("_")[0]
        of_import = str(pattern.pattern).startswith("imports/")
        assert not converters or kind in NUMBERED, f"{name}: what is its number?"
        assert len(converters) <= 2, f"{name}: what are its numbers?"
        own = [numbers[kind]] if converters else []
        yield reverse(name, args=[numbers["import"], *own] if of_import and len(converters) == 2 else own)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("numbers", most_slow(STATES, at_once=AT_ONCE), indirect=True)
def test_nobody_meets_a_server_error(
    client: Client, marketer: Person, other_marketer: Person, admin_person: Person, numbers: dict[str, int], role: str
) -> None:
    person = {"owner": marketer, "another": other_marketer, "admin": admin_person}.get(role)
    client.raise_request_exception = False
    failed = []
    for address in addresses(numbers):
        # Each finds everything as it was.
        with transaction.atomic():
            if person:
                client.force_login(person)
            answer: Any = client.post(address, POSTED)
            transaction.set_rollback(True)
        if answer.status_code >= 500:
            failed.append((address, answer.status_code))
    assert failed == []


@pytest.mark.parametrize("target", ["/a\r\nb", "/\x00", "/\u2028", "//evil.com", "/ok/"])
def test_an_odd_way_back_leads_to_the_start(client: Client, marketer: Person, target: str) -> None:
    client.raise_request_exception = False
    way_back = f"next={quote(target, errors='surrogatepass')}&theme=dark"
    form = "application/x-www-form-urlencoded"
    answer = client.post("/preferences/", way_back, form)
    assert answer["Location"] == ("/ok/" if target == "/ok/" else "/imports/")
    signing_in = f"{way_back}&username=lin&password=correct+horse+battery"
    assert client.post("/login/", signing_in, form)["Location"] == ("/ok/" if target == "/ok/" else "/imports/")


@pytest.mark.parametrize("encoding", ["zlib", "idna", "undefined", "unicode_escape", "utf-7", "none"])
def test_no_encoding_that_a_client_names_makes_it_fail(client: Client, encoding: str) -> None:
    client.raise_request_exception = False
    form = f"application/x-www-form-urlencoded; charset={encoding}"
    for url in ("/login/", "/preferences/"):
        assert client.generic("POST", url, "next=/a&username=b&password=c", form).status_code < 500
        parts = '--B\r\nContent-Disposition: form-data; name="next"\r\n\r\n/a\r\n--B--\r\n'
        kind = f"multipart/form-data; boundary=B; charset={encoding}"
        assert client.generic("POST", url, parts, kind).status_code < 500
        assert client.generic("GET", f"{url}?next=/a", "", f"text/plain; charset={encoding}").status_code < 500
