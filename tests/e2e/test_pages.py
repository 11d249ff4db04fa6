"""Every page, in both languages and both themes: no axe violation, no sideways scroll."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page

from tests.e2e.conftest import PASSWORD, choose
from tests.installation import Up

pytestmark = pytest.mark.e2e

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
WIDTHS = (390, 820, 1180, 1440, 1920)
PATHS = (
    "/imports/",
    "/imports/new/",
    "/imports/{draft}/columns/",
    "/imports/{checked}/check/",
    "/imports/{ended}/",
    "/imports/{ended}/rows/",
    "/imports/{ended}/rows/?row=3",
    "/imports/{ended}/calls/",
    "/imports/{refused}/",
    "/imports/{refused}/retry/",
    "/connections/",
    "/connections/new/",
    "/people/",
    "/people/new/",
    "/imports/{ended}/title/",
    "/help/",
    "/styleguide/",
    "/nowhere/",
)


@pytest.fixture(scope="module")
def numbers(installation: Up, browser: Browser) -> dict[str, int]:
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
    installation.sandbox("DELETE", "/control/faults")
    line = ("import_sheet", str(sample), "--connection", "Sandbox", "--operation", "add", "--wait")
    installation.manage(*line)
    installation.sandbox("POST", "/control/faults", [{"kind": "refuse_all"}])
    installation.manage(*line)
    installation.sandbox("DELETE", "/control/faults")
    context.close()
    return {"draft": draft, "checked": checked, "ended": checked + 1, "refused": checked + 2}


def sign_in(page: Page) -> None:
    page.goto("/login/")
    page.fill("input[name=username]", "admin")
    page.fill("input[name=password]", PASSWORD)
    page.click("main button.btn--primary")
    page.wait_for_url("**/imports/")


@pytest.fixture(scope="module", params=[("en", "light"), ("zh-hans", "dark")], ids="-".join)
def visitor(
    request: pytest.FixtureRequest, installation: Up, browser: Browser, browser_context_args: dict[str, object]
) -> Iterator[BrowserContext]:
    language, theme = request.param
    context = browser.new_context(**{**browser_context_args, "base_url": installation.url})  # type: ignore[arg-type]
    page = context.new_page()
    sign_in(page)
    choose(page, language=language, theme=theme)
    page.close()
    yield context
    context.close()


@pytest.mark.parametrize("path", PATHS)
def test_it_has_no_axe_violation_and_no_sideways_scroll(
    visitor: BrowserContext, numbers: dict[str, int], path: str
) -> None:
    page = visitor.new_page()
    page.goto(path.format(**numbers))
    violations = Axe().run(page, options=RULES).response["violations"]
    assert not violations, [(v["id"], v["nodes"][0]["target"]) for v in violations]
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, width
    page.close()


def test_it_folds_the_columns_into_cards_on_a_phone(visitor: BrowserContext, numbers: dict[str, int]) -> None:
    page = visitor.new_page()
    page.set_viewport_size({"width": 390, "height": 900})
    page.goto(f"/imports/{numbers['draft']}/columns/")
    for select in page.locator("select[name^=column_]").all():
        box = select.bounding_box()
        assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= 390
    page.close()
