"""What is logged stands on lines of its own: nobody writes into a log through what she types.

A traceback keeps its lines, or is one value of a line of JSON. Everything else that controls a terminal, ends a line or
is half a character is escaped.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

import_id: ContextVar[int | None] = ContextVar("import_id", default=None)


@contextmanager
def about_import(number: int | None) -> Iterator[None]:
    """What is logged inside names this import."""
    token = import_id.set(number)
    try:
        yield
    finally:
        import_id.reset(token)


class PlainLines(logging.Formatter):
    def formatMessage(self, record: logging.LogRecord) -> str:
        return escaped(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:
        return "\n".join(map(escaped, super().formatException(ei).split("\n")))

    def formatStack(self, stack_info: str) -> str:
        return "\n".join(map(escaped, stack_info.split("\n")))


class JsonLines(PlainLines):
    """An object a line: `time` (UTC, ISO 8601), `level`, `logger`, `request_id`, `import_id` or null, `message`, and
    `exception` if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        told: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "request_id": getattr(record, "request_id", "-"),
            "import_id": getattr(record, "import_id", None),
            "message": escaped(record.getMessage()),
        }
        if record.exc_info and record.exc_info[0]:
            told["exception"] = self.formatException(record.exc_info)
        return json.dumps(told, ensure_ascii=False)


def escaped(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)
