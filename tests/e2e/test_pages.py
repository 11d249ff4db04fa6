"""Every page, in both languages and both themes: no axe violation, no sideways scroll."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page

from tests.e2e.conftest import PASSWORD, choose
from tests.installation import Up

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
SHOW_THEME = """theme => {
    document.documentElement.dataset.theme = theme;
    document.getElementById("dark-tokens").media = theme === "dark" ? "" : "not all";
}"""
WIDTHS = (390, 820, 1180, 1440, 1920)
PATHS = (
    "/imports/",
    "/imports/?q=nothing&operation=add&since=2026-01-01",
    "/imports/selected/retry/?import={refused}&import={draft}",
    "/imports/selected/delete/?import={refused}&import={draft}",
    "/exports/",
    "/imports/new/",
    "/imports/{draft}/columns/",
    "/imports/{checked}/check/",
    "/imports/{checked}/check/?open={problem}",
    "/imports/{refused}/undo/",
    "/imports/{ended}/",
    "/imports/{ended}/rows/",
    "/imports/{ended}/rows/?row=3",
    "/imports/{ended}/calls/",
    "/imports/{refused}/",
    "/imports/{refused}/retry/",
    "/notices/",
    "/customers/",
    "/connections/",
    "/connections/new/",
    "/connections/1/archive/",
    "/people/",
    "/people/new/",
    "/operation/",
    "/restore/",
    "/account/",
    "/imports/{ended}/title/",
    "/help/",
    "/styleguide/",
    "/nowhere/",
)


@pytest.fixture(scope="module")
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


def sign_in(page: Page) -> None:
    page.goto("/login/")
    page.fill("input[name=username]", "admin")
    page.fill("input[name=password]", PASSWORD)
    page.click("main button.btn--primary")
    page.wait_for_url("**/imports/")


@pytest.fixture(scope="module", params=["en", "zh-hans"])
def visitor(
    request: pytest.FixtureRequest, installation: Up, browser: Browser, browser_context_args: dict[str, object]
) -> Iterator[BrowserContext]:
    context = browser.new_context(**{**browser_context_args, "base_url": installation.url})
    page = context.new_page()
    sign_in(page)
    choose(page, language=request.param)
    page.close()
    yield context
    context.close()


@pytest.mark.parametrize("path", PATHS)
def test_it_has_no_axe_violation_and_no_sideways_scroll(
    visitor: BrowserContext, numbers: dict[str, int | str], path: str
) -> None:
    page = visitor.new_page()
    page.goto(path.format(**numbers))
    for theme in ("light", "dark"):
        page.evaluate(SHOW_THEME, theme)
        violations = Axe().run(page, options=RULES).response["violations"]
        assert not violations, [(theme, v["id"], v["nodes"][0]["target"]) for v in violations]
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, width
    page.close()


def test_it_shows_a_customer_without_an_axe_violation(visitor: BrowserContext, numbers: dict[str, int | str]) -> None:
    """Reached as people reach it: the identifier is typed or taken from a row, never part of the address."""
    page = visitor.new_page()
    page.goto(f"/imports/{numbers['ended']}/rows/?row=3")
    page.click("#row form[action$='/customer/'] button")
    page.wait_for_url("**/customers/?search=*")
    assert page.locator("main table").count() == 2
    violations = Axe().run(page, options=RULES).response["violations"]
    assert not violations, [(v["id"], v["nodes"][0]["target"]) for v in violations]
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, width
    page.click("main table a >> nth=0")
    page.go_back()
    page.reload()
    assert page.locator("main table").count() == 2
    page.fill("main input[name=typed]", "13900000000")
    page.press("main input[name=typed]", "Enter")
    page.wait_for_selector(".empty")
    assert "139" not in page.url
    page.close()


def test_it_folds_the_columns_into_cards_on_a_phone(visitor: BrowserContext, numbers: dict[str, int | str]) -> None:
    page = visitor.new_page()
    page.set_viewport_size({"width": 390, "height": 900})
    page.goto(f"/imports/{numbers['draft']}/columns/")
    for select in page.locator("select[name^=column_]").all():
        box = select.bounding_box()
        assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= 390
    page.close()
