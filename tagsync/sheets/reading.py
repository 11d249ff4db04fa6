"""What a text file leaves open about its reading, as questions, and what a person has said about it."""

from typing import Any, NamedTuple


class Reading(NamedTuple):
    """How a person wants a text file to be read. "" leaves it to the evidence in the file."""

    encoding: str = ""
    delimiter: str = ""


AS_FOUND = Reading()


class Question(NamedTuple):
    """Something that a person can say. `code`: the part of `Reading` that answers it; `answers`: what can be said, the
    likeliest first; `facts`: what a person needs to see, by what the code says; `found`: the answer that is used while
    nobody says anything, "" when the evidence is split: then no rows are read before somebody has answered."""

    code: str
    answers: tuple[str, ...]
    facts: dict[str, Any]
    found: str
