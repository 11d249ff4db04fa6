"""Values of cells as pages show them: nobody reads a hundred thousand characters, and fifty such rows are megabytes."""

from django.utils.text import Truncator

MOST_CHARACTERS = 200


def in_short(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS else str(Truncator(text).chars(MOST_CHARACTERS))
