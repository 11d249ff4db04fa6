"""The check: rows, sums and groups of what people put into sheets."""

from __future__ import annotations

from io import BytesIO

import openpyxl
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


def test_it_sends_what_number_formats_show(marketer: Person, sandbox_connection: Connection) -> None:
    """The cells of the sheet: the stored number and its format. Column C is not sent."""
    cells = [
        [(123, '"KH"000000'), (5, '"VIP"0'), (0.5, "# ?/?")],
        [(124, "00000;-00000"), (0.5, "0%"), (1, "0.00E+00")],
        [(125, "[$-804]000000"), (1200, "#,##0"), None],
        [(1234567, "#,##0.00"), ("金卡", '@"会员"'), None],
        [(126, "# ?/?"), (5, '"VIP"0'), None],
        [(127, "0"), (13, "[>5]0;0"), None],
    ]
    book = openpyxl.Workbook()
    book.active.append(["客户ID", "标签", "备注"])
    for number, row in enumerate(cells, 2):
        for column, cell in enumerate(row, 1):
            if cell is not None:
                book.active.cell(number, column, cell[0]).number_format = cell[1]
    content = BytesIO()
    book.save(content)
    job = drafts.create(marketer, SimpleUploadedFile("format.xlsx", content.getvalue()))
    stage(job, lambda: True)

    job.refresh_from_db()
    assert list(job.rows.order_by("row_number").values_list("row_number", "customer_id", "tags", "status")) == [
        (2, "KH000123", "VIP5", "waiting"),
        (3, "00124", "50%", "waiting"),
        (4, "000125", "1200", "waiting"),
        (5, "1234567", "金卡会员", "waiting"),
        (6, "126", "VIP5", "to_fix"),
        (7, "127", "13", "to_fix"),
    ]
    notes = [row.notes[0] for row in job.rows.filter(status="to_fix").order_by("row_number")]
    assert [(note["code"], note["column"], note["value"], note["params"]) for note in notes] == [
        ("format_not_understood", "A", "126", {"format": "# ?/?"}),
        ("format_not_understood", "B", "13", {"format": "[>5]0;0"}),
    ]
    assert "“[>5]0;0”" in sentence(notes[1]["code"], {"field": "tags", **notes[1]["params"]}).title
