"""Takes personal data out of texts the platform wrote, before anybody keeps them. Knows no calls, no rows."""

import json
import re
from collections.abc import Iterable

HIDDEN = "…"
# Six digits and more (any script, single blanks or hyphens between): phones, customer IDs. Then what looks
# like an openid (28 characters, first an "o"), a unionid or a token: 20 and more of their alphabet, a digit too.
_SUSPECT = re.compile(
    r"\d(?:[ \-]?\d){5,}"
    r"|(?<![\w-])o[A-Za-z0-9_-]{27}(?![\w-])"
    r"|(?<![\w-])(?=[A-Za-z_-]*\d)[A-Za-z0-9_-]{20,}"
)
# Codes that say a class of fault are short; a batch id has 17 digits (page 986414), and nobody is named by as many.
_SHORT_CODE = re.compile(r"[0-9]{1,8}")
_REFERENCE = re.compile(r"[0-9]{15,20}")
_UNSTORABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_MIN_KNOWN_LENGTH = 4
_MIN_CUT_LENGTH = 6
_MIN_LENGTH_INSIDE_REFERENCE = 8


def redact(text: str, known: Iterable[str] = ()) -> str:
    """The text with `known` identifiers, long digit runs and what looks like an id or token replaced by "…".

    Also hides a known identifier of which only the beginning stands at the text's end, cut off there.
    Known values shorter than 4 characters are left: replacing them would make the text unreadable.
    """
    if not text:
        return text
    wanted = sorted({value for value in known if len(value) >= _MIN_KNOWN_LENGTH}, key=len, reverse=True)
    for value in wanted:
        # Not one pattern of all: compiling thousands of values costs more than the call they travelled in.
        if value in text:
            text = text.replace(value, HIDDEN)
    return _SUSPECT.sub(HIDDEN, _hide_cut_end(text, wanted))


def redact_code(code: str, known: Iterable[str] = ()) -> str:
    """A business code as it may be kept: up to 8 digits as they are unless they are a known identifier."""
    known = tuple(known)
    return code if _SHORT_CODE.fullmatch(code) and code not in known else redact(code, known)


def redact_reference(text: str, known: Iterable[str] = ()) -> str:
    """A batch id as it may be kept: 15 to 20 digits that neither are nor hold a known identifier; else `redact`.

    A known value of fewer than 8 characters inside it is chance, as long as it is not the whole.
    """
    known = tuple(known)
    if _REFERENCE.fullmatch(text) and not any(
        value == text or (len(value) >= _MIN_LENGTH_INSIDE_REFERENCE and value in text) for value in known
    ):
        return text
    return redact(text, known)


def as_text(value: object) -> str:
    """A value of an answer as one text, not redacted: JSON unless it is text already; "" for null."""
    if value is None or isinstance(value, str):
        return value or ""
    try:
        return json.dumps(value, ensure_ascii=False)
    except RecursionError:
        # Nested so deep that the parser could just follow.
        return HIDDEN


def tidy(text: str) -> str:
    """The text without what a database can't store: NUL and other control characters, lone surrogates."""
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def _hide_cut_end(text: str, known: list[str]) -> str:
    if len(text) < _MIN_CUT_LENGTH:
        return text
    for value in known:
        for length in range(min(len(value) - 1, len(text)), _MIN_CUT_LENGTH - 1, -1):
            if text.endswith(value[:length]):
                return text[:-length] + HIDDEN
    return text
