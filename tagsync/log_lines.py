"""What is logged stands on lines of its own: nobody writes into a log through what she types.

A traceback keeps its lines. Everything else that controls a terminal, ends a line or is half a character is escaped.
"""

from __future__ import annotations

import logging
from typing import Any


class PlainLines(logging.Formatter):
    def formatMessage(self, record: logging.LogRecord) -> str:
        return escaped(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:
        return "\n".join(map(escaped, super().formatException(ei).split("\n")))

    def formatStack(self, stack_info: str) -> str:
        return "\n".join(map(escaped, stack_info.split("\n")))


def escaped(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)
