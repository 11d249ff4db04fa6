"""Repairs before the start: what they touch, that they tell the truth, and that they can be taken back."""

from __future__ import annotations

import random
from typing import Any

import pytest
from django.db import transaction
from django.test import TestCase

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.delivery import actions
from tagsync.imports.check import repairs
from tagsync.imports.check.staging import stage
from tagsync.imports.drafts import drafts
from tagsync.imports.fixed_rows import without_taken_up
from tagsync.imports.models import ImportJob, ImportRow, JobTag, Repair
from tagsync.imports.models.repair import RepairKind
from tagsync.imports.models.row import VALUE_COLUMNS
from tagsync.imports.sending.counts import counted
from tagsync.imports.states import Act, MoveRefused
from tests.making import checked as checked_import
from tests.making import customer, customers, draft, started

pytestmark = pytest.mark.django_db

ROWS = [
    customer(0),
    (*customer(1)[:3], "无手机", "春季活动"),  # 3
    (*customer(2)[:3], "无手机", "新客"),  # 4
    ("", "", "", "无手机", "新客"),  # 5
    (*customer(3)[:4], ""),  # 6
    ("", "", "", "", "新客"),  # 7
    (*customer(4)[:3], "12", "春季活动"),  # 8
    (*customer(4)[:3], "1 2", "春季活动"),  # 9
    (*customer(5)[:3], "无手机", ""),  # 10
]


@pytest.fixture
def job(marketer: Person, sandbox_connection: Connection) -> ImportJob:
    return checked(marketer, sandbox_connection, ROWS)


def checked(owner: Person, connection: Connection, rows: list[tuple[str, ...]]) -> ImportJob:
    job = draft(owner, connection, rows)
    job.begin_check(owner)
    stage(job, lambda: True)
    job.move(Act.CHECKED)
    return job


def value(field: str, before: str, after: str) -> Repair:
    return Repair(kind=RepairKind.VALUE, field=field, before=before, after=after)


def cell(row: int, field: str, before: str, after: str) -> Repair:
    return Repair(kind=RepairKind.CELL, row_number=row, field=field, before=before, after=after)


def snapshot(job: ImportJob) -> dict[str, Any]:
    """Everything that the check says and the start sends."""
    job.refresh_from_db()
    rows = job.rows.order_by("row_number").values_list(
        "row_number", "status", "problem__code", "notes", *VALUE_COLUMNS.values(), "corrects_row"
    )
    summary = {**job.summary, "identifiers": sorted(job.summary["identifiers"]), "tags": sorted(job.summary["tags"])}
    return {
        "rows": list(rows),
        "counts": job.counts,
        "summary": summary,
        "content": job.content_sha256,
        "tags": sorted(JobTag.objects.filter(job=job).values_list("tag", "rows")),
        "corrects": job.corrects_id,
    }


def statuses(job: ImportJob) -> dict[int, str]:
    return dict(job.rows.values_list("row_number", "status"))


def test_it_replaces_a_value_in_all_its_rows(job: ImportJob, marketer: Person) -> None:
    repair = value("phone", "无手机", "")
    became = repairs.make(job, repair, marketer)
    assert became == {"waiting": 2, "to_fix": 2}
    now = statuses(job)
    assert (now[3], now[4], now[5], now[10]) == ("waiting", "waiting", "to_fix", "to_fix")
    assert job.rows.get(row_number=5).problem.code == "no_identifier"
    assert job.rows.get(row_number=10).problem.code == "no_tags"
    repair.refresh_from_db()
    assert (repair.rows, repair.by, repair.before, repair.after) == (4, marketer, "无手机", "")
    assert job.counts == counted(job)


def test_it_gives_a_tag_to_all_rows_without_one(job: ImportJob, marketer: Person) -> None:
    assert repairs.make(job, value("tags", "", "VIP"), marketer) == {"waiting": 1, "to_fix": 1}
    assert job.rows.get(row_number=6).tags == "VIP"
    assert ["VIP", 1] in job.summary["tags"]


