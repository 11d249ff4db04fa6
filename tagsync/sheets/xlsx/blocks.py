"""Cut a large part into blocks of whole items, so that the usual ones need no XML parser.

A parser calls back five times for a cell, and a sheet of 100,000 rows has half a million cells: a regular
expression over blocks that provably hide nothing is three times as fast. Whatever is unusual in the least is not
plain and goes to the parser, which is the only authority on XML. Must not know what the items mean.
"""

import re
from collections.abc import Iterator

# XML forbids the control characters and the two non-characters; a parser turns CR into LF; "]]>" is not well formed.
NOT_PLAIN = bytes([*range(0x09), 0x0B, 0x0C, *range(0x0D, 0x20)])
NOT_PLAIN_PARTS = (b"]]>", b"\xef\xbf\xbe", b"\xef\xbf\xbf")
# Comments, CDATA and instructions may hide the end of an item: from there on nothing is plain.
HIDING_PARTS = (b"<!", b"<?")
# White space is asked for once before and once behind the declaration: twice in a row would be quadratic.
UTF8 = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^<>]*\?>\s*)?<[^!?]", re.ASCII)
OTHER_ENCODING = re.compile(rb"""<\?xml[^<>]*encoding\s*=\s*["'](?!utf-8["'])""", re.IGNORECASE)
LONGEST_HEAD = 1 << 20
LONGEST_ITEM = 1 << 22


def blocks(chunks: Iterator[bytes], container: bytes, item: bytes) -> Iterator[tuple[bool, bytes]]:
    """Yield (plain, bytes), in order, together the whole part.

    A plain block is UTF-8, starts where an item may start inside the container and ends with the end of an item.
    """
    head, prefix = _head(chunks, container)
    yield False, head.pop(0)
    if prefix is None:
        yield from ((False, chunk) for chunk in (*head, *chunks))
        return
    rest = head[0]
    close = b"</" + prefix + item + b">"
    while True:
        end = rest.rfind(close) + len(close)
        if end >= len(close):
            block, rest = rest[:end], rest[end:]
            if any(part in block for part in HIDING_PARTS):
                rest = block + rest
                break
            yield _is_plain(block), block
        if len(rest) > LONGEST_ITEM:
            break
        chunk = next(chunks, None)
        if chunk is None:
            break
        rest += chunk
    yield False, rest
    yield from ((False, chunk) for chunk in chunks)


def _head(chunks: Iterator[bytes], container: bytes) -> tuple[list[bytes], bytes | None]:
    opening = re.compile(rb"<([A-Za-z_][\w.-]*:)?" + container + rb"(?:\s[^<>]*[^<>/]|\s*)>")
    head = b""
    for chunk in chunks:
        head += chunk
        match = opening.search(head)
        if match is not None:
            first = head[: match.end()]
            hides = UTF8.match(first) is None or OTHER_ENCODING.match(first) or b"<!" in first
            if hides:
                break
            return [first, head[match.end() :]], match[1] or b""
        if len(head) > LONGEST_HEAD:
            break
    return [head], None


def _is_plain(block: bytes) -> bool:
    if any(part in block for part in NOT_PLAIN_PARTS):
        return False
    return len(block.translate(None, NOT_PLAIN)) == len(block)
