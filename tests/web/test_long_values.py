"""Cells of tens of thousands of characters: no page carries them, and no form takes a part of one for a change."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from tagsync.imports.models import ImportJob
from tagsync.web.ui.cells import in_short
from tests.making import finish_check, small_workbook
from tests.web.conftest import MakeDraft

LONG = "1380013" * 4_000


@pytest.fixture
def job(make_draft: MakeDraft) -> ImportJob:
    rows = [(LONG, "林", "新客"), ("13800138000", "王", f"VIP,{LONG}"), ("138", "赵", "新客")] * 7
    draft = make_draft(small_workbook(rows=rows))
    draft.begin_check(draft.owner)
    return finish_check(draft)


def test_the_pages_stay_small(signed: Client, job: ImportJob) -> None:
    problems = [f"check/?open={problem.pk}" for problem in job.problems.all()]
    assert len(problems) > 1
    for place in ("check/", "rows/", "rows/?row=2", *problems):
        page = signed.get(f"/imports/{job.pk}/{place}").content.decode()
        assert "1380013" in page and LONG not in page
        assert len(page) < 150_000, place


def test_what_was_not_touched_is_not_changed(signed: Client, job: ImportJob) -> None:
    problem = job.rows.get(row_number=2).problem_id
    page = signed.get(f"/imports/{job.pk}/check/?open={problem}").content.decode()
    cells = dict(re.findall(r'name="(cell-\d+-\w+)"\s+value="([^"]*)"', page))
    assert cells["cell-2-phone"] == "" and cells["cell-4-phone"] == "138"
    cells["cell-4-phone"] = "13800138004"
    signed.post(f"/imports/{job.pk}/repairs/", {"act": "cells", "problem": str(problem), **cells})
    assert [repair.row_number for repair in job.repairs.all()] == [4]
    assert job.rows.get(row_number=2).phone == LONG


def test_it_can_be_typed_over(signed: Client, job: ImportJob) -> None:
    signed.post(f"/imports/{job.pk}/repairs/", {"act": "cells", "cell-2-phone": "13800138002"})
    assert job.rows.get(row_number=2).phone == "13800138002"


def test_it_cuts_with_an_ellipsis() -> None:
    assert in_short("x" * 200) == "x" * 200
    assert in_short("x" * 201) == "x" * 199 + "…"