def test_it_ends_where_a_corrected_sheet_would(
    job: ImportJob, marketer: Person, sandbox_connection: Connection
) -> None:
    repairs.make(job, value("phone", "无手机", ""), marketer)
    repairs.make(job, value("tags", "", "VIP，老客"), marketer)
    repairs.make(job, cell(8, "phone", "12", "13900000012"), marketer)
    repairs.make(job, cell(7, "phone", "", "139 0000 0007"), marketer)
    sheet = [
        customer(0),
        (*customer(1)[:3], "", "春季活动"),
        (*customer(2)[:3], "", "新客"),
        ("", "", "", "", "新客"),
        (*customer(3)[:4], "VIP,老客"),
        ("", "", "", "13900000007", "新客"),
        (*customer(4)[:3], "13900000012", "春季活动"),
        (*customer(4)[:3], "1 2", "春季活动"),
        (*customer(5)[:3], "", "VIP,老客"),
    ]
    fresh = checked(marketer, sandbox_connection, sheet)
    for said in (mine := snapshot(job), theirs := snapshot(fresh)):
        said["summary"].pop("changes")  # what cleaning did is told where it was typed
        said["summary"].pop("warnings")  # the look at whole columns is that of the check
    assert mine == theirs


def test_it_sends_repaired_rows_that_are_equal_once(job: ImportJob, marketer: Person) -> None:
    repairs.make(job, cell(8, "phone", "12", "13900000012"), marketer)
    assert repairs.make(job, cell(9, "phone", "1 2", "139 0000 0012"), marketer) == {"duplicate": 1}
    assert job.rows.get(row_number=9).notes[0]["params"] == {"row": 8}


def test_it_finds_equal_rows_within_one_repair(job: ImportJob, marketer: Person) -> None:
    repairs.make(job, value("audienceUserId", "", customer(4)[0]), marketer)
    repairs.make(job, cell(8, "phone", "12", ""), marketer)
    repairs.make(job, cell(9, "phone", "1 2", ""), marketer)
    assert sorted((statuses(job)[8], statuses(job)[9])) == ["duplicate", "waiting"]
    assert job.counts == counted(job)


def test_it_leaves_out_the_rows_of_a_cause(job: ImportJob, marketer: Person) -> None:
    problem = job.rows.get(row_number=3).problem
    assert problem
    repair = Repair(kind=RepairKind.LEAVE_OUT, code=problem.code, params=problem.params)
    rows = job.rows.filter(problem=problem).count()
    assert repairs.make(job, repair, marketer) == {"left_out": rows}
    assert job.counts == counted(job)


def test_it_leaves_out_one_row(job: ImportJob, marketer: Person) -> None:
    assert repairs.make(job, Repair(kind=RepairKind.LEAVE_OUT, row_number=7), marketer) == {"left_out": 1}
    assert statuses(job)[7] == "left_out"


def test_it_keeps_no_repair_that_fits_nothing(job: ImportJob, marketer: Person) -> None:
    before = snapshot(job)
    assert not repairs.make(job, value("phone", "no such value", ""), marketer)
    assert not repairs.make(job, cell(2, "phone", customer(0)[3], ""), marketer)
    assert snapshot(job) == before
    assert not job.repairs.exists() and not job.events.filter(act="repair").exists()


def test_it_says_who_repaired_without_saying_what(job: ImportJob, marketer: Person) -> None:
    repairs.make(job, value("phone", "无手机", ""), marketer)
    event = job.events.get(act="repair")
    assert (event.by, event.before, event.after) == (marketer, "ready", "ready")
    assert (event.why, event.params) == ("", {"repair": job.repairs.get().pk})


def test_undo_brings_everything_back(job: ImportJob, marketer: Person) -> None:
    before = snapshot(job)
    repairs.make(job, value("phone", "无手机", ""), marketer)
    assert snapshot(job) != before
    repair = job.repairs.get()
    assert repairs.undo(repair, marketer) == 4
    assert snapshot(job) == before
    repair.refresh_from_db()
    assert repair.undone_at and not repair.touched.exists()


def test_undoing_an_earlier_repair_keeps_the_later_ones(job: ImportJob, marketer: Person) -> None:
    repairs.make(job, value("phone", "无手机", ""), marketer)
    repairs.make(job, value("tags", "", "VIP"), marketer)
    first = job.repairs.order_by("pk").first()
    assert first
    repairs.undo(first, marketer)
    now = statuses(job)
    assert (now[3], now[6], now[10]) == ("to_fix", "waiting", "to_fix")
    assert job.rows.get(row_number=10).tags == "VIP"


