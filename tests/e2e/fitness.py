"""What every page must be on every screen: no axe violation, no sideways scroll."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

EVERYTHING = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# The rules for which axe looks at colours: dark.css has nothing but colours.
COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
SHOW_THEME = """theme => {
    document.documentElement.dataset.theme = theme;
    document.getElementById("dark-tokens").media = theme === "dark" ? "" : "not all";
}"""
WIDTHS = (390, 820, 1180, 1440, 1920)


def is_accessible(page: Page, *where: str, rules: object = EVERYTHING) -> None:
    # To name all that passes, too, takes longer than to find what does not.
    violations = Axe().run(page, options={"runOnly": rules, "resultTypes": ["violations"]}).response["violations"]
    assert not violations, [(*where, one["id"], one["nodes"][0]["target"]) for one in violations]


def is_accessible_in_both_themes(page: Page, *where: str) -> None:
    for theme, rules in {"light": EVERYTHING, "dark": COLOURS}.items():
        page.evaluate(SHOW_THEME, theme)
        is_accessible(page, theme, *where, rules=rules)


def fits_every_screen(page: Page, *where: str) -> None:
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, (width, *where)
