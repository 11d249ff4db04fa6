"""Taking an import back: a page with numbers, then a draft like any other, limited to what was accepted."""

from __future__ import annotations

import os
import re

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.imports.check import staging
from tagsync.imports.followups import undo
from tagsync.imports.models import ImportJob, ImportRow
from tagsync.imports.states import JobStatus
from tagsync.mapping.fields import FIELDS
from tagsync.sheets.cells import Cell, Kind
from tests.making import S, add_rows, corrected, finish_check, make_import


@pytest.fixture
def ended(marketer: Person, sandbox_connection: Connection) -> ImportJob:
    rows = [S.ACCEPTED, S.REJECTED, S.ACCEPTED, S.TO_FIX, S.IN_DOUBT]
    return make_import(marketer, sandbox_connection, JobStatus.FINISHED, rows, match="fuzzy", identify_way=2)


UNSURE = {
    "en": [
        "Also undo 2 rows that were not accepted but may have been applied",
        "their tags stay and nobody notices",
        "The other 1 row changed nothing",
    ],
    "zh-hans": ["同时撤销平台未接收、但可能已生效的 2 行", "这些标签会一直保留且无人察觉"],
}


def url(job: ImportJob) -> str:
    return f"/imports/{job.pk}/undo/"


def test_it_says_what_it_will_do(signed: Client, ended: ImportJob) -> None:
    page = signed.get(url(ended)).content.decode()
    assert "The tags of 2 accepted rows are removed again" in page
    assert "The other 2 rows" in page and "loses it too" in page


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_it_says_how_many_rows_may_have_been_applied(
    signed: Client, ended: ImportJob, marketer: Person, language: str
) -> None:
    """The row in doubt, and the rejected one that an earlier call had carried."""
    Person.objects.filter(pk=marketer.pk).update(language=language)
    ended.rows.filter(status=S.REJECTED).update(unanswered_at=timezone.now())
    response = signed.get(url(ended))
    assert response.context["undoable"] == (2, {"in_doubt": 1, "rejected": 1})
    assert response.context["others"] == 1
    page, words = response.content.decode(), UNSURE[language]
    assert not [text for text in words if text not in page]


def test_it_takes_back_what_may_have_been_applied_unless_told_otherwise(signed: Client, ended: ImportJob) -> None:
    ended.rows.filter(status=S.REJECTED).update(unanswered_at=timezone.now())
    box = re.search(r'<input type="checkbox" name="unsure"[^>]*>', signed.get(url(ended)).content.decode())
    assert box and "checked" in box[0]
    signed.post(url(ended), {"unsure": "1"})
    draft = ImportJob.objects.latest("pk")
    finish_check(draft)
    wanted = ended.rows.exclude(status=S.TO_FIX).order_by("row_number")
    assert [row.phone for row in draft.rows.order_by("row_number")] == [row.phone for row in wanted]
    assert "with rows that may have been applied" in draft.title


def test_each_choice_is_a_draft_of_its_own(signed: Client, ended: ImportJob) -> None:
    first, all_of_them = signed.post(url(ended))["Location"], signed.post(url(ended), {"unsure": "1"})["Location"]
    assert first != all_of_them
    assert signed.post(url(ended), {"unsure": "1"})["Location"] == all_of_them
    assert ended.undone_by.count() == 2


def test_it_takes_back_what_may_have_been_applied_where_nothing_was_accepted(
    signed: Client, ended: ImportJob, marketer: Person, sandbox_connection: Connection
) -> None:
    doubtful = make_import(marketer, sandbox_connection, JobStatus.STOPPED, [S.SUPERSEDED, S.SUPERSEDED, S.TO_FIX])
    doubtful.rows.filter(row_number=2).update(unanswered_at=timezone.now())
    assert "Undo…" in signed.get(f"/imports/{doubtful.pk}/").content.decode()
    page = signed.get(url(doubtful)).content.decode()
    assert "The platform accepted no row" in page and "1 row may have been applied all the same" in page
    assert '<input type="hidden" name="unsure" value="1">' in page
    signed.post(url(doubtful))  # a form that does not ask for anything
    assert doubtful.undone_by.count() == 0
    signed.post(url(doubtful), {"unsure": "1"})
    assert doubtful.undone_by.count() == 1


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
    assert "This import undoes “双11会员.xlsx”" in page and "type the number of rows" in page


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


