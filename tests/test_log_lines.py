import logging
import sys

from django.conf import settings

from tagsync.log_lines import PlainLines


def line(message: str, *values: object, error: BaseException | None = None) -> str:
    exc_info = (type(error), error, None) if error else None
    record = logging.LogRecord("tagsync", logging.WARNING, __file__, 1, message, values, exc_info)
    return PlainLines("%(levelname)s %(message)s").format(record)


def test_nobody_writes_a_line_of_her_own() -> None:
    assert line("Not found: %s", "/x\r\n2026 ERROR forged\x1b[2J\x85\u2028") == (
        "WARNING Not found: /x\\r\\n2026 ERROR forged\\x1b[2J\\x85\\u2028"
    )


def test_half_a_character_can_be_written() -> None:
    line("%s", "\ud800").encode(sys.stderr.encoding or "utf-8")


def test_words_stay_as_they_are() -> None:
    assert line("导入 %s: VIP 👍", 3) == "WARNING 导入 3: VIP 👍"


def test_a_traceback_keeps_its_lines() -> None:
    assert line("failed", error=ValueError("a\x1bb")) == "WARNING failed\nValueError: a\\x1bb"


def test_every_handler_writes_so() -> None:
    formatters = {handler["formatter"] for handler in settings.LOGGING["handlers"].values()}
    assert {settings.LOGGING["formatters"][name]["()"] for name in formatters} == {"tagsync.log_lines.PlainLines"}
