"""The page of an import in a browser: it moves without jumping, survives bad luck, and shows a row over its table."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.e2e.conftest import PASSWORD
from tests.e2e.test_main_job import bodies, check, see_it_end, start, upload
from tests.installation import Up
from tests.making import HEADER, customers
from tests.workbooks import plain

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
ROWS = 5_000
PERCENT = re.compile(r"^[1-9]\d?% · 会员\.xlsx")


def begin(page: Page, folder: Path, rows: int = ROWS) -> None:
    upload(page, plain(folder / "会员.xlsx", [HEADER, *customers(rows)]))
    check(page)
    start(page)


@pytest.fixture
def running(in_english: Page, platform: Up, tmp_path: Path) -> Page:
    """The page of an import that goes on until the faults are taken away."""
    platform.sandbox("POST", "/control/faults", [{"kind": "latency", "seconds": 2}])
    begin(in_english, tmp_path)
    return in_english


def poll(page: Page) -> None:
    with page.expect_response(re.compile("/live/")):
        pass


def test_it_moves_without_a_jump(running: Page, platform: Up) -> None:
    page = running
    page.evaluate("window.sameDocument = true")
    expect(page).to_have_title(PERCENT, timeout=20_000)
    badge = page.locator("#job-status").element_handle()
    assert badge
    page.focus("#tile-accepted")
    for _ in range(2):
        poll(page)
    assert page.evaluate("document.activeElement.id") == "tile-accepted"
    assert badge.evaluate("badge => badge.isConnected")  # its icon turns on, undisturbed
    page.focus("#lever-rows")
    platform.sandbox("DELETE", "/control/faults")
    expect(page).to_have_title(re.compile("^✓ 会员"), timeout=30_000)
    expect(page.locator(".page-head")).to_contain_text("Finished")
    expect(page.locator("#job-progress")).not_to_have_attribute("hx-get", re.compile("."))
    assert page.evaluate("[window.sameDocument, document.activeElement.id]") == [True, "lever-rows"]


def test_it_leaves_unfolded_what_was_unfolded(in_english: Page, platform: Up, tmp_path: Path) -> None:
    page, rows = in_english, customers(1_000)
    refused = [{"kind": "refuse_rows", "field": "phone", "equals": rows[number][3]} for number in (0, -1)]
    platform.sandbox("POST", "/control/faults", [*refused, {"kind": "latency", "seconds": 0.3}])
    begin(page, tmp_path, rows=len(rows))
    said, count = page.locator("#job-causes details:not(.dropdown) summary"), page.locator("#job-causes .group__count")
    expect(said).to_be_visible(timeout=30_000)
    said.click()
    expect(count).to_contain_text("2", timeout=30_000)  # the causes came anew
    expect(page.locator("#job-causes details:not(.dropdown)")).to_have_attribute("open", "")


def test_it_says_that_live_updates_are_paused(running: Page, platform: Up, excused: list[str]) -> None:
    page = running
    excused += ["net::ERR_FAILED", "htmx:sendError", "htmx:afterRequest"]
    expect(page).to_have_title(PERCENT, timeout=20_000)

    def cut(route: Route) -> None:
        route.abort()

    page.route("**/live/**", cut)
    expect(page.locator("#live-paused")).to_be_visible(timeout=15_000)
    expect(page.locator("#live-paused")).to_have_text(re.compile("Live updates paused, reconnecting…"))
    page.unroute("**/live/**", cut)
    expect(page.locator("#live-paused")).to_be_hidden(timeout=10_000)
    platform.sandbox("DELETE", "/control/faults")
    expect(page).to_have_title(re.compile("^✓"), timeout=30_000)


def test_it_leads_to_the_sign_in_when_the_session_ends(running: Page, platform: Up) -> None:
    page, home = running, running.url
    page.context.clear_cookies(name="sessionid")
    page.wait_for_url("**/login/?next=/imports/**", timeout=10_000)
    page.fill("input[name=username]", "admin")
    page.fill("input[name=password]", PASSWORD)
    page.click("main button.btn--primary")
    page.wait_for_url(home)
    platform.sandbox("DELETE", "/control/faults")
    expect(page).to_have_title(re.compile("^✓"), timeout=30_000)


def test_it_goes_on_when_the_connection_is_mended(in_english: Page, platform: Up, tmp_path: Path) -> None:
    page = in_english
    platform.sandbox("POST", "/control/faults", [{"kind": "status", "http_status": 403}])
    begin(page, tmp_path, rows=40)
    see_it_end(page, "Blocked")
    expect(page).to_have_title(re.compile("^⚠"))
    home = page.url
    platform.sandbox("DELETE", "/control/faults")
    page.click("text=Open the connection")
    page.click("form[action$='/unblock/'] button")
    page.goto(home)
    expect(page.locator("main")).to_contain_text("40 of 40 rows accepted", timeout=30_000)
    assert sum(len(body["data"]) for body in bodies(platform)) == 40


def test_it_shows_a_row_over_its_table(in_english: Page, platform: Up, tmp_path: Path) -> None:
    page = in_english
    begin(page, tmp_path, rows=4)
    see_it_end(page, "Finished")
    page.goto(page.url + "rows/")
    table, panel = page.url, page.locator("#row")
    page.click("tbody tr:nth-child(2) td:nth-child(2)")  # anywhere in the line
    expect(panel).to_contain_text("The platform has accepted this row.")
    expect(panel).to_contain_text("1 try")
    assert page.url == f"{table}?row=3#row"
    page.click("#row-following")
    expect(panel).to_contain_text("Row 4")
    assert page.evaluate("document.activeElement.id") == "row-following"
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    page.wait_for_url(table)
    assert page.evaluate("document.activeElement.id") == "row-4"

    page.keyboard.press("Enter")
    expect(panel).to_contain_text("Row 4")
    page.reload()  # the address is the row's own
    expect(panel).to_contain_text("Row 4")
    assert panel.evaluate("panel => panel.matches(':modal')")
    page.go_back()
    expect(panel).to_be_hidden()
    page.go_forward()
    expect(panel).to_contain_text("Row 4")
    page.click("#row-close")
    page.wait_for_url(table)
    expect(panel).to_be_hidden()
