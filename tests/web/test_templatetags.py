"""The tags that pages are built from, and the promises of the style sheet."""

import random
import re
from pathlib import Path

import pytest
from django.template import Context, Template
from django.template.loader import render_to_string
from django.test import RequestFactory
from lucide import IconDoesNotExist

from tagsync.imports.models.delivery import DeliveryOutcome
from tagsync.imports.states import JobStatus, RowStatus
from tagsync.web.ui import icons, numbers
from tagsync.web.ui.statuses import CALL_LOOKS, JOB_LOOKS, ROW_LOOKS, TONE_ICONS, Look

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
STYLES = ROOT / "static/css"


def render(source: str, **context: object) -> str:
    return Template("{% load tagsync_ui %}" + source).render(Context(context))


def test_it_draws_an_icon_as_decoration():
    drawn = render('{% icon "check" size=20 %}')
    assert 'aria-hidden="true"' in drawn and 'width="20"' in drawn and 'focusable="false"' in drawn


def test_it_draws_an_icon_with_a_label():
    drawn = render('{% icon "x" label=words %}', words='Close "this" {{ 7|add:1 }} <b>')
    assert 'role="img"' in drawn and "aria-hidden" not in drawn
    assert "<b>" not in drawn and "{{ 7|add:1 }}" in drawn


def test_it_refuses_an_unknown_icon():
    with pytest.raises(IconDoesNotExist):
        render('{% icon "no-such-icon" %}')


def test_it_finds_every_icon_that_templates_name():
    literal = re.compile(r"""{%\s*icon\s+["']([\w-]+)["']""")
    passed_on = re.compile(r"""\b(?:icon|action_icon)=["']([\w-]+)["']""")
    names = {name for page in TEMPLATES for name in literal.findall(page.read_text())}
    names |= {name for page in TEMPLATES for name in passed_on.findall(page.read_text())}
    assert "plus" in names
    for name in names | set(TONE_ICONS.values()) | {"sun", "moon", "sun-moon", "history", "plug", "users"}:
        assert icons.icon(name)


@pytest.mark.parametrize("status", JOB_LOOKS)
def test_it_badges_an_import(status):
    drawn = render("{% badge status %}", status=status)
    assert f"badge--{JOB_LOOKS[status].tone}" in drawn and "<svg" in drawn
    assert str(JOB_LOOKS[status].word) in drawn


@pytest.mark.parametrize("outcome", CALL_LOOKS)
def test_it_draws_every_call(outcome: str) -> None:
    assert "<svg" in render("{% look_badge look %}", look=Look(*CALL_LOOKS[outcome], "word"))
    assert set(DeliveryOutcome.values) < set(CALL_LOOKS)


@pytest.mark.parametrize("status", ROW_LOOKS)
def test_it_badges_a_row(status):
    assert str(ROW_LOOKS[status].word) in render("{% row_badge status %}", status=status)


def test_it_has_a_look_for_every_status():
    # what is being deleted is shown to nobody
    assert set(JobStatus.values) - {JobStatus.DISCARDED} <= set(JOB_LOOKS)
    assert set(RowStatus.values) <= set(ROW_LOOKS)


def test_it_escapes_the_words_of_a_badge():
    assert "&lt;i&gt;" in render("{% badge 'blocked' text=words %}", words="<i>")


def test_it_speaks_the_progress():
    drawn = render("{% outcome_bar counts 200 %}", counts={"accepted": 90, "rejected": 11, "waiting": 99})
    assert 'role="progressbar"' in drawn and 'aria-valuenow="50"' in drawn
    assert "101" in drawn and "200" in drawn
    assert 'fill="url(#pat-rejected)"' in drawn and "style=" not in drawn


def test_it_lets_a_new_share_grow_out_of_its_neighbour():
    drawn = render("{% outcome_bar counts 10 %}", counts={"accepted": 4, "waiting": 6})
    widths = re.findall(r'id="outcome-(\w+)" class="[^"]+" width="([\d.]+)%"', drawn)
    assert dict(widths)["accepted"] == dict(widths)["rejected"] == "40.0" and dict(widths)["waiting"] == "100.0"
    assert [status for status, _width in widths] == list(ROW_LOOKS)[::-1]


def test_it_labels_the_mini_bar_with_its_counts():
    drawn = render("{% outcome_bar counts 10 mini=True %}", counts={"accepted": 4})
    assert 'role="img"' in drawn and f"{ROW_LOOKS['accepted'].word} 4" in drawn and " id=" not in drawn


def test_it_draws_an_empty_bar():
    assert 'aria-valuenow="0"' in render("{% outcome_bar counts 0 %}", counts={})
    assert "aria-label" in render("{% outcome_bar counts 0 mini=True %}", counts={})


def test_it_links_the_tiles_that_have_an_address():
    counts = {"accepted": 0, "rejected": 3}
    drawn = render("{% outcome_tiles counts urls %}", counts=counts, urls={"rejected": "/rows/?a=1&b=2"})
    assert 'href="/rows/?a=1&amp;b=2"' in drawn and "tile--accepted" in drawn and "tile--to_fix" not in drawn


@pytest.mark.parametrize(
    "counts",
    [
        {"accepted": 48_209, "rejected": 1},
        {"accepted": 1, "waiting": 999_999},
        {status: 1 for status in ROW_LOOKS},
        {"accepted": 10_000, **{status: 1 for status in ROW_LOOKS if status != "accepted"}},
    ],
)
def test_it_fits_every_share_into_the_bar(counts):
    shares = numbers.segments(counts, sum(counts.values()))
    assert [one.status for one in shares] == [status for status in ROW_LOOKS if status in counts]
    assert sum(one.width for one in shares) == pytest.approx(100, abs=0.1)
    assert all(one.width >= numbers.MIN_PERCENT for one in shares if one.status not in numbers.TRACK)