def test_what_rests_on_an_undone_repair_is_not_lost(job: ImportJob, marketer: Person) -> None:
    repairs.make(job, cell(8, "phone", "12", "13900000012"), marketer)
    repairs.make(job, cell(9, "phone", "1 2", "13900000012"), marketer)
    repairs.undo(job.repairs.order_by("pk")[0], marketer)
    assert (statuses(job)[8], statuses(job)[9]) == ("to_fix", "waiting")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_whatever_is_repaired_and_undone_stays_true(job: ImportJob, marketer: Person, seed: int) -> None:
    before, chance = snapshot(job), random.Random(seed)
    print(f"seed {seed}")
    for _ in range(12):
        made = list(job.repairs.filter(undone_at=None))
        if made and chance.random() < 0.35:
            repairs.undo(chance.choice(made), marketer)
        else:
            repairs.make(job, any_repair(job, chance), marketer)
        job.refresh_from_db()
        assert job.counts == counted(job)
        assert_sums(job)
    while made := list(job.repairs.filter(undone_at=None)):
        repairs.undo(chance.choice(made), marketer)
    assert snapshot(job) == before


def any_repair(job: ImportJob, chance: random.Random) -> Repair:
    row = chance.choice(list(job.rows.all()))
    field = chance.choice([*VALUE_COLUMNS, "phone", "tags"])
    text = chance.choice(["", "13800000000", "13900000012", "VIP", "oops!", customer(4)[1], customer(9)[0]])
    kind = chance.random()
    if kind < 0.2:
        return Repair(kind=RepairKind.LEAVE_OUT, row_number=row.row_number)
    if kind < 0.3 and row.problem:
        return Repair(kind=RepairKind.LEAVE_OUT, code=row.problem.code, params=row.problem.params)
    before = row.values_by_field()[field]
    return cell(row.row_number, field, before, text) if kind < 0.7 else value(field, before, text)


def assert_sums(job: ImportJob) -> None:
    """Tags and identifiers of what will be sent; and what is sent twice in the file is sent once."""
    sent = [row.values_by_field() for row in job.rows.filter(status="waiting")]
    assert len({tuple(values.values()) for values in sent}) == len(sent)
    tags: dict[str, int] = {}
    for values in sent:
        for tag in values["tags"].split(","):
            tags[tag] = tags.get(tag, 0) + 1
    assert dict(JobTag.objects.filter(job=job).values_list("tag", "rows")) == tags
    assert sum(rows for _keys, rows in job.summary["identifiers"]) == len(sent)
    for row in job.rows.filter(status="duplicate"):
        twin = job.rows.get(row_number=row.notes[0]["params"]["row"])
        assert twin.status == "waiting" and twin.values_by_field() == row.values_by_field()


def test_repairs_are_made_again_after_another_check(job: ImportJob, marketer: Person) -> None:
    repairs.make(job, value("phone", "无手机", ""), marketer)
    repairs.make(job, cell(8, "phone", "12", "13900000012"), marketer)
    repairs.make(job, Repair(kind=RepairKind.LEAVE_OUT, row_number=7), marketer)
    before = snapshot(job)
    drafts.back_to_draft(job, marketer)
    job.begin_check(marketer)
    stage(job, lambda: True)
    job.move(Act.CHECKED)
    assert snapshot(job) == before


def test_a_repair_that_no_longer_fits_touches_nothing(job: ImportJob, marketer: Person) -> None:
    repairs.make(job, cell(8, "phone", "12", "13900000012"), marketer)
    drafts.back_to_draft(job, marketer)
    drafts.choose_columns(job, {3: None})
    job.begin_check(marketer)
    stage(job, lambda: True)
    job.move(Act.CHECKED)
    assert job.repairs.get().rows == 0
    assert job.rows.get(row_number=8).phone == ""


def test_nothing_is_repaired_after_the_start(job: ImportJob, marketer: Person) -> None:
    repairs.make(job, value("phone", "无手机", ""), marketer)
    stale = ImportJob.objects.get(pk=job.pk)
    actions.start(job, marketer)
    before = statuses(job)
    with pytest.raises(MoveRefused):
        repairs.make(stale, value("tags", "", "VIP"), marketer)
    with pytest.raises(MoveRefused):
        repairs.undo(job.repairs.get(), marketer)
    assert statuses(job) == before and job.repairs.count() == 1


