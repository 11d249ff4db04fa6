"""The style guide shows what the style sheet has: whoever adds a component shows it, whoever drops one notices."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from tagsync.accounts.models import Person

STYLES = "".join(path.read_text() for path in Path(settings.BASE_DIR).glob("static/css/*.css"))
URL = "/styleguide/"

# Only there while something happens, around pages that have no shell, or the places of one table, one text, one button.
ELSEWHERE = {
    "centred",
    "is-dragging",
    "has-file",
    "panel",
    "history",
    "bulk",
    "inline",
    "start-all",
    "start-trial",
    "setup",
    "clamp",
    "fold",
    "is-floating",
    "reason",
    "turn",
    "turns",
}
# What has no colour of its own, or stands once on a page: not in the two samples.
WITHOUT_COLOUR = {
    *("shell", "sidebar", "topbar", "menu", "skip", "banners", "page", "page-head", "breadcrumb", "formbar", "lead"),
    *("columns", "stack", "cluster", "grid-2", "visually-hidden", "defs", "push", "nowrap", "data", "clip", "bullets"),
    *("summary", "saved"),
    *("live-paused", "toasts", "sample", "user", "nav", "brand", "pat", "depth", "filehead", "is-done", "map"),
}


def blocks() -> set[str]:
    """The names of components in the style sheet, without their elements and modifiers."""
    code = re.sub(r"/\*.*?\*/|url\(.*?\)", "", STYLES, flags=re.DOTALL)
    selectors = " ".join(re.findall(r"([^{};]+)\{", code))
    return {re.split(r"__|--", name)[0] for name in re.findall(r"\.([a-z][\w-]*)", selectors)}


def shown(html: str) -> set[str]:
    names = {name for group in re.findall(r'class="([^"]*)"', html) for name in group.split()}
    return {re.split(r"__|--", name)[0] for name in names}


@pytest.fixture
def staff(client: Client, marketer: Person) -> Client:
    Person.objects.update(is_staff=True)
    client.force_login(marketer)
    return client


def test_it_shows_every_component(staff: Client) -> None:
    page = staff.get(URL).content.decode()
    assert blocks() - shown(page) == ELSEWHERE


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_shows_every_colour_in_both_themes(staff: Client, theme: str) -> None:
    page = staff.get(URL).content.decode()
    sample = page.split(f'class="sample" data-theme="{theme}"')[1].split('class="sample"')[0].split("<!-- end -->")[0]
    assert blocks() - shown(sample) - ELSEWHERE - WITHOUT_COLOUR == set()


def test_it_has_no_stale_exception(staff: Client) -> None:
    assert blocks() >= ELSEWHERE | WITHOUT_COLOUR


def test_its_ids_are_its_own(staff: Client) -> None:
    ids = re.findall(r'\sid="([^"]+)"', staff.get(URL).content.decode())
    assert sorted(ids) == sorted(set(ids))


def test_it_is_for_those_who_build_or_run_it(signed: Client, signed_admin: Client, client: Client) -> None:
    assert signed.get(URL).status_code == 404
    assert signed_admin.get(URL).status_code == 200
    assert client.get(URL)["Location"].startswith("/login/")
