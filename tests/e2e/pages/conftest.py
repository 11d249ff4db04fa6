"""Every page, for somebody who reads one of the two languages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, ViewportSize

from tests.e2e.conftest import choose, sign_in
from tests.installation import Up


@pytest.fixture(scope="session")
def numbers(installation: Up, browser: Browser) -> dict[str, int | str]:
    """An import in each state that a page shows differently."""
    context = browser.new_context(base_url=installation.url)
    page = context.new_page()
    sign_in(page)
    sample = next((installation.home / "sample").glob("*.xlsx"))

    def uploaded() -> int:
        page.goto("/imports/new/")
        page.set_input_files("input[name=file]", sample)
        page.click("main form button.btn--primary")
        page.wait_for_url("**/columns/")
        return int(page.url.split("/")[-3])

    draft, checked = uploaded(), uploaded()
    page.click("main button.btn--primary")
    page.wait_for_selector("form[action$='/start/']", timeout=20_000)
    problem = page.locator("a[href*='?open=']").first.get_attribute("href") or ""
    installation.sandbox("DELETE", "/control/faults")
    line = ("import_sheet", str(sample), "--connection", "Sandbox", "--operation", "add", "--wait")
    installation.manage(*line)
    installation.sandbox("POST", "/control/faults", [{"kind": "refuse_all"}])
    installation.manage(*line)
    installation.sandbox("DELETE", "/control/faults")
    page.goto("/imports/")
    page.locator("[data-select-row]").first.check()
    page.click("button[value=all]")
    page.wait_for_selector("#exports a[download]", timeout=20_000)
    context.close()
    problem = problem.partition("open=")[2].partition("#")[0]
    return {"draft": draft, "checked": checked, "problem": problem, "ended": checked + 1, "refused": checked + 2}


@pytest.fixture(scope="module", params=["en", "zh-hans"])
def visitor(
    request: pytest.FixtureRequest, installation: Up, browser: Browser, browser_context_args: dict[str, object]
) -> Iterator[Page]:
    """One page goes to all addresses: a new one costs the browser as much as what is tried on it."""
    with browser.new_context(**{**browser_context_args, "base_url": installation.url}) as context:
        page = context.new_page()
        sign_in(page)
        choose(page, language=request.param)
        yield page


@pytest.fixture
def page(visitor: Page, browser_context_args: dict[str, ViewportSize]) -> Page:
    """Of the usual size, whatever an earlier test made of it."""
    visitor.set_viewport_size(browser_context_args["viewport"])
    return visitor
