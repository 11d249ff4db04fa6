"""The faults a person or a test can switch on, and which call meets which. Must not know how a fault is carried out.

    kind              options (defaults)                        what the caller sees                     applied?
    latency           seconds (3)                               the answer comes later                   as without
    close_before_read                                           reset before the body is read            no
    cut                                                         closed before the answer                 no
    status            http_status (500), json (true),           that status                              no
                      retry_after, location
    busy              http_status (200), retry_after            操作频繁,请稍后重试                      no
    token_expired     http_status (200)                         code 100200                              no
    html              http_status (200)                         a web page, as from a login proxy        no
    refuse_all        http_status (200)                         code 100500                              no
    refuse_rows       field, equals or contains,                code 100500 when one row matches         no
                      http_status (200)
    refuse_empty      http_status (500), json (true)            a call without rows gets that status      no
    too_large         max_bytes (65536)                         a proxy's page with 413 when the body     no
                                                                is longer
    apply_half        http_status (500)                         that status                              first half
    apply_then_hang   seconds (60)                              nothing for so long, then the answer     yes
    apply_then_cut                                              closed before the answer                 yes
    truncated_json                                              half of the answer                       yes
    slow_drip         seconds (1), for each byte                the answer, byte by byte                 yes
    remarks           error_code (PARTIAL_FAIL), failed (3),    code 200 with that errorCode, and data   all but the
                      success (null)                            that lists so many rows as failed        last `failed`

`times` (null: until switched off) and `on` ("batch", "token" or "all") go with every kind.
"""

import itertools
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tagsync.sandbox.contract import CUSTOMER_ID_KEYS, MAX_ROWS

_NUMBER = (int, float)
_DEFAULTS: dict[str, dict[str, Any]] = {
    "latency": {"seconds": 3},
    "close_before_read": {},
    "cut": {},
    "status": {"http_status": 500, "json": True, "retry_after": None, "location": None},
    "busy": {"http_status": 200, "retry_after": None},
    "token_expired": {"http_status": 200},
    "html": {"http_status": 200},
    "refuse_all": {"http_status": 200},
    "refuse_rows": {"field": "phone", "equals": None, "contains": None, "http_status": 200},
    "refuse_empty": {"http_status": 500, "json": True},
    "too_large": {"max_bytes": 65536},
    "apply_half": {"http_status": 500},
    "apply_then_hang": {"seconds": 60},
    "apply_then_cut": {},
    "truncated_json": {},
    "slow_drip": {"seconds": 1},
    "remarks": {"error_code": "PARTIAL_FAIL", "failed": 3, "success": None},
}
KINDS = tuple(_DEFAULTS)
# Met by what a call carries, not by the next call whatever it is.
_BY_ROWS = ("refuse_rows", "refuse_empty", "too_large")
FIELDS = ("audienceUserId", "openid", "unionid", "phone", "tags")


@dataclass(frozen=True)
class Fault:
    id: int
    kind: str
    times: int | None
    on: str
    options: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        return {"id": self.id, "kind": self.kind, "times": self.times, "on": self.on, **self.options}

    def hits(self, call: str) -> bool:
        return self.on in (call, "all")

    def matches(self, rows: list[dict[str, str]]) -> bool:
        """For the kinds that depend on the rows of a call."""
        if self.kind == "refuse_empty":
            return not rows
        return self.kind == "refuse_rows" and any(map(self.matches_row, rows))

    def matches_row(self, row: Mapping[str, str]) -> bool:
        """For refuse_rows: whether this row is one of those the platform doesn't like."""
        field, equals, contains = (self.options[name] for name in ("field", "equals", "contains"))
        keys = CUSTOMER_ID_KEYS if field == "audienceUserId" else (field,)
        texts = [row[key] for key in keys if key in row]
        if equals is not None:
            return any(equals in (text, *text.split(",")) for text in texts)
        return any(contains in text for text in texts)


