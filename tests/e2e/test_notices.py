"""An import ends while she is on another page: the bell says so by itself, and leads to it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.installation import Up

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def ask_for_news(page: Page) -> None:
    """As when she comes back to the tab; nobody waits for the next 45 seconds here."""
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def finish_one(platform: Up) -> None:
    sample = next((platform.home / "sample").glob("*.xlsx"))
    platform.manage("import_sheet", str(sample), "--connection", "Sandbox", "--operation", "add", "--wait", check=True)


def test_the_bell_counts_and_leads_to_the_import(in_english: Page, platform: Up) -> None:
    page = in_english
    page.goto("/notices/")
    button = page.get_by_role("button", name="Mark all as read")
    if button.count():
        button.click()
        page.wait_for_load_state()
    link = page.locator(".sidebar .nav__link[href='/notices/']")
    expect(link).to_have_text("Notices")
    expect(link.locator(".nav__count")).to_be_hidden()
    page.goto("/people/new/")
    page.fill("input[name=first_name]", "周浩然")
    page.focus("input[name=username]")
    finish_one(platform)
    ask_for_news(page)
    expect(link).to_have_text("Notices 1 (1 new)")
    expect(page.locator("#live-status")).to_have_text("1 new notice")
    expect(page.locator("input[name=username]")).to_be_focused()
    expect(page.locator("input[name=first_name]")).to_have_value("周浩然")
    link.click()
    page.locator(".inbox__line.is-new .inbox__title").click()
    page.wait_for_url("**/imports/*/")
    expect(link).to_have_text("Notices")
    expect(link.locator(".nav__count")).to_be_hidden()
    page.go_back()
    expect(page.locator(".inbox__line.is-new")).to_have_count(0)


def test_it_asks_nothing_of_a_page_whose_session_ended(in_english: Page, platform: Up) -> None:
    """What she has typed stays where it is."""
    page = in_english
    page.goto("/people/new/")
    page.fill("input[name=first_name]", "周浩然")
    page.context.clear_cookies()
    with page.expect_response("**/notices/new/*") as answer:
        ask_for_news(page)
    assert answer.value.status == 286
    expect(page.locator("input[name=first_name]")).to_have_value("周浩然")
