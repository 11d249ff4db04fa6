"""The list of imports by keyboard and with several imports at once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.test_main_job import bodies, check, see_it_end, start, upload
from tests.installation import Up
from tests.making import HEADER, customers
from tests.workbooks import plain

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def refused_import(page: Page, platform: Up, sheet: Path, rows: int) -> None:
    """Ends with its last row refused."""
    people = customers(rows)
    wrong = {"kind": "refuse_rows", "field": "phone", "equals": people[-1][3]}
    platform.sandbox("POST", "/control/faults", [wrong])
    upload(page, plain(sheet, [HEADER, *people]))
    check(page)
    start(page)
    see_it_end(page, "Finished with failures")
    platform.sandbox("DELETE", "/control/faults")


def line(page: Page, name: str) -> str:
    return f"tr:has-text('{name}') >> nth=0"


def test_it_obeys_the_keyboard(in_english: Page) -> None:
    page = in_english
    page.goto("/imports/?q=x")  # a new installation has nothing to search in
    search, help_dialog = page.locator("input[name=q]"), page.locator("#shortcuts")
    page.keyboard.press("/")
    expect(search).to_be_focused()
    # In a field keys are letters.
    page.keyboard.press("Control+a")
    page.keyboard.type("n/?")
    expect(search).to_have_value("n/?")
    expect(help_dialog).to_be_hidden()
    page.keyboard.press("Enter")
    page.wait_for_url("**/imports/?q=n%2F%3F")
    page.keyboard.press("Control+/")
    expect(search).not_to_be_focused()
    page.keyboard.press("?")
    expect(help_dialog).to_be_visible()
    expect(help_dialog.get_by_role("button", name="Close")).to_be_focused()
    # In a dialog they rest.
    page.keyboard.press("n")
    expect(help_dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(help_dialog).to_be_hidden()
    page.get_by_role("button", name="Shortcuts").click()
    expect(help_dialog).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    page.wait_for_url("**/imports/new/")


def test_it_finds_and_takes_filters_away(in_english: Page) -> None:
    page = in_english
    page.goto("/imports/?q=x")
    page.click("summary:has-text('Filters')")
    page.fill("input[name=since]", "2026-01-01")
    page.select_option("select[name=operation]", "delete")
    page.fill("input[name=q]", "no such import")
    page.click("text=Apply")
    page.wait_for_url("**/imports/?q=no+such+import&operation=delete&since=2026-01-01")
    expect(page.locator("main")).to_contain_text("No imports match")
    page.click("a.chip--filter:has-text('Operation')")
    page.wait_for_url("**/imports/?q=no+such+import&since=2026-01-01")
    page.click("a:has-text('Clear filters') >> nth=0")
    page.wait_for_url(re.compile(r"/imports/$"))
    page.goto("/imports/?q=x")
    page.fill("input[name=q]", "13800138000")
    page.keyboard.press("Enter")
    page.wait_for_url("**/customers/?search=*")
    assert "138" not in page.url


def test_it_acts_on_several_imports(in_english: Page, platform: Up, tmp_path: Path) -> None:
    page = in_english
    for name, rows in (("一店.xlsx", 12), ("二店.xlsx", 15)):
        refused_import(page, platform, tmp_path / name, rows)
    upload(page, plain(tmp_path / "草稿.xlsx", [HEADER, *customers(3)]))
    page.wait_for_url("**/columns/")

    page.goto("/imports/")
    buttons = page.locator("[data-needs-selection]")
    expect(buttons.first).to_be_disabled()
    everything, ticks = page.locator("thead [data-select-all]"), page.locator("[data-select-row]")
    everything.check()
    assert all(tick.is_checked() for tick in ticks.all())
    expect(page.locator(".bulkbar [data-selected-count]")).to_have_text(str(ticks.count()))
    everything.uncheck()
    for name in ("一店", "二店", "草稿"):
        page.locator(line(page, name)).locator("[data-select-row]").check()
    assert everything.evaluate("box => box.indeterminate") or ticks.count() == 3

    page.click("button[value=retry]")
    expect(page.locator("main")).to_contain_text("2 rows will be sent again")
    expect(page.locator("main")).to_contain_text("1 import stays as it is")
    page.click("main button.btn--primary")
    page.wait_for_url(re.compile(r"/imports/$"))
    expect(page.locator("main")).to_contain_text("“草稿.xlsx” (not started yet)")
    for name in ("一店", "二店"):
        page.locator(line(page, name)).locator("a").first.click()
        see_it_end(page, "Finished")
        page.goto("/imports/")
    assert sum(len(body["data"]) for body in bodies(platform)) == 27

    for name in ("一店", "二店"):
        page.locator(line(page, name)).locator("[data-select-row]").check()
    page.click("button[value=all]")
    page.wait_for_url("**/exports/")
    links = page.locator("li:has-text('一店') a[download], li:has-text('二店') a[download]")
    expect(links).to_have_count(2, timeout=30_000)

    page.goto("/imports/")
    for name in ("一店", "草稿"):
        page.locator(line(page, name)).locator("[data-select-row]").check()
    page.click("button[value=delete]")
    expect(page.locator("#bulk-delete [data-selected-count]")).to_have_text("2")
    page.click("#bulk-delete button.btn--danger")
    expect(page.locator("main")).to_contain_text("1 draft deleted.")
    expect(page.locator("main")).to_contain_text("“一店.xlsx” (started, so it is a record)")
    expect(page.locator("tr:has-text('草稿')")).to_have_count(0)
