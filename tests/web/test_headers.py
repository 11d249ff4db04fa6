"""What every answer carries, whatever page it is, and what no template may contain."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection
from tagsync.exports.models import Export
from tagsync.imports.models import ImportJob, Repair, SavedMapping
from tagsync.imports.models.repair import RepairKind
from tagsync.notifications.models import Notice
from tagsync.web.urls import urlpatterns
from tests.matrix import one_in

TEMPLATES = sorted((Path(settings.BASE_DIR) / "templates").rglob("*.html"))
NAMES = [pattern.name for pattern in urlpatterns if pattern.name]
WITH_PK = {pattern.name for pattern in urlpatterns if "pk" in pattern.pattern.converters}

HEADERS = {
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
POLICY = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
}


def assert_safe(response: Any) -> None:
    assert set(response["Content-Security-Policy"].split("; ")) == POLICY
    assert "no-store" in response["Cache-Control"]
    for name, value in HEADERS.items():
        assert response[name] == value, name


@pytest.fixture
def url_of(ready: ImportJob, sandbox_connection: Connection, marketer: Person, admin_person: Person) -> Any:
    mapping = SavedMapping.objects.create(owner=marketer, headers_sha256="0" * 64, used_at=timezone.now())
    export = Export.objects.create(
        job=ready, by=admin_person, language="en", rows=3, file_name="a.xlsx", expires_at=timezone.now() + timedelta(1)
    )
    repair = Repair.objects.create(job=ready, by=marketer, kind=RepairKind.LEAVE_OUT, row_number=4)
    notice = Notice.objects.create(person=admin_person, kind="finished", job=ready)
    targets = {
        "notice": notice.pk,
        "export": export.pk,
        "import": ready.pk,
        "connection": sandbox_connection.pk,
        "person": marketer.pk,
        "mapping": mapping.pk,
    }

    def find(name: str) -> str:
        if name.startswith("problem_"):
            return reverse(name, args=[ready.pk, ready.problems.get().pk])
        if name.startswith("repair_"):
            return reverse(name, args=[ready.pk, repair.pk])
        return reverse(name, args=[targets[name.split("_")[0]]] if name in WITH_PK else [])

    return find


@pytest.mark.parametrize("name", one_in(8, NAMES))
@pytest.mark.parametrize("method", ["get", "post"])
def test_it_sends_safe_headers_with_every_page(signed_admin: Client, url_of: Any, name: str, method: str) -> None:
    response = getattr(signed_admin, method)(url_of(name))
    assert response.status_code < 500 or name == "readyz"  # no Redis runs here
    assert_safe(response)


@pytest.mark.parametrize("name", one_in(8, NAMES))
def test_it_sends_safe_headers_to_strangers(client: Client, url_of: Any, name: str) -> None:
    assert_safe(client.get(url_of(name)))


@pytest.mark.parametrize("url", ["/nowhere", "/imports/999/", "/imports/99999999999999999999999/", "/connections/0/"])
def test_it_sends_safe_headers_with_a_404(signed_admin: Client, url: str) -> None:
    response = signed_admin.get(url)
    assert response.status_code == 404
    assert_safe(response)


def test_it_sends_safe_headers_with_a_refused_form(marketer: Person) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(marketer)
    response = client.post("/imports/new/")
    assert response.status_code == 403
    assert_safe(response)


def test_it_answers_no_other_host(client: Client) -> None:
    assert client.get("/login/", headers={"host": "evil.com"}).status_code == 400


def test_it_hides_its_cookies_from_scripts(client: Client, marketer: Person) -> None:
    client.get("/login/")
    client.post("/login/", {"username": "lin", "password": "correct horse battery"})
    for name in ("sessionid", "csrftoken"):
        assert client.cookies[name]["httponly"] and client.cookies[name]["samesite"] == "Lax"


@pytest.mark.parametrize(
    "forbidden",
    [
        r"\sstyle\s*=",
        r"<style",
        r"\son[a-z]+\s*=\s*[\"']",
        r"javascript:",
        r"<script(?![^>]*\ssrc=)",
        r"hx-on",
        r"hx-vals=[\"']js:",
        r"\|\s*safe\b",
        r"autoescape\s+off",
        r"(src|href)\s*=\s*[\"'](https?:)?//",
    ],
)
def test_it_has_nothing_inline_and_nothing_unescaped(forbidden: str) -> None:
    found = re.compile(forbidden, re.IGNORECASE)
    wrong = [
        f"{path.relative_to(settings.BASE_DIR)}:{number}: {line.strip()[:80]}"
        for path in TEMPLATES
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if found.search(line)
    ]
    assert not wrong, "\n".join(wrong)


def test_it_protects_every_form_that_changes_something() -> None:
    forms = re.compile(r"<form\b[^>]*method=.post.[^>]*>(.*?)</form>", re.IGNORECASE | re.DOTALL)
    wrong = [
        str(path.relative_to(settings.BASE_DIR))
        for path in TEMPLATES
        for form in forms.findall(path.read_text())
        if "csrf_token" not in form and "styleguide" not in path.parts
    ]
    assert not wrong
