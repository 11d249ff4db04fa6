"""The tags that pages are built from: icons, badges, bars, figures. What they look like stands in static/css."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django import template
from django.conf import settings
from django.template import Context
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from tagsync.imports.models import ImportJob
from tagsync.imports.problems import Mover
from tagsync.mapping import masking
from tagsync.sheets.cells import column_letter
from tagsync.web.help.questions import ANCHORS, QUESTIONS
from tagsync.web.ui import charts, icons, movers, numbers, sentences
from tagsync.web.ui.statuses import JOB_LOOKS, ROW_LOOKS, TONE_ICONS, Look, look_of

register = template.Library()

# Where breadcrumbs begin: the address and its name.
ROOTS = {
    "imports": ("import_list", _("Imports")),
    "connections": ("connection_list", _("Connections")),
    "people": ("person_list", _("People")),
}
STEPS = (_("Upload"), _("Columns and settings"), _("Check and start"))
# Each theme: what its switch goes to, and how it is shown.
THEMES = {
    "auto": ("light", "sun-moon", _("Theme: same as system")),
    "light": ("dark", "sun", _("Theme: light")),
    "dark": ("auto", "moon", _("Theme: dark")),
}
# Each theme: for which media the dark tokens count; "" is all of them.
DARK_MEDIA = {"auto": "(prefers-color-scheme: dark)", "light": "not all", "dark": ""}


@register.simple_tag
def icon(name: str, size: int = 16, label: str = "", spin: bool = False) -> SafeString:
    return icons.icon(name, size, str(label), spin)


@register.simple_tag(name="help")
def help_link(word: str, id: str = "") -> SafeString:
    """A small "?" that answers where it stands; without a script, on the help page in a tab of its own.

    `word`: an anchor, or the status of a row. `id`: for links in fragments that are replaced. Raises: KeyError.
    """
    anchor = ANCHORS.get(word, word)
    question = str(QUESTIONS[anchor])
    values = (id or f"help-{anchor}", f"{reverse('help')}#{anchor}", question, question)
    link = '<a class="help" id="{}" href="{}" target="_blank" rel="noopener" title="{}" aria-label="{}">{}</a>'
    return format_html(link, *values, icons.icon("circle-question-mark", 14))


@register.simple_tag
def question(anchor: str) -> str:
    """The heading of an entry of the help page. Raises: KeyError."""
    return str(QUESTIONS[anchor])


def _badge(look: Look, text: object) -> SafeString:
    mark = icons.icon(look.icon, 14, spin=look.spin)
    return format_html('<span class="badge badge--{}">{}{}</span>', look.tone, mark, text or look.word)


@register.simple_tag
def badge(status: str, text: str = "") -> SafeString:
    return _badge(JOB_LOOKS[status], text)


@register.simple_tag
def job_badge(job: ImportJob, status: str = "") -> SafeString:
    """`status`: what a page that is watched shows instead of the import's own."""
    return _badge(look_of(status or job.shown_status, job.cause), "")


@register.simple_tag
def row_badge(status: str, text: str = "") -> SafeString:
    return _badge(ROW_LOOKS[status], text)


@register.simple_tag
def look_badge(look: Look) -> SafeString:
    return _badge(look, "")


@register.filter
def status_word(status: str) -> str:
    return str(JOB_LOOKS[status].word)


@register.filter
def row_word(status: str) -> str:
    return str(ROW_LOOKS[status].word)


@register.filter
def tone_icon(tone: str) -> str:
    return TONE_ICONS.get(tone, "info")


@register.simple_tag(takes_context=True)
def whose_move(context: Context, mover: Mover, job: ImportJob) -> str:
    return movers.whose_move(mover, job, context["request"].user)


@register.simple_tag
def pattern_defs() -> SafeString:
    return charts.PATTERNS


@register.simple_tag
def outcome_bar(counts: Mapping[str, int], total: int, mini: bool = False, name: str = "outcome") -> SafeString:
    return charts.mini_bar(counts, total) if mini else charts.outcome_bar(counts, total, name)