def test_it_never_leaves_the_bar_when_counts_exceed_the_total():
    shares = numbers.segments({"accepted": 30, "rejected": 30}, 10)
    assert shares[-1].x + shares[-1].width == pytest.approx(100)


@pytest.mark.parametrize(
    ("part", "total", "text"),
    [(0, 10, "0%"), (10, 10, "100%"), (1, 3, "33.3%"), (1, 48_210, "<0.1%"), (9_999, 10_000, "99.9%"), (1, 0, "0%")],
)
def test_it_rounds_down_percents(part, total, text):
    assert numbers.percent(part, total) == text


@pytest.mark.parametrize(("number", "text"), [(48210, "48,210"), (7, "7"), (None, "–"), ("x", "x")])
def test_it_separates_thousands(number, text):
    assert render("{{ n|num }}", n=number) == text


def test_it_shows_column_keys():
    assert ">A<" in render("{% column_key 0 %}") and ">AB<" in render("{% column_key 27 %}")
    assert ">C<" in render('{% column_key "C" %}')


def test_it_masks_and_escapes():
    assert render('{% mask "phone" value %}', value="13800002071") == "138****2071"
    assert "<" not in render('{% mask "tags" value %}', value="<b>")


def test_it_shows_the_steps():
    drawn = render("{% stepper 2 urls %}", urls=["/one/"])
    assert drawn.count("<li") == 3 and drawn.count("aria-current") == 1 and 'href="/one/"' in drawn


@pytest.mark.parametrize(("cookie", "theme"), [("dark", "dark"), ("auto", "auto"), ('"><script>', "auto")])
def test_it_takes_the_theme_from_the_cookie(cookie, theme):
    request = RequestFactory().get("/")
    request.COOKIES["tagsync_theme"] = cookie
    assert render("{% theme %}", request=request) == theme


def test_it_needs_no_request_for_the_theme():
    assert render("{% theme %}") == "auto"


@pytest.mark.parametrize("page", ["403.html", "404.html", "413.html", "500.html"])
def test_it_renders_error_pages_without_any_context(page):
    assert "<h1>" in render_to_string(page)


def test_it_has_each_token_for_both_themes():
    light, dark = ((STYLES / name).read_text().partition("}")[0] for name in ("tokens.css", "dark.css"))
    tokens = re.findall(r"--[\w-]+(?=:)", light)
    assert tokens and tokens == re.findall(r"--[\w-]+(?=:)", dark)


@pytest.mark.parametrize(
    ("cookie", "media"), [("auto", "(prefers-color-scheme: dark)"), ("light", "not all"), ("dark", "")]
)
def test_it_links_the_dark_tokens_for_whom_they_are(cookie, media):
    request = RequestFactory().get("/")
    request.COOKIES["tagsync_theme"] = cookie
    assert render("{% dark_media %}", request=request) == media


def test_it_links_every_style_sheet():
    linked = re.findall(r"static 'css/(.*?)'", (ROOT / "templates/shell/_styles.html").read_text())
    assert sorted(linked) == sorted(path.name for path in STYLES.iterdir())


@pytest.mark.parametrize("page", TEMPLATES, ids=lambda page: page.name)
def test_it_keeps_templates_free_of_inline_code(page):
    source = page.read_text()
    assert not re.search(r"<[^>%]*\s(style|on\w+|hx-on\S*)=", source)
    assert not re.search(r"<style|<script(?![^>]*\ssrc=)|javascript:", source)


@pytest.mark.parametrize(
    ("parts", "shown"),
    [
        ({"a": 3}, {"a": "100%"}),
        ({"a": 1, "b": 1, "c": 1, "d": 0}, {"a": "33.4%", "b": "33.3%", "c": "33.3%", "d": "0%"}),
        ({"a": 2, "b": 1}, {"a": "66.7%", "b": "33.3%"}),
        ({"a": 9_999, "b": 1}, {"a": "99.9%", "b": "<0.1%"}),
        ({"a": 999_999, "b": 1}, {"a": "99.9%", "b": "<0.1%"}),
        ({"a": 1, "b": 199}, {"a": "0.5%", "b": "99.5%"}),
        ({"a": 0}, {"a": "0%"}),
        ({}, {}),
    ],
)
def test_shares_add_up(parts: dict[str, int], shown: dict[str, str]) -> None:
    assert numbers.shares(parts) == shown


def test_all_shares_are_true() -> None:
    """100% is said of all only, and of some never 0%; whatever is shown adds up."""
    chance = random.Random(1)
    for _ in range(200):
        parts = {name: chance.choice([0, 1, chance.randrange(50), chance.randrange(10**6)]) for name in "abcdefg"}
        found = {name: share for name, share in numbers.shares(parts).items() if parts[name]}
        assert "0%" not in found.values() and ("100%" not in found.values() or len(found) == 1)
        small = sum(1 for share in found.values() if share == numbers.LEAST)
        tenths = sum(round(float(share[:-1]) * 10) for share in found.values() if share != numbers.LEAST)
        assert not found or (1000 - small <= tenths <= 999 if small else tenths == 1000), parts


@pytest.mark.parametrize(("part", "total", "text"), [(0, 9, "0%"), (1, 999, "<1%"), (998, 999, "99%"), (9, 9, "100%")])
def test_it_says_a_whole_percent(part: int, total: int, text: str) -> None:
    assert numbers.whole_percent(part, total) == text
