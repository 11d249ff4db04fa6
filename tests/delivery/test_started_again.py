"""Stopped and started again with other settings: the same file, and no row twice, whoever presses what in between."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.delivery import actions, tasks
from tagsync.imports.check import repairs
from tagsync.imports.drafts import drafts
from tagsync.imports.drafts.drafts import Refusal
from tagsync.imports.followups.restart import may_start_again, restart_draft, waiting_draft
from tagsync.imports.followups.retry import Selection
from tagsync.imports.models import ImportJob, Repair
from tagsync.imports.models.repair import RepairKind
from tagsync.imports.states import JobStatus
from tagsync.sandbox import Sandbox
from tests.invariants import check_invariants
from tests.making import checked, customer, customers, run_to_end

pytestmark = pytest.mark.django_db(transaction=True)

# Accepted, accepted again as a duplicate, a phone that can't be read; ten more.
ROWS = [*customers(12), customer(0), (*customer(20)[:3], "138-wrong", "春季活动")]


@pytest.fixture(autouse=True)
def _uploads(tmp_path: Path, settings: object) -> None:
    settings.MEDIA_ROOT = tmp_path / "uploads"  # type: ignore[attr-defined]  # pytest-django's


@pytest.fixture
def tried(marketer: Person, connection: Connection, sandbox: Sandbox) -> ImportJob:
    """A trial of ten rows, which the platform accepted; two wait, one is a duplicate, one is to fix."""
    job = checked(marketer, connection, ROWS)
    actions.start(job, marketer, trial_rows=10)
    assert run_to_end(job).counts == {"accepted": 10, "waiting": 2, "duplicate": 1, "to_fix": 1}
    return job


def again(job: ImportJob, **settings: object) -> ImportJob:
    """The draft, with other settings, checked."""
    draft = actions.start_again(job, job.owner)
    assert isinstance(draft, ImportJob)
    return check(draft, **settings)


def check(draft: ImportJob, **settings: object) -> ImportJob:
    assert draft.connection
    choices = {"operation": "add", "match": "exact", "identify_way": None, **settings}
    drafts.choose_settings(draft, drafts.Choices(connection=draft.connection, **choices))  # type: ignore[arg-type]  # of any field
    actions.check(draft, draft.owner)
    tasks.run_check(draft.pk)
    draft.refresh_from_db()
    assert draft.status == JobStatus.READY
    return draft


def sent(sandbox: Sandbox) -> Counter[str]:
    """What the platform accepted."""
    return Counter(row["phone"] for entry in sandbox.ledger if entry.applied for row in entry.rows)


def once(rows: Sequence[Sequence[str]]) -> Counter[str]:
    return Counter(row[3] for row in rows)


def test_only_what_was_not_accepted_is_sent_with_the_other_settings(tried: ImportJob, sandbox: Sandbox) -> None:
    draft = again(tried)
    tried.refresh_from_db()
    assert (tried.status, tried.count("waiting")) == ("stopped", 2)
    assert draft.counts == {"left_out": 10, "waiting": 2, "duplicate": 1, "to_fix": 1}
    actions.start(draft, draft.owner)
    assert run_to_end(draft).counts == {"left_out": 10, "accepted": 2, "duplicate": 1, "to_fix": 1}
    assert sent(sandbox) == once(customers(12))
    first, *_others, last = (json.loads(entry.body or b"")["publicParams"] for entry in sandbox.ledger)
    assert (first["matchingType"], last["matchingType"]) == (2, 1)
    note = draft.rows.get(row_number=2).noted[0]
    assert (note.code, note.params["import"]) == ("accepted_before", tried.pk)
    # The rows there are fixed by those here.
    assert draft.rows.get(row_number=13).corrects_row == 13
    check_invariants(draft, sandbox.ledger, 14)


def test_its_rows_are_gone_over_once_it_is_started(tried: ImportJob, admin_person: Person, sandbox: Sandbox) -> None:
    draft = again(tried)
    assert waiting_draft(tried) == draft and may_start_again(tried)
    actions.start(draft, draft.owner)
    tried.refresh_from_db()
    assert tried.went_on_as == draft and not may_start_again(tried)
    for act in (lambda: actions.resume(tried, admin_person), lambda: actions.retry(tried, Selection(), admin_person)):
        with pytest.raises(actions.StartedAgain) as refused:
            act()
        assert refused.value.by == draft
    run_to_end(draft)
    with pytest.raises(actions.StartedAgain):
        actions.resume(tried, admin_person)
    assert sent(sandbox) == once(customers(12))


def test_nobody_is_asked_for_what_has_gone_over(tried: ImportJob, sandbox: Sandbox) -> None:
    """Not in lists, and not for the row that is still to fix: it is to fix there."""
    draft = again(tried)
    tried.refresh_from_db()
    assert (tried.left_to_owner, tried.open_failures) == (1, 1)
    actions.start(draft, draft.owner)
    run_to_end(draft)
    tried.refresh_from_db()
    draft.refresh_from_db()
    assert (tried.left_to_owner, tried.left_causes, tried.open_failures) == (0, [], 0)
    assert (draft.left_to_owner, draft.open_failures) == (1, 1)


def test_what_is_resumed_meanwhile_is_not_sent_by_the_draft(tried: ImportJob, sandbox: Sandbox) -> None:
    draft = again(tried)
    actions.resume(tried, tried.owner)
    with pytest.raises(actions.FirstMovedOn):  # it is under way
        actions.start(draft, draft.owner)
    assert run_to_end(tried).count("accepted") == 12
    with pytest.raises(actions.FirstMovedOn):  # it was
        actions.start(draft, draft.owner)
    drafts.back_to_draft(draft, draft.owner)
    check(draft)
    assert draft.counts == {"left_out": 12, "duplicate": 1, "to_fix": 1}
    with pytest.raises(actions.NothingToSend):
        actions.start(draft, draft.owner)
    assert sent(sandbox) == once(customers(12))


def test_of_two_drafts_one_is_started(tried: ImportJob, sandbox: Sandbox) -> None:
    first = again(tried)
    assert restart_draft(tried) == first
    actions.start(first, first.owner)
    second = restart_draft(tried)
    assert isinstance(second, ImportJob) and second != first
    check(second)
    with pytest.raises(actions.StartedAgain) as refused:
        actions.start(second, second.owner)
    assert refused.value.by == first
    run_to_end(first)
    with pytest.raises(actions.StartedAgain):
        actions.start(second, second.owner)
    assert sent(sandbox) == once(customers(12))


def test_it_can_be_started_again_more_than_once(tried: ImportJob, sandbox: Sandbox) -> None:
    second = again(tried)
    actions.start(second, second.owner, trial_rows=1)
    assert run_to_end(second).counts == {"left_out": 10, "accepted": 1, "waiting": 1, "duplicate": 1, "to_fix": 1}
    third = again(second, match="fuzzy", identify_way=2)
    assert third.counts == {"left_out": 11, "waiting": 1, "duplicate": 1, "to_fix": 1}
    actions.start(third, third.owner)
    run_to_end(third)
    assert sent(sandbox) == once(customers(12))


def test_other_columns_bring_no_accepted_row_back(tried: ImportJob, sandbox: Sandbox) -> None:
    """Whatever they make of its values; what was a duplicate is one no more when it says something else."""
    draft = actions.start_again(tried, tried.owner)
    assert isinstance(draft, ImportJob)
    drafts.choose_columns(draft, {1: None}, fixed_tags="夏季")
    check(draft)
    assert draft.counts == {"left_out": 10, "waiting": 3, "to_fix": 1}
    assert draft.rows.get(row_number=13).tags == "春季活动,夏季"


def test_what_was_put_right_on_the_page_stays_right(marketer: Person, connection: Connection, sandbox: Sandbox) -> None:
    job = checked(marketer, connection, ROWS)
    repairs.make(job, Repair(kind=RepairKind.VALUE, field="phone", before="138-wrong", after="13900000000"), marketer)
    repairs.make(job, Repair(kind=RepairKind.LEAVE_OUT, code="x", row_number=None), marketer)
    actions.start(job, marketer, trial_rows=10)
    draft = again(run_to_end(job))
    assert draft.counts == {"left_out": 10, "waiting": 3, "duplicate": 1}
    assert draft.rows.get(row_number=15).phone == "13900000000"


def test_rows_that_were_refused_go_once_more(marketer: Person, connection: Connection, sandbox: Sandbox) -> None:
    sandbox.faults.add("refuse_rows", field="phone", equals=customer(3)[3])
    job = checked(marketer, connection, customers(6))
    actions.start(job, marketer)
    assert run_to_end(job).counts == {"accepted": 5, "rejected": 1}
    sandbox.faults.clear()
    draft = again(job)
    job.refresh_from_db()
    assert job.status == "finished"  # it has nothing to stop
    actions.start(draft, draft.owner)
    assert run_to_end(draft).counts == {"left_out": 5, "accepted": 1}
    assert sent(sandbox) == once(customers(6))


@pytest.mark.parametrize("obstacle", ["file", "drafts"])
def test_what_cannot_be_made_changes_nothing(tried: ImportJob, settings: object, obstacle: str) -> None:
    if obstacle == "file":
        Path(tried.file.path).unlink()
    else:
        settings.TAGSYNC_MOST_DRAFTS = 0  # type: ignore[attr-defined]  # likewise
    events = tried.events.count()
    refused = actions.start_again(tried, tried.owner)
    assert isinstance(refused, Refusal) and refused.code == {"file": "file_gone", "drafts": "too_many_drafts"}[obstacle]
    tried.refresh_from_db()
    assert (tried.status, tried.events.count()) == ("blocked", events)
    assert ImportJob.objects.count() == 1


def test_it_is_its_owner_s_whoever_asks(tried: ImportJob, admin_person: Person) -> None:
    draft = actions.start_again(tried, admin_person)
    assert isinstance(draft, ImportJob) and draft.owner == tried.owner
    assert tried.events.latest("pk").by == admin_person
    assert (
        Path(draft.file.path).read_bytes() == Path(tried.file.path).read_bytes() and draft.file.name != tried.file.name
    )


def test_another_sheet_of_the_file_has_other_rows(tried: ImportJob) -> None:
    draft = actions.start_again(tried, tried.owner)
    assert isinstance(draft, ImportJob)
    ImportJob.objects.filter(pk=draft.pk).update(sheet="Other")
    assert waiting_draft(tried) is None
