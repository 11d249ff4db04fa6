"""What an installation has in its database is there after the migrations, on both engines."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from django.apps.registry import Apps
from django.db import connection as database
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.exports.models import Export
from tagsync.imports import figures
from tagsync.imports.customer_search import sought
from tagsync.imports.followups import dismissals
from tagsync.imports.models import ImportJob, ImportRow, JobEvent, JobTag
from tagsync.imports.models.row import Origin
from tagsync.imports.states import JobStatus
from tagsync.mapping.characters import folded
from tagsync.notifications.models import Notice
from tests.making import S, blame, corrected, make_import

pytestmark = pytest.mark.django_db(transaction=True)

BEFORE = [("imports", "0013_fence_of_events"), ("exports", None), ("notifications", None)]


def migrate(targets: list[tuple[str, str | None]]) -> Apps:
    executor = MigrationExecutor(database)
    executor.migrate(targets)  # None takes everything of an app back
    return MigrationExecutor(database).loader.project_state([one for one in targets if one[1]]).apps


def newest() -> list[tuple[str, str | None]]:
    return [(app, name) for app, name in MigrationExecutor(database).loader.graph.leaf_nodes()]


@pytest.fixture
def old(marketer: Person) -> Iterator[Apps]:
    """The models as they were before rooms were opened up."""
    yield migrate(BEFORE)
    migrate(newest())


def fill(apps: Apps, person: int) -> int:
    """An import with a row, events, an export and a notice; returns its number."""
    models = {
        name: apps.get_model("imports", name) for name in ("ImportJob", "ImportRow", "JobEvent", "Export", "Notice")
    }
    job = models["ImportJob"].objects.create(owner_id=person, file="a.upload", file_name="a.xlsx", status="finished")
    row: dict[str, Any] = {"audience_user_id": "880000000000000011", "openid": "o1", "tags": "VIP"}
    models["ImportRow"].objects.create(job=job, row_number=2, status="accepted", **row)
    models["ImportRow"].objects.create(job=job, row_number=3, status="accepted", phone="13800138000")
    told = (("retry", "1200"), ("repair", "7"), ("undo_repair", "7"), ("late_answer", "3"), ("block", "trial_done"))
    for act, why in told:
        models["JobEvent"].objects.create(job=job, act=act, before="a", after="b", why=why)
    models["JobEvent"].objects.create(job=job, act="pause", before="a", after="b", why="slice")
    export = {
        "language": "en",
        "rows": 2,
        "file_name": "rows.xlsx",
        "expires_at": timezone.now(),
        "filters": {"open": 1},
    }
    models["Export"].objects.create(job=job, by_id=person, **export)
    event = models["JobEvent"].objects.first()
    models["Notice"].objects.create(person_id=person, kind="finished", job=job, event=event, params={"rows": 2})
    return int(job.pk)


def test_it_keeps_all_records_and_their_numbers(old: Apps, marketer: Person) -> None:
    pk = fill(old, marketer.pk)
    migrate(newest())
    job = ImportJob.objects.get(pk=pk)
    assert list(job.rows.order_by("row_number").values_list("customer_id", "openid", "phone")) == [
        ("880000000000000011", "o1", ""),
        ("", "", "13800138000"),
    ]
    assert dict(job.events.values_list("act", "params")) == {
        "retry": {"rows": 1200},
        "repair": {"repair": 7},
        "undo_repair": {"repair": 7},
        "late_answer": {"rows": 3},
        "block": {},
        "pause": {},
    }
    assert set(JobEvent.objects.values_list("why", flat=True)) == {"", "trial_done", "slice"}
    export, notice = Export.objects.get(), Notice.objects.get()
    assert (export.job, export.by, export.rows, export.filters) == (job, marketer, 2, {"open": 1})
    assert (notice.job, notice.person, notice.params, notice.event) == (job, marketer, {"rows": 2}, job.events.first())


@pytest.mark.slow
def test_it_still_finds_customers_by_the_same_index(old: Apps, marketer: Person) -> None:
    fill(old, marketer.pk)
    migrate(newest())
    found = ImportRow.objects.filter(customer_id=sought("880000000000000011")["customer_id"])
    assert found.get().row_number == 2
    with database.cursor() as cursor:
        indexes = database.introspection.get_constraints(cursor, ImportRow._meta.db_table)
    assert "row_by_audience_user_id" in indexes


@pytest.mark.slow
def test_it_can_be_taken_back(old: Apps, marketer: Person) -> None:
    pk = fill(old, marketer.pk)
    migrate(newest())
    apps = migrate(BEFORE)
    row = apps.get_model("imports", "ImportRow").objects.get(job_id=pk, row_number=2)
    assert row.audience_user_id == "880000000000000011"
    whys = apps.get_model("imports", "JobEvent").objects.values_list("why", flat=True)
    assert sorted(whys) == sorted(["1200", "7", "7", "3", "trial_done", "slice"])
    assert (
        apps.get_model("imports", "Export").objects.count() == apps.get_model("imports", "Notice").objects.count() == 1
    )


@pytest.mark.slow
def test_it_folds_the_names_and_tags_that_there_are(marketer: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("tagsync.imports.migrations.0018_search_text"), "ROWS_AT_ONCE", 3)
    apps = migrate([("imports", "0016_customer_id"), ("exports", None), ("notifications", None)])
    job_model, tag_model = apps.get_model("imports", "ImportJob"), apps.get_model("imports", "JobTag")
    names = ["ＶＩＰ", "vip", "Cafe\u0301", "会\u200b员", "straße", "会员", "\ufdfa" * 255]
    for name in names:
        job = job_model.objects.create(owner_id=marketer.pk, file=f"{name[:9]}.upload", file_name=name, title=name[:9])
        for tag in names:
            tag_model.objects.create(job=job, tag=tag, rows=1)
    migrate(newest())
    for job in ImportJob.objects.all():
        assert job.search_text == folded(f"{job.title}\n{job.file_name}")[:2000]
    assert [one.search_text for one in JobTag.objects.all()] == [folded(one.tag)[:255] for one in JobTag.objects.all()]
    assert JobTag.objects.count() == len(names) ** 2


def test_a_limit_of_rows_is_forgotten_and_can_be_taken_back(sandbox_connection: Connection) -> None:
    apps = migrate([("connections", "0006_unclear_probes")])
    try:
        apps.get_model("connections", "Connection").objects.update(effective_rows_per_call=1)
        migrate(newest())
        sandbox_connection.refresh_from_db()
        assert (sandbox_connection.max_body_bytes, sandbox_connection.rows_per_call) == (None, 500)
        Connection.objects.update(max_body_bytes=1000)
        apps = migrate([("connections", "0006_unclear_probes")])
        assert apps.get_model("connections", "Connection").objects.get().effective_rows_per_call is None
    finally:
        migrate(newest())


def test_it_counts_what_became_of_the_failures_that_there_are(marketer: Person, sandbox_connection: Connection) -> None:
    """As the program counts them: with causes that are settled, and corrections of corrections."""
    states = [S.ACCEPTED, S.REJECTED, S.REJECTED, S.IN_DOUBT, S.TO_FIX, S.TO_FIX]
    first, settled = (make_import(marketer, sandbox_connection, JobStatus.FINISHED, states) for _ in range(2))
    make_import(marketer, sandbox_connection, JobStatus.RUNNING, states)
    for job in (first, settled):
        blame(job, S.REJECTED, "refused", message="no such tag")
        blame(job, S.TO_FIX, "phone_invalid", Origin.CHECK)
        blame(job, S.IN_DOUBT, "no_answer", Origin.US)
    dismissals.settle(settled.problems.get(code="refused"), marketer)
    second = corrected(first, 3, 4, 6, into=S.REJECTED)
    blame(second, S.REJECTED, "row_too_large")
    corrected(second, 2, 4)
    corrected(first, 4)
    kept = {job.pk: tuple(getattr(job, name) for name in figures.KEPT) for job in ImportJob.objects.all()}
    assert kept[first.pk][:4] == (3, 0, 1, 1) and kept[second.pk][:4] == (3, 0, 0, 0)
    try:
        migrate([("imports", "0020_saved_drafts")])
        migrate(newest())
        now = {job.pk: tuple(getattr(job, name) for name in figures.KEPT) for job in ImportJob.objects.all()}
    finally:
        migrate(newest())
    under_way = ImportJob.objects.get(status=JobStatus.RUNNING).pk
    assert now == kept | {under_way: (0, 0, 0, 0, [])}