def test_it_works_in_pieces(job: ImportJob, marketer: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    before = snapshot(job)
    monkeypatch.setattr(repairs, "ROWS_AT_ONCE", 1)
    assert repairs.make(job, value("phone", "无手机", ""), marketer) == {"waiting": 2, "to_fix": 2}
    assert_sums(job)
    repairs.undo(job.repairs.get(), marketer)
    assert snapshot(job) == before


def again(earlier: ImportJob) -> Repair:
    return Repair(kind=RepairKind.ACCEPTED_BEFORE, earlier=earlier)


def earlier_with_failures(owner: Person, connection: Connection) -> ImportJob:
    """20 rows, of which the platform took all but three."""
    first = started(owner, connection, customers(20))
    rows = ImportRow.objects.filter(job=first)
    rows.update(status="accepted")
    rows.filter(row_number__in=(3, 7, 11)).update(status="rejected")
    ImportJob.objects.filter(pk=first.pk).update(status="finished", counts={"accepted": 17, "rejected": 3})
    return ImportJob.objects.get(pk=first.pk)


def test_only_what_failed_before_is_sent(marketer: Person, sandbox_connection: Connection) -> None:
    first = earlier_with_failures(marketer, sandbox_connection)
    second = checked_import(marketer, sandbox_connection, list(reversed(customers(20))))
    before = snapshot(second)
    assert second.content_sha256 == first.content_sha256
    assert repairs.make(second, again(first), marketer)["left_out"] == 17
    second.refresh_from_db()
    assert second.counts == counted(second) == {"waiting": 3, "left_out": 17}
    assert second.corrects == first
    sent = second.rows.filter(status="waiting").order_by("corrects_row").values_list("corrects_row", "openid")
    assert list(sent) == [(n, customer(n - 2)[1]) for n in (3, 7, 11)]
    repairs.undo(second.repairs.get(), marketer)
    assert snapshot(second) == before


def test_what_was_sent_again_drops_out_of_the_earlier_retry(marketer: Person, sandbox_connection: Connection) -> None:
    first = earlier_with_failures(marketer, sandbox_connection)
    second = checked_import(marketer, sandbox_connection, customers(20))
    repairs.make(second, again(first), marketer)
    actions.start(second, marketer)
    failed = ImportRow.objects.filter(job=first, status="rejected")
    assert without_taken_up(failed, first).count() == 0


def test_a_page_from_before_cannot_start_it_in_the_middle(
    job: ImportJob, marketer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    write = repairs._write

    def spy(*arguments: Any) -> Any:
        seen.append(job.events.filter(act="repair").count())
        return write(*arguments)

    monkeypatch.setattr(repairs, "_write", spy)
    repairs.make(job, value("phone", "无手机", ""), marketer)
    assert seen == [1]


def test_a_duplicate_that_gets_another_cell_is_sent(marketer: Person, sandbox_connection: Connection) -> None:
    job = checked(marketer, sandbox_connection, [("", customer(1)[1], "", "", "VIP"), ("", "", "", "", "VIP")])
    assert repairs.make(job, cell(3, "openid", "", customer(1)[1]), marketer) == {"duplicate": 1}
    assert repairs.make(job, cell(3, "phone", "", "13900000003"), marketer) == {"waiting": 1}
    assert job.rows.get(row_number=3).notes == []


def test_a_repair_that_is_taken_back_while_it_is_made_stops(
    job: ImportJob, marketer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, write = snapshot(job), repairs._write
    monkeypatch.setattr(repairs, "ROWS_AT_ONCE", 1)

    def meanwhile(*arguments: Any) -> Any:
        """After the first piece, somebody takes it back in another tab."""
        monkeypatch.setattr(repairs, "_write", write)
        found = write(*arguments)
        transaction.on_commit(lambda: repairs.undo(Repair.objects.get(), marketer))
        return found

    monkeypatch.setattr(repairs, "_write", meanwhile)
    with TestCase.captureOnCommitCallbacks(execute=True):
        repairs.make(job, value("phone", "无手机", ""), marketer)
    assert snapshot(job) == before
    assert Repair.objects.get().undone_at


def test_a_long_text_in_an_identifier_column_is_only_to_fix(marketer: Person, sandbox_connection: Connection) -> None:
    """PostgreSQL refuses index entries beyond 2,704 bytes."""
    text = "".join(chr(0x4E00 + number * 7919 % 20_000) for number in range(4000))
    job = checked(marketer, sandbox_connection, [customer(0), (*customer(1)[:3], text, "VIP")])
    assert statuses(job) == {2: "waiting", 3: "to_fix"}
    assert repairs.make(job, cell(3, "openid", customer(1)[1], text), marketer) == {"to_fix": 1}
