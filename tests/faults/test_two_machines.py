"""Two groups of processes with separate homes on one PostgreSQL, one Redis and one folder of uploads."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from django.db import connection as database
from openpyxl import load_workbook

from tagsync.connections.models import Connection
from tagsync.exports.models import Export
from tagsync.imports.models import ImportJob
from tagsync.imports.states import JobStatus
from tagsync.sandbox import Sandbox
from tests.faults import pages, struck_machines
from tests.faults.struck_machines import two_machines
from tests.installation import wait_for
from tests.making import customers

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(600),
    pytest.mark.skipif(database.vendor != "postgresql", reason="SQLite is for one machine"),
]

ROWS = 3000


@pytest.fixture(autouse=True)
def own_uploads(tmp_path: Path, settings: Any) -> None:
    settings.MEDIA_ROOT = tmp_path / "uploads"


def test_one_is_killed_then_cut_off_and_let_back(tmp_path: Path) -> None:
    figures = struck_machines.run(tmp_path, ROWS)
    print(figures)
    assert figures["rows accepted"] == ROWS


def test_one_has_the_pages_and_the_other_the_work(tmp_path: Path, connection: Connection, sandbox: Sandbox) -> None:
    with two_machines(tmp_path) as (one, other, _lines):
        one.start("web")
        other.start("checks", "sends", "exports", "keeper")
        with one.browser() as person:
            job = ImportJob.objects.get(pk=pages.upload(person, customers(300)))
            wait_for(lambda: ImportJob.objects.filter(pk=job.pk, status=JobStatus.READY).exists(), 60)
            pages.start(person, job.pk)
            wait_for(lambda: ImportJob.objects.filter(pk=job.pk, status=JobStatus.FINISHED).exists(), 60)
            assert ImportJob.objects.get(pk=job.pk).counts == {"accepted": 300}
            person.post(f"/imports/{job.pk}/export/", {}, form_at=f"/imports/{job.pk}/")
            wait_for(lambda: Export.objects.filter(state="done").exists(), 60)
            workbook = person.http.get(f"/exports/{Export.objects.get().pk}/file/").content
    assert load_workbook(io.BytesIO(workbook)).worksheets[0].max_row == 1 + 300
