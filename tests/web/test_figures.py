"""What pages say of failures that were fixed, and whose move it is: the same figure and the same name everywhere."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.imports.followups import dismissals
from tagsync.imports.models import ImportJob
from tagsync.imports.models.row import Origin
from tagsync.imports.states import JobStatus
from tests.making import S, blame, corrected, make_import
from tests.web.layout import text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def job(marketer: Person, sandbox_connection: Connection) -> ImportJob:
    """Row 2 accepted, 3-5 rejected, 6 and 7 to fix."""
    rows = [S.ACCEPTED, S.REJECTED, S.REJECTED, S.REJECTED, S.TO_FIX, S.TO_FIX]
    made = make_import(marketer, sandbox_connection, JobStatus.FINISHED, rows)
    blame(made, S.REJECTED, "refused", message="no such tag")
    blame(made, S.TO_FIX, "phone_invalid", Origin.CHECK)
    return made


def page(client: Client, job: ImportJob) -> str:
    return text_of(client.get(reverse("import_detail", args=[job.pk])))


def test_a_cause_says_what_is_left(signed_admin: Client, job: ImportJob) -> None:
    corrected(job, 3, 4)
    shown = page(signed_admin, job)
    assert "3 → 1 left (2 fixed)" in shown and "Retry these 1" in shown
    assert "2 of 5 failed rows fixed by corrected sheets" in shown
    assert "Of the failed rows 2 are fixed, 3 are left." in shown
    corrected(job, 5)
    shown = page(signed_admin, job)
    assert "All 3 rows are fixed" in shown and "Retry these" not in shown
    # What is left comes first.
    assert shown.index("Phone: not a phone number") < shown.index("The platform rejected this row")


def test_what_a_corrected_sheet_is_about_to_send_is_not_sent_again(signed_admin: Client, job: ImportJob) -> None:
    corrected(job, 3, 4, into=S.IN_DOUBT)
    shown = page(signed_admin, job)
    assert "Retry these 1" in shown and "left (" not in shown
    review = signed_admin.get(reverse("import_retry", args=[job.pk])).context["review"]
    assert review.rejected == review.rows == 1


def test_it_is_finished_when_all_is_fixed_in_two_rounds(signed: Client, signed_admin: Client, job: ImportJob) -> None:
    first = corrected(job, 3, 4, 5, 6, 7, into=S.REJECTED)
    corrected(first, 2, 3, 4, 5, 6)
    for client in (signed, signed_admin):
        shown = page(client, job)
        assert "Finished, all fixed" in shown and "Finished with failures" not in shown
        assert "Corrected sheets have fixed all of them." in shown
        assert "5 of 5 failed rows fixed by corrected sheets" in shown
        assert "Who acts next:" not in shown and "Retry failed rows" not in shown and "Download 5 failed" not in shown
    assert "Finished, all fixed" in page(signed, first)


def test_what_is_settled_is_not_called_fixed(signed: Client, job: ImportJob, marketer: Person) -> None:
    corrected(job, 6, 7)
    dismissals.settle(job.problems.get(code="refused"), marketer)
    shown = page(signed, job)
    assert "Finished, all settled" in shown and "Nothing is left to do: 2 fixed, 3 marked as settled." in shown


def test_whose_move_names_the_person(signed: Client, signed_admin: Client, job: ImportJob, marketer: Person) -> None:
    Person.objects.filter(pk=marketer.pk).update(first_name="李敏")
    hers, admins = page(signed, job), page(signed_admin, job)
    assert "You: fix the sheet" in hers and "An admin" in hers and "Waiting for" not in hers
    assert "Waiting for 李敏" in admins and "You, as an admin" in admins and "You: fix the sheet" not in admins


def test_a_question_names_the_person(
    signed: Client, signed_admin: Client, marketer: Person, sandbox_connection: Connection
) -> None:
    blocked = make_import(marketer, sandbox_connection, JobStatus.BLOCKED, [S.WAITING], cause="refuses_everything")
    address = reverse("import_detail", args=[blocked.pk])
    told = [client.get(address).context["notices"][0].mover for client in (signed, signed_admin)]
    assert told == ["You", "Waiting for lin"]


def test_rows_of_a_colleague_name_her_too(signed_admin: Client, job: ImportJob) -> None:
    problem = job.problems.get(code="phone_invalid")
    rows = text_of(signed_admin.get(reverse("import_rows", args=[job.pk]), {"problem": problem.pk, "row": 6}))
    assert rows.count("Waiting for lin") == 2 and "You: fix the sheet" not in rows


def test_a_little_is_never_nothing(signed: Client, marketer: Person, sandbox_connection: Connection) -> None:
    job = make_import(marketer, sandbox_connection, JobStatus.FINISHED, [S.ACCEPTED] + [S.REJECTED] * 150)
    shown = page(signed, job)
    assert "<1%" in shown.replace("&lt;", "<") and "99.3%" in shown and "0.7%" in shown
