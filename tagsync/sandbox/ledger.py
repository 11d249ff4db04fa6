"""What the stand-in was asked and what came of it: a list, a file of JSON lines, and each customer's tags.

The tags follow from the list alone, so they are rebuilt from the file at the start. Knows no HTTP and no faults.
"""

import json
import os
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tagsync.sandbox.contract import CUSTOMER_ID_KEYS

# Source: page 986553. Way 2 of the oldest revision; nothing else in the stand-in depends on it.
_WAYS = {
    1: ("unionid", "openid", "phone", "customer_id"),
    2: ("phone", "unionid", "openid", "customer_id"),
}
_START = b'{"number":'
_BODY = b',"body":'
_NAMING = ("customer_id", "openid", "unionid", "phone")


@dataclass(frozen=True)
class Entry:
    """One batch request. `http_status` None: the connection was cut. `body` None: not JSON, or not read."""

    number: int
    time: str
    token_ok: bool
    http_status: int | None
    code: str
    message: str
    fault: str
    applied_rows: int
    operation: str
    row_count: int
    body: bytes | None

    @property
    def applied(self) -> bool:
        return self.applied_rows > 0

    @property
    def rows(self) -> list[dict[str, str]]:
        """The rows as sent, in order; parsed at each look, so that a long ledger stays small."""
        body = json.loads(self.body) if self.body else None
        data = body.get("data") if isinstance(body, dict) else None
        return data if isinstance(data, list) else []

    def as_json(self) -> dict[str, Any]:
        found = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "body"}
        return {
            **found,
            "applied": self.applied,
            "body": None if self.body is None else json.loads(self.body),
        }


class Customers:
    """Who has which tags. Two rows are one customer when the strongest identifier they have in common says so."""

    def __init__(self) -> None:
        self.tags: dict[str, set[str]] = {}  # by name, the customer touched last at the end
        self._names: dict[tuple[str, str], str] = {}

    def apply(self, params: Mapping[str, Any], rows: Iterable[Mapping[str, str]]) -> None:
        way = _WAYS[params.get("identifyWay", 1)]
        for row in rows:
            identifiers = _identifiers(row)
            tags = {tag.strip() for tag in row["tags"].split(",")}
            if params["optType"] == "add":
                name = self._find(identifiers, way) or self._new_name(identifiers)
                for identifier in identifiers.items():
                    self._names.setdefault(identifier, name)
                self.tags[name] = self.tags.pop(name, set()) | tags
            elif found := self._find(identifiers, way):
                self.tags[found] = self.tags.pop(found) - tags

    def _find(self, identifiers: Mapping[str, str], way: tuple[str, ...]) -> str | None:
        for kind in way:
            if kind in identifiers and (name := self._names.get((kind, identifiers[kind]))):
                return name
        return None

    def _new_name(self, identifiers: Mapping[str, str]) -> str:
        kind = next(kind for kind in _NAMING if kind in identifiers)
        name = identifiers[kind]
        return f"{kind}:{name}" if name in self.tags else name


class Ledger:
    """The entries and the customers; every method may be called by any thread."""

    def __init__(self, path: Path | None) -> None:
        self._lock = threading.Lock()
        self._entries: list[Entry] = []
        self._customers = Customers()
        self._file: Any = None
        if path is not None:
            whole = self._load(path) if path.exists() else 0
            self._file = _open(path)
            # A line cut short by a kill was never answered; what comes next must not be glued to it.
            self._file.truncate(whole)

    def entries(self) -> list[Entry]:
        with self._lock:
            return list(self._entries)

    def tags(self) -> dict[str, set[str]]:
        with self._lock:
            return {name: set(tags) for name, tags in self._customers.tags.items()}

    def record(self, body: Any, raw: bytes | None, applied_rows: int = 0, **facts: Any) -> Entry:
        """Writes one request down and applies its first rows; the order of entries is that of applying."""
        data = body.get("data") if isinstance(body, dict) else None
        params = body.get("publicParams") if isinstance(body, dict) else None
        operation = params.get("optType") if isinstance(params, dict) else None
        with self._lock:
            entry = Entry(
                number=len(self._entries) + 1,
                time=datetime.now(UTC).isoformat(timespec="milliseconds"),
                applied_rows=applied_rows,
                operation=operation if isinstance(operation, str) else "",
                row_count=len(data) if isinstance(data, list) else 0,
                body=None if body is None else raw,
                **facts,
            )
            self._write(entry, body)
            self._entries.append(entry)
            if applied_rows:
                self._customers.apply(body["publicParams"], body["data"][:applied_rows])
        return entry

    def clear(self) -> None:
        with self._lock:
            self._entries = []
            self._customers = Customers()
            if self._file:
                self._file.truncate(0)

    def close(self) -> None:
        with self._lock:
            if self._file:
                self._file.close()
                self._file = None

    def _write(self, entry: Entry, body: Any) -> None:
        if self._file is None:
            return
        facts = {name: getattr(entry, name) for name in entry.__dataclass_fields__ if name != "body"}
        line = json.dumps({**facts, "body": body}, ensure_ascii=False, separators=(",", ":"))
        # A lone surrogate can't be UTF-8; written as \ud800 it is still the same JSON.
        self._file.write(line.encode("utf-8", "backslashreplace") + b"\n")

    def _load(self, path: Path) -> int:
        whole = 0
        with path.open("rb") as lines:
            for line in lines:
                try:
                    if not line.endswith(b"\n") and line.startswith(_START[: len(line)]):
                        break
                    self._replay(line)
                except (ValueError, KeyError, TypeError):
                    raise ValueError(f"{path.name} is not a ledger of the sandbox") from None
                whole += len(line)
        return whole

    def _replay(self, line: bytes) -> None:
        facts = json.loads(line)
        body = facts.pop("body")
        # The body stands last, and inside of texts quotes are escaped: what follows its name is the body itself.
        raw = None if body is None else line[line.index(_BODY) + len(_BODY) :].rstrip()[:-1]
        self._entries.append(Entry(body=raw, **facts))
        if facts["applied_rows"]:
            self._customers.apply(body["publicParams"], body["data"][: facts["applied_rows"]])


def _open(path: Path) -> Any:
    # Unbuffered: what was answered must be in the file when this process is killed. 600: it holds phone numbers.
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab", buffering=0)


def _identifiers(row: Mapping[str, str]) -> dict[str, str]:
    found = {key: row[key] for key in ("openid", "unionid", "phone") if key in row}
    for key in CUSTOMER_ID_KEYS:
        if key in row:
            found["customer_id"] = row[key]
    return found
