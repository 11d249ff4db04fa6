"""Every page but those of imports, in both languages and both themes: no axe violation, no sideways scroll."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.e2e.fitness import fits_every_screen, is_accessible, is_accessible_in_both_themes

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.usefixtures("numbers")]

PATHS = (
    "/exports/",
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
    "/help/",
    "/styleguide/",
    "/nowhere/",
)


@pytest.fixture
def excused() -> list[str]:
    """One address leads nowhere."""
    return ["404"]


@pytest.mark.parametrize("path", PATHS)
def test_it_has_no_axe_violation_and_no_sideways_scroll(page: Page, path: str) -> None:
    page.goto(path)
    is_accessible_in_both_themes(page)
    fits_every_screen(page)


def test_it_shows_a_customer_without_an_axe_violation(page: Page, numbers: dict[str, int | str]) -> None:
    """Reached as people reach it: the identifier is typed or taken from a row, never part of the address."""
    page.goto(f"/imports/{numbers['ended']}/rows/?row=3")
    page.click("#row form[action$='/customer/'] button")
    page.wait_for_url("**/customers/?search=*")
    assert page.locator("main table").count() == 2
    is_accessible(page)
    fits_every_screen(page)
    page.click("main table a >> nth=0")
    page.go_back()
    page.reload()
    assert page.locator("main table").count() == 2
    page.fill("main input[name=typed]", "13900000000")
    page.press("main input[name=typed]", "Enter")
    page.wait_for_selector(".empty")
    assert "139" not in page.url
