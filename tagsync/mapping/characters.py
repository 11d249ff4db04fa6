"""Characters that trick the eye: invisible ones, full-width ones, damaged ones.

Knows nothing of cells, fields or rows.
"""

import re
import unicodedata

# For use inside a character class.
ZERO_WIDTH = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u2800\u3164\ufeff\uffa0\ufff9-\ufffb"
)
DAMAGED = "\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ud800-\udfff\ufffd-\uffff"
FULL_WIDTH_ALPHANUMERIC = "\uff10-\uff19\uff21-\uff3a\uff41-\uff5a"

_EMOJI = "\u2190-\u2bff\U0001f000-\U0001faff"
_zero_width = re.compile(f"[{ZERO_WIDTH}]")
_zero_width_but_joiner = re.compile(f"[{ZERO_WIDTH}]".replace("\u200b-\u200f", "\u200b\u200c\u200e\u200f"))
# A zero-width joiner between two pictures is part of one picture ("family"); anywhere else it is dirt.
_loose_joiner = re.compile(f"(?<![{_EMOJI}\ufe0f])\u200d|\u200d(?![{_EMOJI}])")
_damaged = re.compile(f"[{DAMAGED}]")
# What programs write where they could not write a character: a question mark, U+FFFD, and what its bytes look like in
# GB18030 and in Latin-1.
_lost = re.compile(r"[?？\ufffd]+|.*(?:\u951f\u65a4\u62f7|\u65a4\u62f7\u951f|ï¿½).*", re.DOTALL)
_unstorable = re.compile("[\x00\ud800-\udfff]")
_visible = re.compile(f"[^\\s\x00-\x1f\x7f-\x9f{ZERO_WIDTH}]")

_FULL_TO_ASCII = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_ALPHANUMERIC_TO_ASCII = {code: ascii for code, ascii in _FULL_TO_ASCII.items() if chr(ascii).isalnum()}


def is_visible(text: str) -> bool:
    return _visible.search(text) is not None


def is_damaged(text: str) -> bool:
    """Control characters other than white space, lone surrogates, the mark of a failed decoding."""
    return _damaged.search(text) is not None


def is_lost(text: str) -> bool:
    """Nothing but marks of characters that another program has lost, or text that such marks have become."""
    return _lost.fullmatch(text) is not None


def storable(text: str) -> str:
    """The text as a database and UTF-8 can hold it: NUL and lone surrogates become U+FFFD."""
    return _unstorable.sub("\ufffd", text)


def without_zero_width(text: str) -> str:
    return _zero_width.sub("", text)


def without_loose_zero_width(text: str) -> str:
    """Like without_zero_width, but a joined emoji stays joined."""
    return _loose_joiner.sub("", _zero_width_but_joiner.sub("", text))


def narrow(text: str) -> str:
    """All full-width ASCII made half-width. Not NFKC: that would turn a footnote mark into a digit."""
    return text.translate(_FULL_TO_ASCII)


def widened(ascii: str) -> str:
    """The full-width form of a character of ASCII; any other as it is."""
    return chr(ord(ascii) + 0xFEE0) if "!" <= ascii <= "~" else ascii


def narrow_alphanumeric(text: str) -> str:
    """Only full-width letters and digits: punctuation like （） is ordinary Chinese writing."""
    return text.translate(_ALPHANUMERIC_TO_ASCII)


def folded(text: str) -> str:
    """What two texts have in common that a person searching would call the same: no width, case, composition,
    ligatures or zero-width characters. For comparing only: a footnote mark is a digit here."""
    return _composed(_composed(without_zero_width(text)).casefold())


def _composed(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFKC", text)
