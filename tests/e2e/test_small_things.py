"""What a person notices without looking for it: what stands first, what floats, what a "?" and a reload do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Dialog, Page, Route, expect

from tests.e2e.test_history import refused_import
from tests.e2e.test_main_job import check, upload
from tests.installation import Up
from tests.making import HEADER, customer, customers
from tests.workbooks import plain

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
LONG_TAGS = ",".join(f"{number}" + "超长的标签名称" * 14 for number in range(3))
LONG_NAME = "双十一大促会员标签更新名单" * 5 + ".xlsx"


@pytest.fixture
def failed(in_english: Page, platform: Up, tmp_path_factory: pytest.TempPathFactory, made: list[str]) -> Page:
    """On the page of an import with failures, which no test here changes."""
    if not made:
        refused_import(in_english, platform, tmp_path_factory.mktemp("failed") / "会员.xlsx", 12)
        made.append(in_english.url)
    in_english.goto(made[0])
    return in_english


@pytest.fixture(scope="module")
def made() -> list[str]:
    """Where that import is, once the first test has made it."""
    return []


def top_of(page: Page, selector: str) -> float:
    box = page.locator(selector).first.bounding_box()
    assert box
    return box["y"]


def sideways(page: Page) -> list[str]:
    """The tables that scroll sideways, and the page if it does."""
    return page.evaluate(
        """() => [document.documentElement, ...document.querySelectorAll("main .table-wrap")]
            .filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => one.className || "page")"""
    )


@pytest.mark.parametrize("width", [640, 720, 1024])
def test_causes_come_before_details(failed: Page, width: int) -> None:
    failed.set_viewport_size({"width": width, "height": 800})
    assert top_of(failed, "#job-causes") < top_of(failed, "aside .kv")
    assert sideways(failed) == [] or width < 860, "a table may scroll in its card"


def test_rows_fold_on_a_phone(failed: Page) -> None:
    failed.set_viewport_size({"width": 390, "height": 800})
    assert sideways(failed) == []
    failed.goto(f"{failed.url}rows/")
    assert sideways(failed) == []
    expect(failed.locator("tbody tr").first).to_contain_text("Accepted by the platform")


@pytest.mark.parametrize("width", [1024, 1280])
def test_long_tags_and_names_push_nothing_out(in_english: Page, platform: Up, tmp_path: Path, width: int) -> None:
    page = in_english
    page.set_viewport_size({"width": width, "height": 800})
    upload(page, plain(tmp_path / LONG_NAME, [HEADER, customer(1, LONG_TAGS), ("", "", "", "138", "x")]))
    check(page)
    expect(page.locator(".formbar__end .btn--primary")).to_be_visible(timeout=20_000)
    assert sideways(page) == []
    page.goto(page.url.replace("/check/", "/rows/"))
    assert sideways(page) == []
    wrong = page.locator("td.table__long").last.bounding_box()
    assert wrong and wrong["width"] > 150
    page.goto("/imports/")
    line = page.locator("tbody tr").first.bounding_box()
    assert line and line["height"] < 120


def test_a_bar_floats_while_something_lies_below_it(in_english: Page, tmp_path: Path) -> None:
    page = in_english
    upload(page, plain(tmp_path / "会员.xlsx", [HEADER, *customers(30)]))
    page.wait_for_url("**/columns/")
    bar = page.locator(".formbar")
    shadow = "getComputedStyle(document.querySelector('.formbar')).boxShadow"
    page.evaluate("scrollTo(0, 0)")
    expect(bar).to_have_class("formbar is-floating")
    assert page.evaluate(shadow) != "none"
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    expect(bar).to_have_class("formbar")
    assert page.evaluate(shadow) == "none"


def test_radio_buttons_can_be_hit(in_english: Page, tmp_path: Path) -> None:
    page = in_english
    upload(page, plain(tmp_path / "会员.xlsx", [HEADER, *customers(3)]))
    page.wait_for_url("**/columns/")
    sizes = [radio.bounding_box() for radio in page.locator("input[type=radio]").all()]
    assert sizes and all(size and size["width"] >= 24 and size["height"] >= 24 for size in sizes)


def test_a_question_mark_answers_in_place(failed: Page) -> None:
    before, dialog = failed.url, failed.locator("#help-dialog")
    link = failed.locator("#help-outcomes")
    link.click()
    expect(dialog).to_be_visible()
    expect(dialog.locator("h3")).to_have_text("What does “accepted by the platform” mean?")
    assert failed.url == before and len(failed.context.pages) == 1
    failed.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(link).to_be_focused()


def test_drafts_are_deleted_only_where_there_are_some(failed: Page, tmp_path: Path) -> None:
    upload(failed, plain(tmp_path / "草稿.xlsx", [HEADER, *customers(2)]))
    failed.wait_for_url("**/columns/")
    failed.goto("/imports/")
    button = failed.locator("button[value=delete]")
    failed.locator("[data-select-row]:not([data-draft])").first.check()
    expect(button).to_be_hidden()
    failed.locator("[data-draft]").first.check()
    expect(button).to_be_visible()


@pytest.fixture
def held(in_english: Page) -> Iterator[list[Route]]:
    """Uploads that have been sent and get no answer yet."""
    routes: list[Route] = []

    def hold(route: Route) -> None:
        routes.append(route) if route.request.method == "POST" else route.continue_()

    in_english.route("**/imports/new/", hold)
    yield routes
    for route in routes:
        route.abort()


def test_a_reload_during_an_upload_is_asked_about(in_english: Page, held: list[Route], tmp_path: Path) -> None:
    page, asked = in_english, list[str]()

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", answer)
    page.goto("/imports/new/")
    page.set_input_files("input[name=file]", plain(tmp_path / "会员.xlsx", [HEADER, *customers(3)]))
    page.click("text=Upload and continue")
    expect(page.locator("[data-upload-progress]")).to_be_visible()
    page.evaluate("location.reload()")
    page.wait_for_timeout(0)
    expect(page.locator("[data-upload-progress]")).to_be_visible()
    assert asked == ["beforeunload"]


def test_an_upload_that_is_over_asks_nothing(in_english: Page, tmp_path: Path) -> None:
    asked: list[str] = []
    in_english.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    upload(in_english, plain(tmp_path / "会员.xlsx", [HEADER, *customers(3)]))
    in_english.wait_for_url("**/columns/")
    in_english.reload()
    assert asked == []
