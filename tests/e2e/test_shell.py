"""What is the same on every page: language and theme, and that a keyboard is enough for the main job."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Response, expect

from tests.e2e.conftest import PASSWORD, choose
from tests.e2e.test_main_job import bodies, sample
from tests.installation import Up

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
MOST_STOPS = 60
# The focused element, or what draws the focus for it, stands out and lies in the window.
FOCUS_IS_SEEN = """() => {
    for (let one = document.activeElement; one && one !== document.body; one = one.parentElement) {
        const look = getComputedStyle(one), box = one.getBoundingClientRect();
        if (look.outlineStyle === "none" || parseFloat(look.outlineWidth) < 2) continue;
        return box.width > 0 && box.height > 0 && box.bottom > 0 && box.right > 0
            && box.top < innerHeight && box.left < innerWidth;
    }
    return false;
}"""


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until this has the focus; on the way it is always seen where the focus is."""
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement === document.body"):
            continue  # the end of the page: it begins again
        assert page.evaluate(FOCUS_IS_SEEN), page.evaluate("document.activeElement.outerHTML")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    pytest.fail(f"no way to {selector} by the Tab key")


def test_the_keyboard_is_enough(page: Page, platform: Up, base_url: str) -> None:
    press = page.keyboard.press
    # Whoever listens only when the key is pressed may be too late: the browser has to be told to hand choosers over.
    page.on("filechooser", lambda _chooser: None)
    page.goto("/login/")
    tab_to(page, "input[name=username]")
    page.keyboard.type("admin")
    tab_to(page, "input[name=password]")
    page.keyboard.type(PASSWORD)
    press("Enter")
    page.wait_for_url("**/imports/")
    tab_to(page, "a[href='/imports/new/']")
    press("Enter")
    page.wait_for_url("**/imports/new/")
    tab_to(page, "input[name=file]")
    with page.expect_file_chooser() as chooser:
        press("Enter")
    chooser.value.set_files(sample(platform))
    tab_to(page, "main form button.btn--primary")
    press("Enter")
    page.wait_for_url("**/columns/")
    tab_to(page, "input[name=operation]:checked")
    press("ArrowRight")
    expect(page.locator("input[name=operation][value=delete]")).to_be_checked()
    # Or the answer to this change would still come, and swap what has the focus by then.
    expect(page.locator("main pre").first).to_contain_text('"optType": "delete"')
    press("ArrowLeft")
    expect(page.locator("main pre").first).to_contain_text('"optType": "add"')
    tab_to(page, "main .formbar button.btn--primary")
    press("Enter")
    expect(page.locator("input[name=trial]")).to_be_visible(timeout=20_000)
    tab_to(page, "form[action$='/start/'] input[name=trial]")
    press("Space")
    expect(page.locator("input[name=trial]")).to_be_checked()
    press("Space")
    tab_to(page, "form[action$='/start/'] button.btn--primary")
    press("Enter")
    page.wait_for_url(re.compile(r"/imports/\d+/$"))
    expect(page).to_have_title(re.compile("^⚠"), timeout=30_000)
    assert sum(len(body["data"]) for body in bodies(platform)) == 288


@pytest.fixture
def as_before(in_english: Page) -> Iterator[Page]:
    choose(in_english, theme="auto")
    yield in_english
    choose(in_english, language="en", theme="auto")


def test_language_and_theme_are_chosen_once(
    as_before: Page, browser: Browser, browser_context_args: dict[str, object], tmp_path: Path
) -> None:
    page, root = as_before, as_before.locator("html")
    page.click(".sidebar button[name=language]")
    expect(root).to_have_attribute("lang", "zh-hans")
    expect(page.locator("h1")).to_have_text("导入记录")
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer) if answer.url.endswith("/preferences/") else None)
    page.click(".sidebar [data-theme-form] button:visible")
    expect(root).to_have_attribute("data-theme", "light")
    # At once, as an impatient hand would: the first press may not have been answered yet.
    page.click(".sidebar [data-theme-form] button:visible")
    while len(answers) < 2:
        page.wait_for_timeout(20)
    expect(root).to_have_attribute("data-theme", "dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(15, 19, 25)"
    page.goto("/imports/new/")
    expect(root).to_have_attribute("data-theme", "dark")
    expect(root).to_have_attribute("lang", "zh-hans")

    # They follow the person into another browser.
    context = browser.new_context(**{**browser_context_args, "locale": "en-GB"})
    other = context.new_page()
    other.goto(page.url.partition("/imports/")[0] + "/login/")
    expect(other.locator("html")).to_have_attribute("lang", "en")
    other.fill("input[name=username]", "admin")
    other.fill("input[name=password]", PASSWORD)
    other.click("main button.btn--primary")
    other.wait_for_url("**/imports/")
    expect(other.locator("html")).to_have_attribute("lang", "zh-hans")
    expect(other.locator("html")).to_have_attribute("data-theme", "dark")
    context.close()
