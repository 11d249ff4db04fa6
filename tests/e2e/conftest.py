"""Chromium against a whole installation: real pages, real workers, the test platform on a real socket."""

from __future__ import annotations

import inspect
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import playwright
import pytest
from django.db import connections
from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright

from tests.installation import Up, up
from tests.legs import engines

# Playwright's sync API keeps an event loop running; without this every later test that uses the database would fail.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

PASSWORD = "correct horse battery"
# The headless shell draws the same pages with half of the processor's time.
BROWSERS = ("chromium-headless-shell", "chromium", "google-chrome")
CHROMIUM = os.environ.get("TAGSYNC_CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def a_browser() -> str:
    """Where it is; without one, or without what Playwright needs to drive it, these tests are skipped."""
    missing = _missing()
    if missing and os.environ.get("CI"):
        pytest.fail(f"{missing}: CI must have it")
    if missing:
        pytest.skip(f"{missing}: browser tests are skipped")
    return str(CHROMIUM)


def _missing() -> str:
    if not CHROMIUM:
        return "no Chromium (Debian package chromium-headless-shell or chromium, or TAGSYNC_CHROMIUM)"
    node = Path(inspect.getfile(playwright)).parent / "driver" / "node"
    if node.exists() and subprocess.run([node, "--version"], capture_output=True).returncode:
        return "Playwright's driver does not run (Debian package libatomic1)"
    return ""


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any], a_browser: str) -> dict[str, Any]:
    # What earlier tests left open would be out of sight, and so stay open, once Playwright's loop runs.
    connections.close_all()
    return {**browser_type_launch_args, "executable_path": a_browser, "args": FLAGS}


@pytest.fixture(scope="session", autouse=True)
def _closes_what_it_hides(a_browser: str, playwright: Playwright) -> Iterator[None]:
    """Connections that other tests open while Playwright's loop runs are out of sight when it has ended."""
    yield
    connections.close_all()


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    return {
        **browser_context_args,
        "locale": "zh-CN",
        "timezone_id": "Asia/Shanghai",
        "viewport": {"width": 1440, "height": 900},
        "reduced_motion": "reduce",
    }


@pytest.fixture(scope="session")
def installation(browser_type_launch_args: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    settings = {"TAGSYNC_CALL_SECONDS": "3", "TAGSYNC_KEEPER_SECONDS": "3", "TAGSYNC_ADMIN_PASSWORD": PASSWORD}
    with engines("e2e") as engine, up(tmp_path_factory.mktemp("e2e") / "home", **settings, **engine) as started:
        yield started


@pytest.fixture(scope="session")
def base_url(installation: Up) -> str:
    return installation.url


@pytest.fixture
def platform(installation: Up) -> Iterator[Up]:
    installation.sandbox("DELETE", "/control/faults")
    installation.sandbox("POST", "/control/reset")
    yield installation
    installation.sandbox("DELETE", "/control/faults")


@pytest.fixture
def excused() -> list[str]:
    """What the console may say in this test, because the test itself is the cause; a test adds to it."""
    # The browser's own note on an answer of 4xx is how a refused form looks to it.
    return ["422"]


@pytest.fixture(autouse=True)
def _quiet_page(page: Page, installation: Up, excused: list[str]) -> Iterator[None]:
    """No console message, no error on the page, nothing fetched from another host."""
    bad: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not any(words in message.text for words in excused):
            bad.append(message.text)

    ours = (installation.url, "data:", "blob:")
    listeners: dict[Any, Callable[[Any], None]] = {
        "console": listen,
        "pageerror": lambda error: bad.append(str(error)),
        "request": lambda request: None if request.url.startswith(ours) else bad.append(request.url),
    }
    for event, listener in listeners.items():
        page.on(event, listener)
    yield
    for event, listener in listeners.items():
        page.remove_listener(event, listener)
    assert not bad


@pytest.fixture(scope="session")
def admins_cookies(installation: Up, browser: Browser) -> list[Any]:
    """As a sign-in leaves them; most tests need none of their own."""
    with browser.new_context(base_url=installation.url) as context:
        sign_in(context.new_page())
        return context.cookies()


def sign_in(page: Page) -> None:
    page.goto("/login/")
    page.fill("input[name=username]", "admin")
    page.fill("input[name=password]", PASSWORD)
    page.click("main button.btn--primary")
    page.wait_for_url("**/imports/")


@pytest.fixture
def signed_in(page: Page, admins_cookies: list[Any]) -> Page:
    page.context.add_cookies(admins_cookies)
    page.goto("/imports/")
    if "/login/" in page.url:
        # An earlier test has ended that session.
        sign_in(page)
    return page


@pytest.fixture
def in_english(signed_in: Page) -> Page:
    if signed_in.locator("html").get_attribute("lang") != "en":
        choose(signed_in, language="en")
    return signed_in


def choose(page: Page, **preferences: str) -> None:
    """Set language or theme as the switches of the shell do."""
    page.evaluate(
        """async (wanted) => {
            const token = document.querySelector("input[name=csrfmiddlewaretoken]").value;
            const body = new URLSearchParams({...wanted, csrfmiddlewaretoken: token, next: "/imports/"});
            await fetch("/preferences/", {method: "POST", body});
        }""",
        preferences,
    )
    page.reload()
