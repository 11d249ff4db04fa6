"""Tags that people take for one: equal but for width, case, spaces and punctuation. Knows no rows."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping

from tagsync.mapping.characters import without_zero_width

_between = re.compile(r"[\s_\W]+")


def look_alikes(tags: Mapping[str, int]) -> list[list[tuple[str, int]]]:
    """Groups of tags, each with its number of rows; the most frequent first, in the groups and among them."""
    groups: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for tag, rows in tags.items():
        groups[folded(tag)].append((tag, rows))
    found = [sorted(group, key=_rows, reverse=True) for group in groups.values() if len(group) > 1]
    return sorted(found, key=lambda group: sum(map(_rows, group)), reverse=True)


def folded(tag: str) -> str:
    """What look-alikes have in common. A tag of punctuation alone stays what it is."""
    plain = unicodedata.normalize("NFKC", without_zero_width(tag)).casefold()
    return _between.sub("", plain) or plain


def _rows(tag: tuple[str, int]) -> int:
    return tag[1]
