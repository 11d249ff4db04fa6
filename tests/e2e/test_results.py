"""What a result leads to, with a browser: one act and a menu for each cause, and another start with other settings."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.test_main_job import bodies, check, see_it_end, start, upload
from tests.installation import Up
from tests.making import HEADER, customers
from tests.workbooks import plain

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def test_the_menu_of_a_cause_opens_and_closes_by_keyboard(in_english: Page, platform: Up, tmp_path: Path) -> None:
    page, rows = in_english, [list(row) for row in customers(4)]
    rows[0][3], rows[1][4] = "138", ""
    upload(page, plain(tmp_path / "会员.xlsx", [HEADER, *rows]))
    check(page)
    start(page)
    see_it_end(page, "Finished with failures")
    opener, items = page.locator("summary[id$='-more']"), page.locator(".dropdown__items")
    expect(opener).to_have_count(2)
    opener.first.focus()
    page.keyboard.press("Enter")
    expect(items.first).to_be_visible()
    page.keyboard.press("Tab")
    expect(items.first.locator(":focus")).to_contain_text("Show rows")
    page.keyboard.press("Escape")
    expect(items.first).to_be_hidden()
    expect(opener.first).to_be_focused()
    for opened in (0, 1):  # one at a time
        opener.nth(opened).click()
        expect(page.locator("[data-menu][open]")).to_have_count(1)
    page.set_viewport_size({"width": 390, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator("h1").click()
    expect(page.locator("[data-menu][open]")).to_have_count(0)


def test_what_is_refused_is_started_again_with_other_settings(in_english: Page, platform: Up, tmp_path: Path) -> None:
    page = in_english
    platform.sandbox("POST", "/control/faults", [{"kind": "refuse_all"}])
    upload(page, plain(tmp_path / "会员.xlsx", [HEADER, *customers(20)]))
    check(page)
    start(page)
    see_it_end(page, "Blocked")
    first = page.url
    page.click("button.btn--primary >> text=Stop and start again with other settings")
    page.wait_for_url("**/columns/")
    platform.sandbox("DELETE", "/control/faults")
    expect(page.locator("main")).to_contain_text("that the platform has not accepted are sent from this file")
    check(page)
    expect(page.locator("main")).to_contain_text("again, with the columns and settings chosen here")
    start(page)
    see_it_end(page, "Finished")
    page.goto(first)
    expect(page.locator("main")).to_contain_text(re.compile(r"now belong to import #\d+"))
    expect(page.locator("#lever-resume, #lever-retry")).to_have_count(0)
    sent = Counter(row["phone"] for body in bodies(platform) for row in body["data"])
    assert sent == Counter(row[3] for row in customers(20))
