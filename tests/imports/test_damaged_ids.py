"""What only the whole column betrays: ruined IDs, repeated customers, identifiers that contradict each other."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.imports.check.damaged_ids import suspicions
from tagsync.imports.check.staging import stage
from tagsync.imports.check.summary import id_shape
from tagsync.imports.models import ImportJob
from tagsync.imports.sending.counts import counted
from tests.making import customer, draft

pytestmark = pytest.mark.django_db


def staged(owner: Person, connection: Connection, rows: list[tuple[str, ...]], **settings: Any) -> ImportJob:
    job = draft(owner, connection, rows, **settings)
    stage(job, lambda: True)
    job.refresh_from_db()
    return job


def with_ids(*ids: str) -> list[tuple[str, ...]]:
    return [(value, "", "", "", "VIP") for value in ids]


def warnings_of(job: ImportJob) -> dict[str, dict[str, Any]]:
    return {warning["code"]: warning for warning in job.summary["warnings"]}


def codes(*ids: str) -> list[tuple[str, bool]]:
    return [(found.code, found.stops) for found in suspicions(Counter(id_shape(value) for value in ids))]


GENUINE = [f"88000000000012{number:04d}" for number in range(1, 1000)]


def test_it_knows_ids_that_excel_has_cut() -> None:
    assert codes("880000000000123000", "880000000000124000") == [("id_ends_in_zeros", True)]
    assert codes("88000000000012345") == []
    assert codes("123456789012345000", *GENUINE[:50]) == [("id_ends_in_zeros", True)]


def test_it_lets_chance_be_chance() -> None:
    assert codes("880000000000123000", *GENUINE) == [("id_ends_in_zeros", False)]
    # 16 digits: every tenth ends so.
    assert codes("1234567890123450") == []


def test_it_knows_lost_zeros_only_beside_kept_ones() -> None:
    kept = [f"0{number:09d}" for number in range(100)]
    assert codes("123456789", *kept) == [("id_too_short", True)]
    assert codes("123456789", *(f"1{number:09d}" for number in range(100))) == []
    assert codes("123456789", *kept[:5]) == []


def test_it_stops_ruined_ids_and_keeps_every_sum_true(marketer: Person, sandbox_connection: Connection) -> None:
    job = staged(
        marketer, sandbox_connection, [*with_ids("880000000000123000", "880000000000124000"), customer(1, "VIP")]
    )
    assert job.counts == counted(job) == {"to_fix": 2, "waiting": 1}
    assert job.summary["tags"] == [["VIP", 1]]
    assert sum(rows for _, rows in job.summary["identifiers"]) == 1
    row = job.rows.get(row_number=3)
    assert row.problem is not None
    assert (row.problem.code, row.notes[0]["column"], row.notes[0]["value"]) == (
        "id_ends_in_zeros",
        "A",
        "880000000000124000",
    )


def test_it_stops_the_duplicates_of_ruined_ids_as_well(marketer: Person, sandbox_connection: Connection) -> None:
    ruined = "880000000000123000"
    job = staged(marketer, sandbox_connection, [*with_ids(ruined, ruined), customer(1)])
    assert job.counts == counted(job) == {"to_fix": 2, "waiting": 1}


def test_it_warns_of_few_that_may_be_genuine(marketer: Person, sandbox_connection: Connection) -> None:
    job = staged(marketer, sandbox_connection, with_ids("880000000000123000", *GENUINE))
    assert job.counts == {"waiting": 1000}
    warning = warnings_of(job)["id_may_end_in_zeros"]
    assert (warning["rows"], warning["examples"]) == (1, [[2, "A2", "880000000000123000"]])


def test_it_names_customers_that_repeat_and_contradict(marketer: Person, sandbox_connection: Connection) -> None:
    first, second = "o" + "a" * 27, "o" + "b" * 27
    rows = [
        ("", first, "", "13800138000", "VIP"),
        ("", second, "", "13800138000", "VIP"),
        ("", "", "", "13800138000", "春季"),
        ("", first, "", "", "新客"),
    ]
    job = staged(marketer, sandbox_connection, rows)
    assert job.counts == {"waiting": 4}
    found = warnings_of(job)
    assert (found["customer_repeated"]["params"], found["customer_repeated"]["rows"]) == ({"field": "phone"}, 2)
    conflict = found["identifiers_conflict"]
    assert (conflict["params"], conflict["rows"]) == ({"field": "phone", "other": "openid"}, 3)
    assert conflict["examples"] == [[4, "D4", "13800138000"]]


def test_it_sees_one_id_in_both_columns(marketer: Person, sandbox_connection: Connection) -> None:
    twin = "o" + "c" * 27
    job = staged(marketer, sandbox_connection, [("", twin, twin, "", "VIP"), customer(2)])
    assert warnings_of(job)["openid_is_unionid"]["examples"] == [[2, "B2", twin]]


def test_it_says_nothing_where_there_is_nothing(marketer: Person, sandbox_connection: Connection) -> None:
    job = staged(marketer, sandbox_connection, [customer(number) for number in range(20)])
    assert (job.summary["warnings"], job.summary["changes"], job.summary["look_alikes"]) == ([], [], [])


def test_it_counts_what_cleaning_changed(marketer: Person, sandbox_connection: Connection) -> None:
    rows = [("", "", "", f"138 0013 80{number:02d}", "VIP；春季") for number in range(5)]
    job = staged(marketer, sandbox_connection, rows)
    found = {(one["field"], one["code"]): one for one in job.summary["changes"]}
    assert found["phone", "spaces_removed"]["rows"] == 5
    assert found["phone", "spaces_removed"]["examples"][0] == [2, "D2", "138 0013 8000", "13800138000"]
    assert found["tags", "separators_replaced"]["rows"] == 5


def test_it_keeps_tags_and_their_look_alikes(marketer: Person, sandbox_connection: Connection) -> None:
    rows = [("", "", "", f"1380013800{number}", tag) for number, tag in enumerate(["VIP", "VIP", "v i p", "春季"])]
    job = staged(marketer, sandbox_connection, rows)
    assert dict(job.tags.values_list("tag", "rows")) == {"VIP": 2, "v i p": 1, "春季": 1}
    assert job.summary["look_alikes"] == [[["VIP", 2], ["v i p", 1]]]


def test_it_knows_the_same_content_in_another_file(marketer: Person, sandbox_connection: Connection) -> None:
    rows = [customer(number) for number in range(3)]
    first, again = staged(marketer, sandbox_connection, rows), staged(marketer, sandbox_connection, [*rows, rows[0]])
    other = staged(marketer, sandbox_connection, rows, operation="delete")
    assert first.content_sha256 == again.content_sha256 != other.content_sha256
    assert len(first.content_sha256) == 64


def test_it_gives_every_row_the_fixed_tags(marketer: Person, sandbox_connection: Connection) -> None:
    job = draft(marketer, sandbox_connection, [customer(1, "VIP"), customer(2, "")])
    job.fixed_tags = "双11,VIP"
    stage(job, lambda: True)
    assert list(job.rows.order_by("row_number").values_list("tags", flat=True)) == ["VIP,双11", "双11,VIP"]
