"""Names from outside: on one line; those of sheets also of a stated length, and each once in its file.

A file always gives the same ones, so a name that was stored finds its sheet again.
"""

import re
from collections.abc import Sequence

# Excel allows 31; whoever keeps a name has to have room for these.
NAME_CHARACTERS = 100
_BREAKS = re.compile("[\t-\r\x1c-\x1f\x85\u2028\u2029]")
_UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def on_one_line(text: str) -> str:
    """A break becomes a blank, what no database and no terminal should get becomes U+FFFD."""
    return _UNFIT.sub("\ufffd", _BREAKS.sub(" ", text))


def distinct_names(written: Sequence[str]) -> list[str]:
    """In the order of the file. Those that are equal when clean and cut get numbers; the first keeps its name."""
    wanted = [on_one_line(name)[:NAME_CHARACTERS] or f"Sheet{place}" for place, name in enumerate(written, 1)]
    taken, seen, numbers = set(wanted), set[str](), dict[tuple[str, int], int]()
    names: list[str] = []
    for name in wanted:
        names.append(_numbered(name, taken, numbers) if name in seen else name)
        seen.add(name)
    return names


def _numbered(name: str, taken: set[str], numbers: dict[tuple[str, int], int]) -> str:
    """`numbers`: the next one to try, by what the cut leaves of a name and how long the number is."""
    number = 2
    while True:
        suffix = f" ({number})"
        stem = name[: NAME_CHARACTERS - len(suffix)]
        key = (stem, len(suffix))
        if numbers.get(key, 0) > number:
            number = numbers[key]
            continue
        number += 1
        numbers[key] = number
        if stem + suffix not in taken:
            taken.add(stem + suffix)
            return stem + suffix
