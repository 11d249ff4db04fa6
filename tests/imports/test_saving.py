"""Two pages save the same draft at the same moment: one is kept whole, the other is told."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.delivery import actions
from tagsync.imports.drafts import drafts, saving
from tagsync.imports.drafts.saving import Choice, Overtaken, Seen
from tagsync.imports.models import ImportJob
from tagsync.imports.states import JobStatus
from tests.making import small_workbook, upload_of

pytestmark = pytest.mark.django_db(transaction=True)

HERS = Choice({1: "openid"}, {"operation": "delete", "fixed_tags": "双11"})
HIS = Choice({1: "unionid"}, {"operation": "add", "fixed_tags": "VIP"})


@pytest.fixture
def draft(marketer: Person, sandbox_connection: Connection, monkeypatch: pytest.MonkeyPatch) -> ImportJob:
    monkeypatch.setattr("tagsync.queueing.doorbell.ring", lambda queue, job: True)
    job = drafts.create(marketer, upload_of(small_workbook()))
    assert isinstance(job, ImportJob)
    return job


def at_once(*acts: Callable[[], object]) -> list[object]:
    """What each of them ended with."""

    def run(act: Callable[[], object]) -> object:
        try:
            return act()
        except Overtaken as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


@pytest.mark.parametrize("_time", range(5))
def test_one_of_two_is_kept_whole(draft: ImportJob, marketer: Person, _time: int) -> None:
    version = draft.choices_sha256()

    def save(choice: Choice, page: str) -> None:
        saving.save(ImportJob.objects.get(pk=draft.pk), choice, Seen(version, page, 1), marketer)

    ended = at_once(lambda: save(HERS, "hers"), lambda: save(HIS, "his"))
    assert sum(isinstance(one, Overtaken) for one in ended) == 1
    draft.refresh_from_db()
    kept = (draft.columns[1]["field"], draft.operation, draft.fixed_tags)
    assert kept == (("unionid", "add", "VIP") if isinstance(ended[0], Overtaken) else ("openid", "delete", "双11"))


@pytest.mark.parametrize("_time", range(5))
def test_a_save_and_another_page_s_check_do_not_mix(draft: ImportJob, marketer: Person, _time: int) -> None:
    """Whichever is first: what is checked is what one page showed."""
    version = draft.choices_sha256()
    assert draft.connection is not None
    settings = drafts.Choices(draft.connection, "add", "exact", None)
    columns = actions.Columns({0: "phone", 1: None, 2: "tags"}, "")

    def save() -> None:
        saving.save(ImportJob.objects.get(pk=draft.pk), HERS, Seen(version, "hers", 1), marketer)

    def check() -> None:
        job = ImportJob.objects.get(pk=draft.pk)
        actions.choose_and_check(job, columns, settings, marketer, Seen(version, "his", 1))

    ended = at_once(save, check)
    assert sum(isinstance(one, Overtaken) for one in ended) == 1
    draft.refresh_from_db()
    if isinstance(ended[0], Overtaken):
        assert (draft.status, draft.operation, draft.match) == (JobStatus.CHECKING, "add", "exact")
    else:
        assert (draft.status, draft.operation, draft.columns[1]["field"]) == (JobStatus.DRAFT, "delete", "openid")
