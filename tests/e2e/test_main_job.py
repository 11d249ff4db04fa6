"""What people do with a browser: sheet in, tags on the platform, an outcome for every row, a retry by an admin."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.installation import Up
from tests.making import HEADER, customer, customers
from tests.workbooks import plain

pytestmark = pytest.mark.e2e


def sample(platform: Up) -> Path:
    return next((platform.home / "sample").glob("*.xlsx"))


def upload(page: Page, sheet: Path) -> None:
    page.goto("/imports/new/")
    page.set_input_files("input[name=file]", sheet)
    page.click("main form button.btn--primary")


def check(page: Page) -> None:
    page.click("main button.btn--primary")
    expect(page.locator("form[action$='/start/']")).to_be_visible(timeout=20_000)


def start(page: Page) -> None:
    page.click("form[action$='/start/'] button.btn--primary")
    page.wait_for_url(re.compile(r"/imports/\d+/$"))


def see_it_end(page: Page, words: str) -> None:
    expect(page.locator("h1 + .badge, .page-head .badge").first).to_contain_text(words, timeout=30_000)


def bodies(platform: Up) -> list[dict[str, object]]:
    return [entry["body"] for entry in platform.sandbox("GET", "/control/ledger") if entry["applied"]]


def test_it_brings_the_sample_to_the_platform(in_english: Page, platform: Up) -> None:
    page = in_english
    upload(page, sample(platform))
    page.wait_for_url("**/columns/")
    expect(page.locator("main")).to_contain_text("客户标签")
    shown = json.loads(page.locator("main pre").first.inner_text())
    check(page)
    expect(page.locator("main")).to_contain_text("288")
    start(page)
    see_it_end(page, "Finished with failures")
    expect(page.locator("main")).to_contain_text(
        "302 rows in the file = 1 above the header row (row 1) + 1 header row (row 2) + 288 accepted "
        "by the platform + 2 duplicate + 9 to fix + 1 blank"
    )
    found = bodies(platform)
    assert sum(len(body["data"]) for body in found) == 288
    # What the page said would be sent is what was sent, to the letter.
    assert found[0]["publicParams"] == shown["publicParams"]
    assert found[0]["data"][: len(shown["data"])] == shown["data"]
    page.click("summary[aria-label='More: Phone: not a phone number']")
    page.click("details[open] a[id$='-rows']")
    expect(page.locator("main tbody tr")).to_have_count(3)


@pytest.mark.slow
def test_it_lets_an_admin_retry_what_was_refused(in_english: Page, platform: Up, tmp_path: Path) -> None:
    page = in_english
    rows = customers(40)
    refused = [{"kind": "refuse_rows", "field": "phone", "equals": rows[number][3]} for number in (3, 30)]
    platform.sandbox("POST", "/control/faults", refused)
    upload(page, plain(tmp_path / "会员.xlsx", [HEADER, *rows]))
    check(page)
    start(page)
    see_it_end(page, "Finished with failures")
    assert sum(len(body["data"]) for body in bodies(platform)) == 38
    platform.sandbox("DELETE", "/control/faults")
    page.goto(page.url + "retry/")
    page.click("main button.btn--primary")
    page.wait_for_url(re.compile(r"/imports/\d+/$"))
    expect(page.locator("main")).to_contain_text("40 of 40 rows accepted", timeout=30_000)
    assert sum(len(body["data"]) for body in bodies(platform)) == 40


@pytest.mark.slow
def test_it_asks_when_everything_is_refused_and_stops(in_english: Page, platform: Up, tmp_path: Path) -> None:
    page = in_english
    platform.sandbox("POST", "/control/faults", [{"kind": "refuse_all"}])
    upload(page, plain(tmp_path / "会员.xlsx", [HEADER, *customers(40)]))
    check(page)
    start(page)
    see_it_end(page, "Blocked")
    expect(page.locator("main")).to_contain_text("The platform rejects every row in the same way")
    page.click("main form[action$='/stop/'] button >> nth=0")
    see_it_end(page, "Stopped")


@pytest.mark.slow
def test_it_waits_after_the_first_ten_rows(in_english: Page, platform: Up, tmp_path: Path) -> None:
    page = in_english
    upload(page, plain(tmp_path / "会员.xlsx", [HEADER, *customers(60)]))
    check(page)
    page.check("form[action$='/start/'] input[type=checkbox]")
    start(page)
    expect(page.locator("main")).to_contain_text("The first rows were sent as a trial", timeout=30_000)
    assert sum(len(body["data"]) for body in bodies(platform)) == 10
    page.click("main form[action$='/resume/'] button")
    expect(page.locator("main")).to_contain_text("60 of 60 rows accepted", timeout=30_000)


@pytest.mark.slow
def test_it_deletes_only_after_the_number_is_typed(in_english: Page, platform: Up, tmp_path: Path) -> None:
    page = in_english
    upload(page, plain(tmp_path / "会员.xlsx", [HEADER, customer(1), customer(2)]))
    page.check("input[name=operation][value=delete]")
    expect(page.locator("main pre").first).to_contain_text('"optType": "delete"')
    check(page)
    button = page.locator("form[action$='/start/'] button.btn--danger")
    expect(button).to_be_disabled()
    page.fill("input[name=confirm_count]", "2")
    button.click()
    see_it_end(page, "Finished")
    assert bodies(platform)[0]["publicParams"]["optType"] == "delete"


@pytest.mark.slow
def test_it_stops_and_goes_on(in_english: Page, platform: Up, tmp_path: Path) -> None:
    page = in_english
    platform.sandbox("POST", "/control/faults", [{"kind": "latency", "seconds": 1}])
    upload(page, plain(tmp_path / "会员.xlsx", [HEADER, *customers(5_000)]))
    check(page)
    start(page)
    expect(page.get_by_role("progressbar").first).not_to_have_attribute("aria-valuenow", "0", timeout=30_000)
    page.click("text=Stop…")
    page.click("dialog[open] button.btn--danger")
    see_it_end(page, "Stopped")
    platform.sandbox("DELETE", "/control/faults")
    page.click("main button:has-text('Resume')")
    expect(page.locator("main")).to_contain_text("5,000 of 5,000 rows accepted", timeout=30_000)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("会员.xlsx", b"name,tags\n1,2\n", "CSV"),
        pytest.param("会员.xlsx", b"\x89PNG\r\n\x1a\n" + b"0" * 99, "This is a picture", marks=pytest.mark.slow),
        pytest.param("会员.xlsx", b"", "The file is empty", marks=pytest.mark.slow),
    ],
)
def test_it_says_at_the_form_why_a_file_is_refused(
    in_english: Page, platform: Up, tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(content)
    upload(in_english, tmp_path / name)
    expect(in_english.locator("main form[data-upload]")).to_contain_text(said)


@pytest.mark.slow
def test_it_works_without_javascript(platform: Up, browser, browser_context_args) -> None:
    context = browser.new_context(**{**browser_context_args, "java_script_enabled": False, "base_url": platform.url})
    page = context.new_page()
    page.goto("/login/")
    page.fill("input[name=username]", "admin")
    page.fill("input[name=password]", "correct horse battery")
    page.click("main button.btn--primary")
    upload(page, sample(platform))
    page.click("main button.btn--primary")
    page.wait_for_url("**/check/")
    for _ in range(40):
        if page.locator("form[action$='/start/']").count():
            break
        page.wait_for_timeout(250)
        page.reload()
    start(page)
    for _ in range(40):
        if re.search("已完成|Finished", page.locator(".page-head").inner_text()):
            break
        page.wait_for_timeout(250)
        page.reload()
    assert sum(len(body["data"]) for body in bodies(platform)) == 288
    context.close()
