"""Sending failed rows again: the review, the button, and who may."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client
from django.urls import reverse

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.imports.models import ImportJob
from tagsync.imports.models.row import Origin
from tagsync.imports.problems.groups import problem_for
from tagsync.imports.sending import counts
from tagsync.imports.states import JobStatus
from tagsync.web.retry.forms import read_choice
from tests.making import S, blame, make_import
from tests.web.layout import text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client: Client, admin_person: Person) -> Client:
    client.force_login(admin_person)
    return client


@pytest.fixture
def job(marketer: Person, sandbox_connection: Connection) -> ImportJob:
    """Rows 2-4 accepted, 5-8 rejected, 9 and 10 in doubt, 11 to fix."""
    rows = [S.ACCEPTED] * 3 + [S.REJECTED] * 4 + [S.IN_DOUBT] * 2 + [S.TO_FIX]
    made = make_import(marketer, sandbox_connection, JobStatus.FINISHED, rows)
    blame(made, S.IN_DOUBT, "no_answer", Origin.US)
    return made


def counted(job: ImportJob) -> None:
    job.counts = counts.counted(job)
    job.save(update_fields=["counts"])


def url(job: ImportJob) -> str:
    return reverse("import_retry", args=[job.pk])


def look(client: Client, job: ImportJob, **query: Any) -> Any:
    return client.get(url(job), query)


def waiting(job: ImportJob) -> list[int]:
    return list(job.rows.filter(status=S.WAITING).order_by("row_number").values_list("row_number", flat=True))


# -- the review


def choices(response: Any) -> list[tuple[str, str, bool]]:
    """Of each radio button: its value, its words, and whether it is chosen."""
    cards = re.findall(r'<label class="choice">(.*?)</label>', text_of(response))
    return [
        (re.findall(r'value="([^"]*)"', card)[0], re.sub("<[^>]*>", "|", card), "checked" in card) for card in cards
    ]


def test_it_offers_no_two_identical_choices(admin: Client, job: ImportJob) -> None:
    job.rows.filter(status=S.IN_DOUBT).update(status=S.ACCEPTED, problem=None)
    counted(job)
    only = blame(job, S.REJECTED, "refused", message="x", code="7")
    for query in ({}, {"choice": "all"}, {"problem": only.pk}):
        assert [(value, chosen) for value, _words, chosen in choices(look(admin, job, **query))] == [
            (f"problem-{only.pk}", True)
        ]
    job.rows.filter(row_number=5).update(problem=blame(job, S.ACCEPTED, "refused", message="y", code="7"))
    found = choices(look(admin, job))
    assert [chosen for _value, _words, chosen in found] == [True, False, False] and found[0][0] == "all"


def test_it_tells_causes_with_the_same_words_apart(admin: Client, job: ImportJob) -> None:
    blame(job, S.REJECTED, "refused", message="x", error_code="E", code="7", http_status=400)
    other = problem_for(job, Origin.PLATFORM, "refused", {"message": "x", "error_code": "E", "code": "8"})
    job.rows.filter(row_number=5).update(problem=other)
    words = [words for value, words, _chosen in choices(look(admin, job)) if value.startswith("problem")]
    assert len({re.sub(r"\d+ rows?", "", text) for text in words}) == len(words) == 3
    assert sum("400" in text for text in words) == 1


def test_without_rejected_rows_it_speaks_of_those_in_doubt(admin: Client, job: ImportJob) -> None:
    job.rows.filter(status=S.REJECTED).update(status=S.ACCEPTED)
    job.rows.filter(row_number=9).update(problem=problem_for(job, Origin.US, "worker_died", {}))
    counted(job)
    page = text_of(look(admin, job, in_doubt=1))
    assert "All 2 rows in doubt" in page and "All 0" not in page


def test_it_begins_with_all_rejected_rows(admin: Client, job: ImportJob) -> None:
    response = look(admin, job)
    assert "4 rows will be sent again" in text_of(response)
    rest = {line.status: line.rows for line in response.context["review"].rest}
    assert rest == {"accepted": 3, "to_fix": 1, "in_doubt": 2}


def test_it_adds_rows_in_doubt_only_when_asked(admin: Client, job: ImportJob) -> None:
    page = text_of(look(admin, job, in_doubt=1))
    assert "6 rows will be sent again" in page
    assert "Adding a tag that a customer has changes nothing." in page


def test_it_reviews_one_cause(admin: Client, job: ImportJob) -> None:
    job.rows.filter(row_number__in=[5, 6, 7]).update(problem=blame(job, S.SUPERSEDED, "batch_refused", message="x"))
    other = blame(job, S.REJECTED, "batch_refused", message="y")
    for query in ({"problem": other.pk}, {"choice": f"problem-{other.pk}"}):
        assert "1 row will be sent again" in text_of(look(admin, job, **query))


def test_it_explains_a_cause_of_rows_in_doubt(admin: Client, job: ImportJob) -> None:
    problem = job.problems.get(code="no_answer")
    page = text_of(look(admin, job, problem=problem.pk))
    assert "This choice holds only rows in doubt." in page and "disabled" in page


def test_it_reviews_chosen_rows(admin: Client, job: ImportJob) -> None:
    page = text_of(look(admin, job, choice="rows", row=["5", "8", "2"]))
    assert "2 rows will be sent again" in page and "The 3 rows you chose" in page


def test_it_never_takes_no_row_for_all_rows(admin: Client, job: ImportJob) -> None:
    assert "No row was chosen." in text_of(look(admin, job, choice="rows"))
    for data in ({"choice": "rows"}, {"choice": "rows", "row": "x"}, {"choice": "problem"}, {"choice": "problem-x"}):
        admin.post(url(job), data)
    admin.post(url(job), {"problem": "none"})
    assert waiting(job) == []


def test_it_says_when_there_is_nothing_to_retry(admin: Client, marketer: Person, job: ImportJob) -> None:
    assert job.connection
    clean = make_import(marketer, job.connection, JobStatus.FINISHED, [S.ACCEPTED])
    assert "Nothing to retry" in text_of(look(admin, clean))


@pytest.mark.parametrize("status", [JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.STOPPING])
def test_it_waits_for_the_end(admin: Client, job: ImportJob, status: JobStatus) -> None:
    ImportJob.objects.filter(pk=job.pk).update(status=status)
    assert "Not while the import is under way" in text_of(look(admin, job))
    response = admin.post(url(job), {"choice": "all"}, follow=True)
    assert response.redirect_chain[0][0] == reverse("import_detail", args=[job.pk])
    assert "notice--warning" in text_of(response)
    assert waiting(job) == []


# -- the button


def test_it_queues_all_rejected_rows_again(admin: Client, job: ImportJob, admin_person: Person) -> None:
    response = admin.post(url(job), {"choice": "all"}, follow=True)
    assert response.redirect_chain == [(reverse("import_detail", args=[job.pk]), 302)]
    assert "4 rows queued again." in text_of(response)
    job.refresh_from_db()
    assert (job.status, job.run, waiting(job)) == (JobStatus.QUEUED, 2, [5, 6, 7, 8])
    assert job.events.get(act="retry").by == admin_person


def test_it_queues_chosen_rows_and_no_accepted_one(admin: Client, job: ImportJob) -> None:
    admin.post(url(job), {"choice": "rows", "row": ["2", "6", "9"], "in_doubt": "1"})
    assert waiting(job) == [6, 9]


def test_it_queues_one_cause(admin: Client, job: ImportJob) -> None:
    problem = job.problems.get(code="no_answer")
    response = admin.post(url(job), {"choice": f"problem-{problem.pk}"}, follow=True)
    assert "Nothing was queued" in text_of(response)
    admin.post(url(job), {"choice": f"problem-{problem.pk}", "in_doubt": "1"})
    assert waiting(job) == [9, 10]


def test_it_queues_once(admin: Client, job: ImportJob) -> None:
    admin.post(url(job), {"choice": "all"})
    page = text_of(admin.post(url(job), {"choice": "all"}, follow=True))
    assert "Queued" in page
    job.refresh_from_db()
    assert job.run == 2 and job.events.filter(act="retry").count() == 1


# -- what was chosen


@pytest.mark.parametrize(
    ("query", "kind", "problem", "rows"),
    [
        ("", "all", None, []),
        ("problem=7", "problem", 7, []),
        ("row=3&row=2&row=3&row=x&row=0", "rows", None, [2, 3]),
        ("choice=problem-9&row=3", "problem", 9, [3]),
        ("choice=all&row=3", "all", None, [3]),
        ("choice=nonsense", "all", None, []),
    ],
)
def test_it_reads_the_choice(query: str, kind: str, problem: int | None, rows: list[int]) -> None:
    choice = read_choice(QueryDict(query))
    assert (choice.kind, choice.problem, choice.row_numbers) == (kind, problem, rows)


# -- who and how


def test_it_is_for_admins_only(client: Client, marketer: Person, other_marketer: Person, job: ImportJob) -> None:
    assert client.get(url(job)).headers["Location"].startswith(reverse("login"))
    for person in (marketer, other_marketer):
        client.force_login(person)
        assert client.get(url(job)).status_code == 404
        assert client.post(url(job), {"choice": "all"}).status_code == 404
    assert waiting(job) == []


def test_it_knows_no_other_method_and_no_other_import(admin: Client, job: ImportJob) -> None:
    assert admin.put(url(job)).status_code == 405
    assert admin.get(reverse("import_retry", args=[job.pk + 1000])).status_code == 404


def test_it_has_no_place_before_the_start(admin: Client, admin_person: Person, sandbox_connection: Connection) -> None:
    draft = make_import(admin_person, sandbox_connection, JobStatus.DRAFT)
    assert look(admin, draft).headers["Location"] == reverse("import_columns", args=[draft.pk])
    assert admin.post(url(draft), {"choice": "all"}).status_code == 302