class Faults:
    """The faults that are switched on, oldest first; shared by the threads of the server."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ids = itertools.count(1)
        self._active: list[Fault] = []

    def add(self, kind: str, *, times: int | None = None, on: str = "batch", **options: Any) -> Fault:
        """Raises: ValueError for an unknown kind or option, or a value of the wrong type."""
        _check(kind, times, on, options)
        fault = Fault(next(self._ids), kind, times, on, {**_DEFAULTS[kind], **options})
        with self._lock:
            self._active.append(fault)
        return fault

    def add_all(self, wanted: list[Any]) -> None:
        """All of them or none. Raises: ValueError as `add`, TypeError for what isn't even an object."""
        trial = Faults()
        for one in wanted:
            trial.add(**one)
        for one in wanted:
            self.add(**one)

    def active(self) -> list[Fault]:
        with self._lock:
            return list(self._active)

    def remove(self, fault_id: int) -> None:
        with self._lock:
            self._active = [fault for fault in self._active if fault.id != fault_id]

    def clear(self) -> None:
        with self._lock:
            self._active = []

    def take(self, call: str) -> tuple[float, Fault | None]:
        """For a call that begins: seconds of latency, and the first fault in its way. Both count as used."""
        with self._lock:
            hits = [fault for fault in self._active if fault.hits(call) and fault.kind not in _BY_ROWS]
            delays = [fault for fault in hits if fault.kind == "latency"]
            fault = next((fault for fault in hits if fault.kind != "latency"), None)
            for used in (*delays, *([fault] if fault else [])):
                self._use(used)
        return sum(delay.options["seconds"] for delay in delays), fault

    def take_refusal(self, rows: list[dict[str, str]]) -> Fault | None:
        """The first fault that is met by these rows, or by there being none; counts as used."""
        with self._lock:
            for fault in self._active:
                if fault.kind in _BY_ROWS and fault.matches(rows):
                    self._use(fault)
                    return fault
        return None

    def take_too_large(self, body_bytes: int) -> Fault | None:
        """The first fault that finds a body of this length too long; counts as used."""
        with self._lock:
            for fault in self._active:
                if fault.kind == "too_large" and body_bytes > fault.options["max_bytes"]:
                    self._use(fault)
                    return fault
        return None

    def _use(self, used: Fault) -> None:
        if used.times is None:
            return
        index = next(index for index, fault in enumerate(self._active) if fault.id == used.id)
        if used.times > 1:
            self._active[index] = replace(used, times=used.times - 1)
        else:
            del self._active[index]


def _check(kind: str, times: Any, on: Any, options: Mapping[str, Any]) -> None:
    if kind not in KINDS:
        raise ValueError(f"kind: one of {', '.join(KINDS)}")
    if times is not None and (type(times) is not int or times < 1):
        raise ValueError("times: a number from 1, or null")
    if on not in ("batch", "token", "all"):
        raise ValueError("on: batch, token or all")
    for name, value in options.items():
        if name not in _DEFAULTS[kind]:
            raise ValueError(f"{name}: unknown option of {kind}")
        _check_option(name, value)
    if kind == "refuse_rows" and not (options.get("equals") or options.get("contains")):
        raise ValueError("refuse_rows: equals or contains is needed")


def _check_option(name: str, value: Any) -> None:
    right = {
        "seconds": isinstance(value, _NUMBER) and 0 <= value <= 3600,
        "http_status": type(value) is int and 200 <= value <= 599,
        "json": isinstance(value, bool),
        "failed": type(value) is int and 0 <= value <= MAX_ROWS,
        "max_bytes": type(value) is int and value >= 0,
        "error_code": isinstance(value, str) and value.isprintable(),
        "success": value is None or isinstance(value, bool),
        "field": value in FIELDS,
    }.get(name, value is None or isinstance(value, int) or (isinstance(value, str) and value.isprintable()))
    if not right:
        raise ValueError(f"{name}: wrong value")
