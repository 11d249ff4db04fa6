"""A change and a new check while a check runs, struck at each of its steps; a discard that dies in the middle."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.delivery import actions, keeper
from tagsync.imports.drafts import drafts
from tagsync.imports.models import ImportJob, ImportRow
from tests.faults.conftest import ROWS_PER_CALL, ended
from tests.faults.senders import Senders
from tests.making import HEADER, checked, customer, customers, workbook

pytestmark = pytest.mark.django_db(transaction=True)

Check = Callable[..., None]
ROWS = 4 * ROWS_PER_CALL
OLD, NEW = 4, 5  # the columns of the old and of the new tags
# Between two transactions: inside one, whoever is suspended holds the import.
STEPS = [
    ("after the check is claimed", 1),
    ("before rows are dropped", 1),
    ("before rows are staged", 1),
    ("before rows are staged", 3),
    ("after rows are staged", 4),
    ("before the second look", 1),
    ("before the sums", 1),
    ("before repairs are made again", 1),
    ("before the last look of the check", 1),
]


@pytest.fixture
def job(owner: Person, connection: Connection) -> ImportJob:
    """Being checked, with the tags of the old column."""
    rows = [(*customer(number, "旧"), "新") for number in range(ROWS)]
    made = drafts.create(owner, workbook(rows, (*HEADER[:4], "旧标签", "新标签")))
    assert isinstance(made, ImportJob)
    fields: dict[int, str | None] = dict(enumerate(("audienceUserId", "openid", "unionid", "phone", "tags")))
    drafts.choose_columns(made, {**fields, NEW: None})
    drafts.choose_settings(made, drafts.Choices(connection, "add", "fuzzy", 1))
    actions.check(made, owner)
    return made


def change_and_check(job: ImportJob, by: Person) -> None:
    drafts.back_to_draft(job, by)
    drafts.choose_columns(job, {OLD: None, NEW: "tags"})
    actions.check(job, by)


@pytest.mark.parametrize(("step", "nth"), STEPS)
@pytest.mark.parametrize("wakes", ["while the new check runs", "after the new check"])
def test_it_sends_the_tags_of_the_columns_that_the_page_shows(
    job: ImportJob, owner: Person, senders: Senders, all_is_well: Check, step: str, nth: int, wakes: str
) -> None:
    overtaken = senders.start(step, nth, how="SIGSTOP")
    overtaken.wait_until_struck()
    change_and_check(job, owner)
    if wakes == "while the new check runs":
        overtaken.wake()
    senders.start()
    job = ended(job)
    overtaken.wake()
    assert (job.status, job.counts, job.summary["tags"]) == ("ready", {"waiting": ROWS}, [["新", ROWS]])
    actions.start(job, owner)
    assert ended(job).counts == {"accepted": ROWS}
    assert set(job.rows.values_list("tags", flat=True)) == {"新"}
    all_is_well()


@pytest.mark.parametrize(
    "step", ["inside a commit of the check", "before the sums", "before the last look of the check"]
)
def test_a_check_that_is_killed_is_not_in_the_way_of_the_next(
    job: ImportJob, owner: Person, senders: Senders, all_is_well: Check, step: str
) -> None:
    senders.start(step).wait_until_struck()
    change_and_check(job, owner)
    senders.start()
    job = ended(job)
    assert (job.status, job.counts, job.summary["tags"]) == ("ready", {"waiting": ROWS}, [["新", ROWS]])
    actions.start(job, owner)
    assert ended(job).counts == {"accepted": ROWS}
    all_is_well()


@pytest.mark.parametrize(
    ("step", "status"),
    [
        ("inside the discard", "ready"),
        ("before a piece of the discard", "discarded"),
        ("inside a piece of the discard", "discarded"),
        ("before the discarded import is deleted", "discarded"),
    ],
)
def test_a_discard_that_is_killed_goes_on(
    owner: Person, connection: Connection, senders: Senders, step: str, status: str
) -> None:
    job = checked(owner, connection, customers(ROWS))
    storage, name = job.file.storage, str(job.file.name)
    senders.act("discard", job.pk, step).wait_until_struck()
    job.refresh_from_db()
    assert job.status == status
    assert ImportJob.objects.visible_to(owner).exists() == (status == "ready")
    if status == "ready":
        assert job.rows.count() == ROWS and storage.exists(name)
        return
    keeper.delete_the_rest()
    assert not ImportJob.objects.exists() and not ImportRow.objects.exists() and not storage.exists(name)