@register.inclusion_tag("components/_tiles.html")
def outcome_tiles(counts: Mapping[str, int], urls: Mapping[str, str] | None = None) -> dict[str, Any]:
    return {"tiles": charts.tiles(counts, urls or {})}


@register.simple_tag
def share_bar(part: int, most: int, tone: str = "danger") -> SafeString:
    return charts.share_bar(part, most, tone)


@register.simple_tag
def column_chart(columns: Sequence[charts.Column], label: str) -> SafeString:
    return charts.column_chart(columns, label)


@register.simple_tag
def swatch(status: str) -> SafeString:
    return charts.swatch(status)


@register.inclusion_tag("components/_stepper.html")
def stepper(current: int, urls: Sequence[str | None] = ()) -> dict[str, Any]:
    """`current` counts from 1. `urls`: where the steps already done can be visited again."""
    links = [*urls, *[None] * len(STEPS)]
    steps = [
        {"number": number, "name": name, "done": number < current, "url": links[number - 1]}
        for number, name in enumerate(STEPS, start=1)
    ]
    return {"steps": steps, "current": current}


@register.inclusion_tag("components/_breadcrumb.html")
def breadcrumb(
    root: str, here: str = "", name: str = "", above: str = "", above_url: str = "", root_url: str = ""
) -> dict[str, str]:
    """`root` is a key of ROOTS, `above` a page between it and this one. `here`: this page in a word, or `name`: what
    people have called what it shows. `root_url`: when the way back is another than to the whole list."""
    address, word = ROOTS[root]
    steps = {"above": above, "above_url": above_url, "here": here, "name": name}
    return {"root": str(word), "root_url": root_url or reverse(address), **steps}


@register.simple_tag
def column_key(column: int | str) -> SafeString:
    letters = column_letter(column) if isinstance(column, int) else column
    return format_html('<span class="colkey">{}</span>', letters)


@register.simple_tag
def mask(field_key: str, value: str) -> str:
    return masking.mask(field_key, value)


@register.filter
def num(number: object) -> str:
    return numbers.thousands(number)


@register.filter
def then(sentence: object, following: object) -> str:
    return sentences.sentences(sentence, following)


@register.filter
def listed(items: Iterable[object]) -> str:
    return sentences.listed(items)


@register.filter
def percent(part: int, total: int) -> str:
    return numbers.percent(part, total)


@register.simple_tag(takes_context=True)
def theme(context: Context) -> str:
    """The theme of this browser. Works without a request (error pages)."""
    chosen = getattr(context.get("request"), "COOKIES", {}).get("tagsync_theme", "auto")
    return chosen if chosen in THEMES else "auto"


@register.simple_tag(takes_context=True)
def dark_media(context: Context) -> str:
    return DARK_MEDIA[theme(context)]


@register.inclusion_tag("shell/_theme_buttons.html", takes_context=True)
def theme_buttons(context: Context) -> dict[str, Any]:
    """One button per theme, all but the present one's hidden: the script shows the next one."""
    switches = [
        {"shows": shows, "next": following, "mark": mark, "label": label, "dark_media": DARK_MEDIA[following]}
        for shows, (following, mark, label) in THEMES.items()
    ]
    return {"switches": switches, "current": theme(context)}


@register.simple_tag
def news_seconds() -> str:
    """How often the shell asks for new notices."""
    return str(settings.TAGSYNC_NEWS_SECONDS)


@register.inclusion_tag("shell/_nav_link.html", takes_context=True)
def nav_link(
    context: Context, section: str, url: str, mark: str, label: str, new: int | None = None, blocked: int = 0
) -> dict[str, Any]:
    """A link of the sidebar; current when `nav` says so, or when the URL's name begins like the section's.

    `new`: the number at its end, of what is new behind it; `blocked`: of what needs somebody there.
    """
    match = getattr(context.get("request"), "resolver_match", None)
    here = context.get("nav") or (f"{match.url_name}".split("_")[0] if match else "")
    numbers = {"counts": new is not None, "number": new, "blocked": blocked}
    return {"url": url, "mark": mark, "label": label, "is_current": here == section, **numbers}
