"""Choices for the columns of one sheet are never put on another, and nothing is written out of an import's turn."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from io import BytesIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.delivery import actions
from tagsync.imports.drafts import deletion, drafts, sheet_view
from tagsync.imports.models import ImportJob
from tagsync.imports.states import MoveRefused
from tagsync.sheets import writer
from tagsync.terminal import CouldNotRun
from tagsync.web.check import views as check
from tagsync.web.columns import save_views
from tagsync.web.columns import views as columns
from tagsync.web.job import title_views
from tagsync.web.undo import views as undo
from tests.making import finish_check
from tests.web.conftest import MakeDraft

ONE, TWO = "一", "二"
CHANGED = "Another sheet or header row has been chosen in the meantime."


def two_sheets() -> bytes:
    file = BytesIO()
    one = writer.Sheet(ONE, ("标签", "姓名", "手机号"), [("VIP", "林晓雨", "13800138000")])
    two = writer.Sheet(TWO, ("手机号", "姓名", "标签"), [("13800138001", "王子涵", "新客")])
    writer.write(file, one, two)
    return file.getvalue()


@pytest.fixture
def draft(make_draft: MakeDraft) -> ImportJob:
    return make_draft(two_sheets())


def url(job: ImportJob, page: str = "columns") -> str:
    return f"/imports/{job.pk}/{page}/"


def form(client: Client, job: ImportJob) -> dict[str, Any]:
    """What a browser would send of the page as it is now."""
    page = client.get(url(job)).content.decode()
    fields = {f"column_{one['column']}": one["field"] or "" for one in job.columns}
    assert job.connection is not None
    settings = {"connection": job.connection.pk, "operation": "add", "matching": "fuzzy-1"}
    return {**hidden_fields(page), **fields, **settings}


def hidden_fields(page: str) -> dict[str, str]:
    """What the page carries to know itself again."""
    found = re.findall(r'<input type="hidden" name="(of_\w+)"[^>]* value="([^"]*)"', page)
    return {name: unescape(value) for name, value in found}


def choose_other_sheet(job: ImportJob, by: Person) -> None:
    drafts.choose_sheet(ImportJob.objects.get(pk=job.pk), TWO, None, by)


def assert_untouched(job: ImportJob, status: str = "draft") -> None:
    job.refresh_from_db()
    assert (job.status, job.sheet) == (status, TWO)
    assert [column["field"] for column in job.columns] == ["phone", None, "tags"]


def meanwhile(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """While the page looks into the workbook."""
    real = sheet_view.look

    def look(job: ImportJob) -> Any:
        monkeypatch.setattr(sheet_view, "look", real)
        found = real(job)
        act()
        return found

    monkeypatch.setattr(sheet_view, "look", look)


def test_it_keeps_no_choices_for_another_sheet(draft: ImportJob, signed: Client, marketer: Person) -> None:
    filled_in = form(signed, draft)
    assert (filled_in["of_sheet"], filled_in["of_header_row"]) == (ONE, "1")
    choose_other_sheet(draft, marketer)
    answer = signed.post(url(draft), filled_in, follow=True)
    assert answer.redirect_chain == [(url(draft), 302)]
    assert CHANGED in answer.content.decode()
    assert_untouched(draft)


def test_it_keeps_no_choices_for_another_header_row(draft: ImportJob, signed: Client, marketer: Person) -> None:
    filled_in = form(signed, draft)
    drafts.choose_sheet(draft, ONE, 0, marketer)
    assert CHANGED in signed.post(url(draft), filled_in, follow=True).content.decode()
    draft.refresh_from_db()
    assert (draft.status, draft.header_row) == ("draft", 0)


def test_it_keeps_no_choices_when_the_sheet_changes_under_its_look(
    draft: ImportJob, signed: Client, marketer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled_in = form(signed, draft)
    meanwhile(monkeypatch, lambda: choose_other_sheet(draft, marketer))
    assert CHANGED in signed.post(url(draft), filled_in, follow=True).content.decode()
    assert_untouched(draft)


def test_it_shows_the_sheet_that_is_chosen_by_then(
    draft: ImportJob, signed: Client, marketer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    meanwhile(monkeypatch, lambda: choose_other_sheet(draft, marketer))
    page = signed.get(url(draft), follow=True).content.decode()
    assert f'name="of_sheet" value="{TWO}"' in page and "13800138001" in page


def test_it_changes_nothing_of_a_check_of_another_sheet(
    draft: ImportJob, signed: Client, marketer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled_in = form(signed, draft)

    def in_another_tab() -> None:
        choose_other_sheet(draft, marketer)
        actions.check(ImportJob.objects.get(pk=draft.pk), marketer)

    meanwhile(monkeypatch, in_another_tab)
    signed.post(url(draft), filled_in)
    assert_untouched(draft, "checking")
    assert finish_check(draft).counts == {"waiting": 1}
    assert draft.rows.get().tags == "新客"


def test_a_page_that_saves_itself_is_told_and_stays(draft: ImportJob, signed: Client, marketer: Person) -> None:
    filled_in = form(signed, draft)
    choose_other_sheet(draft, marketer)
    answer = signed.post(url(draft, "save"), filled_in)
    page = answer.content.decode()
    assert answer.status_code == 409
    assert CHANGED in page and "Load the latest choices" in page
    assert 'name="over"' not in page  # these choices mean nothing on the other sheet
    assert_untouched(draft)


def test_a_page_of_the_same_sheet_is_older_after_another_was_chosen(
    draft: ImportJob, signed: Client, marketer: Person
) -> None:
    filled_in = {**form(signed, draft), "column_1": "openid"}
    saved = signed.post(url(draft, "save"), {**filled_in, "turn": "1"}).content.decode()
    filled_in |= hidden_fields(saved)
    choose_other_sheet(draft, marketer)
    draft.refresh_from_db()
    drafts.choose_sheet(draft, ONE, None, marketer)
    assert signed.post(url(draft, "save"), {**filled_in, "turn": "2"}).status_code == 409


def test_of_two_who_choose_a_sheet_the_later_is_told(
    draft: ImportJob, signed: Client, marketer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    meanwhile(monkeypatch, lambda: choose_other_sheet(draft, marketer))
    answer = signed.post(url(draft, "sheet"), {"sheet": ONE, "header_row": "0"}, follow=True)
    assert CHANGED in answer.content.decode()
    assert_untouched(draft)


def test_a_sheet_is_not_chosen_for_what_was_started(
    draft: ImportJob, signed: Client, marketer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    actions.check(draft, marketer)
    finish_check(draft)
    meanwhile(monkeypatch, lambda: actions.start(ImportJob.objects.get(pk=draft.pk), marketer))
    answer = signed.post(url(draft, "sheet"), {"sheet": TWO, "header_row": "1"})
    assert answer["Location"] == f"/imports/{draft.pk}/"
    draft.refresh_from_db()
    assert (draft.status, draft.sheet) == ("queued", ONE)


@pytest.mark.parametrize("state", ["checking", "ready", "queued", "discarded"])
def test_only_a_draft_takes_choices(
    draft: ImportJob, marketer: Person, sandbox_connection: Connection, state: str
) -> None:
    stale = ImportJob.objects.get(pk=draft.pk)
    if state == "discarded":
        draft.remove(marketer)
    else:
        actions.check(draft, marketer)
    if state in ("ready", "queued"):
        finish_check(draft)
    if state == "queued":
        actions.start(draft, marketer)
    before = ImportJob.objects.filter(pk=draft.pk).values()[0]
    with pytest.raises(MoveRefused):
        drafts.choose_columns(stale, {0: "phone", 2: None})
    with pytest.raises(MoveRefused):
        drafts.choose_settings(stale, drafts.Choices(sandbox_connection, "delete", "exact", None))
    assert ImportJob.objects.filter(pk=draft.pk).values()[0] == before


@pytest.mark.parametrize("path", ["columns", "sheet", "change", "start", "delete", "title", "save"])
def test_who_is_late_learns_that_it_was_discarded(
    draft: ImportJob, signed: Client, marketer: Person, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    actions.check(draft, marketer)
    finish_check(draft)
    filled_in = {**form(signed, draft), "sheet": TWO, "title": "x", "seen": draft.events.latest("pk").pk}
    for module in (check, columns, save_views, title_views):
        real = module.import_or_404

        def found(*args: Any, real: Any = real, **kwargs: Any) -> ImportJob:
            job = real(*args, **kwargs)
            deletion.discard(ImportJob.objects.get(pk=job.pk), marketer)
            return job

        monkeypatch.setattr(module, "import_or_404", found)
    answer = signed.post(url(draft, path), filled_in)
    assert (answer.status_code, answer.headers.get("Location", answer.headers.get("HX-Redirect"))) in (
        (302, "/imports/"),
        (204, "/imports/"),
    )
    monkeypatch.undo()
    shown = signed.get("/imports/").content.decode()
    assert "discarded" in shown and "is no longer there" in shown


def test_an_undo_that_is_pressed_twice_is_checked_once(
    make_draft: MakeDraft, signed: Client, marketer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_draft()
    actions.check(job, marketer)
    finish_check(job)
    job.rows.filter(status="waiting").update(status="accepted")
    ImportJob.objects.filter(pk=job.pk).update(status="finished", counts={"accepted": 2, "to_fix": 1})
    real = undo.undo_draft

    def undo_draft(job: ImportJob, by: Person, **unsure: bool) -> ImportJob:
        made = real(job, by, **unsure)
        actions.check(ImportJob.objects.get(pk=made.pk), by)
        return made

    monkeypatch.setattr(undo, "undo_draft", undo_draft)
    answer = signed.post(f"/imports/{job.pk}/undo/")
    made = ImportJob.objects.get(undoes=job)
    assert (answer.status_code, answer["Location"]) == (302, url(made, "check"))


def test_the_command_gives_way_to_the_page(
    marketer: Person, sandbox_connection: Connection, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    path = tmp_path / "two.xlsx"
    path.write_bytes(two_sheets())
    real = drafts.create

    def create(*args: Any) -> Any:
        made = real(*args)
        choose_other_sheet(made, marketer)
        return made

    monkeypatch.setattr(drafts, "create", create)
    with pytest.raises(CouldNotRun, match="has been changed on its page"):
        call_command("import_sheet", str(path), connection="Sandbox", operation="add", user=marketer.username)
    assert_untouched(ImportJob.objects.get())
