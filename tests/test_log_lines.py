import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from tagsync.accounts.models import Person
from tagsync.log_lines import JsonLines, PlainLines, about_import
from tagsync.web.request_id import InLog


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


def in_json(message: str, *values: object, error: BaseException | None = None) -> dict[str, Any]:
    exc_info = (type(error), error, None) if error else None
    record = logging.LogRecord("tagsync.x", logging.WARNING, __file__, 1, message, values, exc_info)
    InLog().filter(record)
    text = JsonLines().format(record)
    assert "\n" not in text and text.isprintable()
    found: dict[str, Any] = json.loads(text)
    return found


def test_an_object_a_line() -> None:
    with about_import(7):
        found = in_json("导入 %s\r\n\x1b\x7f", "a\u2028b", error=ValueError("x\ny"))
    assert datetime.fromisoformat(found.pop("time")).tzinfo == UTC
    assert found == {
        "level": "WARNING",
        "logger": "tagsync.x",
        "request_id": "-",
        "import_id": 7,
        "message": "导入 a\\u2028b\\r\\n\\x1b\\x7f",
        "exception": "ValueError: x\ny",
    }
    assert in_json("after it")["import_id"] is None


@pytest.mark.django_db
def test_lines_of_a_request_name_its_import(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    seen: list[object] = []
    caplog.handler.addFilter(InLog())
    caplog.handler.addFilter(lambda record: bool(seen.append(getattr(record, "of_import", "")) or True))
    client.force_login(Person.objects.create_user("li"))
    assert client.get("/imports/4711/").status_code == 404
    assert client.get("/connections/4711/").status_code in (403, 404)
    assert seen == [" import 4711", ""]
    assert all(len(record.request_id) == 12 for record in caplog.records)
