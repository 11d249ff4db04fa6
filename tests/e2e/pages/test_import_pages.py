"""Every page of imports, in both languages and both themes: no axe violation, no sideways scroll."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.e2e.fitness import fits_every_screen, is_accessible_in_both_themes

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

PATHS = (
    "/imports/",
    "/imports/?q=nothing&operation=add&since=2026-01-01",
    "/imports/selected/retry/?import={refused}&import={draft}",
    "/imports/selected/delete/?import={refused}&import={draft}",
    "/imports/new/",
    "/imports/{draft}/columns/",
    "/imports/{checked}/check/",
    "/imports/{checked}/check/?open={problem}",
    "/imports/{refused}/undo/",
    "/imports/{ended}/",
    "/imports/{ended}/title/",
    "/imports/{ended}/rows/",
    "/imports/{ended}/rows/?row=3",
    "/imports/{ended}/calls/",
    "/imports/{refused}/",
    "/imports/{refused}/retry/",
)


@pytest.mark.parametrize("path", PATHS)
def test_it_has_no_axe_violation_and_no_sideways_scroll(page: Page, numbers: dict[str, int | str], path: str) -> None:
    page.goto(path.format(**numbers))
    is_accessible_in_both_themes(page)
    fits_every_screen(page)


def test_it_folds_the_columns_into_cards_on_a_phone(page: Page, numbers: dict[str, int | str]) -> None:
    page.set_viewport_size({"width": 390, "height": 900})
    page.goto(f"/imports/{numbers['draft']}/columns/")
    for select in page.locator("select[name^=column_]").all():
        box = select.bounding_box()
        assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= 390
