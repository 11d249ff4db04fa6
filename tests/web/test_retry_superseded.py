"""Sending superseded rows after all: who is told by what they were superseded, what it would undo, and the button."""

from __future__ import annotations

import pytest
from django.http import QueryDict
from django.test import Client
from django.urls import reverse
from django.utils import translation

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.imports.followups.retry import Selection
from tagsync.imports.models import ImportJob, Problem
from tagsync.imports.models.row import Origin
from tagsync.imports.states import JobStatus
from tagsync.web.retry.forms import read_choice
from tests.making import S, blame, make_import
from tests.web.layout import text_of

pytestmark = pytest.mark.django_db
LANGUAGES = ["en", "zh-hans"]


@pytest.fixture
def newer(other_marketer: Person, sandbox_connection: Connection) -> ImportJob:
    """A colleague's delete of the same customers."""
    title, rows = "秋季清理", [S.ACCEPTED] * 4
    return make_import(other_marketer, sandbox_connection, JobStatus.FINISHED, rows, title=title, operation="delete")


@pytest.fixture
def job(marketer: Person, newer: ImportJob, sandbox_connection: Connection) -> ImportJob:
    """Row 2 accepted, 3 rejected, 4 and 5 superseded by the colleague's, 6 by an import that is gone."""
    rows = [S.ACCEPTED, S.REJECTED, S.SUPERSEDED, S.SUPERSEDED, S.SUPERSEDED]
    made = make_import(marketer, sandbox_connection, JobStatus.FINISHED, rows)
    blame(made, S.REJECTED, "refused", message="x")
    for number, other in ((4, newer.pk), (5, newer.pk), (6, 9999)):
        note = {
            "code": "superseded_by",
            "field": None,
            "column": "",
            "value": "",
            "params": {"import": other, "row": 3},
        }
        made.rows.filter(row_number=number).update(notes=[note], problem=cause(made, other))
    return made


def cause(job: ImportJob, other: int) -> Problem:
    return blame(job, S.LEFT_OUT, "superseded", Origin.US, **{"import": other})


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Selection]:
    """What would have been sent again."""
    selections: list[Selection] = []
    monkeypatch.setattr("tagsync.delivery.actions.retry", lambda job, chosen, by: selections.append(chosen) or 1)
    return selections


def url(job: ImportJob) -> str:
    return reverse("import_retry", args=[job.pk])


def speak(person: Person, language: str) -> None:
    Person.objects.filter(pk=person.pk).update(language=language)


# -- by what, for whom


def test_the_panel_leads_to_the_newer_row_only_who_may_see_it(
    signed: Client, signed_admin: Client, job: ImportJob, newer: ImportJob
) -> None:
    link = f"/imports/{newer.pk}/rows/?row=3#row"
    hers, admins = (text_of(client.get(f"/imports/{job.pk}/rows/?row=4")) for client in (signed, signed_admin))
    assert f"Superseded by import #{newer.pk}, row 3" in hers and link not in hers
    assert link in admins


def test_a_cause_leads_to_the_newer_import_only_who_may_see_it(
    signed: Client, signed_admin: Client, job: ImportJob, newer: ImportJob
) -> None:
    hers, admins = (text_of(client.get(f"/imports/{job.pk}/")) for client in (signed, signed_admin))
    assert f"A newer import (#{newer.pk}) did the opposite" in hers and f'href="/imports/{newer.pk}/"' not in hers
    assert f'href="/imports/{newer.pk}/">Open import #{newer.pk}' in admins
    assert "Open import #9999" not in admins


@pytest.mark.parametrize(
    ("language", "said", "button"),
    [
        ("en", "An admin can send them anyway.", "Send these 2 anyway…"),
        ("zh-hans", "管理员仍可发送这些行", "仍然发送这 2 行…"),
    ],
)
def test_it_offers_the_rows_to_admins_and_tells_marketers(
    signed: Client,
    signed_admin: Client,
    marketer: Person,
    admin_person: Person,
    job: ImportJob,
    newer: ImportJob,
    language: str,
    said: str,
    button: str,
) -> None:
    speak(marketer, language)
    speak(admin_person, language)
    hers, admins = (text_of(client.get(f"/imports/{job.pk}/")) for client in (signed, signed_admin))
    assert said in hers and button not in hers
    assert said in admins and button in admins
    assert f"choice=superseded-{cause(job, newer.pk).pk}" in admins


def test_the_panel_offers_the_row_to_admins_once_the_import_has_ended(
    signed: Client, signed_admin: Client, job: ImportJob
) -> None:
    address = f"/imports/{job.pk}/rows/?row=4"
    assert "?choice=superseded-rows&amp;row=4" in text_of(signed_admin.get(address))
    assert "superseded-rows" not in text_of(signed.get(address))
    ImportJob.objects.filter(pk=job.pk).update(status=JobStatus.RUNNING)
    assert "superseded-rows" not in text_of(signed_admin.get(address))


# -- the review


