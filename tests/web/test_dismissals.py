"""A cause that is marked as settled goes quiet, and comes back when it is reopened or its rows are sent again."""

from __future__ import annotations

import pytest
from django.test import Client

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.imports.followups import retry
from tagsync.imports.models import ImportJob, Problem
from tagsync.imports.states import JobStatus
from tests.making import S, blame, make_import

ACTS = ("settle", "reopen")


@pytest.fixture
def ended(marketer: Person, sandbox_connection: Connection) -> ImportJob:
    job = make_import(marketer, sandbox_connection, JobStatus.FINISHED, [S.ACCEPTED] * 3 + [S.REJECTED] * 2)
    blame(job, S.REJECTED, "refused", message="no such customer")
    return job


def url(job: ImportJob, act: str = "settle", problem: int | None = None) -> str:
    return f"/imports/{job.pk}/problems/{problem or job.problems.get().pk}/{act}/"


def page(client: Client, job: ImportJob) -> str:
    return client.get(f"/imports/{job.pk}/").content.decode()


def test_it_settles_and_reopens(signed: Client, ended: ImportJob, marketer: Person) -> None:
    assert "Mark as settled" in page(signed, ended)
    assert signed.post(url(ended))["Location"] == f"/imports/{ended.pk}/"
    settled = page(signed, ended)
    assert f"Marked as settled by {marketer.label}" in settled and "All failures are marked as settled." in settled
    signed.post(url(ended, "reopen"))
    assert "All failures are marked as settled." not in page(signed, ended)
    assert ended.problems.get().settled_by is None


def test_it_keeps_who_was_first(signed: Client, signed_admin: Client, ended: ImportJob, marketer: Person) -> None:
    signed.post(url(ended))
    signed_admin.post(url(ended))
    assert ended.problems.get().settled_by == marketer


def test_one_of_two_causes_is_not_all(signed: Client, ended: ImportJob) -> None:
    ended.rows.filter(row_number=6).update(problem=None)
    blame(ended, S.REJECTED, "refused", message="another")
    signed.post(url(ended, problem=ended.problems.earliest("pk").pk))
    assert "All failures are marked as settled." not in page(signed, ended)


def test_a_retry_reopens_it(signed: Client, ended: ImportJob, admin_person: Person) -> None:
    signed.post(url(ended))
    retry.queue_selected(ended, retry.Selection(), admin_person)
    assert ended.problems.get().settled_at is None


def test_it_is_for_ended_imports(signed: Client, ended: ImportJob) -> None:
    ImportJob.objects.update(status=JobStatus.QUEUED)
    signed.post(url(ended))
    assert ended.problems.get().settled_at is None


@pytest.mark.parametrize("act", ACTS)
def test_it_is_for_owner_and_admins(
    client: Client, signed: Client, signed_other: Client, signed_admin: Client, ended: ImportJob, act: str
) -> None:
    assert signed_other.post(url(ended, act)).status_code == 404
    assert client.post(url(ended, act))["Location"].startswith("/login/")
    assert signed_admin.post(url(ended, act)).status_code == 302
    assert signed.get(url(ended, act)).status_code == 405
    assert signed.post(url(ended, act, 10**6)).status_code == 404


def test_it_touches_no_cause_of_another_import(
    signed: Client, ended: ImportJob, marketer: Person, sandbox_connection: Connection
) -> None:
    other = make_import(marketer, sandbox_connection, JobStatus.FINISHED, [S.ACCEPTED])
    assert signed.post(url(other, problem=Problem.objects.get().pk)).status_code == 404
