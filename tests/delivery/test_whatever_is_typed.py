"""Whatever is typed into cells: the very value arrives at the platform, or the row says what is wrong with it."""

from __future__ import annotations

import io
import os
import re
import unicodedata
from collections import Counter
from math import isclose

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.delivery import actions, tasks
from tagsync.imports.drafts import drafts
from tagsync.imports.models import ImportJob, ImportRow
from tagsync.imports.states import RowStatus
from tagsync.mapping.characters import without_zero_width
from tagsync.mapping.fields import FIELDS
from tagsync.mapping.leftovers import NO_IDENTIFIERS
from tagsync.sandbox import Sandbox
from tests.invariants import check_invariants
from tests.making import HEADER, run_to_end

pytestmark = pytest.mark.django_db(transaction=True)

Typed = str | int | float | bool | None

text = st.text(max_size=40).map(lambda typed: ILLEGAL_CHARACTERS_RE.sub("", typed))
usual = st.sampled_from(
    [
        "880000000000120011",
        "0012345",
        "o" + "a" * 27,
        "u" + "B" * 27,
        "13800138000",
        "+86 138-0013-8000",
        "１３８００１３８０００",
        "1.3800138000E+10",
        "1.38E+10",
        "+14155552671",
        "VIP",
        "VIP，春季；新客",
        "v i p|VIP",
        "#N/A",
        "null",
        "=1+1",
        "'13800138001",
        "\u200b13800138002\u00a0",
        "",
    ]
)
numbers = st.one_of(st.integers(0, 10**19), st.floats(allow_nan=False, allow_infinity=False), st.booleans())
cell = st.one_of(usual, usual, text, numbers, st.none())


@st.composite
def row(draw: st.DrawFn) -> tuple[Typed, ...]:
    """A good row with one cell in which anything may stand; a row of nothing but oddities would never be sent."""
    number = draw(st.integers(0, 999))
    good: list[Typed] = [
        f"88000000000012{number:04d}",
        f"o{number:027d}",
        f"u{number:027d}",
        f"1380013{number:04d}",
        "VIP",
    ]
    good[draw(st.integers(0, 4))] = draw(cell)
    return tuple(good)


table = st.lists(row(), min_size=1, max_size=25)


def upload(rows: list[tuple[Typed, ...]]) -> SimpleUploadedFile:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(list(HEADER))
    for number, values in enumerate(rows, 2):
        for column, value in enumerate(values, 1):
            if value is not None:
                written = sheet.cell(number, column, value)
                written.data_type = "s" if isinstance(value, str) else written.data_type
    file = io.BytesIO()
    book.save(file)
    return SimpleUploadedFile("a.xlsx", file.getvalue())


def shown(typed: object) -> str:
    """A number without the .0 that only programs write."""
    is_whole = isinstance(typed, float) and typed == int(typed) and abs(typed) < 1e15
    return f"{typed:.0f}" if is_whole else re.sub(r"(?<!\S)(\d{1,15})\.0+(?!\S)", r"\1", str(typed))


def essence(typed: object) -> str:
    """What must not change: letters and digits, whatever their width; written by somebody who has not read ours."""
    found = shown(typed)
    if whole := re.fullmatch(r"(\d)\.(\d{10})E\+10", found):
        found = whole[1] + whole[2]
    narrow = unicodedata.normalize("NFKC", without_zero_width(found))
    return "".join(character for character in narrow if character.isalnum())


FOR_NOTHING = {essence(word) for word in NO_IDENTIFIERS}


def tags_of(typed: object) -> Counter[str]:
    return Counter(set(filter(None, map(essence, re.split(r"[,，、;；|\n\r\v\f\x85\u2028\u2029]", shown(typed))))))


def assert_is(row: ImportRow, typed: tuple[Typed, ...]) -> None:
    for (key, value), was in zip(row.values_by_field().items(), typed, strict=True):
        if key == "tags" and isinstance(was, float):
            # Fifteen digits are all that a sheet keeps and shows, however it writes them.
            assert isclose(float(value), was, rel_tol=1e-14), (value, was)
        elif key == "tags":
            assert Counter(set(filter(None, map(essence, value.split(","))))) == tags_of("" if was is None else was)
        else:
            # Beside other identifiers a word for nothing is nothing.
            before = "" if was is None or (not value and essence(was).casefold() in FOR_NOTHING) else essence(was)
            assert essence(value) in (
                {before} if key != "phone" else {before, before.removeprefix("00").removeprefix("86")}
            )


@pytest.mark.slow
@pytest.mark.timeout(600)
@settings(
    max_examples=50 if os.environ.get("CI") else 12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(table)
def test_it_arrives_or_has_a_problem(
    marketer: Person, connection: Connection, sandbox: Sandbox, rows: list[tuple[Typed, ...]]
) -> None:
    job = drafts.create(marketer, upload(rows))
    if not isinstance(job, ImportJob):
        return
    drafts.choose_sheet(job, job.sheet, 1, marketer)
    drafts.choose_columns(job, dict(enumerate(FIELDS)))
    drafts.choose_settings(job, drafts.Choices(connection, "add", "fuzzy", 1))
    actions.check(job, marketer)
    tasks.run_check(job.pk)
    job.refresh_from_db()
    if job.count(RowStatus.WAITING):
        actions.start(job, marketer)
        job = run_to_end(job)
        assert job.status == "finished"
    check_invariants(job, sandbox.ledger)
    for row in job.rows.filter(status=RowStatus.ACCEPTED):
        assert_is(row, rows[row.row_number - 2])
    not_accepted = job.rows.exclude(status__in=[RowStatus.ACCEPTED, RowStatus.DUPLICATE])
    assert all(row.problem_id and row.notes for row in not_accepted)
    assert job.total + job.blank_rows <= len(rows)
