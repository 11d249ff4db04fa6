"""After a restore, in a browser: an admin sees what may have been sent since, confirms, and imports go on."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import PASSWORD, choose
from tests.e2e.fitness import fits_every_screen, is_accessible_in_both_themes
from tests.e2e.test_main_job import bodies, check, see_it_end, start, upload
from tests.faults import pages
from tests.installation import Up
from tests.making import HEADER, customers
from tests.workbooks import plain

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(400)]
# Of calls of 2 seconds: more than are made while a command starts on a busy machine.
ROWS = 20_000
UNNAMED = f"{'a' * 32}.upload"
BANNER = "Nothing is sent: an admin must confirm"


@pytest.fixture
def unnamed_file(installation: Up) -> Iterator[None]:
    """What was uploaded after the backup, and stands in no record of it."""
    file = installation.home / "uploads" / UNNAMED
    file.write_bytes(b"12345")
    os.utime(file, (0, 0))
    yield
    file.unlink(missing_ok=True)


@pytest.fixture(autouse=True)
def _no_hold_is_left(installation: Up) -> Iterator[None]:
    """Whatever goes wrong here: the tests after it send."""
    yield
    browser = pages.signed_in(installation, PASSWORD)
    with closing(browser.http):
        browser.post("/restore/", {"sent": "nothing"})


def is_fit_for_everybody(page: Page) -> None:
    """In both languages and both themes no axe violation, and no sideways scroll on any screen."""
    for language in ("zh-hans", "en"):
        choose(page, language=language)
        is_accessible_in_both_themes(page, language)
        fits_every_screen(page, language)


@pytest.mark.usefixtures("unnamed_file")
def test_an_admin_confirms_what_may_have_been_sent(in_english: Page, platform: Up, tmp_path: Path) -> None:
    page = in_english
    platform.sandbox("POST", "/control/faults", [{"kind": "latency", "seconds": 2}])
    upload(page, plain(tmp_path / "备份之后.xlsx", [HEADER, *customers(ROWS)]))
    check(page)
    start(page)
    of_import = page.url
    expect(page).to_have_title(re.compile(r"^[1-9]\d?% · 备份之后\.xlsx"), timeout=20_000)
    assert platform.manage("restored").returncode == 0
    platform.sandbox("DELETE", "/control/faults")

    page.goto("/imports/")
    expect(page.locator("body")).to_contain_text(BANNER)
    page.click("a[href='/restore/']")
    held = page.locator("main")
    expect(held).to_contain_text("Imports whose rows may have been sent after the backup")
    expect(held.locator("a", has_text="备份之后.xlsx")).to_be_visible()
    expect(held).to_contain_text(re.compile(r"[\d,]+ of 20,000 rows are still to be sent"))
    expect(held).to_contain_text(UNNAMED)
    is_fit_for_everybody(page)

    page.check("input[name=sent][value=maybe]")
    page.click("main form[action='/restore/'] button")
    expect(page.locator("body")).to_contain_text("Confirmed.")
    page.goto(of_import)
    see_it_end(page, "Finished with failures")
    accepted = sum(len(body["data"]) for body in bodies(platform))
    assert 0 < accepted < ROWS
    expect(page.locator("#tile-accepted")).to_contain_text(f"{accepted:,}")
    expect(page.locator("#tile-in_doubt")).to_contain_text(f"{ROWS - accepted:,}")
    expect(page.locator("main")).to_contain_text("May have been sent after the backup")
    expect(page.locator("body")).not_to_contain_text(BANNER)
    is_fit_for_everybody(page)
    page.goto("/restore/")
    expect(page.locator("main")).to_contain_text("Confirmed before")
    is_fit_for_everybody(page)
