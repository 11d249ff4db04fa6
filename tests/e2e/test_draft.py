"""The columns page in a browser: everything in sight, few stops for the keyboard, and nothing lost that was chosen."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.e2e.conftest import PASSWORD
from tests.e2e.fitness import fits_every_screen, is_accessible
from tests.e2e.test_main_job import upload
from tests.installation import Up, wait_for
from tests.making import HEADER, customers
from tests.workbooks import plain

pytestmark = pytest.mark.e2e

SAVED = re.compile(r"Saved \d\d:\d\d")
# At which a marketer sits.
SCREENS = ((1440, 900), (1280, 800))
Draft = Callable[[int], Page]


@pytest.fixture
def draft(in_english: Page, platform: Up, tmp_path: Path) -> Draft:
    """The columns page of a new sheet with so many columns, of which five are known."""

    def draft(columns: int = 8) -> Page:
        more = [f"列{number}" for number in range(columns - len(HEADER))]
        rows = [[*row, *["值"] * len(more)] for row in customers(12)]
        upload(in_english, plain(tmp_path / "会员.xlsx", [[*HEADER, *more], *rows]))
        in_english.wait_for_url("**/columns/")
        return in_english

    return draft


def state(page: Page) -> Locator:
    return page.locator("[data-save-state] > :not([hidden])")


def bar(page: Page) -> Locator:
    return page.locator("#summary")


def test_it_saves_each_choice_and_says_so(draft: Draft) -> None:
    page = draft()
    expect(state(page)).to_have_text("Changes are saved automatically")
    page.select_option("#id_column_5", "tags")
    expect(state(page)).to_contain_text(SAVED)
    expect(bar(page)).to_contain_text("6 columns sent, 2 not")
    page.check("#id_operation_delete")
    page.fill("#id_fixed_tags", "双11")
    expect(page.locator("main pre")).to_contain_text("双11")
    expect(state(page)).to_contain_text(SAVED)
    page.reload()
    expect(page.locator("#id_column_5")).to_have_value("tags")
    expect(page.locator("#id_operation_delete")).to_be_checked()
    expect(page.locator("#id_fixed_tags")).to_have_value("双11")
    expect(bar(page)).to_contain_text("Remove tags")


@pytest.mark.slow
def test_it_loses_nothing_when_somebody_leaves_at_once(draft: Draft) -> None:
    page = draft()
    address = page.url
    page.check("#id_operation_delete")
    page.click("nav a[href='/notices/']")
    page.wait_for_url("**/notices/")
    page.goto(address)
    expect(page.locator("#id_operation_delete")).to_be_checked()
    page.type("#id_fixed_tags", "双11")
    page.goto("/help/")

    def reopened() -> str:
        page.goto(address)
        return page.locator("#id_fixed_tags").input_value()

    # What a closing page sends may arrive after the next pages were asked for; nobody waits for it.
    wait_for(lambda: reopened() == "双11", 20)


@pytest.mark.slow
def test_the_enter_key_checks_and_takes_no_suggestion(
    in_english: Page, platform: Up, tmp_path: Path, excused: list[str]
) -> None:
    page = in_english
    upload(page, plain(tmp_path / "会员.xlsx", [["手机号（必填）", "标签"], ["13800138000", "VIP"]]))
    page.fill("#id_fixed_tags", "双11")
    page.press("#id_fixed_tags", "Enter")
    expect(page.get_by_role("alert")).to_contain_text("The file cannot be checked yet.")
    expect(page.locator("#id_column_0")).to_have_value("")
    expect(page.locator("#id_fixed_tags")).to_have_value("双11")


@pytest.mark.slow
def test_it_loses_nothing_when_the_language_is_switched(draft: Draft) -> None:
    page = draft()
    page.type("#id_fixed_tags", "双11")
    page.select_option("#id_column_5", "tags")
    page.click(".sidebar button[name=language]")
    expect(page.locator("html")).to_have_attribute("lang", "zh-hans")
    expect(page.locator("#id_fixed_tags")).to_have_value("双11")
    expect(page.locator("#id_column_5")).to_have_value("tags")
    expect(state(page)).to_contain_text("已保存")
    page.click(".sidebar button[name=language]")


@pytest.mark.slow
def test_it_refuses_the_older_of_two_tabs_with_a_word(
    draft: Draft, context: BrowserContext, excused: list[str]
) -> None:
    excused.append("409")
    page = draft()
    older = context.new_page()
    older.goto(page.url)
    page.check("#id_operation_delete")
    expect(state(page)).to_contain_text(SAVED)
    older.select_option("#id_column_5", "unionid")
    expect(older.get_by_role("alert")).to_contain_text("changed in another tab or by somebody else")
    expect(state(older)).to_contain_text("Not saved")
    is_accessible(older)
    expect(older.locator("#id_column_5")).to_have_value("unionid")
    older.get_by_role("button", name="Use the choices on this page").click()
    expect(state(older)).to_contain_text(SAVED)
    expect(older.locator("#draft-conflict .notice")).to_have_count(0)
    # now the other one is older, and takes the newest
    page.select_option("#id_column_6", "tags")
    page.get_by_role("link", name="Load the latest choices").click()
    expect(page.locator("#id_column_5")).to_have_value("unionid")
    expect(page.locator("#id_operation_add")).to_be_checked()
    expect(page.locator("#id_column_6")).to_have_value("")
    older.close()


@pytest.mark.slow
@pytest.mark.parametrize("lost", ["sessionid", None])
def test_it_saves_after_somebody_has_signed_in_again(
    draft: Draft, context: BrowserContext, excused: list[str], lost: str | None
) -> None:
    excused.append("403")
    page = draft()
    context.clear_cookies(name=lost) if lost else context.clear_cookies()
    page.check("#id_operation_delete")
    expect(state(page)).to_contain_text("Not saved: you are signed out.")
    expect(page.locator("#id_operation_delete")).to_be_checked()
    with context.expect_page() as opened:
        state(page).get_by_role("link").click()
    again = opened.value
    again.fill("input[name=username]", "admin")
    again.fill("input[name=password]", PASSWORD)
    again.click("main button.btn--primary")
    again.wait_for_url("**/imports/")
    again.close()
    expect(state(page)).to_contain_text(SAVED, timeout=20_000)
    page.reload()
    expect(page.locator("#id_operation_delete")).to_be_checked()


@pytest.mark.slow
def test_it_tries_again_until_the_server_can_be_reached(
    draft: Draft, context: BrowserContext, excused: list[str]
) -> None:
    excused += ["ERR_INTERNET_DISCONNECTED", "htmx:afterRequest", "htmx:sendError"]
    page = draft()
    context.set_offline(True)
    page.check("#id_operation_delete")
    expect(state(page)).to_contain_text("the server cannot be reached")
    expect(page.locator("#request-failed")).to_be_hidden()
    context.set_offline(False)
    expect(state(page)).to_contain_text(SAVED, timeout=20_000)
    page.reload()
    expect(page.locator("#id_operation_delete")).to_be_checked()


# -- everything in sight


@pytest.mark.slow
@pytest.mark.parametrize("columns", [5, 8, 20, 60])
def test_it_shows_the_choices_that_matter_without_scrolling(draft: Draft, columns: int) -> None:
    page = draft(columns)
    for width, height in SCREENS:
        page.set_viewport_size({"width": width, "height": height})
        ends = page.locator(".formbar").bounding_box()
        for choice in page.locator("label:has(input[name=operation])").all():
            box = choice.bounding_box()
            assert box and ends and box["y"] + box["height"] < ends["y"], (width, choice.inner_text())
        for key in ("id_column_0", "id_column_4"):
            select = page.locator(f"#{key}").bounding_box()
            assert select and ends and select["y"] + select["height"] < ends["y"], (width, key)
    expect(bar(page)).to_contain_text("columns sent")
    assert page.locator("details:not([open]) select[name^=column_]").count() == (columns - 5 if columns > 13 else 0)


@pytest.mark.slow
def test_it_unfolds_what_is_not_sent(draft: Draft) -> None:
    page = draft(60)
    expect(page.locator("#id_column_59")).to_be_hidden()
    page.click("text=55 more columns")
    page.select_option("#id_column_59", "tags")
    expect(page.locator("#id_column_59")).to_be_visible()
    expect(bar(page)).to_contain_text("6 columns sent, 54 not")
    is_accessible(page)
    fits_every_screen(page)


# -- the keyboard


def stops(page: Page, until: str) -> int:
    """Presses of the tab key until it has the focus."""
    for number in range(1, 99):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", until):
            return number
    raise AssertionError(f"{until} is never reached")


def test_the_keyboard_comes_to_the_check_in_few_stops(draft: Draft) -> None:
    page = draft(8)
    assert stops(page, "a.skip[href='#check-button']") == 3
    page.keyboard.press("Enter")
    expect(page.locator("#check-button")).to_be_focused()


@pytest.mark.slow
def test_the_keyboard_comes_through_all_columns_to_the_check_in_fifteen_stops(draft: Draft) -> None:
    page = draft(8)
    needed = stops(page, "a.skip[href='#columns']")
    page.keyboard.press("Enter")
    for column in range(8):
        needed += stops(page, f"#id_column_{column}")
    needed += stops(page, "a.skip[href='#check-button']")
    page.keyboard.press("Enter")
    expect(page.locator("#check-button")).to_be_focused()
    assert needed <= 15


@pytest.mark.slow
def test_the_keyboard_comes_through_the_settings_to_the_columns(draft: Draft) -> None:
    page = draft(8)
    needed = stops(page, "a.skip[href='#main']")
    page.keyboard.press("Enter")
    for field in ("#id_sheet", "#id_header_row", "#id_operation_add", "#id_connection", "#id_matching_fuzzy-1"):
        needed += stops(page, field)
    assert needed + stops(page, "#id_column_0") <= 15


@pytest.mark.slow
def test_the_sentence_leads_to_its_fields(draft: Draft) -> None:
    page = draft(8)
    for text, field in (("Add tags", "#id_operation_add"), ("Sandbox", "#id_connection"), ("columns sent", "#columns")):
        bar(page).get_by_role("link", name=text).click()
        expect(page.locator(field)).to_be_focused()
