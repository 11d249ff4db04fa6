"""Taking an import back: a page with numbers, then a draft like any other, limited to what was accepted."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.imports import staging, undoing
from tagsync.imports.models import ImportJob, ImportRow
from tagsync.imports.states import JobStatus, RowStatus
from tagsync.mapping.fields import FIELDS
from tagsync.sheets.cells import Cell, Kind
from tests.web.conftest import finish_check
from tests.web.records import S, make_import


@pytest.fixture
def ended(marketer: Person, sandbox_connection: Connection) -> ImportJob:
    rows = [S.ACCEPTED, S.REJECTED, S.ACCEPTED, S.TO_FIX, S.IN_DOUBT]
    return make_import(marketer, sandbox_connection, JobStatus.FINISHED, rows, match="fuzzy", identify_way=2)


def url(job: ImportJob) -> str:
    return f"/imports/{job.pk}/undo/"


def test_it_says_what_it_will_do(signed: Client, ended: ImportJob) -> None:
    page = signed.get(url(ended)).content.decode()
    assert "The tags of 2 accepted rows are deleted again" in page
    assert "The other 3 rows" in page and "loses it too" in page


def test_it_makes_a_draft_of_the_accepted_rows(signed: Client, ended: ImportJob, marketer: Person) -> None:
    answer = signed.post(url(ended))
    draft = ImportJob.objects.latest("pk")
    assert answer["Location"] == f"/imports/{draft.pk}/check/"
    assert (draft.undoes, draft.owner, draft.operation) == (ended, marketer, "delete")
    assert (draft.connection, draft.match, draft.identify_way) == (ended.connection, "fuzzy", 2)
    finish_check(draft)
    rows = [row.values_by_field() for row in draft.rows.order_by("row_number")]
    assert rows == [row.values_by_field() for row in ended.rows.filter(status=S.ACCEPTED).order_by("row_number")]
    page = signed.get(f"/imports/{draft.pk}/check/").content.decode()
    assert "This import takes “双11会员.xlsx” back" in page and "type the number of rows" in page


def test_a_delete_is_undone_by_adding(signed: Client, ended: ImportJob) -> None:
    ImportJob.objects.update(operation="delete")
    assert "are added again" in signed.get(url(ended)).content.decode()
    signed.post(url(ended))
    assert ImportJob.objects.latest("pk").operation == "add"


def test_twice_is_one_draft(signed: Client, ended: ImportJob) -> None:
    assert signed.post(url(ended))["Location"] == signed.post(url(ended))["Location"]
    assert ended.undone_by.count() == 1


def test_both_imports_tell_of_each_other(signed: Client, ended: ImportJob) -> None:
    signed.post(url(ended))
    assert "Undone by" not in signed.get(f"/imports/{ended.pk}/").content.decode()
    draft = ended.undone_by.get()
    ImportJob.objects.filter(pk=draft.pk).update(status=JobStatus.FINISHED, first_confirmed_at=timezone.now())
    assert "Undone by" in signed.get(f"/imports/{ended.pk}/").content.decode()
    assert "Undoes" in signed.get(f"/imports/{draft.pk}/").content.decode()


@pytest.mark.parametrize("status", [JobStatus.QUEUED, JobStatus.RUNNING])
def test_it_is_not_for_imports_under_way(signed: Client, ended: ImportJob, status: JobStatus) -> None:
    ImportJob.objects.filter(pk=ended.pk).update(status=status)
    assert "Nothing to undo" in signed.get(url(ended)).content.decode()
    signed.post(url(ended))
    assert ImportJob.objects.count() == 1


def test_there_is_nothing_to_undo_where_nothing_was_accepted(signed: Client, ended: ImportJob) -> None:
    ImportJob.objects.filter(pk=ended.pk).update(counts={"rejected": 5})
    assert "Nothing to undo" in signed.get(url(ended)).content.decode()
    assert "Undo…" not in signed.get(f"/imports/{ended.pk}/").content.decode()
    signed.post(url(ended))
    assert ImportJob.objects.count() == 1


def test_it_is_for_owner_and_admins(
    client: Client, signed_other: Client, signed_admin: Client, ended: ImportJob
) -> None:
    assert signed_other.get(url(ended)).status_code == signed_other.post(url(ended)).status_code == 404
    assert client.get(url(ended))["Location"].startswith("/login/")
    assert signed_admin.put(url(ended)).status_code == 405
    signed_admin.post(url(ended))
    assert ended.undone_by.get().owner.username == "ada"


def test_a_draft_has_nothing_to_undo(signed: Client, draft: ImportJob) -> None:
    assert signed.get(url(draft))["Location"] == f"/imports/{draft.pk}/columns/"


def clean(field: str) -> st.SearchStrategy[str]:
    """Values as they are sent."""
    awkward = st.text(st.sampled_from("=+-@'\"\t;|\\ 0aA标😀."), min_size=1, max_size=12)
    typed = st.one_of(awkward, st.from_regex(FIELDS[field].plain, fullmatch=True))
    found = typed.map(lambda text: FIELDS[field].clean(Cell(Kind.TEXT, text)))
    return found.filter(lambda one: not one.flaws).map(lambda one: one.value)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
@given(st.lists(st.fixed_dictionaries({key: clean(key) for key in FIELDS}), min_size=1, max_size=6))
def test_every_value_comes_back_as_it_was(ended: ImportJob, rows: list[dict[str, str]]) -> None:
    sent = [row for row in rows if row["tags"] and any(value for key, value in row.items() if key != "tags")]
    sent = [dict(items) for items in dict.fromkeys(tuple(row.items()) for row in sent)]
    ended.rows.all().delete()
    ended.undone_by.all().delete()
    columns = {"audienceUserId": "audience_user_id"}
    made = [{columns.get(key, key): value for key, value in row.items()} for row in sent]
    ImportRow.objects.bulk_create(
        ImportRow(job=ended, row_number=number, status=S.ACCEPTED, **row) for number, row in enumerate(made, 2)
    )
    draft = undoing.undo_draft(ended, ended.owner)
    staging.stage(draft, lambda: True)
    again = draft.rows.exclude(status=RowStatus.TO_FIX).order_by("row_number")
    assert [row.values_by_field() for row in again] == sent
