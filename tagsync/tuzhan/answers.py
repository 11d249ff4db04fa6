"""Reads an answer of the platform, strictly: what isn't exactly a JSON object is kept as an excerpt only.

Must not know what an answer means; that is in outcomes.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tagsync.tuzhan.redaction import as_text, redact, redact_code, redact_reference, tidy
from tagsync.tuzhan.remarks import extras_in

MAX_EXCERPT_CHARACTERS = 500
MAX_CODE_CHARACTERS = 60
TWICE = "(twice)"  # where `parse` keeps the earlier values of a key that stands twice in its object


@dataclass(frozen=True)
class Answer:
    """What came back from one call, empty where nothing did. `data`: the import batch id.

    Every text is redacted here and may be kept; nothing behind this redacts it again.
    """

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
    code = code_in(found)
    return Answer(
        http_status,
        code=redact_code(code, known),
        error_code=redact(_code(found.get("errorCode")), known),
        message=_excerpt(as_text(found.get("msg")), known),
        data=redact_reference(_data(found.get("data")), known)[:MAX_EXCERPT_CHARACTERS],
        # What stands beside the documented fields is kept, whatever it means.
        excerpt=_excerpt(extras_in(found) if code else _decode(body), known),
        duration_ms=duration_ms,
        is_object=True,
    )


def code_in(found: dict[str, Any]) -> str:
    """The code of an answer (of `parse`) as the platform wrote it: to judge by, not to be kept. "" for none."""
    return _code(found.get("code"))


def _code(value: object) -> str:
    # Only text and whole numbers (text already, see parse) count: 200.0, true, null or [200] are not codes.
    return tidy(value)[:MAX_CODE_CHARACTERS] if isinstance(value, str) else ""


def _data(value: object) -> str:
    return tidy(as_text(value)[: 4 * MAX_EXCERPT_CHARACTERS])


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
