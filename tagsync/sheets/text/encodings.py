"""Which encoding a text file is written in, by evidence, and what of its text is certain.

Every candidate reads the same bytes; the one whose characters are the least rare has read them rightly. What the file
as a whole says is not believed of each cell: files are mended by hand and glued together by scripts.
Must not know: delimiters, rows, cells.
"""

import codecs
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple

from tagsync.sheets.errors import Unreadable
from tagsync.sheets.names import on_one_line
from tagsync.sheets.text import rarity

# What a person can say -> the codec. GB18030 holds GBK and GB2312; Windows writes and reads Big5 as its code page.
CODECS = {"utf-8": "utf-8", "gb18030": "gb18030", "big5": "cp950", "utf-16-le": "utf-16-le", "utf-16-be": "utf-16-be"}
# Which of the two is meant, a file says itself.
WIDE = "utf-16"
ALIASES = {"gbk": "gb18030", "gb2312": "gb18030", "cp950": "big5", "big5hkscs": "big5", "utf-8-sig": "utf-8"}
NATIONAL = ("gb18030", "big5")
OF_BYTES = ("utf-8", *NATIONAL)
# Encoding -> what a part of such a file may be written in instead.
OTHERS = {
    "utf-8": ("gb18030", "big5"),
    "gb18030": ("utf-8", "big5"),
    "big5": ("utf-8", "gb18030"),
    "utf-16-le": ("utf-16-be",),
    "utf-16-be": ("utf-16-le",),
}
MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (b"\x84\x31\x95\x33", "gb18030"),
)
UTF_32_MARK = codecs.BOM_UTF32_LE
# So much cheaper than the next reading is the right one; in thousands of short texts none was wrong.
CLEAR_BITS = 12
# A text with more bits a character is not read rightly, however bad the other readings are.
PLAUSIBLE_BITS = 14.5
# A few characters may all be less common ones, but one or two are no evidence if they are odd: what is left of a
# broken character often has a meaning in another encoding.
PLAUSIBLE_BITS_OF_FEW = 4
FEWEST = 2
# Of lines that are clearly in one encoding, this part may clearly be in another one before the whole is undecided.
OTHER_LINES = 0.25
# So much better must another reading of a cell be to make it doubtful: when the evidence chose; when a person did,
# against the evidence; when the file is known to be mixed, where the cell must be the better one itself.
DOUBTFUL_BITS = 6
DOUBTFUL_BITS_WHEN_SAID = 20
DOUBTFUL_BITS_WHEN_MIXED = -4

HEAD_BYTES = 4096
PIECE_BYTES = 1 << 20
SAMPLE_BYTES = 1 << 20
LEAST_SAMPLE_BYTES = 1 << 13
LINES_HEARD = 1000
SAMPLES = 3
SAMPLE_CHARACTERS = 80
_not_ascii = re.compile(rb"[\x80-\xff]")
_two_bytes = re.compile(rb"[\xc2-\xdf]")
_ascii = re.compile("[\x00-\x7f]+")
_control = re.compile("[\x00-\x08\x0e-\x1f]")
_no_text = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\uf8ff]")
# Digits in ASCII, read two at a time.
_paired_digits = re.compile(
    "[" + "".join(f"{chr(code)}-{chr(code + 9)}" for code in range(0x3030, 0x3A30, 0x100)) + "]{3}"
)
_private = re.compile("[\ue000-\uf8ff]")
# A character beyond the first plane as two halves of three bytes each (CESU-8), each byte escaped.
_halves = re.compile("\udced([\udca0-\udcaf])([\udc80-\udcbf])\udced([\udcb0-\udcbf])([\udc80-\udcbf])")


@dataclass(frozen=True)
class Evidence:
    """`found`: the encoding, "" when that is undecided; `answers`: all that can be said, the likeliest first;
    `samples`: how some lines look in each; `starts_at`: the first byte of the text. `is_certain`: no part of it can be
    anything else; `is_mixed`: parts of it are. `used`: what a person has said, or was found, or is likeliest."""

    found: str
    answers: tuple[str, ...]
    samples: dict[str, list[str]]
    used: str
    starts_at: int
    is_certain: bool
    is_mixed: bool = False


class _Seen(NamedTuple):
    """Of a whole file. `sample`: lines from all over it that are not ASCII, all of them if they are few."""

    sample: list[bytes]
    first: list[bytes]
    odd_lines: int
    lines: int
    is_utf_8: bool
    has_two_bytes: bool


class _Text(NamedTuple):
    encoding: str
    text: str
    bits: int

    @property
    def is_plausible(self) -> bool:
        telling = _ascii.sub("", self.text)
        if self.encoding in NATIONAL and len(telling) <= FEWEST and rarity.is_odd(telling, self.encoding):
            return False
        return self.bits <= PLAUSIBLE_BITS * len(telling) + PLAUSIBLE_BITS_OF_FEW


