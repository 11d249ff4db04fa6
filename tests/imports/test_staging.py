"""The check: rows, sums and groups of what people put into sheets."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.imports.check.identification import identified_by
from tagsync.imports.check.staging import Interrupted, stage
from tagsync.imports.drafts import drafts
from tagsync.imports.models import ImportJob, Problem
from tagsync.imports.problems import sentence
from tagsync.imports.problems.groups import groups
from tagsync.imports.sending.counts import counted, verify
from tests.making import customer, customers, draft, workbook

pytestmark = pytest.mark.django_db

ROWS = [
    customer(0),
    customer(1, "VIP，春季"),
    ("", "", "", "138 0013 8000", "VIP"),
    ("", "", "", "12", "VIP"),
    ("", "", "", "", "VIP"),
    customer(5, ""),
    ("", "", "", "", ""),
    customer(0),
    ("", "", "", "13800138000", "VIP"),
]


def staged(owner: Person, connection: Connection, rows: list[tuple[str, ...]]) -> ImportJob:
    job = draft(owner, connection, rows)
    stage(job, lambda: True)
    job.refresh_from_db()
    return job


def test_it_balances(marketer: Person, sandbox_connection: Connection) -> None:
    job = staged(marketer, sandbox_connection, ROWS)
    assert job.counts == {"waiting": 3, "to_fix": 3, "duplicate": 2}
    assert job.total + job.blank_rows == len(ROWS)
    assert counted(job) == job.counts


def test_it_keeps_the_row_numbers_of_excel(marketer: Person, sandbox_connection: Connection) -> None:
    job = staged(marketer, sandbox_connection, ROWS)
    assert list(job.rows.order_by("row_number").values_list("row_number", flat=True)) == [2, 3, 4, 5, 6, 7, 9, 10]


def test_it_names_the_earlier_row_of_a_duplicate(marketer: Person, sandbox_connection: Connection) -> None:
    job = staged(marketer, sandbox_connection, ROWS)
    assert [row.notes[0]["params"]["row"] for row in job.rows.filter(status="duplicate").order_by("row_number")] == [
        2,
        4,
    ]


def test_it_keeps_every_problem_with_cell_and_value(marketer: Person, sandbox_connection: Connection) -> None:
    job = staged(marketer, sandbox_connection, [("", "", "", "12", "")])
    row = job.rows.get()
    assert [(note["code"], note["column"], note["value"]) for note in row.notes] == [
        ("phone_invalid", "D", "12"),
        ("no_tags", "E", ""),
    ]


def test_it_groups_problems_biggest_first(marketer: Person, sandbox_connection: Connection) -> None:
    rows = [("", "", "", str(number), "VIP") for number in range(5)] + [customer(7, "")]
    found = groups(staged(marketer, sandbox_connection, rows))
    assert [(group.problem.code, group.rows, group.first_row, len(group.examples)) for group in found] == [
        ("phone_invalid", 5, 2, 3),
        ("no_tags", 1, 7, 1),
    ]


def test_it_counts_tags_and_identifiers(marketer: Person, sandbox_connection: Connection) -> None:
    job = staged(marketer, sandbox_connection, ROWS)
    assert dict(job.summary["tags"]) == {"VIP": 2, "春季活动": 1, "春季": 1}
    assert job.summary["tag_count"] == 3
    assert identified_by(job) == [("unionid", 2), ("phone", 1)]
    job.identify_way = 2
    assert identified_by(job) == [("phone", 3)]


def test_it_replaces_what_an_earlier_check_staged(marketer: Person, sandbox_connection: Connection) -> None:
    job = staged(marketer, sandbox_connection, ROWS)
    stage(job, lambda: True)
    job.refresh_from_db()
    assert job.total == 8
    assert Problem.objects.filter(job=job).count() == 3


def test_it_stops_when_it_was_taken_over(marketer: Person, sandbox_connection: Connection) -> None:
    job = draft(marketer, sandbox_connection, customers(3))
    with pytest.raises(Interrupted):
        stage(job, lambda: False)


def test_it_drops_nothing_that_another_check_staged(marketer: Person, sandbox_connection: Connection) -> None:
    job = staged(marketer, sandbox_connection, ROWS)
    with pytest.raises(Interrupted):
        stage(job, lambda: False)
    job.refresh_from_db()
    assert (job.rows.count(), job.total) == (8, 8)


def test_it_corrects_and_reports_wrong_counts(
    marketer: Person, sandbox_connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    job = staged(marketer, sandbox_connection, ROWS)
    ImportJob.objects.filter(pk=job.pk).update(counts={"waiting": 99})
    assert not verify(job)
    job.refresh_from_db()
    assert job.counts == {"waiting": 3, "to_fix": 3, "duplicate": 2}
    assert "counts of import" in caplog.text


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty_file"),
        (b'name,tags\n"1,2\n', "open_quote"),
        (b"\x89PNG\r\n\x1a\n" + b"0" * 100, "image"),
        (b"PK\x03\x04 truncated", "damaged"),
    ],
)
def test_it_makes_no_import_of_a_file_it_cannot_read(
    marketer: Person, sandbox_connection: Connection, content: bytes, code: str
) -> None:
    made = drafts.create(marketer, SimpleUploadedFile("会员.xlsx", content))
    assert isinstance(made, drafts.Refusal)
    assert made.code == code
    assert sentence(made.code, made.params).advice
    assert not ImportJob.objects.exists()


def test_it_says_so_when_a_sheet_is_empty(marketer: Person, sandbox_connection: Connection) -> None:
    made = drafts.create(marketer, workbook([], header=[]))
    assert isinstance(made, drafts.Refusal)
    assert made.code == "empty_sheet"


def test_it_says_which_columns_are_missing() -> None:
    assert drafts.column_problems([None, "phone", "phone"]) == [
        ("field_taken_twice", "phone"),
        ("no_tags_column", "tags"),
    ]
    assert drafts.column_problems(["tags"]) == [("no_identifier_column", "")]
    assert drafts.column_problems(["tags", "openid", None]) == []
