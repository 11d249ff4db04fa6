"""What became of failures: one count, kept with the import, that follows corrections, retries and late answers."""

from __future__ import annotations

from typing import Any

import pytest

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.imports import figures, fixed_rows
from tagsync.imports.followups import dismissals, retry
from tagsync.imports.models import ImportJob
from tagsync.imports.models.delivery import DeliveryOutcome, DeliveryState
from tagsync.imports.models.row import Origin
from tagsync.imports.problems import TEXTS, Mover
from tagsync.imports.sending import counts, outcomes
from tagsync.imports.states import Act, JobStatus, RowStatus
from tests.making import S, add_call, blame, corrected, make_import

pytestmark = pytest.mark.django_db
NINE = [S.REJECTED] * 4 + [S.IN_DOUBT] * 2 + [S.TO_FIX] * 3


@pytest.fixture
def job(marketer: Person, sandbox_connection: Connection) -> ImportJob:
    """Row 2 accepted, 3-6 rejected, 7 and 8 in doubt, 9-11 to fix."""
    made = make_import(marketer, sandbox_connection, JobStatus.FINISHED, [S.ACCEPTED, *NINE])
    blame(made, S.REJECTED, "refused", message="no such tag")
    blame(made, S.IN_DOUBT, "no_answer", Origin.US)
    blame(made, S.TO_FIX, "phone_invalid", Origin.CHECK)
    return made


def left(job: ImportJob) -> tuple[int, int, int, int]:
    job.refresh_from_db()
    kept = (job.fixed_failures, job.settled_failures, job.left_to_owner, job.left_to_admins)
    assert sum(kept) == job.failures and job.open_failures == job.left_to_owner + job.left_to_admins
    figures.recount(job)
    assert (job.fixed_failures, job.settled_failures, job.left_to_owner, job.left_to_admins) == kept
    return kept


def set_rows(job: ImportJob, status: RowStatus, *numbers: int) -> None:
    job.rows.filter(row_number__in=numbers).update(status=status)
    counts.verify(job)
    job.refresh_from_db()


def test_it_says_who_acts_next(job: ImportJob) -> None:
    assert left(job) == (0, 0, 3, 6)
    codes = dict(job.problems.values_list("pk", "code"))
    assert [(codes[pk], rows) for pk, rows in job.left_causes] == [
        ("refused", 4),
        ("phone_invalid", 3),
        ("no_answer", 2),
    ]
    assert job.shown_status == "finished_with_failures"


def test_it_follows_corrections_of_corrections_and_retries_inside_them(job: ImportJob) -> None:
    """All nine rows are put right in two rounds: seven at once, the others by a second sheet and by a retry."""
    first = corrected(job, *range(3, 12))
    first.rows.filter(row_number__in=[9, 10]).update(status=S.REJECTED)
    counts.verify(first)
    first.refresh_from_db()
    figures.recount(first), figures.recount_corrected(first)
    assert left(job)[0] == 7 and job.shown_status == "finished_with_failures"
    second = corrected(first, 9)
    assert left(job)[0] == 8 and left(first) == (1, 0, 0, 1)
    third = corrected(second, 2)  # what was accepted already changes nothing
    assert left(job)[0] == 8 and third.corrects == second
    set_rows(first, S.WAITING, 10)
    for act in (Act.RETRY, Act.CLAIM):
        first.move(act)
    assert left(job)[0] == 8
    set_rows(first, S.ACCEPTED, 10)
    first.move(Act.FINISH)
    assert left(job) == (9, 0, 0, 0) and job.left_causes == []
    assert left(first) == (1, 0, 0, 0)
    assert job.shown_status == first.shown_status == "finished_all_fixed"


def test_a_later_sheet_of_the_same_import_takes_the_place_of_an_earlier_one(job: ImportJob) -> None:
    first = corrected(job, 3, 9, into=S.REJECTED)
    assert left(first) == (0, 0, 0, 2)
    second = corrected(job, 3, 9, into=S.REJECTED)
    figures.recount(first), figures.recount(second)
    assert left(first) == left(second) == (0, 0, 0, 2)
    set_rows(second, S.ACCEPTED, 2)
    figures.recount(second), figures.recount_corrected(second)
    assert left(job)[0] == 1 and left(first) == (1, 0, 0, 1)
    assert left(second) == (0, 0, 0, 1), "an earlier one that was accepted says nothing of what is wanted now"
    set_rows(first, S.ACCEPTED, 3)
    figures.recount_corrected(first)
    assert left(second) == (0, 0, 0, 1) and left(job)[0] == 2


