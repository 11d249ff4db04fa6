"""Columns once chosen are found again by their headers: a person's own first, then anybody's."""

from __future__ import annotations

import pytest

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.delivery import actions
from tagsync.imports.drafts import drafts
from tagsync.imports.drafts.saved_mappings import remember
from tagsync.imports.models import ImportJob, SavedMapping
from tagsync.queueing import doorbell
from tests.making import checked, draft, workbook

pytestmark = pytest.mark.django_db

HEADER = ("编号", "电话2", "分组")
ROWS = [(f"88000000000012{number:04d}", f"1380013800{number}", "VIP") for number in range(5)]


@pytest.fixture(autouse=True)
def no_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doorbell, "ring", lambda queue_name, job_id: True)


def uploaded(owner: Person, header: tuple[str, ...] = HEADER) -> ImportJob:
    job = drafts.create(owner, workbook(ROWS, header))
    assert isinstance(job, ImportJob)
    return job


def chosen_by(owner: Person, *fields: str | None) -> ImportJob:
    job = uploaded(owner)
    drafts.choose_columns(job, dict(enumerate(fields)))
    remember(job)
    return job


def fields_of(job: ImportJob) -> list[str | None]:
    return [column["field"] for column in job.columns]


def test_it_is_kept_at_the_start(marketer: Person, sandbox_connection: Connection) -> None:
    job = checked(marketer, sandbox_connection, [("", "", "", "13800138000", "VIP")])
    assert not SavedMapping.objects.exists()
    actions.start(job, marketer)
    saved = SavedMapping.objects.get()
    assert (saved.owner, saved.job, saved.times_used) == (marketer, job, 1)
    assert [column["field"] for column in saved.columns] == [column["field"] for column in job.columns]


def test_it_finds_them_in_any_order_and_spelling(marketer: Person) -> None:
    assert fields_of(uploaded(marketer)) == [None, None, None]
    chosen_by(marketer, "audienceUserId", None, "tags")
    assert fields_of(uploaded(marketer)) == ["audienceUserId", None, "tags"]
    assert fields_of(uploaded(marketer, ("分组", " 编 号", "电话２"))) == ["tags", "audienceUserId", None]
    assert fields_of(uploaded(marketer, ("编号", "电话2", "别的"))) == [None, None, None]


def test_it_prefers_the_persons_own(marketer: Person, other_marketer: Person) -> None:
    chosen_by(marketer, "audienceUserId", None, "tags")
    assert fields_of(uploaded(other_marketer)) == ["audienceUserId", None, "tags"]
    chosen_by(other_marketer, None, "phone", "tags")
    assert fields_of(uploaded(other_marketer)) == [None, "phone", "tags"]
    assert fields_of(uploaded(marketer)) == ["audienceUserId", None, "tags"]


def test_it_keeps_the_newest_choice(marketer: Person) -> None:
    chosen_by(marketer, "audienceUserId", None, "tags")
    chosen_by(marketer, None, "phone", "tags")
    saved = SavedMapping.objects.get()
    assert ([column["field"] for column in saved.columns], saved.times_used) == ([None, "phone", "tags"], 2)


def test_it_wins_over_exact_names(marketer: Person, sandbox_connection: Connection) -> None:
    job = draft(marketer, sandbox_connection, [("", "", "", "13800138000", "VIP")])
    drafts.choose_columns(job, {0: None})
    remember(job)
    again = draft(marketer, sandbox_connection, [("", "", "", "13800138000", "VIP")])
    assert again.columns[0]["field"] is None
    assert again.columns[3]["field"] == "phone"


def test_it_gives_equal_names_what_each_had(marketer: Person) -> None:
    job = uploaded(marketer, ("电话", "标签", "标签"))
    drafts.choose_columns(job, {0: "phone", 1: "tags", 2: None})
    remember(job)
    assert fields_of(uploaded(marketer, ("电话", "标签", "标签"))) == ["phone", "tags", None]


def test_it_remembers_nothing_under_a_header_without_names(marketer: Person) -> None:
    job = uploaded(marketer)
    job.columns = [{**column, "header": ""} for column in job.columns]
    remember(job)
    assert not SavedMapping.objects.exists()


def test_it_finds_columns_without_names_by_their_values(marketer: Person) -> None:
    job = drafts.create(marketer, workbook(ROWS[1:], ROWS[0]))
    assert isinstance(job, ImportJob)
    assert (job.header_row, fields_of(job)) == (0, [None, None, None])
    drafts.choose_columns(job, {0: "audienceUserId", 1: None, 2: "tags"})
    remember(job)
    assert [column["column"] for column in SavedMapping.objects.get().columns] == [0, 1, 2]
    assert fields_of(drafts.create(marketer, workbook(ROWS[2:], ROWS[1]))) == ["audienceUserId", None, "tags"]
    swapped = [(tags, phone, number) for number, phone, tags in ROWS]
    assert fields_of(drafts.create(marketer, workbook(swapped[1:], swapped[0]))) == [None, None, None]
    assert fields_of(drafts.create(marketer, workbook([row[1:] for row in ROWS[1:]], ROWS[0][1:]))) == [None, None]


def test_it_takes_columns_without_names_over_by_their_places(marketer: Person, sandbox_connection: Connection) -> None:
    like = drafts.create(marketer, workbook([("A2", "VIP")], ("A1", "VIP")))
    assert isinstance(like, ImportJob)
    drafts.choose_columns(like, {0: "audienceUserId", 1: "tags"})
    assert fields_of(drafts.create(marketer, workbook([("B2", "新客")], ("B1", "新客")), like=like)) == [
        "audienceUserId",
        "tags",
    ]


def test_it_finds_a_header_of_remembered_names(marketer: Person) -> None:
    words = [("会员甲", "新客"), ("会员乙", "老客"), ("会员丙", "新客")]
    job = drafts.create(marketer, workbook(words, ("称谓", "分组")))
    assert isinstance(job, ImportJob) and job.header_row == 0
    assert drafts.choose_sheet(job, job.sheet, 1, marketer) is None
    drafts.choose_columns(job, {0: "audienceUserId", 1: "tags"})
    remember(job)
    again = drafts.create(marketer, workbook(words[:1], ("称谓", "分组")))
    assert isinstance(again, ImportJob) and again.header_row == 1
    assert fields_of(again) == ["audienceUserId", "tags"]
