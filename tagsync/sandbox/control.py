"""What the control address and the page's forms do. Knows no sockets and nothing of what an answer says."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from tagsync.sandbox import page
from tagsync.sandbox.platform import Platform, Reply


class Request:
    def __init__(self, raw: bytes, query: str) -> None:
        self.raw = raw
        self.query = dict(parse_qsl(query))

    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.raw.decode("utf-8")))


def json_reply(found: Any, http_status: int = 200) -> Reply:
    return Reply(
        http_status,
        json.dumps(found, ensure_ascii=False).encode("utf-8", "backslashreplace"),
        {"Content-Type": "application/json"},
    )


def _html(text: str) -> Reply:
    return Reply(200, text.encode("utf-8", "replace"), {"Content-Type": "text/html; charset=utf-8"})


def _home() -> Reply:
    return Reply(303, headers={"Location": "/"})


def _list_faults(platform: Platform, request: Request) -> Reply:
    return json_reply([fault.as_json() for fault in platform.faults.active()])


def _add_faults(platform: Platform, request: Request) -> Reply:
    wanted = json.loads(request.raw)
    platform.faults.add_all(wanted if isinstance(wanted, list) else [wanted])
    return _list_faults(platform, request)


def _clear_faults(platform: Platform, request: Request) -> Reply:
    platform.faults.clear()
    return _list_faults(platform, request)


def _show_ledger(platform: Platform, request: Request) -> Reply:
    after = int(request.query.get("after", "0"))
    return json_reply([entry.as_json() for entry in platform.ledger.entries()[after:]])


def _show_tags(platform: Platform, request: Request) -> Reply:
    return json_reply({name: sorted(tags) for name, tags in platform.ledger.tags().items()})


def _reset(platform: Platform, request: Request) -> Reply:
    platform.faults.clear()
    platform.ledger.clear()
    return json_reply({})


def _expire_tokens(platform: Platform, request: Request) -> Reply:
    platform.expire_tokens()
    return json_reply({})


def _show_home(platform: Platform, request: Request) -> Reply:
    return _html(page.home(platform))


def _show_forms(platform: Platform, request: Request) -> Reply:
    return _html(page.forms(platform))


def _switch_on(platform: Platform, request: Request) -> Reply:
    platform.faults.add(**page.fault_from_form(request.form()))
    return _home()


def _switch_off(platform: Platform, request: Request) -> Reply:
    if wanted := request.form().get("id"):
        platform.faults.remove(int(wanted))
    else:
        platform.faults.clear()
    return _home()


def _start_over(platform: Platform, request: Request) -> Reply:
    _reset(platform, request)
    return _home()


ACTS: dict[tuple[str, str], Callable[[Platform, Request], Reply]] = {
    ("GET", "/control/faults"): _list_faults,
    ("POST", "/control/faults"): _add_faults,
    ("DELETE", "/control/faults"): _clear_faults,
    ("GET", "/control/ledger"): _show_ledger,
    ("GET", "/control/tags"): _show_tags,
    ("POST", "/control/reset"): _reset,
    ("POST", "/control/expire_tokens"): _expire_tokens,
    ("GET", "/"): _show_home,
    ("GET", "/faults"): _show_forms,
    ("POST", "/faults/on"): _switch_on,
    ("POST", "/faults/off"): _switch_off,
    ("POST", "/start-over"): _start_over,
}
