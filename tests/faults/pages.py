"""A person at the pages of a running installation, over HTTP, as a browser without scripts would be."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import httpx

from tests.installation import Up
from tests.making import FIELDS, workbook

# Longer than a browser would be patient with; the time-outs of Redis are shorter.
MAX_SECONDS = 15.0


@dataclass
class Browser:
    http: httpx.Client
    slowest_seconds: float = field(default=0.0)

    def get(self, path: str) -> str:
        return self._asked("GET", path).text

    def post(self, path: str, data: dict[str, str], form_at: str = "", **more: object) -> httpx.Response:
        """With the hidden fields of the page at `form_at` that has the form."""
        hidden = dict(re.findall(r'name="(csrfmiddlewaretoken|seen|hold)" value="([^"]*)"', self.get(form_at or path)))
        return self._asked("POST", path, data={**hidden, **data}, **more)

    def _asked(self, method: str, path: str, **more: object) -> httpx.Response:
        began = time.monotonic()
        answer = self.http.request(method, path, **more)
        self.slowest_seconds = max(self.slowest_seconds, time.monotonic() - began)
        assert answer.status_code in (200, 302), f"{method} {path}: {answer.status_code}"
        return answer


def signed_in(installation: Up, password: str) -> Browser:
    return sign_in(Browser(httpx.Client(base_url=installation.url, timeout=30, trust_env=False)), password)


def sign_in(browser: Browser, password: str) -> Browser:
    answer = browser.post("/login/", {"username": "admin", "password": password})
    assert answer.status_code == 302, "not signed in"
    return browser


def upload(browser: Browser, rows: Sequence[Sequence[str]]) -> int:
    """Upload and choose columns and settings: the check is asked for. Returns the number of the import."""
    sheet = workbook(rows)
    files = {"file": (str(sheet.name), sheet.read())}
    location = browser.post("/imports/new/", {"title": ""}, files=files).headers["Location"]
    columns = {f"column_{number}": name for number, name in enumerate(FIELDS)}
    choices = {"connection": _connection(browser.get(location)), "operation": "add", "matching": "fuzzy-1"}
    answer = browser.post(location, {**columns, **choices})
    assert answer.headers["Location"].endswith("/check/")
    return int(location.split("/")[2])


def start(browser: Browser, number: int) -> None:
    answer = browser.post(f"/imports/{number}/start/", {}, form_at=f"/imports/{number}/check/")
    assert answer.headers["Location"] == f"/imports/{number}/", "not started"


def _connection(page: str) -> str:
    """The number of the only connection, the sandbox's."""
    found = re.search(r'name="connection".*?<option value="(\d+)"', page, re.DOTALL)
    found = found or re.search(r'name="connection"[^>]*value="(\d+)"', page)
    assert found, "no connection on the page"
    return found[1]