class _Heard(NamedTuple):
    """Of single lines: in which encoding how many clearly are; how many are a text in any; how many were heard."""

    clear: Counter[str] = Counter()
    texts: int = 0
    lines: int = 0

    @property
    def is_split(self) -> bool:
        most = [count for _, count in self.clear.most_common(2)]
        return len(most) > 1 and most[1] >= max(2, most[0] * OTHER_LINES)


def spoken(name: str) -> str:
    """The encoding that somebody means, "" for none. Raises: Unreadable."""
    if not name:
        return ""
    try:
        known = codecs.lookup(name).name
    except (LookupError, ValueError):
        known = name
    known = ALIASES.get(known, known)
    if known not in CODECS and known != WIDE:
        raise Unreadable("encoding_unusable", encoding=on_one_line(name))
    return known


def examine(path: Path, said: str = "") -> Evidence:
    """Looks at the whole file. `said`: what a person has said. Raises: Unreadable when nobody could read it."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        if head.startswith(UTF_32_MARK):
            raise Unreadable("unknown_encoding")
        mark, starts_at = _mark(head)
        file.seek(starts_at)
        wide = mark if mark.startswith("utf-16") else unmarked_utf_16(head)
        said = (wide or "utf-16-le") if said == WIDE else said
        if wide:
            return _of_wide(wide, head[starts_at:], starts_at, said)
        seen = _seen(file, path.stat().st_size)
    texts = _readings(b"\n".join(seen.sample), mark)
    heard = _Heard() if seen.is_utf_8 else _heard(seen.sample)
    found = _found(texts, mark, seen, heard, said)
    answers = tuple(dict.fromkeys(answer for answer in (found, *(text.encoding for text in texts), said) if answer))
    samples = _samples(answers, seen.sample or seen.first)
    is_certain = seen.is_utf_8 and not seen.has_two_bytes and (said or found) == "utf-8"
    is_mixed = len(heard.clear) > 1 or not (seen.is_utf_8 or texts[0].is_plausible)
    return Evidence(found, answers, samples, said or answers[0], starts_at, is_certain, is_mixed)


def unmarked_utf_16(head: bytes) -> str:
    """The byte order of UTF-16 without a mark, "" for other bytes: half of those in ASCII are zero."""
    if b"\0" not in head:
        return ""
    texts = [_read(head[: len(head) & ~1], encoding) for encoding in ("utf-16-le", "utf-16-be")]
    best = min(texts, key=lambda text: text.bits)
    return "" if _control.search(best.text) or not best.is_plausible else best.encoding


def _mark(head: bytes) -> tuple[str, int]:
    """What the byte order mark says, and where the text begins: two marks are one."""
    for mark, encoding in MARKS:
        if head.startswith(mark):
            start = len(mark)
            while head.startswith(mark, start):
                start += len(mark)
            return encoding, start
    return "", 0


def _of_wide(found: str, head: bytes, starts_at: int, said: str) -> Evidence:
    answers = tuple(dict.fromkeys((found, *OTHERS[found], *([said] if said else ()))))
    # Zeros are a part of its line breaks, so lines are told apart when they are read.
    samples = {
        answer: [_sample(line) for line in _read(head, answer).text.splitlines() if line.strip()][:SAMPLES]
        for answer in answers
    }
    return Evidence(found, answers, samples, said or found, starts_at, False)


def _seen(file: IO[bytes], size: int) -> _Seen:
    budget = max(LEAST_SAMPLE_BYTES, SAMPLE_BYTES * PIECE_BYTES // max(size, PIECE_BYTES))
    sample: list[bytes] = []
    first: list[bytes] = []
    odd_lines, lines, is_utf_8, has_two_bytes = 0, 0, True, False
    for piece in _pieces(file):
        found = piece.split(b"\n") if b"\n" in piece else piece.split(b"\r")
        first = first or [line for line in found[:SAMPLES] if line.strip()]
        odd = [] if piece.isascii() else [line for line in found if not line.isascii()]
        lines, odd_lines = lines + len(found), odd_lines + len(odd)
        sample.extend(_spread(odd, budget))
        is_utf_8 = is_utf_8 and _is_utf_8(piece)
        has_two_bytes = has_two_bytes or _two_bytes.search(piece) is not None
    return _Seen(sample, first, odd_lines, lines, is_utf_8, has_two_bytes)


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    """Whole lines: in none of these encodings is the line feed a part of another character."""
    while piece := file.read(PIECE_BYTES):
        yield piece + file.readline()


def _spread(lines: list[bytes], most_bytes: int) -> list[bytes]:
    total = sum(map(len, lines))
    step = total // most_bytes + 1
    return [line[:most_bytes] for line in lines[::step]]


def _is_utf_8(piece: bytes) -> bool:
    try:
        piece.decode()
    except UnicodeDecodeError:
        return False
    return True


def _read(data: bytes, encoding: str) -> _Text:
    text = decoded(data, encoding)
    return _Text(encoding, text, rarity.bits(text))


def _readings(data: bytes, mark: str = "") -> list[_Text]:
    """The likeliest first; of equals the one that a mark names."""
    texts = [_read(data, encoding) for encoding in OF_BYTES]
    return sorted(texts, key=lambda text: (text.bits, text.encoding != mark))


def _heard(lines: list[bytes]) -> _Heard:
    """What single lines say, each for itself."""
    lines = lines[:: len(lines) // LINES_HEARD + 1]
    clear, texts = Counter[str](), 0
    for line in lines:
        best, *others = _readings(line)
        texts += best.is_plausible
        rivals = [other.bits for other in others if other.text != best.text]
        clear[best.encoding] += best.is_plausible and min(rivals, default=0) - best.bits >= CLEAR_BITS
    return _Heard(+clear, texts, len(lines))


def _found(texts: list[_Text], mark: str, seen: _Seen, heard: _Heard, said: str) -> str:
    best = texts[0]
    rivals = [text for text in texts[1:] if text.text != best.text]
    if not rivals or (mark == "utf-8" and seen.is_utf_8):
        return "utf-8"
    if heard.is_split:
        return ""
    if best.is_plausible or (best.encoding == "utf-8" and seen.is_utf_8):
        return best.encoding if rivals[0].bits - best.bits >= CLEAR_BITS else ""
    if heard.texts * 2 > heard.lines or not all(_no_text.search(text.text) for text in texts):
        return ""
    # In none of them is it a text. Nothing of it is sent that is not certain; when that is most of it, say so at once.
    if seen.odd_lines * 2 > seen.lines and not said:
        raise Unreadable("unknown_encoding")
    return "utf-8"


def _samples(answers: tuple[str, ...], lines: list[bytes]) -> dict[str, list[str]]:
    distinct = list(dict.fromkeys(lines))
    chosen = {0: None, len(distinct) // 2: None, len(distinct) - 1: None} if distinct else {}
    shown = [_around(distinct[place]) for place in chosen]
    return {answer: [_sample(decoded(line, answer)) for line in shown] for answer in answers}


def _around(line: bytes) -> bytes:
    """Of a long line the part where something is to be seen."""
    odd = _not_ascii.search(line)
    start = max(0, odd.start() - SAMPLE_CHARACTERS // 2) if odd and odd.start() > SAMPLE_CHARACTERS else 0
    return line[start : start + 4 * SAMPLE_CHARACTERS]


def _sample(line: str) -> str:
    return on_one_line(line.strip())[:SAMPLE_CHARACTERS]


def decoded(data: bytes, encoding: str) -> str:
    """The text with what `mended` mends; what remains undecoded are lone surrogates."""
    return mended(data.decode(CODECS[encoding], errors_of(encoding)), encoding)


def errors_of(encoding: str) -> str:
    return ESCAPE_ERRORS if encoding.startswith("utf-16") else "surrogateescape"


def mended(text: str, encoding: str) -> str:
    """What programs write and codecs refuse: halves of a character in UTF-8, and 0x80 for € in Chinese Windows."""
    if encoding == "utf-8":
        return _halves.sub(_joined, text) if "\udced" in text else text
    return text.replace("\udc80", "€") if encoding == "gb18030" else text


def _joined(match: re.Match[str]) -> str:
    first, second, third, fourth = (ord(byte) & 0x3F for byte in match.groups())
    return chr(0x10000 + ((first & 0x0F) << 16) + (second << 10) + ((third & 0x0F) << 6) + fourth)


def _escaped(error: UnicodeError) -> tuple[str, int]:
    # `surrogateescape` does this for bytes beyond ASCII only, and half a character of UTF-16 may be anything.
    assert isinstance(error, UnicodeDecodeError)
    return "".join(chr(0xDC00 + byte) for byte in error.object[error.start : error.end]), error.end


ESCAPE_ERRORS = "tagsync.escape"
codecs.register_error(ESCAPE_ERRORS, _escaped)


@dataclass(frozen=True)
class Decoding:
    """How cells are judged of a file that was opened in this encoding."""

    encoding: str
    was_said: bool
    is_mixed: bool

    def of_cell(self, text: str) -> tuple[str, bool]:
        """The text as it is shown, and whether it is certain."""
        if not self.is_mixed and not rarity.is_odd(text, self.encoding):
            return text, True
        text = mended(text, self.encoding)
        if rarity.UNDECODED.search(text):
            return rarity.UNDECODED.sub("\ufffd", text), False
        return text, not self._is_doubtful(text)

    def _is_doubtful(self, text: str) -> bool:
        if self.encoding.startswith("utf-16") and _paired_digits.search(text):
            return True
        # Neither GBK nor Big5 gives a meaning to what their codecs map to the private characters.
        if self.encoding in NATIONAL and _private.search(text):
            return True
        data = text.encode(CODECS[self.encoding], "replace")
        others = (_read(data, other) for other in OTHERS[self.encoding])
        most = rarity.bits(text) - self._doubtful_bits
        return any(other.bits <= most and not _no_text.search(other.text) for other in others)

    @property
    def _doubtful_bits(self) -> int:
        if self.is_mixed:
            return DOUBTFUL_BITS_WHEN_MIXED
        return DOUBTFUL_BITS_WHEN_SAID if self.was_said else DOUBTFUL_BITS
