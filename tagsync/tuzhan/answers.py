"""Reads an answer of the platform, strictly: what isn't exactly a JSON object is kept as an excerpt only.

Must not know what an answer means; that is in errors.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tagsync.tuzhan.redaction import HIDDEN, as_text, redact, tidy
from tagsync.tuzhan.remarks import extras_in

MAX_EXCERPT_CHARACTERS = 500
MAX_CODE_CHARACTERS = 64
_REFERENCE = re.compile(r"[A-Za-z0-9_.:-]+")
TWICE = "(twice)"  # where `parse` keeps the earlier values of a key that stands twice in its object


@dataclass(frozen=True)
class Answer:
    """What came back from one call, empty where nothing did; texts redacted. `data`: the import batch id."""

    http_status: int | None = None
    code: str = ""
    error_code: str = ""
    message: str = ""
    data: str = ""
    excerpt: str = ""
    duration_ms: int = 0
    # a complete JSON object came back, whatever it says
    is_object: bool = False


def parse(body: bytes) -> dict[str, Any] | None:
    """The JSON object in the body, whole numbers as text; None for anything else, also behind a BOM."""
    try:
        # Decoded here, because json.loads would guess an encoding from bytes and swallow the mark.
        found = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_without_double_code,
            parse_constant=_refuse_constant,
            parse_int=str,
        )
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def answer_from(
    http_status: int, body: bytes, found: dict[str, Any] | None, duration_ms: int, known: Iterable[str]
) -> Answer:
    """The answer as we keep it. `found`: what `parse` made of the body; `known`: values not to be kept."""
    known = tuple(known)
    if found is None:
        return Answer(http_status, excerpt=_excerpt(_decode(body), known), duration_ms=duration_ms)
    code = _code(found.get("code"))
    if any(value in code for value in known if len(value) >= 8):
        code = HIDDEN
    return Answer(
        http_status,
        code=code,
        error_code=redact(_code(found.get("errorCode")), known),
        message=_excerpt(as_text(found.get("msg")), known),
        data=_data(found.get("data"), known),
        # What stands beside the documented fields is kept, whatever it means.
        excerpt=_excerpt(extras_in(found) if code else _decode(body), known),
        duration_ms=duration_ms,
        is_object=True,
    )


def _code(value: object) -> str:
    # Only text and whole numbers (text already, see parse) count: 200.0, true, null or [200] are not codes.
    return tidy(value)[:MAX_CODE_CHARACTERS] if isinstance(value, str) else ""


def _data(value: object, known: tuple[str, ...]) -> str:
    # An import batch id has 17 digits (page 986414) and would not survive redaction; the rest is not trusted.
    if isinstance(value, str) and is_reference(value) and value not in known:
        return value
    return _excerpt(as_text(value), known)


def is_reference(text: str) -> bool:
    """Whether `data` is a batch id by its look: one short word, and no sentence that may name a customer."""
    return len(text) <= MAX_CODE_CHARACTERS and _REFERENCE.fullmatch(text) is not None


def _excerpt(text: str, known: tuple[str, ...]) -> str:
    return redact(tidy(text[: 4 * MAX_EXCERPT_CHARACTERS]), known)[:MAX_EXCERPT_CHARACTERS]


def _decode(body: bytes) -> str:
    head = body[: 16 * MAX_EXCERPT_CHARACTERS]
    try:
        return head.decode("utf-8")
    except UnicodeDecodeError as error:
        cut_character = error.start > len(head) - 4
        # Chinese gateways often answer in GBK; a person should be able to read the excerpt.
        return head.decode("utf-8" if cut_character else "gb18030", errors="replace")


def _without_double_code(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # {"code":"500","code":"200"} says two things; Python's parser would believe the second.
    if sum(key == "code" for key, _ in pairs) > 1:
        raise ValueError("code stands twice")
    found = dict(pairs)
    if len(found) < len(pairs):
        # {"success":false,"success":true}: the last one counts, and the others are not forgotten.
        found[TWICE] = [{key: value} for key, value in pairs if found[key] is not value]
    return found


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