WORDS = {
    "en": [
        "3 rows will be sent, overriding newer imports",
        "This undoes what newer imports did",
        "type the number of rows: 3",
    ],
    "zh-hans": [
        "将发送 3 行，覆盖新任务的操作",
        "这会撤销新任务所做的操作",
        "请输入行数：3",
        "发送 3 行，覆盖新任务的操作",
    ],
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_says_what_it_would_undo(
    signed_admin: Client, admin_person: Person, job: ImportJob, newer: ImportJob, language: str
) -> None:
    speak(admin_person, language)
    response = signed_admin.get(url(job), {"choice": "superseded"})
    review, page = response.context["review"], text_of(response)
    assert [(one.number, one.rows, one.job) for one in review.undoes] == [(newer.pk, 2, newer), (9999, 1, None)]
    assert not [words for words in WORDS[language] if words not in page]
    assert f"#{newer.pk} 秋季清理" in page
    with translation.override(language):
        assert newer.get_operation_display() in page


def test_it_reviews_one_cause_or_chosen_rows(signed_admin: Client, job: ImportJob, newer: ImportJob) -> None:
    one = signed_admin.get(url(job), {"choice": f"superseded-{cause(job, newer.pk).pk}"}).context["review"]
    assert (one.again, [newer.number for newer in one.undoes]) == ({"superseded": 2}, [newer.pk])
    rows = signed_admin.get(url(job), {"choice": "superseded-rows", "row": ["3", "6"]}).context["review"]
    assert (rows.again, [newer.number for newer in rows.undoes]) == ({"superseded": 1}, [9999])


def test_other_choices_leave_superseded_rows_alone(signed_admin: Client, job: ImportJob, newer: ImportJob) -> None:
    for query in ({}, {"choice": "all", "in_doubt": "1"}, {"choice": "rows", "row": ["3", "4"], "in_doubt": "1"}):
        response = signed_admin.get(url(job), query)
        review = response.context["review"]
        assert (review.again, review.undoes) == ({"rejected": 1}, [])
        assert "data-confirm-count" not in text_of(response)
        assert "sent only if you choose just them" in text_of(response)
        assert ("superseded", 3) in [(rest.status, rest.rows) for rest in review.rest]


def test_it_is_offered_where_nothing_else_can_be_sent(signed_admin: Client, job: ImportJob) -> None:
    job.rows.filter(status=S.REJECTED).delete()
    ImportJob.objects.filter(pk=job.pk).update(counts={"accepted": 1, "superseded": 3})
    page = text_of(signed_admin.get(url(job)))
    assert "Nothing to retry" not in page and "All 3 superseded rows" in page


# -- the button


@pytest.mark.parametrize("typed", ["", "2", "4", "three"])
def test_it_wants_the_number_typed(signed_admin: Client, job: ImportJob, asked: list[Selection], typed: str) -> None:
    response = signed_admin.post(url(job), {"choice": "superseded", "confirm_count": typed})
    assert response.status_code == 422 and "Type the number of rows exactly" in text_of(response)
    assert asked == []


@pytest.mark.parametrize("typed", ["3", " 3 ", "３"])
def test_it_sends_them_with_the_right_number(
    signed_admin: Client, job: ImportJob, asked: list[Selection], typed: str
) -> None:
    response = signed_admin.post(url(job), {"choice": "superseded", "confirm_count": typed})
    assert response["Location"] == reverse("import_detail", args=[job.pk])
    assert asked == [Selection(frozenset({S.SUPERSEDED}))]


def test_it_sends_one_row_only_when_it_was_chosen(signed_admin: Client, job: ImportJob, asked: list[Selection]) -> None:
    signed_admin.post(url(job), {"choice": "superseded-rows", "row": "4", "confirm_count": "1"})
    assert asked == [Selection(frozenset({S.SUPERSEDED}), row_numbers=[4])]


def test_it_never_takes_no_row_for_all_rows(signed_admin: Client, job: ImportJob, asked: list[Selection]) -> None:
    for choice in ("superseded-rows", "superseded-x", "superseded-"):
        signed_admin.post(url(job), {"choice": choice, "confirm_count": "3"})
    assert asked == []


def test_it_queues_them_with_a_place_of_their_own(signed_admin: Client, job: ImportJob, newer: ImportJob) -> None:
    signed_admin.post(url(job), {"choice": "superseded-rows", "row": "4", "confirm_count": "1"})
    job.refresh_from_db()
    row = job.rows.get(row_number=4)
    assert (job.status, row.status, job.count(S.SUPERSEDED)) == (JobStatus.QUEUED, S.WAITING, 2)
    assert row.confirmed_number is not None and row.confirmed_number == job.queue_number


def test_it_is_for_admins_only(signed: Client, job: ImportJob, asked: list[Selection]) -> None:
    assert signed.get(url(job), {"choice": "superseded"}).status_code == 404
    assert signed.post(url(job), {"choice": "superseded", "confirm_count": "3"}).status_code == 404
    assert asked == []


def test_it_waits_for_the_end(signed_admin: Client, job: ImportJob) -> None:
    ImportJob.objects.filter(pk=job.pk).update(status=JobStatus.RUNNING)
    signed_admin.post(url(job), {"choice": "superseded", "confirm_count": "3"})
    assert job.rows.filter(status=S.SUPERSEDED).count() == 3


@pytest.mark.parametrize(
    ("query", "kind", "problem", "value"),
    [
        ("choice=superseded", "all", None, "superseded"),
        ("choice=superseded-7", "problem", 7, "superseded-7"),
        ("choice=superseded-7&problem=9", "problem", 7, "superseded-7"),
        ("choice=superseded-x&problem=9", "problem", None, "superseded-"),
        ("choice=superseded-rows&row=3", "rows", None, "superseded-rows"),
    ],
)
def test_it_reads_the_choice(query: str, kind: str, problem: int | None, value: str) -> None:
    choice = read_choice(QueryDict(query))
    assert (choice.superseded, choice.kind, choice.problem, choice.value) == (True, kind, problem, value)
