"""The number of rows that a person types before what cannot be taken back is done."""

from __future__ import annotations


def digits(text: str) -> str:
    """The number in "8,902" or "８９０２", as the page's script reads it too."""
    return "".join(str(int(character)) for character in text if character.isdecimal())