# What a person saw as a tag and said was one: a file that says the same may mean something else.
MEANT = st.sampled_from(["5.0", "2024.00", "无", "NULL", "'VIP'", "#", "??"])
AS_SENT = {key: clean(key) if key != "tags" else clean(key) | MEANT for key in FIELDS}


@pytest.mark.slow
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    deadline=None,
    max_examples=25 if os.environ.get("CI") else 6,
)
@given(st.lists(st.fixed_dictionaries(AS_SENT), min_size=1, max_size=6))
def test_every_value_comes_back_as_it_was(ended: ImportJob, rows: list[dict[str, str]]) -> None:
    sent = [row for row in rows if row["tags"] and any(value for key, value in row.items() if key != "tags")]
    sent = [dict(items) for items in dict.fromkeys(tuple(row.items()) for row in sent)]
    ended.rows.all().delete()
    ended.undone_by.all().delete()
    columns = {"audienceUserId": "customer_id"}
    made = [{columns.get(key, key): value for key, value in row.items()} for row in sent]
    ImportRow.objects.bulk_create(
        ImportRow(job=ended, row_number=number, status=S.ACCEPTED, **row) for number, row in enumerate(made, 2)
    )
    draft = undo.undo_draft(ended, ended.owner)
    staging.stage(draft, lambda: True)
    again = draft.rows.order_by("row_number")
    assert [row.values_by_field() for row in again] == sent


def test_an_undone_import_looks_undone(
    signed: Client, ended: ImportJob, marketer: Person, sandbox_connection: Connection
) -> None:
    line = "Undone by import #"
    signed.post(url(ended))
    draft = ImportJob.objects.latest("pk")
    assert line not in signed.get("/imports/").content.decode()  # nothing has been sent of it
    add_rows(draft, [S.ACCEPTED] * 2, first=900)
    ImportJob.objects.filter(pk=draft.pk).update(status=JobStatus.FINISHED, first_confirmed_at=timezone.now())
    page = signed.get("/imports/").content.decode()
    assert f"{line}{draft.pk}" in page and f"undoes #{ended.pk}" in page
    add_rows(ended, [S.ACCEPTED], first=950)
    assert f"Partly undone by import #{draft.pk}" in signed.get("/imports/").content.decode()
    said = f"Import #{draft.pk} has undone 2 rows of it."
    assert said in signed.get(f"/imports/{ended.pk}/").content.decode()
    again = signed.get(url(ended)).content.decode()
    assert said in again and "Another undo sends the same rows once more." in again


def test_it_names_the_corrections_that_it_leaves_alone(signed: Client, ended: ImportJob) -> None:
    assert "corrected sheet has sent" not in signed.get(url(ended)).content.decode()
    made = corrected(ended, *ended.rows.filter(status=S.TO_FIX).values_list("row_number", flat=True))
    page = signed.get(url(ended)).content.decode()
    assert f"(import #{made.pk}) are not undone here" in page and f'href="{url(made)}"' in page
    assert f"corrects #{ended.pk}" in signed.get("/imports/").content.decode()


def test_its_columns_are_named_in_the_language_of_whoever_undoes(
    signed: Client, ended: ImportJob, marketer: Person
) -> None:
    Person.objects.filter(pk=marketer.pk).update(language="zh-hans")
    signed.post(url(ended))
    assert [column["header"] for column in ImportJob.objects.latest("pk").columns][-2:] == ["手机号", "标签"]
