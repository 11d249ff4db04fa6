"""Pages without their layout, so that tests speak of elements and words and not of lines and indentation."""

from __future__ import annotations

import re
from typing import Any

_KEPT = re.compile(r"(<(pre|textarea)\b.*?</\2>)", re.DOTALL)
_TAG = re.compile(r"""<[a-z!/](?:"[^"]*"|'[^']*'|[^"'>])*>""", re.DOTALL | re.IGNORECASE)


def without_layout(html: str) -> str:
    """White space in a row is one space; beside tags, at the end of a tag and of an attribute there is none."""
    parts = _KEPT.split(html)
    # Of each split: what stands before, the whole element, its name.
    for place in range(0, len(parts), 3):
        parts[place] = _flowing(parts[place])
    for place in range(1, len(parts), 3):
        opening, content = parts[place].split(">", 1)
        parts[place], parts[place + 1] = _in_tag(opening + ">") + content, ""
    return "".join(parts)


def _flowing(html: str) -> str:
    joined = _TAG.sub(lambda tag: f"\0{_in_tag(tag[0])}\0", html)
    return re.sub(r"\s*\0\s*", "", re.sub(r"\s+", " ", joined))


def _in_tag(tag: str) -> str:
    return re.sub(r'\s+(?=")|\s+(?=/?>$)', "", re.sub(r"\s+", " ", tag))


def text_of(response: Any) -> str:
    return response.content.decode()


def outside_search(response: Any) -> str:
    """The page without its search boxes, which hold again what a person typed into them."""
    return re.sub(r'<input[^>]*type="search"[^>]*>', "", text_of(response))
