"""Sheets without column names, rows above them and cells beside them, from the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import override_settings

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.imports.models import ImportJob
from tagsync.terminal import CouldNotRun
from tests.making import finish_check
from tests.workbooks import plain

pytestmark = pytest.mark.django_db

NAMELESS = [("13800138010", "VIP"), ("13800138011", "新客")]


@pytest.fixture(autouse=True)
def _prepared(
    admin_person: Person, sandbox_connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """No Redis; the check is done at once, as a worker would do it."""

    def check(job: ImportJob, by: Person) -> None:
        job.begin_check(by)
        finish_check(job)

    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setattr("tagsync.queueing.doorbell.ring", lambda queue, job: True)
    for which in ("checks_have_workers", "sends_have_workers"):
        monkeypatch.setattr(f"tagsync.cli.management.commands.import_sheet.{which}", lambda: True)
    monkeypatch.setattr("tagsync.delivery.actions.check", check)
    with override_settings(MEDIA_ROOT=tmp_path / "uploads"):
        yield


@pytest.fixture(params=["xlsx", "csv"])
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def sheet(folder: Path, form: str, rows: list[tuple[str, ...]]) -> Path:
    path = folder / f"sheet.{form}"
    if form == "xlsx":
        return plain(path, rows)
    path.write_text("\n".join(",".join(row) for row in rows))
    return path


def run(path: Path, *options: str) -> None:
    call_command("import_sheet", str(path), "--connection", "Sandbox", "--operation", "add", *options)


def imported(capsys: pytest.CaptureFixture[str], path: Path, *options: str) -> tuple[dict[str, Any], str]:
    """The JSON object, and what was said beside it."""
    run(path, "--json", *options)
    said = capsys.readouterr()
    return json.loads(said.out.splitlines()[-1]), said.err


@pytest.mark.parametrize("options", [(), ("--header-row", "0")])
def test_it_sends_the_first_customer_of_a_sheet_without_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str, options: tuple[str, ...]
) -> None:
    path = sheet(tmp_path, form, NAMELESS)
    found, _said = imported(capsys, path, "--map", "A=phone", "--map", "b=tags", *options)
    assert found["rows"]["waiting"] == 2
    assert found["file"] == {"rows": 2, "above_header": [], "header_row": 0, "read": 2, "left_hidden": 0, "blank": 0}
    assert [row.phone for row in ImportJob.objects.get().rows.order_by("row_number")] == [row[0] for row in NAMELESS]


def test_it_sends_the_header_too_where_that_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    path = sheet(tmp_path, form, [("手机号", "标签"), *NAMELESS])
    found, _said = imported(capsys, path, "--header-row", "0", "--map", "A=phone", "--map", "B=tags")
    assert (found["rows"]["waiting"], found["rows"]["to_fix"]) == (2, 1)


def test_it_takes_the_row_that_is_given(tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str) -> None:
    path = sheet(tmp_path, form, [("13800138009", "VIP"), ("x", "y"), *NAMELESS])
    found, said = imported(capsys, path, "--header-row", "2", "--map", "x=phone", "--map", "y=tags")
    assert found["file"] == {"rows": 4, "above_header": [1], "header_row": 2, "read": 2, "left_hidden": 0, "blank": 0}
    assert [(one["code"], one["rows"], one["first_rows"]) for one in found["notices"]] == [("customer_above", 1, [1])]
    assert "looks like a customer: it is not sent (row 1)." in said


def test_it_refuses_columns_without_names_that_nobody_named(tmp_path: Path, form: str) -> None:
    with pytest.raises(CouldNotRun) as caught:
        run(sheet(tmp_path, form, NAMELESS))
    assert "No row is used as the header row (set one with --header-row)" in str(caught.value)
    assert "the columns are called “A”, “B”" in str(caught.value)
    assert not ImportJob.objects.visible_to(Person.objects.get()).exists()


@pytest.mark.parametrize("row", ["99", "-1"])
def test_it_refuses_a_row_that_is_not_there(tmp_path: Path, form: str, row: str) -> None:
    with pytest.raises(CouldNotRun, match="is blank or not among the first rows"):
        run(sheet(tmp_path, form, NAMELESS), "--header-row", row)


def test_it_tells_of_columns_without_a_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [("手机号", "标签"), *((f"138{n:08d}", "VIP") for n in range(400))]
    for number in (300, 310, 320, 330):
        rows[number - 1] = (*rows[number - 1], "", "x")
    found, said = imported(capsys, plain(tmp_path / "sheet.xlsx", rows))
    message = "Column D has no name but holds values, and is not sent"
    assert found["notices"] == [
        {"code": "unnamed_column", "message": message, "column": "D", "rows": 4, "first_rows": [300, 310, 320]}
    ]
    assert f"{message} (4 rows: 300, 310, 320…)." in said


def test_it_stops_rows_that_were_cut_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [("手机号", "标签"), *((f"138{n:08d}", "VIP") for n in range(400))]
    rows[350] = (*rows[350], "新客")
    found, _said = imported(capsys, sheet(tmp_path, "csv", rows))
    assert (found["rows"]["waiting"], found["rows"]["to_fix"]) == (399, 1)
    assert [(one["code"], one["first_row"]) for one in found["problems"]] == [("row_longer_than_header", 351)]


def test_it_says_the_rows_of_the_file_as_a_sum(tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str) -> None:
    path = sheet(tmp_path, form, [("五月名单",), ("导出人", "林"), ("手机号", "标签"), *NAMELESS])
    run(path)
    assert (
        "5 rows in the file = 2 above the header row (rows 1–2) + 1 header row (row 3) + 2 rows read."
        in capsys.readouterr().out
    )