@pytest.mark.parametrize("into", [S.IN_DOUBT, S.REJECTED, S.WAITING, S.SUPERSEDED])
def test_only_what_the_platform_accepted_is_fixed(job: ImportJob, into: RowStatus) -> None:
    correction = corrected(job, 3, 9, into=into)
    assert left(job)[0] == 0
    taken_up = fixed_rows.taken_up_by_status(job)
    assert dict(taken_up) == ({"rejected": 1, "to_fix": 1} if into == S.IN_DOUBT else {})
    ImportJob.objects.filter(pk=correction.pk).update(status=JobStatus.RUNNING)
    assert fixed_rows.taken_up_by_status(job).total() == (2 if into in (S.IN_DOUBT, S.WAITING) else 0)
    assert fixed_rows.without_taken_up(job.rows.all(), job).count() == 10 - fixed_rows.taken_up_by_status(job).total()


def test_a_slice_of_a_long_correction_is_seen_at_its_end(job: ImportJob) -> None:
    correction = corrected(job, 3, 9, into=S.WAITING)
    ImportJob.objects.filter(pk=correction.pk).update(status=JobStatus.RUNNING)
    correction.refresh_from_db()
    set_rows(correction, S.ACCEPTED, 2)
    correction.move(Act.PAUSE)
    assert left(job)[0] == 1


def test_a_settled_cause_is_left_to_nobody(job: ImportJob, marketer: Person) -> None:
    for problem in job.problems.all():
        dismissals.settle(problem, marketer)
    assert left(job) == (0, 9, 0, 0) and job.shown_status == "finished_all_settled"
    corrected(job, 3)
    assert left(job) == (1, 8, 0, 0)
    dismissals.reopen(job.problems.get(code="phone_invalid"))
    assert left(job) == (1, 5, 3, 0) and job.shown_status == "finished_with_failures"


def test_a_retry_takes_its_rows_out(job: ImportJob, admin_person: Person, sandbox_connection: Connection) -> None:
    dismissals.settle(job.problems.get(code="refused"), admin_person)
    retry.queue_selected(job, retry.Selection(), admin_person)
    assert left(job) == (0, 0, 3, 2)


def test_a_late_answer_counts(job: ImportJob) -> None:
    correction = corrected(job, 7, 8, into=S.IN_DOUBT)
    correction.rows.update(unanswered_at=correction.created_at)
    call = add_call(correction, [2, 3], state=DeliveryState.BROKEN_OFF, outcome=DeliveryOutcome.UNANSWERED)
    assert left(job)[0] == 0 and left(correction) == (0, 0, 0, 2)
    outcomes.record_late(call, DeliveryOutcome.ACCEPTED, outcomes.TheirAnswer(http_status=200, code="200"))
    assert left(job)[0] == 2 and left(correction) == (0, 0, 0, 0)


def test_it_counts_when_an_import_comes_to_rest(marketer: Person, sandbox_connection: Connection) -> None:
    job = make_import(marketer, sandbox_connection, JobStatus.RUNNING, [S.TO_FIX, S.REJECTED, S.WAITING])
    ImportJob.objects.update(left_to_owner=0, left_to_admins=0)
    job.move(Act.BLOCK, cause="refuses_everything", cause_params={})
    assert left(job) == (0, 0, 1, 1) and job.left_to_owner == 1


def test_every_failure_is_somebodys() -> None:
    """What nobody could act upon would be in no inbox."""
    assert {figures._who_acts(code, S.REJECTED) for code in (*TEXTS, "unheard_of", "")} == {Mover.OWNER, Mover.ADMIN}
    assert figures._who_acts("", S.TO_FIX) == Mover.OWNER


def test_an_import_that_nobody_corrects_costs_one_question(job: ImportJob, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        assert fixed_rows.counted(job) == {}
    with django_assert_num_queries(1):
        assert fixed_rows.taken_up_by_import([job, job]) == {job.pk: {}}
